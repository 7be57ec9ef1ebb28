package sample

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"mflow/divergence"
	"mflow/flow"
	"mflow/flow/nn"
	"mflow/flow/prior"
)

// crossing is a flow some of whose trajectories pass below the floor.
func crossing(t testing.TB, spec string) *flow.Flow {
	f := random(t, spec)
	f.Nets[0].ScaleOutput(2)
	f.Eps *= 20
	return f
}

// fitted is a flow of two networks on a prior that is not uniform.
func fitted(t testing.TB) *flow.Flow {
	f := random(t, "sphere")
	m, err := prior.NewMixture(f.Manifold, []float64{0.3, 0.3}, []float64{0, 0, 1, 0.6, 0, -0.8}, []float64{3, 10}, 0.4)
	if err != nil {
		t.Fatal(err)
	}
	f.Prior = m
	other := random(t, "sphere").Nets[0]
	other.ScaleOutput(-0.4)
	f.Nets = []*nn.MLP{f.Nets[0], other}
	return f
}

// TestPaths: both ways, points go where the equation in t takes them.
func TestPaths(t *testing.T) {
	flows := map[string]*flow.Flow{"floor": crossing(t, "sphere"), "floor in a box": crossing(t, "box:0..1,-1..1"), "prior": fitted(t)}
	for _, spec := range manifolds {
		flows[spec] = random(t, spec)
	}
	for name, f := range flows {
		t.Run(name, func(t *testing.T) {
			from := points(f, 64, rand.New(rand.NewPCG(2, 1)))
			for _, span := range [][2]float64{{0, 1}, {1, 0}} {
				want := append([]float64(nil), from...)
				if _, err := (Solver{Tol: 1e-8}).Solve(context.Background(), inTime(divergence.New(f)), want, span[0], span[1]); err != nil {
					t.Fatal(err)
				}
				for tol, limit := range map[float64]float64{1e-5: 1e-4, 1e-7: 2e-6} { // errors of steps add up; those of float32 too

					got := append([]float64(nil), from...)
					st, err := transport(context.Background(), f, got, Solver{Tol: tol}, span[0], span[1])
					if err != nil {
						t.Fatal(err)
					}
					var worst float64
					for c := range got {
						worst = math.Max(worst, math.Abs(math.Sin((got[c]-want[c])/2))*2)
					}
					if worst > limit {
						t.Errorf("t from %g to %g, tolerance %g: a point is %.2g from where it should be", span[0], span[1], tol, worst)
					}
					if st.Divergences >= st.Evals/2 {
						t.Errorf("%d of %d evaluations have the divergence, want less than half", st.Divergences, st.Evals)
					}
				}
			}
		})
	}
}

// TestClock: the equation of t is solved to the accuracy of its curves, over a kink
// at the floor and both ways, and the clock stops where it should.
func TestClock(t *testing.T) {
	values := func(f func(θ float64) float64) curve {
		v := make([]float64, len(nodes))
		for i, θ := range nodes {
			v[i] = f(θ)
		}
		return fit(v)
	}
	nu := func(θ float64) float64 { return 1 + 0.3*θ }
	mu := func(θ float64) float64 { return 2*θ*θ - 0.4 }
	for _, h := range []float64{0.6, -0.6} { // long steps; six of order four are right to a few millionths

		c := clock{h, 0.1, values(nu), values(mu)}
		// Euler's method with small steps, extrapolated.
		fine := func(t0, end float64, steps int) float64 {
			at := t0
			for i := range steps {
				θ := end * (float64(i) + 0.5) / float64(steps)
				r := func(at float64) float64 { return h * ((1-at)*nu(θ) + at*math.Max(0.1, mu(θ))) }
				mid := at + r(at)*end/float64(steps)/2
				at += r(mid) * end / float64(steps)
			}
			return at
		}
		far := math.Inf(int(h / math.Abs(h)))
		θ, got := c.run(0.5, far)
		if want := fine(0.5, 1, 20000); θ != 1 || math.Abs(got-want) > 1e-5 {
			t.Errorf("h = %g: t = %.8f at θ = %g, want %.8f at 1", h, got, θ, want)
		}
		end := (0.5 + got) / 2
		θ, at := c.run(0.5, end)
		if want := fine(0.5, θ, 20000); at != end || math.Abs(at-want) > 1e-5 {
			t.Errorf("h = %g: stopped with t = %.8f at θ = %.6f, where it is %.8f", h, at, θ, want)
		}
	}
}

// TestCurve: the interpolant of five values is exact for a quartic.
func TestCurve(t *testing.T) {
	f := func(θ float64) float64 { return 1 + θ*(2-θ*(3+θ*(1-2*θ))) }
	v := make([]float64, len(nodes))
	for i, θ := range nodes {
		v[i] = f(θ)
	}
	c := fit(v)
	for θ := -0.25; θ < 1.3; θ += 0.1 {
		if got := c.at(θ); math.Abs(got-f(θ)) > 1e-12 {
			t.Errorf("at %g: %g, want %g", θ, got, f(θ))
		}
	}
}

// TestDense: between the ends of a step the interpolant is of order four, so that
// its error falls with the fifth power of the step.
func TestDense(t *testing.T) {
	f := random(t, "sphere")
	worst := func(h float64) (e float64) {
		x := points(f, 32, rand.New(rand.NewPCG(5, 5)))
		p := newPaths(divergence.New(f), append([]float64(nil), x...), Solver{Tol: 1}.withDefaults(), 0, 1)
		p.admit()
		for i := range p.h {
			p.h[i] = h
		}
		p.stages()
		q := newPaths(divergence.New(f), append([]float64(nil), x...), Solver{Tol: 1}.withDefaults(), 0, 1)
		q.admit()
		for i := range q.h {
			q.h[i] = 0.4 * h
		}
		q.stages()
		at := make([]float64, 3)
		for i := range p.h {
			p.at(at, i, 0.4)
			e = math.Max(e, distance(at, q.row(q.y, i)))
		}
		return e
	}
	a, b := worst(20), worst(10)
	if order := math.Log2(a / b); order < 4.5 || order > 6 {
		t.Errorf("errors %.2g and %.2g: order %.1f, want about 5", a, b, order)
	}
}

// BenchmarkPush follows trajectories of a small network.
func BenchmarkPush(b *testing.B) {
	f := random(b, "sphere")
	from := points(f, 2*window, rand.New(rand.NewPCG(2, 1)))
	x := make([]float64, len(from))
	b.ReportAllocs()
	for b.Loop() {
		copy(x, from)
		st, err := Push(context.Background(), f, x, Solver{})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(st.Evals)/(2*window), "evals/point")
	}
}

// TestMaxEvals: a path that takes more evaluations than it may ends with an error in
// either way to follow it, though no step is refused; one that takes fewer does not.
func TestMaxEvals(t *testing.T) {
	f := random(t, "sphere")
	plain := DormandPrince
	plain.D = nil
	for name, m := range map[string]Tableau{"in s": DormandPrince, "in t": plain} {
		push := func(most int) error {
			_, err := Push(context.Background(), f, points(f, 8, rand.New(rand.NewPCG(2, 1))), Solver{Method: m, MaxEvals: most})
			return err
		}
		if err := push(5); err == nil {
			t.Errorf("%s: no error after five evaluations", name)
		}
		if err := push(10_000); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
