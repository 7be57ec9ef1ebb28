package sample

import (
	"context"
	"math"
	"math/rand/v2"
	"sync"

	"mflow/divergence"
	"mflow/flow"
	"mflow/internal/kernel"
)

// chunk is the number of trajectories that are one piece of work for a thread.
const chunk = 2048

// Draw returns n points of the flow, n×ambient, by moving points of the prior
// along its field.
func Draw(ctx context.Context, f *flow.Flow, n int, s Solver, rnd *rand.Rand) ([]float64, Stats, error) {
	_, dim := f.Manifold.Dims()
	x := make([]float64, n*dim)
	for i := range n {
		f.Prior.Rand(x[i*dim:(i+1)*dim], rnd)
	}
	st, err := Push(ctx, f, x, s)
	return x, st, err
}

// Push moves points of the prior, B×n, in place to points of the model.
func Push(ctx context.Context, f *flow.Flow, x []float64, s Solver) (Stats, error) {
	return transport(ctx, f, x, s, 0, 1)
}

// Pull moves points of the model in place to points of the prior. It is the
// inverse of Push, up to the tolerance of the solver.
func Pull(ctx context.Context, f *flow.Flow, x []float64, s Solver) (Stats, error) {
	return transport(ctx, f, x, s, 1, 0)
}

func transport(ctx context.Context, f *flow.Flow, x []float64, s Solver, t0, t1 float64) (Stats, error) {
	if len(f.Nets) == 0 { // nothing moves
		return Stats{}, ctx.Err()
	}
	s = s.withDefaults()
	_, n := f.Manifold.Dims()
	d := divergence.New(f)
	return inChunks(x, n, func(x []float64) (Stats, error) {
		if s.Method.D != nil {
			return newPaths(d, x, s, t0, t1).follow(ctx)
		}
		return s.Solve(ctx, eased(inTime(d)), x, 1-math.Sqrt(1-t0), 1-math.Sqrt(1-t1))
	})
}

// inTime is the equation dx/dt = v_t(x) as it stands.
func inTime(d *divergence.Density) System {
	f := d.Flow()
	_, n := f.Manifold.Dims()
	return System{
		Width:   n,
		Project: f.Manifold.Project,
		Velocity: func(v, t, x []float64) {
			b := len(t)
			nu, mu := make([]float64, b), make([]float64, b)
			d.Eval(x, nu, mu, v)
			for i, ti := range t {
				m := (1-ti)*nu[i] + ti*math.Max(f.Eps, mu[i])
				for c := range n {
					v[i*n+c] /= m
				}
			}
		},
	}
}

// eased is the system in the time s with t = 1 - (1-s)². Trajectories are
// stiffest near t = 1, where some cross μ ≈ ε; equal steps in s spend more
// there.
func eased(sys System) System {
	inner := sys.Velocity
	sys.Velocity = func(v, s, x []float64) {
		t := make([]float64, len(s))
		for i, s := range s {
			t[i] = 1 - (1-s)*(1-s)
		}
		inner(v, t, x)
		for i, s := range s {
			for c := range sys.Width {
				v[i*sys.Width+c] *= 2 * (1 - s)
			}
		}
	}
	return sys
}

// inChunks runs solve on chunks of the states, on all threads.
func inChunks(x []float64, width int, solve func(x []float64) (Stats, error)) (Stats, error) {
	b := len(x) / width
	var mu sync.Mutex
	var total Stats
	var first error
	kernel.Parallel((b+chunk-1)/chunk, 1, func(lo, hi int) {
		for ; lo < hi; lo++ {
			st, err := solve(x[lo*chunk*width : min(b, (lo+1)*chunk)*width])
			mu.Lock()
			total.merge(st)
			if first == nil {
				first = err
			}
			mu.Unlock()
		}
	})
	return total, first
}
