package main

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mflow/datasets"
	"mflow/divergence"
	"mflow/flow"
	"mflow/internal/atomicfile"
	"mflow/internal/export"
	"mflow/manifold"
)

type densityOptions struct {
	points  string
	grid    string
	columns []string
	out     string
}

func (a *app) densityCmd() *cobra.Command {
	o := &densityOptions{}
	cmd := &cobra.Command{
		Use:   "density MODEL (--points FILE | --grid STEP)",
		Short: "Evaluate the density at points or on a grid",
		Long: `Evaluate the normalised density of a model at the points of a file, or on a
regular grid of the sphere or of the flat torus T².

Beside the density, per steradian or per unit of volume, stands its logarithm in
nats. A grid goes to NetCDF with CF conventions, NPZ or CSV; points to CSV, NPZ,
NetCDF or GeoJSON, by the extension of the file.`,
		Example: `  mflow density model.mflow --points stations.csv -o density.csv
  mflow density model.mflow --grid 1deg -o density.nc`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return a.density(args[0], o) },
	}
	flags(cmd, "Where", func(fs *pflag.FlagSet) {
		fs.StringVar(&o.points, "points", "", "`file` of points, as mflow train reads them")
		fs.StringVar(&o.grid, "grid", "", "step of a regular grid, as 1deg or 0.25deg")
		fs.StringSliceVar(&o.columns, "columns", nil, "columns of the file by name or number")
	})
	flags(cmd, "Output", func(fs *pflag.FlagSet) {
		fs.StringVarP(&o.out, "output", "o", "", "`file` to write (default CSV on standard output)")
	})
	return cmd
}

func (a *app) density(path string, o *densityOptions) error {
	if (o.points == "") == (o.grid == "") {
		return usagef("give either --points FILE or --grid STEP")
	}
	if a.json && o.out == "" {
		return usagef("--json needs -o FILE, since the densities would go to standard output too")
	}
	f, err := flow.Load(path)
	if err != nil {
		return err
	}
	var n int
	if o.points != "" {
		n, err = a.densityAt(f, o)
	} else {
		n, err = a.densityGrid(f, path, o)
	}
	if err != nil || o.out == "" {
		return err
	}
	return a.emit(struct {
		N      int    `json:"n"`
		Output string `json:"output"`
	}{n, o.out}, func(w io.Writer) { fmt.Fprintf(w, "%s: the density at %d points\n", o.out, n) })
}

func (a *app) densityAt(f *flow.Flow, o *densityOptions) (int, error) {
	write, err := tableWriter(o.out)
	if err != nil {
		return 0, err
	}
	set, err := datasets.Read(o.points, f.Manifold, datasets.Options{Columns: o.columns})
	if err != nil {
		return 0, err
	}
	return set.N(), write(a.out, append(columns(f.Manifold, set.X), densityColumns(f, set.X)...))
}

// densityColumns returns the density and its logarithm at points.
func densityColumns(f *flow.Flow, x []float64) []export.Column {
	_, n := f.Manifold.Dims()
	lp := make([]float64, len(x)/n)
	divergence.New(f).LogProb(lp, x)
	p := make([]float64, len(lp))
	for i, v := range lp {
		p[i] = math.Exp(v)
	}
	return []export.Column{
		{Name: "density", Units: densityUnit(f.Manifold), Long: "probability density", Values: p},
		{Name: "log_density", Units: "1", Long: "natural logarithm of the probability density", Values: lp},
	}
}

// densityUnit is the unit of a density, as udunits writes it.
func densityUnit(m manifold.Manifold) string {
	switch m := m.(type) {
	case manifold.Sphere:
		if m.N == 2 {
			return "sr-1"
		}
	case manifold.Torus:
		return fmt.Sprintf("rad-%d", m.N)
	}
	return "1"
}

// A grid is the axes of a regular grid, in degrees, and its points.
type grid struct {
	names [2]string
	axes  [2][]float64 // of the rows, of the columns
	x     []float64
}

// newGrid returns the grid of cell centres with a step in degrees.
func newGrid(m manifold.Manifold, step float64) (*grid, error) {
	g := &grid{names: [2]string{"lat", "lon"}}
	s, sphere := m.(manifold.Sphere)
	t, torus := m.(manifold.Torus)
	switch {
	case sphere && s.N == 2:
		g.axes = [2][]float64{centres(-90, 90, step), centres(-180, 180, step)}
	case torus && t.N == 2:
		g.names = [2]string{"angle1", "angle2"}
		g.axes = [2][]float64{centres(-180, 180, step), centres(-180, 180, step)}
	default:
		return nil, fmt.Errorf("there is no regular grid on %s, only on sphere and torus; give --points", m)
	}
	for _, a := range g.axes[0] {
		for _, b := range g.axes[1] {
			if sphere {
				p := manifold.FromLatLon(a, b)
				g.x = append(g.x, p[:]...)
			} else {
				p := []float64{radians(a), radians(b)}
				m.Project(p)
				g.x = append(g.x, p...)
			}
		}
	}
	return g, nil
}

func centres(lo, hi, step float64) []float64 {
	n := int(math.Round((hi - lo) / step))
	out := make([]float64, n)
	for i := range out {
		out[i] = lo + (float64(i)+0.5)*(hi-lo)/float64(n)
	}
	return out
}

// parseStep reads a step such as 1deg or 0.25, in degrees, that divides 180.
func parseStep(s string) (float64, error) {
	v, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(s), "deg"), 64)
	if err != nil || !(v >= 0.02 && v <= 90) || math.Abs(180/v-math.Round(180/v)) > 1e-9 {
		return 0, usagef("--grid is %q, want a step in degrees that divides 180, as 1deg or 0.25deg", s)
	}
	return v, nil
}

func (a *app) densityGrid(f *flow.Flow, path string, o *densityOptions) (int, error) {
	step, err := parseStep(o.grid)
	if err != nil {
		return 0, err
	}
	g, err := newGrid(f.Manifold, step)
	if err != nil {
		return 0, err
	}
	ext := "csv"
	if o.out != "" {
		if ext, err = extension(o.out, "nc", "npz", "csv"); err != nil {
			return 0, err
		}
	}
	cols := densityColumns(f, g.x)
	if ext == "csv" {
		write, err := tableWriter(o.out)
		if err != nil {
			return 0, err
		}
		place := columns(f.Manifold, g.x)
		return len(cols[0].Values), write(a.out, append(place, cols...))
	}
	fill := func(w io.Writer) error { return export.NetCDF(w, g.dataset(cols, path)) }
	if ext == "npz" {
		fill = func(w io.Writer) error { return export.NPZ(w, g.arrays(cols)) }
	}
	if err := atomicfile.Write(o.out, fill); err != nil {
		return 0, fmt.Errorf("cannot write %s: %w", o.out, err)
	}
	return len(cols[0].Values), nil
}

func (g *grid) arrays(cols []export.Column) []export.Array {
	var as []export.Array
	for i, n := range g.names {
		as = append(as, export.Array{Name: n, Shape: []int{len(g.axes[i])}, Data: g.axes[i]})
	}
	for _, c := range cols {
		as = append(as, export.Array{Name: c.Name, Shape: []int{len(g.axes[0]), len(g.axes[1])}, Data: c.Values})
	}
	return as
}

func (g *grid) dataset(cols []export.Column, model string) export.Dataset {
	d := export.Dataset{Attrs: export.Conventions("density of a Moser flow", "mflow "+flow.Version, "mflow density "+model)}
	for i, n := range g.names {
		d.Dims = append(d.Dims, export.Dim{Name: n, Len: len(g.axes[i])})
		switch n {
		case "lat":
			d.Vars = append(d.Vars, export.Latitude(n, g.axes[i]))
		case "lon":
			d.Vars = append(d.Vars, export.Longitude(n, g.axes[i]))
		default:
			d.Vars = append(d.Vars, export.Var{Name: n, Dims: []string{n}, Data: g.axes[i], Attrs: []export.Attr{{Name: "units", Text: "degree"}}})
		}
	}
	for _, c := range cols {
		d.Vars = append(d.Vars, export.Var{Name: c.Name, Dims: g.names[:], Data: c.Values, Attrs: []export.Attr{
			{Name: "long_name", Text: c.Long}, {Name: "units", Text: c.Units}, {Name: "_FillValue", Value: math.NaN()},
		}})
	}
	return d
}
