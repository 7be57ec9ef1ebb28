package prior

import (
	"math"
	"math/rand/v2"
	"testing"

	"mflow/manifold"
)

// TestChart: coordinates lead back to the point, are about as long as the
// geodesic for near points, and keep their digits there.
func TestChart(t *testing.T) {
	for _, m := range spaces {
		s, err := spaceOf(m)
		if err != nil {
			t.Fatal(err)
		}
		rnd := rand.New(rand.NewPCG(2, 4))
		n, d := s.ambient(), s.dim()
		c, x, v, w := make([]float64, n), make([]float64, n), make([]float64, d), make([]float64, d)
		for i := range 200 {
			s.m.Rand(c, rnd)
			size := math.Pow(10, float64(i%8)-7)
			for j := range v {
				v[j] = size * rnd.NormFloat64()
			}
			s.unchart(x, c, v)
			s.chart(w, s.embed(x), s.embed(c))
			for j := range v {
				// Rounding of x moves it by about 1e-16 of its size.
				if math.Abs(v[j]-w[j]) > 1e-14*(1+size*size*100) {
					t.Fatalf("%s: coordinate %d is %g, was %g", m, j, w[j], v[j])
				}
			}
		}
	}
}

// TestChartIntegral: a lopsided normal density in a chart integrates to one over
// the manifold, wide or narrow, by the sum over a fine grid.
func TestChartIntegral(t *testing.T) {
	const steps = 600
	for _, sd := range []float64{0.05, 0.4, 2} {
		cov := []float64{sd * sd, 0, -0.3 * sd * sd, sd * sd / 4}
		a := make([]float64, 3)
		factor(a, cov, 2)
		v := make([]float64, 2)
		density := func(s space, x, m []float64) float64 {
			jac := s.chart(v, s.embed(x), s.embed(m))
			return math.Exp(logDet(a, 2) - math.Log(2*math.Pi) + jac - whiten(a, v)/2)
		}
		sphere, _ := spaceOf(manifold.Sphere{N: 2})
		torus, _ := spaceOf(manifold.Torus{N: 2})
		pole := []float64{0.48, -0.64, 0.6}
		var onSphere, onTorus float64
		for i := range steps {
			for j := range steps {
				z, phi := 2*(float64(i)+0.5)/steps-1, 2*math.Pi*(float64(j)+0.5)/steps
				r := math.Sqrt(1 - z*z)
				onSphere += density(sphere, []float64{r * math.Cos(phi), r * math.Sin(phi), z}, pole) * 4 * math.Pi / (steps * steps)
				h := 2 * math.Pi / steps
				onTorus += density(torus, []float64{h * float64(i), h * float64(j)}, []float64{3, -2}) * h * h
			}
		}
		// The grid in z is coarse beside the narrow one's 0.025 radians.
		if math.Abs(onSphere-1) > 1e-3 {
			t.Errorf("sphere, deviation %g: integral %.6f", sd, onSphere)
		}
		if math.Abs(onTorus-1) > 1e-6 {
			t.Errorf("torus, deviation %g: integral %.9f", sd, onTorus)
		}
	}
}

// TestFactor: AᵀA is the inverse of the covariance, draws have the covariance,
// and spread is its trace.
func TestFactor(t *testing.T) {
	const d = 3
	cov := []float64{2, 0, 0, 0.5, 1, 0, -0.3, 0.2, 0.5}
	a := make([]float64, 6)
	factor(a, append([]float64(nil), cov...), d)
	if tr := spread(a, d); math.Abs(tr-3.5) > 1e-12 {
		t.Errorf("trace %g, want 3.5", tr)
	}
	rnd := rand.New(rand.NewPCG(1, 5))
	const draws = 40000
	var got [9]float64
	var q float64
	v := make([]float64, d)
	for range draws {
		colour(v, a, rnd)
		q += whiten(a, v) / draws
		for i := range d {
			for j := range i + 1 {
				got[i*d+j] += v[i] * v[j] / draws
			}
		}
	}
	for i, want := range cov {
		// The standard error of a variance of 2 is 0.014.
		if math.Abs(got[i]-want) > 0.06 {
			t.Errorf("covariance %d is %.3f, want %.3f", i, got[i], want)
		}
	}
	if math.Abs(q-d) > 0.06 {
		t.Errorf("whitened square %.3f, want %d", q, d)
	}
}

// TestOpposite: opposite a point, where charts have no digits, the density is what it
// is beside.
func TestOpposite(t *testing.T) {
	for _, m := range spaces {
		s, err := spaceOf(m)
		if err != nil {
			t.Fatal(err)
		}
		n := s.ambient()
		rnd := rand.New(rand.NewPCG(3, 3))
		x := make([]float64, 30*n)
		for i := 0; i < len(x); i += n {
			s.m.Rand(x[i:i+n], rnd)
		}
		f, err := newFitter(m, x, KernelOptions{Floor: 0.1})
		if err != nil {
			t.Fatal(err)
		}
		p, err := f.kernels(func(int) bool { return true }) // of every width
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(x); i += n {
			q := make([]float64, n)
			for c, v := range x[i : i+n] {
				q[c] = -v
			}
			if s.torus {
				copy(q, x[i:i+n])
				q[0] += math.Pi
			}
			got := p.LogProb(q)
			q[0] += 1e-4
			m.Project(q)
			if want := p.LogProb(q); math.Abs(got-want) > 1e-2 {
				t.Errorf("%s: %g opposite a point, %g beside", m, got, want)
			}
		}
	}
}
