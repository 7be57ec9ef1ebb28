package sample

import (
	"context"
	"math"

	"mflow/divergence"
	"mflow/flow"
)

// LogProb returns the log-density of the flow's map at the points x, B×n, by
// the change of variables along the trajectories back to the prior,
//
//	log p(x) = log ν(x₀) - ∫₀¹ div v_t dt,
//	div v_t = div u / m - ⟨u, ∇m⟩ / m²,    m = (1-t) ν + t μ₊ .
//
// The derivative of m along u is a central difference, everything in float64.
// It is the slow second way to log μ: the two agree where the whole trajectory
// keeps to μ > ε, which clear tells of every point. Where it does not, (1-t) ν +
// t μ₊ is not the density on the way, and the flow's map has another density than
// μ₊.
func LogProb(ctx context.Context, f *flow.Flow, x []float64, s Solver) (lp []float64, clear []bool, st Stats, err error) {
	_, n := f.Manifold.Dims()
	b := len(x) / n
	w := n + 2 // the point, the integral of div v, and the time spent at μ < ε
	state := make([]float64, b*w)
	for i := range b {
		copy(state[i*w:], x[i*n:(i+1)*n])
	}
	if s.Tol == 0 {
		s.Tol = 1e-6
	}
	st, err = inChunks(state, w, func(state []float64) (Stats, error) {
		sys := System{
			Width:    w,
			Free:     1,
			Project:  func(x []float64) { f.Manifold.Project(x[:n]) },
			Velocity: logVelocity(f, n),
		}
		return s.Solve(ctx, sys, state, 1, 0)
	})
	lp, clear = make([]float64, b), make([]bool, b)
	for i := range lp {
		lp[i] = f.Prior.LogProb(state[i*w:i*w+n]) + state[i*w+n]
		clear[i] = state[i*w+n+1] == 0
	}
	return lp, clear, st, err
}

// logVelocity is the velocity of the state (x, ℓ, τ) with dℓ/dt = div v_t and τ the
// time spent at μ < ε.
func logVelocity(f *flow.Flow, n int) func(v, t, x []float64) {
	const delta = 1e-5 // truncation δ², rounding 1e-16/δ: both far below 1e-6
	d := divergence.New(f)
	return func(v, t, state []float64) {
		b, w := len(t), n+2
		x := make([]float64, 3*b*n)
		for i := range b {
			copy(x[i*n:(i+1)*n], state[i*w:])
		}
		u := make([]float64, b*n)
		nu, mu := make([]float64, 3*b), make([]float64, 3*b)
		d.Eval64(x[:b*n], nu[:b], mu[:b], u)
		speed := make([]float64, b)
		for i := range b {
			for _, c := range u[i*n : (i+1)*n] {
				speed[i] += c * c
			}
			speed[i] = math.Sqrt(speed[i])
			for side, sign := range []float64{1, -1} {
				y := x[((1+side)*b+i)*n : ((1+side)*b+i+1)*n]
				for c := range y {
					y[c] = x[i*n+c]
					if speed[i] > 0 {
						y[c] += sign * delta * u[i*n+c] / speed[i]
					}
				}
				f.Manifold.Project(y)
			}
		}
		d.Eval64(x[b*n:], nu[b:], mu[b:], nil)
		for i, ti := range t {
			m := func(row int) float64 { return (1-ti)*nu[row] + ti*math.Max(f.Eps, mu[row]) }
			m0 := m(i)
			along := (m(b+i) - m(2*b+i)) / (2 * delta) * speed[i]
			for c := range n {
				v[i*w+c] = u[i*n+c] / m0
			}
			v[i*w+n] = (nu[i]-mu[i])/m0 - along/(m0*m0)
			v[i*w+n+1] = 0
			if mu[i] < f.Eps {
				v[i*w+n+1] = 1
			}
		}
	}
}
