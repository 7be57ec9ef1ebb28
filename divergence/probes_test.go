package divergence

import (
	"math"
	"math/rand/v2"
	"testing"

	"mflow/flow"
	"mflow/flow/nn"
	"mflow/manifold"
	"mflow/manifold/manifoldtest"
)

// manifolds on which every test of this package runs.
var manifolds = []string{
	"sphere", "sphere:3", "sphere:7", "torus:2", "torus:7", "revolution:2,0.7", "so3",
	"box:0..1,-1..1", "sphere*box:0..2", "sphere*circle",
}

// random returns a flow with a random field on m and the uniform prior.
func random(t testing.TB, spec string, seed uint64) *flow.Flow {
	t.Helper()
	m, err := manifold.Parse(spec)
	if err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(seed, 1))
	field, err := flow.NewField(m, flow.FieldSpec{Hidden: []int{16, 16}, Waves: 8, Scales: []float64{1}}, rnd)
	if err != nil {
		t.Fatal(err)
	}
	for i := range field.Params {
		field.Params[i] += float32(0.1 * rnd.NormFloat64())
	}
	vol := m.(manifold.Measurer).Volume()
	field.ScaleOutput(float32(0.3 / vol))
	return &flow.Flow{Manifold: m, Prior: flat{m.(manifold.Measurer)}, Nets: []*nn.MLP{field}, Eps: 0.01 / vol}
}

// flat is the uniform density.
type flat struct{ m manifold.Measurer }

func (f flat) LogProb([]float64) float64        { return -math.Log(f.m.Volume()) }
func (f flat) Rand(x []float64, rnd *rand.Rand) { f.m.Rand(x, rnd) }
func (flat) IsUniform()                         {}

// tilted is exp Σ cos(xᵢ + i), not normalised.
type tilted struct{ flat flat }

func (f tilted) LogProb(x []float64) float64 { return f.GradLogProb(make([]float64, len(x)), x) }

func (f tilted) Rand([]float64, *rand.Rand) { panic("not normalised") }

func (f tilted) GradLogProb(dst, x []float64) float64 {
	s := f.flat.LogProb(x)
	for i, v := range x {
		dst[i] = -math.Sin(v + float64(i))
		s += math.Cos(v + float64(i))
	}
	return s
}

func points(m manifold.Measurer, b int, rnd *rand.Rand) []float64 {
	_, n := m.Dims()
	x := make([]float64, b*n)
	for i := range b {
		m.Rand(x[i*n:(i+1)*n], rnd)
	}
	return x
}

// TestDivergence compares both evaluations with the finite-difference oracle,
// which knows no frame, no curvature and no network tangent.
func TestDivergence(t *testing.T) {
	for _, spec := range manifolds {
		t.Run(spec, func(t *testing.T) {
			f := random(t, spec, 7)
			m := f.Manifold.(manifold.Measurer)
			_, n := m.Dims()
			rnd := rand.New(rand.NewPCG(2, 2))
			const b = 150 // more than a block, and no multiple of it
			x := points(m, b, rnd)
			d := New(f)
			nu, mu, u := make([]float64, b), make([]float64, b), make([]float64, b*n)
			d.Eval(x, nu, mu, u)
			nu64, mu64, u64 := make([]float64, b), make([]float64, b), make([]float64, b*n)
			d.Eval64(x, nu64, mu64, u64)
			unit := nu64[0] // the natural scale of densities here
			v := func(dst, x []float64) { copy(dst, f.Nets[0].Eval64(1, 0, x)) }
			for i := range b {
				if e := math.Abs(mu[i] - mu64[i]); e > 2e-5*unit {
					t.Fatalf("point %d: float32 density off by %g of the uniform", i, e/unit)
				}
				if i >= 20 {
					continue
				}
				want := nu64[i] - manifoldtest.Divergence(f.Manifold, v, x[i*n:(i+1)*n])
				// Central differences with steps near 1e-5 are good to about 1e-6.
				if e := math.Abs(mu64[i] - want); e > 1e-5*unit {
					t.Errorf("point %d: density %g, by finite differences %g", i, mu64[i], want)
				}
			}
			for i := range u {
				if e := math.Abs(u[i] - u64[i]); e > 2e-5*unit {
					t.Fatalf("field component %d off by %g", i, e/unit)
				}
			}
		})
	}
}

// TestRelative: the divergence of ν P v by finite differences.
func TestRelative(t *testing.T) {
	for _, spec := range manifolds {
		f := random(t, spec, 7)
		m := f.Manifold.(manifold.Measurer)
		f.Prior, f.Relative = tilted{flat{m}}, true
		f.Nets[0].ScaleOutput(float32(m.Volume()))
		const b = 10
		x := points(m, b, rand.New(rand.NewPCG(2, 2)))
		n := len(x) / b
		nu, mu, u := make([]float64, b), make([]float64, b), make([]float64, b*n)
		New(f).Eval(x, nu, mu, u)
		mu64, u64 := make([]float64, b), make([]float64, b*n)
		New(f).Eval64(x, nil, mu64, u64)
		v := func(dst, x []float64) {
			copy(dst, f.Nets[0].Eval64(1, 0, x))
			for i := range dst {
				dst[i] *= math.Exp(f.Prior.LogProb(x))
			}
		}
		for i := range b {
			xi := x[i*n : (i+1)*n]
			want := nu[i] - manifoldtest.Divergence(m, v, xi)
			if math.Abs(mu64[i]-want) > 1e-5*nu[i] || math.Abs(mu[i]-want) > 3e-5*nu[i] {
				t.Errorf("%s, point %d: density %g, in float32 %g, by finite differences %g", spec, i, mu64[i], mu[i], want)
			}
			for c, w := range manifoldtest.Tangential(m, v, xi) {
				if math.Abs(u64[i*n+c]-w) > 1e-10*nu[i] || math.Abs(u[i*n+c]-w) > 3e-5*nu[i] {
					t.Errorf("%s, point %d: field %g, in float32 %g, want %g", spec, i, u64[i*n+c], u[i*n+c], w)
				}
			}
		}
	}
}

// TestIntegral: the signed density integrates to one, and Z = ∫ μ₊ by its own
// definition agrees with the form that Normaliser uses.
func TestIntegral(t *testing.T) {
	for _, spec := range manifolds {
		t.Run(spec, func(t *testing.T) {
			f := random(t, spec, 3)
			f.Nets[0].ScaleOutput(4) // so that some of μ is negative
			z, mass, err := Normaliser(f, 40000, rand.New(rand.NewPCG(5, 5)))
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(mass.Value-1) > 4*mass.SE {
				t.Errorf("integral of mu is %.4f ± %.4f, want 1", mass.Value, mass.SE)
			}
			if z.Value < 1 {
				t.Errorf("Z = %g, want at least 1", z.Value)
			}
			m := f.Manifold.(manifold.Measurer)
			x := points(m, 40000, rand.New(rand.NewPCG(6, 6)))
			mu := make([]float64, 40000)
			New(f).Mu(mu, x)
			var plus moments
			for _, v := range mu {
				plus.add(m.Volume() * math.Max(f.Eps, v))
			}
			direct := plus.mean()
			if e := math.Abs(direct.Value - z.Value); e > 4*math.Hypot(direct.SE, z.SE) {
				t.Errorf("Z = %.4f ± %.4f, directly %.4f ± %.4f", z.Value, z.SE, direct.Value, direct.SE)
			}
		})
	}
}

// TestHutchinson: random probes are unbiased, at 4 standard errors.
func TestHutchinson(t *testing.T) {
	for _, spec := range []string{"sphere", "torus:7", "so3", "box:0..1,-1..1"} {
		f := random(t, spec, 11)
		rnd := rand.New(rand.NewPCG(8, 8))
		x := points(f.Manifold.(manifold.Measurer), 1, rnd)
		want, nu := make([]float64, 1), make([]float64, 1)
		New(f).Eval64(x, nu, want, nil)
		p := NewProbes(f.Manifold, 1, 3)
		var ws nn.Workspace
		var est moments
		div := make([]float32, 1)
		for range 4000 {
			p.Set(x, rnd)
			p.Contract(div, f.Nets[0].Eval(&ws, 1, p.K, p.X))
			est.add(float64(div[0]))
		}
		got := est.mean()
		if e := math.Abs(got.Value - (nu[0] - want[0])); e > 4*got.SE+1e-5*nu[0] {
			t.Errorf("%s: mean %g ± %g, exact divergence %g", spec, got.Value, got.SE, nu[0]-want[0])
		}
	}
}

func BenchmarkDensity(b *testing.B) {
	f := random(b, "sphere", 1)
	net, err := flow.NewField(f.Manifold, flow.FieldSpec{}, rand.New(rand.NewPCG(1, 1)))
	if err != nil {
		b.Fatal(err)
	}
	f.Nets[0] = net
	x := points(f.Manifold.(manifold.Measurer), 1<<14, rand.New(rand.NewPCG(1, 2)))
	mu := make([]float64, 1<<14)
	d := New(f)
	b.ReportAllocs()
	for b.Loop() {
		d.Mu(mu, x)
	}
	b.ReportMetric(float64(len(mu))*float64(b.N)/b.Elapsed().Seconds(), "points/s")
}
