package sample

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"mflow/divergence"
	"mflow/flow"
)

// Reject returns n independent points of p = μ₊/Z by rejection from the prior: a
// point x of ν is kept with probability μ₊(x) / (M ν(x)), that is, if a uniform
// number is below it. The network is not asked where that number is above a bound
// of the ratio near x.
//
// M and the bounds near x are learned, not proved. A ratio above its bound that
// turns up raises the bound, and the drawing starts over: all ratios computed on the
// way to what is returned are within their bounds. A peak that neither the search for
// the bounds nor the drawing has met is cut off.
func Reject(ctx context.Context, f *flow.Flow, n int, rnd *rand.Rand) ([]float64, Stats, error) {
	const batch = 1 << 14
	_, dim := f.Manifold.Dims()
	d := divergence.New(f)
	env, evals, err := newEnvelope(d, n, rnd)
	if err != nil {
		return nil, Stats{}, err
	}
	st := Stats{Evals: evals, Divergences: evals}
	x := make([]float64, batch*dim)
	ratio, keep := make([]float64, batch), make([]float64, batch)
	var out []float64
	for len(out) < n*dim {
		if err := ctx.Err(); err != nil {
			return nil, st, err
		}
		for b := 0; b < batch; {
			y := x[b*dim : (b+1)*dim]
			f.Prior.Rand(y, rnd)
			if keep[b] = rnd.Float64() * env.top; keep[b] < env.at(y) {
				b++
			}
		}
		if err := ratios(d, ratio, x); err != nil {
			return nil, st, err
		}
		st.Evals += batch
		st.Divergences += batch
		low := false
		for i, r := range ratio {
			xi := x[i*dim : (i+1)*dim]
			low = env.raise(xi, r) || low
			if keep[i] < r && len(out) < n*dim {
				out = append(out, xi...)
			}
		}
		if low {
			out = out[:0]
			st.Rejected++
		}
	}
	return out, st, nil
}

// ratios writes μ₊/ν at the points x.
func ratios(d *divergence.Density, dst, x []float64) error {
	nu := make([]float64, len(dst))
	d.Eval(x, nu, dst, nil)
	for i, m := range dst {
		// With an infinite bound nothing would ever be drawn.
		if dst[i] = math.Max(d.Flow().Eps, m) / nu[i]; math.IsNaN(dst[i]) || math.IsInf(dst[i], 0) {
			n := len(x) / len(dst)
			return fmt.Errorf("sample: the density at %v is not a number", x[i*n:(i+1)*n])
		}
	}
	return nil
}
