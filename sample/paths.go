package sample

import (
	"context"
	"fmt"
	"math"

	"mflow/divergence"
	"mflow/flow"
)

// window is the number of paths that one thread follows at a time, a multiple of
// the points that divergence evaluates together.
const window = 504

// paths follows trajectories of a flow in the time s with ds = dt/m, where they
// are those of the field alone,
//
//	dx/ds = u(x),    dt/ds = m = (1-t) ν(x) + t μ₊(x) .
//
// The first equation needs no divergence, and u is smooth where u/m is not. The
// second is linear in t and steers nothing: once a step of the first is done, ν
// and μ at a few points of it give t. The path ends where t does, within a step.
//
// Every path has its own step size. As one arrives another takes its place, so
// batches stay full.
type paths struct {
	Solver
	field  *divergence.Density
	flow   *flow.Flow
	n      int
	t0, t1 float64
	dir    float64

	points []float64 // where paths begin and, in the end, where they end
	next   int       // the first that has not begun

	// Row i of what follows belongs to the path of point id[i].
	live    int
	id      []int
	evals   []int
	refused []bool    // whether the last step was
	t, h    []float64 // h is a step of s
	x, y    []float64 // where the step begins, and a stage or its end
	dx      []float64 // the step, before it is projected
	k       [][]float64
	nu, mu  []float64 // at the nodes of the step
	err     []float64
	some    sample
	stats   Stats
}

// sample is a batch of points that not all paths have a part in.
type sample struct {
	row       []int
	x, nu, mu []float64
}

func newPaths(d *divergence.Density, x []float64, s Solver, t0, t1 float64) *paths {
	_, n := d.Flow().Manifold.Dims()
	p := &paths{Solver: s, field: d, flow: d.Flow(), n: n, t0: t0, t1: t1, dir: math.Copysign(1, t1-t0), points: x}
	w := min(window, len(x)/n)
	p.id, p.evals, p.refused = make([]int, w), make([]int, w), make([]bool, w)
	p.t, p.h, p.err = make([]float64, w), make([]float64, w), make([]float64, w)
	p.x, p.y, p.dx = make([]float64, w*n), make([]float64, w*n), make([]float64, w*n)
	for range s.Method.B {
		p.k = append(p.k, make([]float64, w*n))
	}
	p.nu, p.mu = make([]float64, w*len(nodes)), make([]float64, w*len(nodes))
	inner := w * (len(nodes) - 2)
	p.some = sample{make([]int, 0, w), make([]float64, inner*n), make([]float64, inner), make([]float64, inner)}
	return p
}

// follow moves all points.
func (p *paths) follow(ctx context.Context) (Stats, error) {
	for {
		if err := ctx.Err(); err != nil {
			return p.stats, err
		}
		p.admit()
		if p.live == 0 {
			return p.stats, nil
		}
		p.stages()
		p.look()
		if err := p.advance(); err != nil {
			return p.stats, err
		}
	}
}

// admit begins paths where there is room.
func (p *paths) admit() {
	const first = 0.12 // the first step, as a step of t
	lo := p.live
	for ; p.live < len(p.id) && p.next < len(p.points)/p.n; p.live, p.next = p.live+1, p.next+1 {
		i := p.live
		copy(p.row(p.x, i), p.row(p.points, p.next))
		p.id[i], p.t[i], p.evals[i], p.refused[i] = p.next, p.t0, 1, false
	}
	if b := p.live - lo; b > 0 {
		nu, mu := p.some.nu[:b], p.some.mu[:b]
		p.jets(p.x[lo*p.n:p.live*p.n], nu, mu, p.k[0][lo*p.n:p.live*p.n])
		for i := lo; i < p.live; i++ {
			p.nu[i*len(nodes)], p.mu[i*len(nodes)] = nu[i-lo], mu[i-lo]
			p.h[i] = p.dir * first / p.rate(i)
		}
	}
}

func (p *paths) row(x []float64, i int) []float64 { return x[i*p.n : (i+1)*p.n] }

// jets evaluates the flow with its divergence; u may be nil.
func (p *paths) jets(x, nu, mu, u []float64) {
	p.field.Eval(x, nu, mu, u)
	p.stats.Evals += len(nu)
	p.stats.Divergences += len(nu)
}

// stages takes a step of x on every path and estimates its error. At the end of
// the step, the first point of the next, ν and μ are evaluated too.
func (p *paths) stages() {
	m := p.Method
	last := len(m.B) - 1
	live := p.live * p.n
	for st := 1; st <= last; st++ {
		for i := range p.live {
			dx, y := p.row(p.dx, i), p.row(p.y, i)
			p.combine(dx, i, m.A[st])
			for c, x := range p.row(p.x, i) {
				y[c] = x + dx[c]
			}
			p.flow.Manifold.Project(y)
		}
		if st < last {
			p.field.Eval(p.y[:live], nil, nil, p.k[st][:live])
			p.stats.Evals += p.live
		}
	}
	nu, mu := p.some.nu[:p.live], p.some.mu[:p.live]
	p.jets(p.y[:live], nu, mu, p.k[last][:live])
	e := make([]float64, p.n)
	for i := range p.live {
		end := (i+1)*len(nodes) - 1
		p.nu[end], p.mu[end] = nu[i], mu[i]
		p.evals[i] += last
		p.combine(e, i, m.E)
		p.err[i] = size(e)
	}
}

// combine writes h Σ aⱼ kⱼ of path i.
func (p *paths) combine(dst []float64, i int, a []float64) {
	clear(dst)
	for j, a := range a {
		if a == 0 {
			continue
		}
		a *= p.h[i]
		for c, k := range p.row(p.k[j], i) {
			dst[c] += a * k
		}
	}
}

// size is the maximum norm; it does not hide a NaN.
func size(x []float64) (s float64) {
	for _, v := range x {
		if a := math.Abs(v); !(a <= s) {
			s = a
		}
	}
	return s
}

// look evaluates ν and μ at the inner nodes of the steps whose x is good.
func (p *paths) look() {
	inner := nodes[1 : len(nodes)-1]
	s := &p.some
	s.row = s.row[:0]
	for i := range p.live {
		if p.err[i] <= p.Tol {
			for q, θ := range inner {
				p.at(p.row(s.x, len(s.row)*len(inner)+q), i, θ)
			}
			s.row = append(s.row, i)
		}
	}
	b := len(s.row) * len(inner)
	p.jets(s.x[:b*p.n], s.nu[:b], s.mu[:b], nil)
	for j, i := range s.row {
		copy(p.nu[i*len(nodes)+1:], s.nu[j*len(inner):(j+1)*len(inner)])
		copy(p.mu[i*len(nodes)+1:], s.mu[j*len(inner):(j+1)*len(inner)])
		p.evals[i] += len(inner)
	}
}

// at writes the point of path i at the part θ of its step: the interpolant of
// Hairer, Nørsett & Wanner (1993, II.6), of order four.
func (p *paths) at(dst []float64, i int, θ float64) {
	p.combine(dst, i, p.Method.D)
	k0, k1 := p.row(p.k[0], i), p.row(p.k[len(p.k)-1], i)
	h := p.h[i]
	for c, x := range p.row(p.x, i) {
		dx := p.dx[i*p.n+c]
		b := h*k0[c] - dx
		dst[c] = x + θ*(dx+(1-θ)*(b+θ*(dx-h*k1[c]-b+(1-θ)*dst[c])))
	}
	p.flow.Manifold.Project(dst)
}

// clock is that of the step of path i.
func (p *paths) clock(i int) clock {
	lo, hi := i*len(nodes), (i+1)*len(nodes)
	return clock{p.h[i], p.flow.Eps, fit(p.nu[lo:hi]), fit(p.mu[lo:hi])}
}

// rate is dt/ds where path i is.
func (p *paths) rate(i int) float64 {
	at := i * len(nodes)
	return (1-p.t[i])*p.nu[at] + p.t[i]*math.Max(p.flow.Eps, p.mu[at])
}

// advance accepts or refuses the step of every path, chooses the next step size,
// and retires the paths that have arrived.
func (p *paths) advance() error {
	// A safety factor below the usual 0.9 makes x better than it must be and spares
	// steps that are refused, which cost more than shorter ones.
	const safety, least, most = 0.7, 0.2, 5
	last := len(p.k) - 1
	for i := p.live - 1; i >= 0; i-- {
		e := p.err[i]
		θ, t := 0.0, p.t[i]
		if e <= p.Tol {
			c := p.clock(i)
			θ, t = c.run(p.t[i], p.t1)
			e = math.Max(e, c.err(θ, t)*size(p.row(p.k[last], i)))
		}
		if math.IsNaN(e) {
			return fmt.Errorf("sample: the field at t = %g is not a number", p.t[i])
		}
		arrived := e <= p.Tol && t == p.t1
		if !arrived && p.evals[i] > p.MaxEvals {
			return fmt.Errorf("sample: at t = %g after %d evaluations: the field is too rough for tolerance %g", p.t[i], p.evals[i], p.Tol)
		}
		grow := math.Min(most, math.Max(least, safety*math.Pow(p.Tol/math.Max(e, 1e-300), 1/float64(p.Method.Order))))
		if e > p.Tol {
			p.h[i] *= math.Min(grow, 0.9)
			p.refused[i] = true
			p.stats.Rejected++
			continue
		}
		if arrived {
			p.at(p.row(p.points, p.id[i]), i, θ)
			p.retire(i)
			continue
		}
		if p.refused[i] { // what forced the step down is still near
			grow = math.Min(grow, 1)
		}
		p.refused[i] = false
		p.t[i] = t
		copy(p.row(p.x, i), p.row(p.y, i))
		copy(p.row(p.k[0], i), p.row(p.k[last], i))
		first := i * len(nodes)
		end := first + len(nodes) - 1
		p.nu[first], p.mu[first] = p.nu[end], p.mu[end]
		// Little is to be gained beyond the end, which is guessed by the speed of t here.
		left := (p.t1 - t) / p.rate(i)
		p.h[i] = p.dir * math.Min(math.Abs(p.h[i]*grow), 1.3*math.Abs(left))
	}
	return nil
}

// retire moves the last live row to row i.
func (p *paths) retire(i int) {
	p.stats.MaxEvals = max(p.stats.MaxEvals, p.evals[i])
	p.live--
	l := p.live
	p.id[i], p.t[i], p.h[i], p.evals[i], p.refused[i] = p.id[l], p.t[l], p.h[l], p.evals[l], p.refused[l]
	copy(p.row(p.x, i), p.row(p.x, l))
	copy(p.row(p.k[0], i), p.row(p.k[0], l))
	p.nu[i*len(nodes)], p.mu[i*len(nodes)] = p.nu[l*len(nodes)], p.mu[l*len(nodes)]
}
