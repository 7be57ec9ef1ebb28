package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"image/color"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mflow/datasets"
	"mflow/divergence"
	"mflow/flow"
	"mflow/internal/figure"
	"mflow/manifold"
)

type plotOptions struct {
	projection  string
	center      []float64
	data        bool
	samples     string
	most        int
	colormap    string
	title       string
	curves      string
	reliability bool
	out         string
}

func (a *app) plotCmd() *cobra.Command {
	o := &plotOptions{}
	cmd := &cobra.Command{
		Use:   "plot [MODEL]",
		Short: "Draw maps, tori, training curves and reliability",
		Long: `Draw the density of a model: a map of the globe with coastlines, the square of two
angles of a flat torus, or a shaded torus of revolution; with its data or samples
on top. Or draw how a run went (--curves), or how well predicted masses of cells
agree with test points (--reliability).

The file's extension says the format: .png, .svg or .pdf.`,
		Example: `  mflow plot model.mflow -o map.png
  mflow plot model.mflow --data --projection orthographic --center 36,138 -o japan.pdf
  mflow plot model.mflow --samples samples.csv -o map.svg
  mflow plot --curves model.run -o curves.png
  mflow plot model.mflow --reliability -o reliability.png`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.plot(cmd, args, o) },
	}
	flags(cmd, "Map", func(fs *pflag.FlagSet) {
		fs.StringVar(&o.projection, "projection", "mollweide", "mollweide, orthographic or equirectangular")
		listVar(fs, &o.center, "center", []float64{0, 0}, "LAT,LON in the middle of the map")
		fs.StringVar(&o.colormap, "colormap", "viridis", "viridis, magma or cividis")
		fs.StringVar(&o.title, "title", "", "title (default the data's name)")
	})
	flags(cmd, "Points", func(fs *pflag.FlagSet) {
		fs.BoolVar(&o.data, "data", false, "draw the model's data too")
		fs.StringVar(&o.samples, "samples", "", "draw the points of a `file` too")
		fs.IntVar(&o.most, "most", 3000, "draw at most so many points of each")
	})
	flags(cmd, "Instead of the density", func(fs *pflag.FlagSet) {
		fs.StringVar(&o.curves, "curves", "", "training curves of a run's `directory`")
		fs.BoolVar(&o.reliability, "reliability", false, "observed against predicted mass of cells of 10 degrees")
	})
	flags(cmd, "Output", func(fs *pflag.FlagSet) {
		fs.StringVarP(&o.out, "output", "o", "", "`file` to write: .png, .svg or .pdf")
	})
	return cmd
}

func (a *app) plot(cmd *cobra.Command, args []string, o *plotOptions) error {
	if (len(args) == 0) == (o.curves == "") {
		return usagef("give a model to draw, or --curves with the directory of a run")
	}
	if o.out == "" {
		return usagef("no file to draw into; give it by -o map.png")
	}
	if _, err := extension(o.out, figure.Formats...); err != nil {
		return err
	}
	fig, err := o.figure(cmd, args)
	if err != nil {
		return err
	}
	if err := figure.Save(o.out, fig); err != nil {
		return err
	}
	return a.emit(struct {
		Output string `json:"output"`
	}{o.out}, func(w io.Writer) { fmt.Fprintln(w, o.out) })
}

// figure makes the figure that the flags ask for.
func (o *plotOptions) figure(cmd *cobra.Command, args []string) (figure.Figure, error) {
	if o.curves != "" {
		return curves(o.curves, o.title)
	}
	f, err := flow.Load(args[0])
	if err != nil {
		return nil, err
	}
	src := source{offline: true, points: 5000, fractions: []float64{0.8, 0.1, 0.1}}
	var pts *points
	if o.data || o.reliability {
		// --data is a switch here, so the source must not take it for a name.
		if pts, err = src.loadFor(&cobra.Command{}, args[0], f); err != nil {
			return nil, err
		}
	}
	if o.title == "" {
		o.title = args[0]
		if f.Data != nil {
			o.title = f.Data.Source
		}
	}
	if o.reliability {
		return reliability(f, pts, o.title)
	}
	colors, err := figure.ParseColormap(o.colormap)
	if err != nil {
		return nil, &usageError{err}
	}
	marks, err := o.marks(f.Manifold, pts)
	if err != nil {
		return nil, err
	}
	return o.density(f, colors, marks)
}

// density draws the density on the figure of its manifold.
func (o *plotOptions) density(f *flow.Flow, colors figure.Colormap, marks []marked) (figure.Figure, error) {
	d := divergence.New(f)
	at := func(x []float64, n int) []float64 {
		p := make([]float64, n)
		d.LogProb(p, x)
		for i, v := range p {
			p[i] = math.Exp(v)
		}
		return p
	}
	switch m := f.Manifold.(type) {
	case manifold.Sphere:
		if m.N != 2 {
			break
		}
		if len(o.center) != 2 || math.Abs(o.center[0]) > 90 || math.Abs(o.center[1]) > 360 {
			return nil, usagef("--center is %v, want LAT,LON in degrees", o.center)
		}
		p, err := figure.ParseProjection(o.projection, o.center[0], o.center[1])
		if err != nil {
			return nil, &usageError{err}
		}
		g := &figure.Globe{Title: o.title, Projection: p, Unit: "probability per steradian", Colormap: colors}
		g.Density = func(q [][2]float64) []float64 {
			x := make([]float64, 0, 3*len(q))
			for _, v := range q {
				p := manifold.FromLatLon(v[0], v[1])
				x = append(x, p[:]...)
			}
			return at(x, len(q))
		}
		for _, k := range marks {
			var q [][2]float64
			for i := 0; i < len(k.x); i += 3 {
				lat, lon := manifold.LatLon(k.x[i : i+3])
				q = append(q, [2]float64{lat, lon})
			}
			g.Points = append(g.Points, figure.Points{Name: k.name, At: q, Color: k.color, Size: 0.8})
		}
		return g, nil
	case manifold.Torus:
		if m.N != 2 {
			break
		}
		p := &figure.Plane{Title: o.title, X: "first angle", Y: "second angle", Unit: "probability per square radian", Colormap: colors}
		if f.Data != nil && f.Data.Source == "torsion" {
			p.X, p.Y = "φ", "ψ"
		}
		p.Density = func(q [][2]float64) []float64 {
			x := make([]float64, 0, 2*len(q))
			for _, v := range q {
				a := [2]float64{radians(v[0]), radians(v[1])}
				m.Project(a[:])
				x = append(x, a[:]...)
			}
			return at(x, len(q))
		}
		for _, k := range marks {
			var q [][2]float64
			for i := 0; i < len(k.x); i += 2 {
				q = append(q, [2]float64{k.x[i] * 180 / math.Pi, k.x[i+1] * 180 / math.Pi})
			}
			p.Points = append(p.Points, figure.Points{Name: k.name, At: q, Color: k.color, Size: 0.7})
		}
		return p, nil
	case manifold.Revolution:
		r := &figure.Ring{Title: o.title, Major: m.Major, Minor: m.Minor, Unit: "probability per unit of area", Colormap: colors}
		r.Density = func(q [][3]float64) []float64 {
			x := make([]float64, 0, 3*len(q))
			for _, v := range q {
				m.Project(v[:])
				x = append(x, v[:]...)
			}
			return at(x, len(q))
		}
		for _, k := range marks {
			for i := 0; i < len(k.x); i += 3 {
				r.Points = append(r.Points, [3]float64{k.x[i], k.x[i+1], k.x[i+2]})
			}
		}
		return r, nil
	}
	return nil, fmt.Errorf("plot: there is no picture of a density on %s, only on sphere, torus and revolution", f.Manifold)
}

// marked is points to draw on a density.
type marked struct {
	name  string
	x     []float64
	color color.Color
}

// marks gathers the points to draw, thinned at random if there are too many.
func (o *plotOptions) marks(m manifold.Manifold, pts *points) ([]marked, error) {
	var out []marked
	thin := func(name string, s *datasets.Set, c color.Color) {
		rows := rand.New(rand.NewPCG(0, 0)).Perm(s.N())
		if len(rows) > o.most {
			rows = rows[:o.most]
			name = fmt.Sprintf("%s (%d of %d)", name, o.most, s.N())
		}
		out = append(out, marked{name, s.Points(rows), c})
	}
	if o.data {
		thin("data", pts.set, color.NRGBA{0xff, 0x6a, 0x3d, 190})
	}
	if o.samples != "" {
		s, err := datasets.Read(o.samples, m, datasets.Options{Radians: true})
		if err != nil {
			return nil, err
		}
		thin("samples", s, color.NRGBA{0xff, 0xff, 0xff, 190})
	}
	return out, nil
}

// curves reads the metrics of a run.
func curves(dir, title string) (figure.Figure, error) {
	path := filepath.Join(dir, "metrics.jsonl")
	if filepath.Ext(dir) == ".mflow" {
		path = filepath.Join(runDirOf(dir), "metrics.jsonl")
	}
	r, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("plot: %w; want the directory of a run, as model.run", err)
	}
	defer r.Close()
	c := &figure.Curves{Title: title}
	if title == "" {
		c.Title = strings.TrimSuffix(filepath.Base(filepath.Dir(path)), ".run")
	}
	value := func(v *real) float64 {
		if v == nil {
			return math.NaN()
		}
		return float64(*v)
	}
	sc := bufio.NewScanner(r)
	for line := 1; sc.Scan(); line++ {
		var m row
		if err := json.Unmarshal(sc.Bytes(), &m); err != nil {
			return nil, fmt.Errorf("plot: %s:%d: %w", path, line, err)
		}
		if m.TrainNLL == nil {
			continue
		}
		c.Step = append(c.Step, float64(m.Step))
		c.Train = append(c.Train, value(m.TrainNLL))
		c.Z = append(c.Z, value(m.Z))
		if m.ValNLL != nil {
			c.Val = append(c.Val, value(m.ValNLL))
			c.ValSE = append(c.ValSE, value(m.ValSE))
		}
		if m.Best {
			c.Best = float64(m.Step)
		}
	}
	if len(c.Step) == 0 {
		return nil, errors.Join(sc.Err(), fmt.Errorf("plot: %s holds no validation yet", path))
	}
	return c, sc.Err()
}
