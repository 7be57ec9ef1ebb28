package train

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"mflow/divergence"
	"mflow/flow"
	"mflow/flow/nn"
	"mflow/flow/prior"
	"mflow/manifold"
)

// mottled returns points of the sphere that are wide apart where z > 0 and in
// tight groups of about ten where z < 0, so that the place tells which kernels fit.
func mottled(n int, seed uint64) []float64 {
	rnd := rand.New(rand.NewPCG(seed, 0))
	s := manifold.Sphere{N: 2}
	var x []float64
	size := distuv.Poisson{Lambda: 10, Src: rnd}
	p := make([]float64, 3)
	for len(x) < 3*n {
		s.Rand(p, rnd)
		if p[2] > 0 {
			x = append(x, p...)
			continue
		}
		for range int(size.Rand()) {
			q := []float64{p[0] + 0.01*rnd.NormFloat64(), p[1] + 0.01*rnd.NormFloat64(), p[2] + 0.01*rnd.NormFloat64()}
			s.Project(q)
			x = append(x, q...)
		}
	}
	return x[:3*n]
}

func fitted(t testing.TB, x []float64) *prior.Gating {
	t.Helper()
	g, err := prior.FitGating(manifold.Sphere{N: 2}, x, prior.KernelOptions{Floor: 1e-3})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestGateGradient compares the gradient of the gate's loss with differences.
func TestGateGradient(t *testing.T) {
	g := fitted(t, mottled(150, 1))
	f := &g.Folds[0]
	n := len(f.Weight)
	l := gateLoss{parts: g.Parts, weight: make([]float64, n), own: make([]float64, n), q: make([]float64, n)}
	l.set(f, map[int]bool{f.Rows[3]: true})
	rnd := rand.New(rand.NewPCG(2, 2))
	at, grad := make([]float32, n), make([]float32, n)
	for i := range at {
		at[i] = float32(0.3 * rnd.NormFloat64())
	}
	l.value(at)
	l.gradient(grad, 1)
	worst, top := 0.0, 0.0
	for i := range at {
		const h = 1e-2
		x := at[i]
		loss := func(v float32) float64 {
			at[i] = v
			return l.exact(at)
		}
		diff := (loss(x+h) - loss(x-h)) / (2 * h)
		at[i] = x
		worst, top = math.Max(worst, math.Abs(diff-float64(grad[i]))), math.Max(top, math.Abs(diff))
	}
	if worst > 1e-3*top { // differences of second order in h, single precision in the arguments
		t.Errorf("gradient is off by %g of at most %g", worst, top)
	}
}

// TestGate: networks find that the place tells which kernels fit, and what they
// say they added is there on fresh points.
func TestGate(t *testing.T) {
	// Of every group about half are to learn from and half are fresh. The sizes of
	// groups are Poisson, so that the halves are independent: of equal groups a gap
	// would betray that a point is held out.
	var known, fresh []float64
	coin := rand.New(rand.NewPCG(9, 9))
	for i, x := 0, mottled(2000, 1); i < len(x); i += 3 {
		if coin.IntN(2) == 0 {
			known = append(known, x[i:i+3]...)
		} else {
			fresh = append(fresh, x[i:i+3]...)
		}
	}
	g := fitted(t, known)
	got, err := Gate(context.Background(), g, GateSettings{Nets: 4, Steps: 200})
	if err != nil {
		t.Fatal(err)
	}
	if !got.Accepted || got.Gain < 2*got.SE {
		t.Fatalf("gain %.4f ± %.4f, kept: %v", got.Gain, got.SE, got.Accepted)
	}
	base, err := g.Kernels(nil)
	if err != nil {
		t.Fatal(err)
	}
	x := fresh
	var d []float64
	for i := 0; i < len(x); i += 3 {
		d = append(d, got.Kernels.LogProb(x[i:i+3])-base.LogProb(x[i:i+3]))
	}
	mean, se := meanSE(d)
	if mean = -mean; math.Abs(mean-got.Gain) > 4*math.Hypot(se, got.SE) {
		t.Errorf("gain %.4f ± %.4f on fresh points, %.4f ± %.4f by folds", mean, se, got.Gain, got.SE)
	}
	again, err := Gate(context.Background(), g, GateSettings{Nets: 4, Steps: 200})
	if err != nil {
		t.Fatal(err)
	}
	if a, b := got.Kernels.LogProb(x[:3]), again.Kernels.LogProb(x[:3]); a != b {
		t.Errorf("%.17g with the same seed, then %.17g", a, b)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Gate(ctx, g, GateSettings{}); err == nil {
		t.Error("went on after an interrupt")
	}
}

// TestMix: the mixture is the flow whose density is the weighted sum, and flows
// that know more than the partner are taken, flows that know nothing are not.
func TestMix(t *testing.T) {
	f, data, set := small(t, 3)
	set.Steps = 300
	n := len(data.Train) / 3
	half := n / 2 * 3
	var flows []*flow.Flow
	for k, x := range [][]float64{data.Train[half:], data.Train[:half]} {
		own := *f
		own.Nets = []*nn.MLP{f.Nets[0].WithParams(append([]float32(nil), f.Nets[0].Params...))}
		set.Seed = uint64(k)
		r, err := New(&own, Data{Train: x, Val: data.Val}, set)
		if err != nil {
			t.Fatal(err)
		}
		run(t, r, 0)
		best, _, err := r.Flow(20000)
		if err != nil {
			t.Fatal(err)
		}
		flows = append(flows, best)
	}
	uniform := prior.Uniform{M: manifold.Sphere{N: 2}}
	p := Partner{Prior: uniform, X: data.Train}
	for i := range n {
		p.Nu = append(p.Nu, math.Exp(uniform.LogProb(nil)))
		p.Fold = append(p.Fold, min(1, 3*i/half))
	}
	m, err := Mix(p, flows, 50000, rand.New(rand.NewPCG(1, 1)))
	if err != nil {
		t.Fatal(err)
	}
	relative := *flows[0]
	relative.Relative = true
	if _, err := Mix(p, []*flow.Flow{&relative, flows[1]}, 50000, rand.New(rand.NewPCG(1, 1))); err == nil {
		t.Error("a relative field was mixed as if it were not")
	}
	if m.Weight < 0.3 || m.Gain <= 0 {
		t.Fatalf("weight %.3f, gain %.4f ± %.4f", m.Weight, m.Gain, m.SE)
	}
	x, want := data.Val, make([]float64, len(data.Val)/3)
	mu := make([]float64, len(want))
	for _, g := range flows {
		divergence.New(g).Mu(mu, x)
		for i, v := range mu {
			want[i] += m.Weight * v / 2
		}
	}
	divergence.New(m.Flow).Mu(mu, x)
	for i, v := range mu {
		want[i] += (1 - m.Weight) * p.Nu[0]
		if math.Abs(v-want[i]) > 1e-5 { // single precision, densities of order one
			t.Errorf("density %g, want %g", v, want[i])
		}
	}
	// Validation points judge the mean of the flows, and the gain is that of the model.
	v, err := Mix(Partner{Prior: uniform, Val: data.Val}, flows, 50000, rand.New(rand.NewPCG(1, 1)))
	if err != nil || len(v.Flow.Nets) == 0 {
		t.Fatalf("by validation points weight %g, %v", v.Weight, err)
	}
	lp, gain := make([]float64, len(data.Val)/3), 0.0
	divergence.New(v.Flow).LogProb(lp, data.Val)
	for _, l := range lp {
		gain += (l - uniform.LogProb(nil)) / float64(len(lp))
	}
	if math.Abs(v.Gain-gain) > 1e-4 {
		t.Errorf("gain of %g at the validation points, want %g", v.Gain, gain)
	}
	// Beside a tenth more than the flows' own density, normalised, they are worse,
	// whatever mass they have too much.
	large := *flows[0]
	large.Nets = shares(flows[:1], 2.5)
	z, _, err := divergence.Normaliser(&large, 50000, rand.New(rand.NewPCG(1, 1)))
	if err != nil || z.Value < 1.2 {
		t.Fatalf("Z of %g, want one far from 1 (%v)", z.Value, err)
	}
	divergence.New(&large).Mu(p.Nu, data.Train)
	for i, v := range p.Nu {
		p.Nu[i] = 1.1 * math.Max(v, 10*large.Eps) / z.Value
	}
	if m, err = Mix(p, []*flow.Flow{&large, &large}, 50000, rand.New(rand.NewPCG(1, 1))); err != nil || m.Weight > 0.05 {
		t.Errorf("flows of Z %g that only have more mass were mixed in with weight %g, %v", z.Value, m.Weight, err)
	}
	// A partner that already knows the points.
	for i := range p.Nu {
		p.Nu[i] = 100
	}
	if m, err = Mix(p, flows, 1000, rand.New(rand.NewPCG(1, 1))); err != nil || len(m.Flow.Nets) > 0 {
		t.Errorf("flows that add nothing were mixed in with weight %g, %v", m.Weight, err)
	}
}
