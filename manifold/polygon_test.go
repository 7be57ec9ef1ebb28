package manifold

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func polygon(t testing.TB, latlon ...[2]float64) Polygon {
	t.Helper()
	p, err := NewPolygon(latlon)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// star returns a polygon about the point c, star-shaped in the gnomonic plane
// there, and its corners in that plane. Great circles are straight in it, so
// plane geometry is an oracle for every polygon of a hemisphere.
func star(c []float64, size float64, corners int, rnd *rand.Rand) (latlon [][2]float64, plane [][2]float64) {
	E := make([]float64, 6)
	Sphere{2}.Frame(E, c)
	for k := range corners {
		sin, cos := math.Sincos(2 * math.Pi * (float64(k) + 0.8*rnd.Float64()) / float64(corners))
		r := size * (0.1 + rnd.Float64())
		u := [2]float64{r * cos, r * sin}
		x := fromPlane(c, E, u)
		lat, lon := LatLon(x)
		latlon, plane = append(latlon, [2]float64{lat, lon}), append(plane, u)
	}
	return latlon, plane
}

func fromPlane(c, E []float64, u [2]float64) []float64 {
	x := make([]float64, 3)
	for i := range x {
		x[i] = c[i] + u[0]*E[i] + u[1]*E[3+i]
	}
	Sphere{2}.Project(x)
	return x
}

// inPlane counts the edges to the right of u.
func inPlane(plane [][2]float64, u [2]float64) (in bool) {
	for i, a := range plane {
		b := plane[(i+1)%len(plane)]
		if (a[1] > u[1]) != (b[1] > u[1]) && u[0] < a[0]+(u[1]-a[1])/(b[1]-a[1])*(b[0]-a[0]) {
			in = !in
		}
	}
	return in
}

// TestPolygonContains compares with the plane, for polygons from a metre to most
// of a hemisphere, anywhere, poles and antimeridian included, and from every
// first vertex in both senses of rotation.
func TestPolygonContains(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 7))
	centres := [][2]float64{{0, 0}, {90, 0}, {-90, 0}, {0, 180}, {45, -180}, {-89.9, 30}}
	for trial := range 120 {
		c := make([]float64, 3)
		if Sphere.Rand(Sphere{2}, c, rnd); trial < len(centres) {
			x := FromLatLon(centres[trial][0], centres[trial][1])
			c = x[:]
		}
		size := math.Pow(10, -7+7.5*rnd.Float64())
		latlon, plane := star(c, size, 3+rnd.IntN(20), rnd)
		E := make([]float64, 6)
		Sphere{2}.Frame(E, c)
		shifted := slices.Clone(latlon)
		slices.Reverse(shifted)
		k := rnd.IntN(len(shifted))
		shifted = slices.Concat(shifted[k:], shifted[:k], shifted[k:k+1])
		p, q := polygon(t, latlon...), polygon(t, shifted...)
		if math.Abs(p.Area()/q.Area()-1) > 1e-7 { // vertices a metre apart have nine digits
			t.Errorf("area %g, in the other sense %g", p.Area(), q.Area())
		}
		for range 100 {
			u := [2]float64{1.5 * size * rnd.NormFloat64(), 1.5 * size * rnd.NormFloat64()}
			x := fromPlane(c, E, u)
			want := inPlane(plane, u)
			if got := p.Contains(x); got != want {
				t.Errorf("size %g: contains %v: %v, in the plane %v", size, x, got, want)
			}
			if got := q.Contains(x); got != want {
				t.Errorf("size %g, other sense: contains %v: %v, in the plane %v", size, x, got, want)
			}
			opposite := []float64{-x[0], -x[1], -x[2]}
			if p.Contains(opposite) {
				t.Errorf("size %g: contains %v, opposite to its hemisphere", size, opposite)
			}
		}
	}
}

// TestPolygonArea: the sum of the triangles of a star by L'Huilier's formula,
// which knows sides only.
func TestPolygonArea(t *testing.T) {
	rnd := rand.New(rand.NewPCG(8, 8))
	for range 100 {
		c := make([]float64, 3)
		Sphere{2}.Rand(c, rnd)
		size := math.Pow(10, -6+6.5*rnd.Float64())
		latlon, _ := star(c, size, 5+rnd.IntN(20), rnd)
		angle := func(a, b [3]float64) float64 { return 2 * math.Asin(chord(a, b)/2) }
		var want float64
		centre := [3]float64(c)
		for i, v := range latlon {
			w := latlon[(i+1)%len(latlon)]
			x, y := FromLatLon(v[0], v[1]), FromLatLon(w[0], w[1])
			a, b, c := angle(centre, x), angle(centre, y), angle(x, y)
			s := (a + b + c) / 2
			want += 4 * math.Atan(math.Sqrt(math.Tan(s/2)*math.Tan((s-a)/2)*math.Tan((s-b)/2)*math.Tan((s-c)/2)))
		}
		// Coordinates have 1e-16 of the sphere's radius; the oracle loses more of
		// thin triangles.
		if got := polygon(t, latlon...).Area(); math.Abs(got/want-1) > 1e-12+1e-14/size {
			t.Errorf("size %g: area %g, by L'Huilier %g", size, got, want)
		}
	}
}

// TestPolygonLarge: polygons that fill half the sphere, of which no fan of
// triangles can be trusted. They are symmetric under a change of sign or go
// along the equator, so their area is 2π.
func TestPolygonLarge(t *testing.T) {
	for _, ring := range [][][2]float64{
		{{0, 0}, {0, 90}, {0, 180}, {0, 270}},
		{{0, 0}, {0, 120}, {0, 240}},
		{{-10, 0}, {10, 60}, {10, 120}, {10, 180}, {-10, 240}, {-10, 300}},
		{{-40, 0}, {60, 30}, {-60, 60}, {50, 90}, {-50, 120}, {60, 150}, {40, 180}, {-60, 210}, {60, 240}, {-50, 270}, {50, 300}, {-60, 330}},
	} {
		p := polygon(t, ring...)
		if math.Abs(p.Area()/(2*math.Pi)-1) > 1e-14 {
			t.Errorf("%v: area %g, want 2π", ring, p.Area())
		}
		x, hits := make([]float64, 3), 0
		rnd := rand.New(rand.NewPCG(9, 9))
		const n = 20000
		for range n {
			Sphere{2}.Rand(x, rnd)
			in := p.Contains(x)
			if in {
				hits++
			}
			for i := range x {
				x[i] = -x[i]
			}
			if p.Contains(x) == in {
				t.Errorf("%v holds %v and its antipode alike", ring, x)
			}
		}
		if f := float64(hits) / n; math.Abs(f-0.5) > 4*math.Sqrt(0.25/n) {
			t.Errorf("%v holds %.4f of the sphere", ring, f)
		}
	}
	// Rings south of the equator, of which the southern part is the smaller.
	for _, wide := range []float64{0, 9} {
		var ring [][2]float64
		for lon := 0.0; lon < 360; lon += 10 {
			ring = append(ring, [2]float64{-10 + wide*math.Sin(lon), lon})
		}
		p := polygon(t, ring...)
		south, north := FromLatLon(-90, 0), FromLatLon(90, 0)
		if !p.Contains(south[:]) || p.Contains(north[:]) {
			t.Errorf("a ring south of the equator holds the south pole: %v, the north pole: %v", p.Contains(south[:]), p.Contains(north[:]))
		}
		// Triangles from the south pole, none of which is large.
		pole := FromLatLon(-90, 0)
		var want float64
		for i, v := range ring {
			w := ring[(i+1)%len(ring)]
			want += math.Abs(excess(pole, FromLatLon(w[0], w[1]), FromLatLon(v[0], v[1])))
		}
		if math.Abs(p.Area()/want-1) > 1e-14 {
			t.Errorf("a ring south of the equator has area %.16g, want %.16g", p.Area(), want)
		}
	}
}

// TestPolygonSliver: no step off an edge is small enough for every polygon, so
// none is taken.
func TestPolygonSliver(t *testing.T) {
	for _, h := range []float64{1, 1e-4, 1e-8, 1e-11} { // degrees
		p := polygon(t, [2]float64{0, 0}, [2]float64{0, 80}, [2]float64{h, 40})
		for lat, want := range map[float64]bool{-h: false, h / 2: true, 2 * h: false, -1: false, 2: false, 60: false, -90: false} {
			x := FromLatLon(lat, 40)
			if got := p.Contains(x[:]); got != want {
				t.Errorf("height %g°: contains latitude %g: %v", h, lat, got)
			}
		}
	}
}

// TestPolygonGrid: points in line with edges and vertices, as on a grid of whole
// degrees, and rings of many vertices along one meridian.
func TestPolygonGrid(t *testing.T) {
	// An L: 20° by 20° less its north-east quarter, with a vertex every degree of
	// the meridians.
	var ring [][2]float64
	add := func(lat, lon float64) { ring = append(ring, [2]float64{lat, lon}) }
	for lat := -10.0; lat <= 10; lat++ {
		add(lat, 170)
	}
	for lat := 10.0; lat >= 0; lat-- {
		add(lat, 180)
	}
	for lat := 0.0; lat >= -10; lat-- {
		add(lat, 190)
	}
	p := polygon(t, ring...)
	for lat := -89.0; lat <= 89; lat++ {
		for lon := 0.0; lon < 360; lon += 5 {
			if lat >= -10 && lat <= 10 && lon >= 170 && lon <= 190 && (lon == 170 || lon == 190 || lat == -10 || lat == 10 || (lon == 180 && lat >= 0) || (lat == 0 && lon >= 180)) {
				continue // on an edge
			}
			// The edges between meridians are arcs, up to 0.04° off the parallel.
			want := lat > -10.5 && lat < 9.5 && lon > 170 && lon < 190 && (lon < 180 || lat < 0)
			x := FromLatLon(lat, lon)
			if got := p.Contains(x[:]); got != want {
				t.Errorf("contains %g, %g: %v", lat, lon, got)
			}
		}
	}
}

func TestPolygonErrors(t *testing.T) {
	for _, c := range []struct {
		ring [][2]float64
		want string
	}{
		{nil, "0 different vertices"},
		{[][2]float64{{0, 0}, {0, 1}}, "2 different vertices"},
		{[][2]float64{{0, 0}, {0, 0}, {0, 1}, {0, 0}}, "2 different vertices"},
		{[][2]float64{{0, 0}, {0, 180}, {5, 5}}, "0, 0 and 0, 180 are antipodes"},
		{[][2]float64{{0, 0}, {95, 0}, {5, 5}}, "vertex 2 of the polygon is 95, 0"},
		{[][2]float64{{0, 0}, {math.NaN(), 0}, {5, 5}}, "vertex 2"},
		{[][2]float64{{0, 0}, {10, 10}, {0, 10}, {10, 0}}, "edge from 0, 0 to 10, 10 crosses the one from 0, 10 to 10, 0"},
		{[][2]float64{{0, 0}, {10, 10}, {0, 10}, {11, 0}, {40, 3}}, "crosses"},
	} {
		if p, err := NewPolygon(c.ring); err == nil {
			t.Errorf("polygon %v was read as %v", c.ring, p)
		} else if !strings.Contains(err.Error(), c.want) {
			t.Errorf("polygon %v: %v, want %q", c.ring, err, c.want)
		}
	}
}

// coast returns a ring of short edges.
func coast(corners int) (latlon [][2]float64) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for k := range corners {
		a := 2 * math.Pi * float64(k) / float64(corners)
		latlon = append(latlon, [2]float64{80 + 5*math.Sin(7*a) + rnd.Float64()*20/float64(corners), a * 180 / math.Pi})
	}
	return latlon
}

func BenchmarkPolygonContains(b *testing.B) {
	for _, corners := range []int{4, 100, 10000} {
		b.Run(fmt.Sprint(corners), func(b *testing.B) {
			p := polygon(b, coast(corners)...)
			x := FromLatLon(80, 10)
			b.ReportAllocs()
			for b.Loop() {
				p.Contains(x[:])
			}
		})
	}
}

func BenchmarkNewPolygon(b *testing.B) {
	for _, corners := range []int{100, 10000} {
		b.Run(fmt.Sprint(corners), func(b *testing.B) {
			latlon := coast(corners)
			for b.Loop() {
				polygon(b, latlon...)
			}
		})
	}
}
