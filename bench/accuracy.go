package main

import (
	"context"
	"math"
	"slices"

	"mflow/flow"
	"mflow/sample"
)

// accuracy compares the two ways to follow a trajectory, in the time t as the
// equation stands and in the path's own time s, by what they cost and how far they
// end from where a tight tolerance leads.
func (b *bench) accuracy() {
	f := b.about("Accuracy of samples")
	if f == nil {
		return
	}
	const n = 2016
	start := points(f, n)
	ctx := context.Background()
	truth := slices.Clone(start)
	must(sample.Push(ctx, f, truth, sample.Solver{Tol: 3e-8}))
	plain := sample.DormandPrince
	plain.D = nil // of which paths in s have need
	b.p("The same model; %d points, one thread. Distances are from where the same points end in s at a tolerance of 3e-8.\n", n)
	b.p("| | evaluations | with divergence | refused steps | a second of processor time | median distance | 90 %% | 99 %% |")
	b.p("|---|---|---|---|---|---|---|---|")
	for _, tol := range []float64{1e-5, 1e-6} {
		for _, way := range []struct {
			name   string
			method sample.Tableau
		}{{"t", plain}, {"s", sample.DormandPrince}} {
			var x []float64
			var st sample.Stats
			var took spread
			threads(1, func() {
				took = b.time(func() {
					x = slices.Clone(start)
					st = must(sample.Push(ctx, f, x, sample.Solver{Method: way.method, Tol: tol}))
				})
			})
			far := distances(f, x, truth)
			each := func(count int) float64 { return float64(count) / n }
			calls := each(st.Divergences)
			if way.method.D == nil {
				calls = each(st.Evals)
			}
			b.p("| in %s, tolerance %.0e | %.0f | %.0f | %.1f | %.0f | %.1e | %.1e | %.1e |", way.name, tol, each(st.Evals), calls,
				each(st.Rejected), n/took.cpu, far[n/2], far[n*9/10], far[n*99/100])
		}
	}
	b.p("")
}

// distances of points in ambient units, rising.
func distances(f *flow.Flow, x, y []float64) []float64 {
	_, n := f.Manifold.Dims()
	d := make([]float64, len(x)/n)
	for i := range d {
		for c := range n {
			d[i] = math.Hypot(d[i], x[i*n+c]-y[i*n+c])
		}
	}
	slices.Sort(d)
	return d
}
