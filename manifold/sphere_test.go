package manifold

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestSphereLogAtAntipode: the logarithm is tangent and as long as it should be
// at, and by every rounding next to, the antipode.
func TestSphereLogAtAntipode(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 3))
	for _, n := range []int{1, 2, 3, 7} {
		s := Sphere{n}
		x, y, v := make([]float64, n+1), make([]float64, n+1), make([]float64, n+1)
		for _, eps := range []float64{0, 1e-16, 1e-15, 1e-12, 1e-8, 1e-4} {
			for range 200 {
				s.Rand(x, rnd)
				for i := range y {
					y[i] = -x[i] + eps*rnd.NormFloat64()
				}
				s.Project(y)
				s.Log(v, x, y)
				if c := dot(v, x); math.Abs(c) > 1e-14 {
					t.Fatalf("S^%d, %g from the antipode: Log has a normal part %g", n, eps, c)
				}
				// The angle at the antipode is its chord to third order.
				var gap float64
				for i := range x {
					gap += (x[i] + y[i]) * (x[i] + y[i])
				}
				gap = math.Sqrt(gap)
				if got := norm(v); math.Abs(got-(math.Pi-gap)) > 4e-15+gap*gap*gap {
					t.Fatalf("S^%d: length %.17g, want π - %g", n, got, gap)
				}
			}
		}
	}
}

// TestDistClose: small distances keep their digits, which an arccosine loses.
func TestDistClose(t *testing.T) {
	x := []float64{1, 0, 0}
	for _, a := range []float64{1e-3, 1e-8, 1e-15, 1e-100} {
		y := []float64{math.Cos(a), math.Sin(a), 0}
		if got := Dist(Sphere{2}, x, y); math.Abs(got/a-1) > 1e-14 {
			t.Errorf("distance %g, want %g", got, a)
		}
	}
}

// TestSphereProjectExtremes: neither squares that vanish nor squares that
// overflow change the direction.
func TestSphereProjectExtremes(t *testing.T) {
	for _, size := range []float64{1e-320, 1e-200, 1, 1e200, 1e308} {
		x := []float64{size, -size, 0}
		Sphere{2}.Project(x)
		// Denormals have few digits, but these two have the same.
		if want := math.Sqrt2 / 2; math.Abs(x[0]-want) > 1e-15 || math.Abs(x[1]+want) > 1e-15 || x[2] != 0 {
			t.Errorf("(1, -1, 0) times %g goes to %v", size, x)
		}
	}
	x := []float64{0, 0, 0}
	if (Sphere{2}).Project(x); x[2] != 1 {
		t.Errorf("the origin goes to %v", x)
	}
}

// TestFrameAtPoles: no point of the sphere is left out by the frames.
func TestFrameAtPoles(t *testing.T) {
	negative := math.Copysign(0, -1)
	for _, x := range [][]float64{
		{0, 0, 1},
		{0, 0, -1},
		{1, 0, 0},
		{1, 0, negative},
		{0, -1, negative},
		{1e-9, 0, -1},
		{0, 1e-9, 1},
		{0, 0, 0, 1},
		{0, 0, 0, -1},
		{0, 1, 0, negative},
		{1, 0},
		{0, -1},
		{-1, negative},
	} {
		s := Sphere{len(x) - 1}
		E := make([]float64, s.N*len(x))
		s.Frame(E, x)
		for i := range s.N {
			ei := E[i*len(x) : (i+1)*len(x)]
			if c := dot(ei, x); math.Abs(c) > 1e-15 {
				t.Errorf("at %v: ⟨e%d, x⟩ = %g", x, i+1, c)
			}
			for j := range s.N {
				want := 0.0
				if i == j {
					want = 1
				}
				if c := dot(ei, E[j*len(x):(j+1)*len(x)]); math.Abs(c-want) > 1e-15 {
					t.Errorf("at %v: ⟨e%d, e%d⟩ = %g", x, i+1, j+1, c)
				}
			}
		}
	}
}

// TestCapVolume compares with closed forms and, where there is none, with
// Simpson's rule.
func TestCapVolume(t *testing.T) {
	for _, r := range []float64{1e-9, 0.01, 0.5, 1.4, 1.5, math.Pi/2 - 1e-9, math.Pi / 2, 1.6, 2.5, 3.1, math.Pi, 4} {
		c := math.Min(r, math.Pi)
		for N, want := range map[int]float64{1: 2 * c, 2: 4 * math.Pi * math.Sin(c/2) * math.Sin(c/2)} {
			if got := CapVolume(N, r); math.Abs(got/want-1) > 1e-13 {
				t.Errorf("cap of S^%d of radius %g: %.16g, want %.16g", N, r, got, want)
			}
		}
		for _, N := range []int{3, 7, 20} {
			const steps = 2000 // error far below rounding for smooth integrands of this size
			var sum float64
			for i := range steps + 1 {
				w := 2 + 2*float64(i%2)
				if i == 0 || i == steps {
					w = 1
				}
				sum += w * math.Pow(math.Sin(c*float64(i)/steps), float64(N-1))
			}
			want := Sphere{N - 1}.Volume() * sum * c / (3 * steps)
			if got := CapVolume(N, r); math.Abs(got/want-1) > 1e-9 {
				t.Errorf("cap of S^%d of radius %g: %.16g, by quadrature %.16g", N, r, got, want)
			}
		}
	}
	if got := CapVolume(2, -1); got != 0 {
		t.Errorf("a cap of negative radius has volume %g", got)
	}
}

func TestLatLon(t *testing.T) {
	for lat := -90.0; lat <= 90; lat += 7.5 {
		for lon := -172.5; lon <= 180; lon += 7.5 {
			x := FromLatLon(lat, lon)
			if r := norm(x[:]); math.Abs(r-1) > 5e-16 {
				t.Errorf("%g, %g: length 1%+g", lat, lon, r-1)
			}
			gotLat, gotLon := LatLon(x[:])
			if math.Abs(lat) == 90 {
				gotLon = lon // a pole has every longitude
			}
			if math.Abs(gotLat-lat) > 3e-14 || math.Abs(gotLon-lon) > 6e-14 {
				t.Errorf("%g, %g came back as %.17g, %.17g", lat, lon, gotLat, gotLon)
			}
		}
	}
}
