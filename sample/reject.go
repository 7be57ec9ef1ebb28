package sample

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"sort"

	"mflow/divergence"
	"mflow/flow"
)

// Reject returns n independent points of p = μ₊/Z by rejection from the prior:
// a point x of ν is kept with probability μ₊(x) / (M ν(x)). The bound M on the
// ratio is searched for and raised by a margin; if a point above it turns up
// all the same, M is raised and the drawing starts over.
func Reject(ctx context.Context, f *flow.Flow, n int, rnd *rand.Rand) ([]float64, Stats, error) {
	const batch, margin = 1 << 14, 1.1
	_, dim := f.Manifold.Dims()
	d := divergence.New(f)
	bound, evals := envelope(d, rnd)
	st := Stats{Evals: evals}
	bound *= margin
	x := make([]float64, batch*dim)
	ratio, keep := make([]float64, batch), make([]float64, batch)
	var out []float64
	for len(out) < n*dim {
		if err := ctx.Err(); err != nil {
			return nil, st, err
		}
		for i := range batch {
			f.Prior.Rand(x[i*dim:(i+1)*dim], rnd)
			keep[i] = rnd.Float64()
		}
		ratios(d, ratio, x)
		st.Evals += batch
		for i, r := range ratio {
			if math.IsNaN(r) {
				return nil, st, fmt.Errorf("sample: the density at %v is not a number", x[i*dim:(i+1)*dim])
			}
			if r > bound {
				bound, out = margin*r, out[:0]
				st.Rejected++
				break
			}
			if keep[i]*bound < r && len(out) < n*dim {
				out = append(out, x[i*dim:(i+1)*dim]...)
			}
		}
	}
	st.MaxEvals = st.Evals / max(1, n)
	return out, st, nil
}

// ratios writes μ₊/ν at the points x.
func ratios(d *divergence.Density, dst, x []float64) {
	nu := make([]float64, len(dst))
	d.Eval(x, nu, dst, nil)
	for i, m := range dst {
		dst[i] = math.Max(d.Flow().Eps, m) / nu[i]
	}
}

// envelope searches for the largest ratio μ₊/ν: among draws of the prior, then
// by random steps of shrinking size uphill from the best of them.
func envelope(d *divergence.Density, rnd *rand.Rand) (bound float64, evals int) {
	const draws, climbers, rounds = 1 << 15, 64, 60
	f := d.Flow()
	_, n := f.Manifold.Dims()
	x, r := make([]float64, draws*n), make([]float64, draws)
	for i := range draws {
		f.Prior.Rand(x[i*n:(i+1)*n], rnd)
	}
	ratios(d, r, x)
	order := make([]int, draws)
	for i := range order {
		order[i] = i
	}
	sort.Slice(order, func(i, j int) bool { return r[order[i]] > r[order[j]] })
	top, val := make([]float64, climbers*n), make([]float64, climbers)
	for i, o := range order[:climbers] {
		copy(top[i*n:(i+1)*n], x[o*n:(o+1)*n])
		val[i] = r[o]
	}
	try, got := make([]float64, climbers*n), make([]float64, climbers)
	step := 0.1
	for range rounds {
		for i := range climbers {
			for c := range n {
				try[i*n+c] = top[i*n+c] + step*rnd.NormFloat64()
			}
			f.Manifold.Project(try[i*n : (i+1)*n])
		}
		ratios(d, got, try)
		for i, g := range got {
			if g > val[i] {
				val[i] = g
				copy(top[i*n:(i+1)*n], try[i*n:(i+1)*n])
			}
		}
		step *= 0.9
	}
	for _, v := range val {
		bound = math.Max(bound, v)
	}
	return bound, draws + rounds*climbers
}
