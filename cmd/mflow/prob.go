package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mflow/divergence"
	"mflow/flow"
	"mflow/manifold"
)

type probOptions struct {
	cap, box, polygon string
	points            int
}

func (a *app) probCmd() *cobra.Command {
	o := &probOptions{}
	cmd := &cobra.Command{
		Use:   "prob MODEL (--cap LAT,LON,RADIUS | --box S,W,N,E | --polygon FILE)",
		Short: "Integrate the density over a region of the globe",
		Long: `Integrate the density of a model on the sphere over a cap, a box of latitude and
longitude, or a polygon, with the standard error of the integral.

It is the probability that one more event, like those the model was trained on,
happens in the region. It says nothing on when. Beside it stand the region's
share of the globe and its share of the catalogue.`,
		Example: `  mflow prob model.mflow --cap 35.7,139.7,300km
  mflow prob model.mflow --box 30,130,46,146 --json
  mflow prob model.mflow --polygon "42,12;44,15;38,18;36,14"
  mflow prob model.mflow --polygon italy.geojson`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.prob(cmd, args[0], o) },
	}
	flags(cmd, "Region", func(fs *pflag.FlagSet) {
		fs.StringVar(&o.cap, "cap", "", "centre and radius: LAT,LON,300km (or deg, rad)")
		fs.StringVar(&o.box, "box", "", "SOUTH,WEST,NORTH,EAST in degrees")
		fs.StringVar(&o.polygon, "polygon", "", "vertices LAT,LON;LAT,LON;… or a GeoJSON `file`")
		fs.IntVar(&o.points, "points", 100000, "points of the integral")
	})
	return cmd
}

// region reads the region of the flags.
func (o *probOptions) region() (manifold.Region, error) {
	given := 0
	for _, s := range []string{o.cap, o.box, o.polygon} {
		if s != "" {
			given++
		}
	}
	if given != 1 {
		return nil, usagef("give one of --cap, --box and --polygon")
	}
	switch {
	case o.cap != "":
		r, err := manifold.ParseCap(o.cap)
		if err != nil {
			return nil, &usageError{err}
		}
		return r, nil
	case o.box != "":
		r, err := manifold.ParseLatLonBox(o.box)
		if err != nil {
			return nil, &usageError{err}
		}
		return r, nil
	}
	v, err := vertices(o.polygon)
	if err != nil {
		return nil, err
	}
	r, err := manifold.NewPolygon(v)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// vertices reads LAT,LON;LAT,LON;… or the outer ring of the first polygon of a
// GeoJSON file.
func vertices(s string) ([][2]float64, error) {
	if raw, err := os.ReadFile(s); err == nil {
		return geoJSONRing(s, raw)
	}
	var v [][2]float64
	for _, p := range strings.Split(s, ";") {
		a, b, ok := strings.Cut(p, ",")
		lat, err1 := strconv.ParseFloat(strings.TrimSpace(a), 64)
		lon, err2 := strconv.ParseFloat(strings.TrimSpace(b), 64)
		if !ok || err1 != nil || err2 != nil {
			return nil, usagef("--polygon: %q is neither a vertex LAT,LON nor a file", p)
		}
		v = append(v, [2]float64{lat, lon})
	}
	return v, nil
}

func geoJSONRing(path string, raw []byte) ([][2]float64, error) {
	type geometry struct {
		Type        string
		Coordinates json.RawMessage
	}
	var g struct {
		geometry
		Geometry *geometry
		Features []struct{ Geometry geometry }
	}
	if err := json.Unmarshal(raw, &g); err != nil {
		return nil, fmt.Errorf("%s: %w; want GeoJSON with a Polygon", path, err)
	}
	found := g.geometry
	if g.Geometry != nil {
		found = *g.Geometry
	}
	if len(g.Features) > 0 {
		found = g.Features[0].Geometry
	}
	var rings [][][]float64
	if found.Type != "Polygon" || json.Unmarshal(found.Coordinates, &rings) != nil || len(rings) == 0 {
		return nil, fmt.Errorf("%s: its first geometry is of type %q, want a Polygon", path, found.Type)
	}
	var v [][2]float64
	for i, p := range rings[0] {
		if len(p) < 2 {
			return nil, fmt.Errorf("%s: vertex %d has %d coordinates, want longitude and latitude", path, i+1, len(p))
		}
		v = append(v, [2]float64{p[1], p[0]})
	}
	return v, nil
}

func (a *app) prob(cmd *cobra.Command, path string, o *probOptions) error {
	region, err := o.region()
	if err != nil {
		return err
	}
	if o.points < 100 {
		return usagef("--points is %d, want at least 100", o.points)
	}
	f, err := flow.Load(path)
	if err != nil {
		return err
	}
	if s, ok := f.Manifold.(manifold.Sphere); !ok || s.N != 2 {
		return fmt.Errorf("prob: %s is a model on %s; regions are of the sphere", path, f.Manifold)
	}
	p, se := integrate(f, region, o.points, rand.New(rand.NewPCG(a.seed, regionStream)))
	uniform := region.Area() / (4 * math.Pi)
	share := catalogue(cmd, path, f, region)
	return a.emit(struct {
		P         float64  `json:"p"`
		PSE       float64  `json:"p_se"`
		Uniform   float64  `json:"uniform"`
		Catalogue *float64 `json:"catalogue"`
		Region    string   `json:"region"`
	}{p, se, uniform, share, region.String()}, func(w io.Writer) {
		fmt.Fprintf(w, "%s: probability %.4g ±%.1g that an event of this kind happens here\n", region, p, se)
		fmt.Fprintf(w, "a uniform globe would give %.4g\n", uniform)
		if share != nil {
			fmt.Fprintf(w, "of the catalogue it holds %.4g\n", *share)
		}
	})
}

// integrate returns the mass of a region and its standard error, by points that
// are uniform in the region, stratified in area along a bounding cap or box.
func integrate(f *flow.Flow, r manifold.Region, n int, rnd *rand.Rand) (p, se float64) {
	x := make([]float64, 0, 3*n)
	draw := sampler(r)
	for len(x) < 3*n {
		q := draw(rnd)
		if r.Contains(q[:]) {
			x = append(x, q[:]...)
		}
	}
	lp := make([]float64, n)
	divergence.New(f).LogProb(lp, x)
	var sum, sq float64
	for _, l := range lp {
		v := math.Exp(l)
		sum += v
		sq += v * v
	}
	mean := sum / float64(n)
	variance := math.Max(0, sq/float64(n)-mean*mean) // of a constant density rounding may make it negative
	area := r.Area()
	// The normaliser's own error adds to that of the mean.
	p = area * mean
	return p, math.Hypot(area*math.Sqrt(variance/float64(n)), p*f.ZSE/f.Z)
}

// sampler returns a source of points uniform on a set that holds the region:
// the region itself for caps and boxes, a cap about it for polygons.
func sampler(r manifold.Region) func(rnd *rand.Rand) [3]float64 {
	switch r := r.(type) {
	case manifold.Cap:
		E := make([]float64, 6)
		manifold.Sphere{N: 2}.Frame(E, r.Center[:])
		return func(rnd *rand.Rand) (p [3]float64) {
			// 1 - cos is uniform on a cap.
			s := math.Sin(r.Radius / 2)
			w := 2 * s * s * rnd.Float64()
			sin := math.Sqrt(w * (2 - w))
			b, c := math.Sincos(2 * math.Pi * rnd.Float64())
			for i := range p {
				p[i] = (1-w)*r.Center[i] + sin*(c*E[i]+b*E[3+i])
			}
			return p
		}
	case manifold.LatLonBox:
		lo, hi := math.Sin(radians(r.South)), math.Sin(radians(r.North))
		width := r.Area() / (hi - lo) * 180 / math.Pi
		return func(rnd *rand.Rand) [3]float64 {
			lat := math.Asin(lo+(hi-lo)*rnd.Float64()) * 180 / math.Pi
			return manifold.FromLatLon(lat, r.West+width*rnd.Float64())
		}
	case manifold.Polygon:
		return sampler(r.Bound())
	}
	return func(rnd *rand.Rand) (p [3]float64) {
		manifold.Sphere{N: 2}.Rand(p[:], rnd)
		return p
	}
}

// catalogue returns the share of the model's data in the region, or nil if they
// are not at hand.
func catalogue(cmd *cobra.Command, path string, f *flow.Flow, r manifold.Region) *float64 {
	p, err := (source{offline: true, points: 5000, fractions: []float64{0.8, 0.1, 0.1}}).loadFor(cmd, path, f)
	if err != nil {
		return nil
	}
	in := 0
	for i := range p.set.N() {
		if r.Contains(p.set.At(i)) {
			in++
		}
	}
	share := float64(in) / float64(p.set.N())
	return &share
}
