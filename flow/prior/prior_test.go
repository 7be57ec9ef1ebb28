package prior

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"mflow/manifold"
)

// clusters returns points about three centres, and some strewn.
func clusters(m manifold.Manifold, points int, kappa float64, seed uint64) []float64 {
	s, err := spaceOf(m)
	if err != nil {
		panic(err)
	}
	rnd := rand.New(rand.NewPCG(seed, 3))
	n := s.ambient()
	centres := make([]float64, 3*n)
	for i := range 3 {
		s.m.Rand(centres[i*n:(i+1)*n], rnd)
	}
	x := make([]float64, points*n)
	for i := range points {
		xi := x[i*n : (i+1)*n]
		if c := rnd.IntN(4); c < 3 {
			s.rand(xi, centres[c*n:(c+1)*n], kappa, rnd)
		} else {
			s.m.Rand(xi, rnd)
		}
	}
	return x
}

// densities returns a fitted prior of every kind on m.
func densities(t testing.TB, m manifold.Manifold) map[string]Density {
	t.Helper()
	x := clusters(m, 300, 60, 1)
	mix, err := FitMixture(m, x, clusters(m, 100, 60, 2), MixtureOptions{Components: []int{1, 3, 6}})
	if err != nil {
		t.Fatal(err)
	}
	kern, _, err := FitKernels(m, x, KernelOptions{Floor: 0.02})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]Density{"uniform": Uniform{m.(manifold.Measurer)}, "mixture": mix, "kernels": kern}
	if kentOn(m) == nil {
		if all["kent"], err = FitKent(m, x, clusters(m, 100, 60, 2), MixtureOptions{Components: []int{1, 3, 6}}); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

var spaces = []manifold.Manifold{manifold.Sphere{N: 2}, manifold.Sphere{N: 3}, manifold.Torus{N: 1}, manifold.Torus{N: 2}, manifold.Torus{N: 4}}

// TestIntegral: with half of the points uniform and half from the density
// itself, the integral is one at 4 standard errors.
func TestIntegral(t *testing.T) {
	for _, m := range spaces {
		for name, p := range densities(t, m) {
			u := m.(manifold.Measurer)
			_, n := m.Dims()
			rnd := rand.New(rand.NewPCG(9, 9))
			x := make([]float64, n)
			const draws = 6000
			var sum, sq float64
			for i := range draws {
				if i%2 == 0 {
					u.Rand(x, rnd)
				} else {
					p.Rand(x, rnd)
				}
				f := math.Exp(p.LogProb(x))
				w := 2 * f / (f + 1/u.Volume())
				sum += w
				sq += w * w
			}
			mean := sum / draws
			if se := math.Sqrt((sq/draws - mean*mean) / draws); math.Abs(mean-1) > 4*se+1e-9 {
				t.Errorf("%s on %s: integral %.4f ± %.4f", name, m, mean, se)
			}
		}
	}
}

// TestRand: the sampler's mean of a test function is the density's, by
// importance from uniform points.
func TestRand(t *testing.T) {
	for _, m := range spaces[:4] {
		for name, p := range densities(t, m) {
			u := m.(manifold.Measurer)
			_, n := m.Dims()
			rnd := rand.New(rand.NewPCG(8, 8))
			f := func(x []float64) float64 { return math.Cos(x[0]) + math.Sin(2*x[n-1]) }
			x := make([]float64, n)
			const draws = 20000
			var got, want, gsq, wsq float64
			for range draws {
				p.Rand(x, rnd)
				v := f(x)
				got += v / draws
				gsq += v * v / draws
				u.Rand(x, rnd)
				v = f(x) * math.Exp(p.LogProb(x)) * u.Volume()
				want += v / draws
				wsq += v * v / draws
			}
			se := math.Sqrt((gsq - got*got + wsq - want*want) / draws)
			if math.Abs(got-want) > 4*se {
				t.Errorf("%s on %s: mean of samples %.4f, by the density %.4f ± %.4f", name, m, got, want, se)
			}
		}
	}
}

// TestGradient: the derivatives along the frame are those of central differences.
func TestGradient(t *testing.T) {
	for _, m := range spaces {
		for name, p := range densities(t, m) {
			g, ok := p.(interface {
				GradLogProb(dst, x []float64) float64
			})
			if !ok {
				continue
			}
			d, n := m.Dims()
			rnd := rand.New(rand.NewPCG(6, 6))
			x, grad, E := make([]float64, n), make([]float64, n), make([]float64, d*n)
			for range 20 {
				p.Rand(x, rnd)
				if lp := g.GradLogProb(grad, x); lp != p.LogProb(x) {
					t.Errorf("%s on %s: log-density %g with the gradient, %g without", name, m, lp, p.LogProb(x))
				}
				m.Frame(E, x)
				for j := range d {
					e := E[j*n : (j+1)*n]
					const h = 1e-4
					at := func(s float64) float64 {
						y := make([]float64, n)
						for c := range y {
							y[c] = x[c] + s*e[c]
						}
						m.Project(y)
						return p.LogProb(y)
					}
					want := (8*(at(h)-at(-h)) - (at(2*h) - at(-2*h))) / (12 * h)
					if got := dot(e, grad); math.Abs(got-want) > 1e-6*(1+math.Abs(want)) {
						t.Errorf("%s on %s: derivative %g, by differences %g", name, m, got, want)
					}
				}
			}
		}
	}
}

func TestRoundTrip(t *testing.T) {
	for _, m := range spaces {
		for name, p := range densities(t, m) {
			kind, meta, ts, err := Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			q, err := Unmarshal(kind, meta, ts, m)
			if err != nil {
				t.Fatal(err)
			}
			rnd := rand.New(rand.NewPCG(7, 7))
			_, n := m.Dims()
			x := make([]float64, n)
			for range 50 {
				m.(manifold.Measurer).Rand(x, rnd)
				if a, b := p.LogProb(x), q.LogProb(x); a != b {
					t.Fatalf("%s on %s: %g became %g", name, m, a, b)
				}
			}
		}
	}
}

func TestUnmarshalErrors(t *testing.T) {
	s := manifold.Sphere{N: 2}
	for _, c := range []struct {
		kind, meta string
		m          manifold.Manifold
		ts         Tensors
	}{
		{"normal", "{}", s, nil},
		{"mixture", "{}", s, Tensors{"weight": {[]int{1}, []float64{1}}}},
		{"mixture", `{"uniform":0.5}`, s, Tensors{"weight": {nil, []float64{1}}, "mean": {nil, []float64{0, 0, 1}}, "kappa": {nil, []float64{1}}}},
		{"mixture", `{"uniform":0}`, s, Tensors{"weight": {nil, []float64{1}}, "mean": {nil, []float64{0, 0, 1}}, "kappa": {nil, []float64{math.NaN()}}}},
		{"mixture", "{}", manifold.SO3{}, nil},
		{"kent", `{"uniform":0}`, s, Tensors{"weight": {nil, []float64{1}}, "axes": {nil, []float64{1, 0, 0, 0, 1, 0, 0, 0, 1}}, "kappa": {nil, []float64{1}}, "beta": {nil, []float64{0.6}}}},
		{"kent", `{"uniform":0}`, s, Tensors{"weight": {nil, []float64{1}}, "axes": {nil, []float64{1, 0, 0, 0, 1, 0, 0, 1, 0}}, "kappa": {nil, []float64{1}}, "beta": {nil, []float64{0.1}}}},
		{"kent", `{"uniform":1}`, manifold.Torus{N: 2}, nil},
		{"kent", `{"uniform":0.5}`, s, nil},
		{"kernels", `{}`, s, nil},
		{"kernels", `[`, s, nil},
	} {
		if p, err := Unmarshal(c.kind, json.RawMessage(c.meta), c.ts, c.m); err == nil {
			t.Errorf("%s %s on %s was read as %v", c.kind, c.meta, c.m, p)
		}
	}
}

// TestLikelihoodRises: every step of expectation-maximisation raises it.
func TestLikelihoodRises(t *testing.T) {
	for _, m := range spaces {
		s, _ := spaceOf(m)
		x := clusters(m, 400, 30, 5)
		p := start(s, x, 4, rand.New(rand.NewPCG(1, 1)))
		last := math.Inf(-1)
		for i := range 15 {
			ll := p.step(x, 1e8)
			// The concentration is by an approximation good to about 1e-4.
			if ll < last-0.05 {
				t.Errorf("%s: step %d lowered the log-likelihood from %.4f to %.4f", m, i, last, ll)
			}
			last = ll
		}
	}
}

// TestCrossFitted: densities at the training points are those without the
// point's fold, so copies and near neighbours in the same fold do not count.
func TestCrossFitted(t *testing.T) {
	m := manifold.Sphere{N: 2}
	x := clusters(m, 200, 60, 4)
	folds := make([]int, 200)
	for i := range folds {
		folds[i] = i % 5
	}
	p, nu, err := FitKernels(m, x, KernelOptions{Floor: 0.01, Folds: folds})
	if err != nil {
		t.Fatal(err)
	}
	var in, out float64
	for i, v := range nu {
		in += p.LogProb(x[3*i:3*i+3]) / 200
		out += math.Log(v) / 200
	}
	test := clusters(m, 2000, 60, 4)[600:]
	var fresh float64
	for i := 0; i < len(test); i += 3 {
		fresh += p.LogProb(test[i:i+3]) * 3 / float64(len(test))
	}
	if in < out+0.05 {
		t.Errorf("in sample %.3f, cross-fitted %.3f: the points see themselves", in, out)
	}
	if math.Abs(out-fresh) > 0.2 {
		t.Errorf("cross-fitted %.3f, on fresh points %.3f", out, fresh)
	}
}

func TestCrowding(t *testing.T) {
	m := manifold.Sphere{N: 2}
	rnd := rand.New(rand.NewPCG(1, 1))
	x := make([]float64, 3*2000)
	for i := 0; i < len(x); i += 3 {
		m.Rand(x[i:i+3], rnd)
	}
	// The median distance to the nearest of n uniform points is 0.47 √(4π/n).
	if c := Crowding(m, x); math.Abs(c-0.5/0.47) > 0.05 {
		t.Errorf("uniform points: %.3f, want about 1.06", c)
	}
	if c := Crowding(m, append(x, clusters(m, 6000, 1e6, 1)...)); c < 10 {
		t.Errorf("tight clusters: %.3f", c)
	}
	so3 := manifold.SO3{}
	_, n := so3.Dims()
	x = make([]float64, 2000*n)
	for i := 0; i < len(x); i += n {
		so3.Rand(x[i:i+n], rnd)
	}
	unknown, err := manifold.Parse("sphere*circle")
	if err != nil {
		t.Fatal(err)
	}
	// In three dimensions it is 0.55 ∛(vol/n).
	if c := Crowding(so3, x); math.Abs(c-0.5/0.55) > 0.05 {
		t.Errorf("uniform rotations: %.3f, want about 0.91", c)
	}
	if c := Crowding(unknown, nil); !math.IsNaN(c) {
		t.Errorf("without kernels: %g, want NaN", c)
	}
	// Along a wall the nearest is the next point, not what the wall mirrors.
	box, err := manifold.Parse("box:0..1,0..1")
	if err != nil {
		t.Fatal(err)
	}
	x = x[:0]
	for i := range 100 {
		x = append(x, float64(i)/100, 1e-6)
	}
	if c := Crowding(box, x); c > 10 {
		t.Errorf("along a wall: %g", c)
	}
}

func BenchmarkKernels(b *testing.B) {
	p, _, err := FitKernels(manifold.Sphere{N: 2}, clusters(manifold.Sphere{N: 2}, 5000, 200, 1), KernelOptions{})
	if err != nil {
		b.Fatal(err)
	}
	x := []float64{0, 0.6, 0.8}
	for b.Loop() {
		p.LogProb(x)
	}
}

func ExampleNewMixture() {
	// One kernel at the north pole with all the weight.
	p, err := NewMixture(manifold.Sphere{N: 2}, []float64{1}, []float64{0, 0, 1}, []float64{10}, 0)
	if err != nil {
		panic(err)
	}
	fmt.Printf("%.3f at the pole, %.3f at the equator\n", p.LogProb([]float64{0, 0, 1}), p.LogProb([]float64{1, 0, 0}))
	// Output: 0.465 at the pole, -9.535 at the equator
}
