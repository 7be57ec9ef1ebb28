package manifold

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestRegions compares areas and membership with uniform points.
func TestRegions(t *testing.T) {
	triangle := func(v ...[2]float64) Region {
		p, err := NewPolygon(v)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	var ring [][2]float64
	for lon := 0.0; lon < 360; lon += 15 {
		ring = append(ring, [2]float64{60, lon})
	}
	for _, c := range []struct {
		r       Region
		in, out [2]float64
	}{
		{Cap{FromLatLon(35, 139), 0.5}, [2]float64{35, 139}, [2]float64{-35, -41}},
		{Cap{FromLatLon(90, 0), 3}, [2]float64{-60, 10}, [2]float64{-89, 10}},
		{LatLonBox{-10, 170, 20, -160}, [2]float64{0, 180}, [2]float64{0, 0}},
		{LatLonBox{-90, -180, 0, 180}, [2]float64{-1, 77}, [2]float64{1, 77}},
		{triangle([2]float64{0, 0}, [2]float64{0, 90}, [2]float64{90, 0}), [2]float64{30, 45}, [2]float64{-1, 45}},
		{triangle([2]float64{0, 90}, [2]float64{0, 0}, [2]float64{90, 0}), [2]float64{30, 45}, [2]float64{-1, 45}},
		{triangle([2]float64{-10, 170}, [2]float64{-10, -170}, [2]float64{20, 180}), [2]float64{0, 180}, [2]float64{0, 0}},
		{triangle(ring...), [2]float64{85, 12}, [2]float64{50, 12}},
		{triangle([2]float64{0, 0}, [2]float64{0, 20}, [2]float64{20, 20}, [2]float64{20, 0}, [2]float64{10, 10}), [2]float64{5, 10}, [2]float64{10, 5}},
	} {
		for _, p := range []struct {
			at   [2]float64
			want bool
		}{{c.in, true}, {c.out, false}} {
			x := FromLatLon(p.at[0], p.at[1])
			if got := c.r.Contains(x[:]); got != p.want {
				t.Errorf("%v contains %v: %v", c.r, p.at, got)
			}
		}
		rnd := rand.New(rand.NewPCG(5, 5))
		const n = 40000
		x, hits := make([]float64, 3), 0
		for range n {
			Sphere{2}.Rand(x, rnd)
			if c.r.Contains(x) {
				hits++
			}
		}
		share := c.r.Area() / (4 * math.Pi)
		if se := math.Sqrt(share * (1 - share) / n); math.Abs(float64(hits)/n-share) > 4*se {
			t.Errorf("%v holds %.4f of uniform points, and its area is %.4f ± %.4f", c.r, float64(hits)/n, share, se)
		}
	}
}

func TestRegionErrors(t *testing.T) {
	for _, s := range []string{"", "1,2", "1,2,3", "91,0,1km", "0,0,-1km", "0,0,30000km", "x,0,1km", "0,0,kmkm"} {
		if c, err := ParseCap(s); err == nil {
			t.Errorf("cap %q was read as %v", s, c)
		}
	}
	for _, s := range []string{"", "1,2,3", "10,0,5,9", "0,0,91,9", "0,5,9,5", "a,0,1,1"} {
		if b, err := ParseLatLonBox(s); err == nil {
			t.Errorf("box %q was read as %v", s, b)
		}
	}
	for _, v := range [][][2]float64{nil, {{0, 0}, {0, 1}}, {{0, 0}, {0, 0}, {0, 1}, {0, 0}}, {{0, 0}, {0, 180}, {5, 5}}, {{0, 0}, {95, 0}, {5, 5}}} {
		if p, err := NewPolygon(v); err == nil {
			t.Errorf("polygon %v was read as %v", v, p)
		}
	}
}
