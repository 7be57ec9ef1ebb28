package sample

import (
	"context"
	"fmt"
	"math"
)

// A System is a differential equation for many points at once, each with a time
// of its own.
type System struct {
	// Width is the length of one state. Its first Dim numbers are a point in
	// ambient coordinates; what follows is integrated along.
	Width int

	// Free is how many numbers at the end of a state do not steer the step size.
	Free int

	// Velocity writes dx/dt of the states x, B×Width, at the times t, of length B.
	Velocity func(v, t, x []float64)

	// Project moves a state back to the manifold. Stages are projected too: the
	// equation solved is that of x ↦ v(Project(x)), which is smooth off the
	// manifold, so the order of the method is kept, and a new point is the
	// projection of its last stage.
	Project func(x []float64)
}

// Solver says how a System is solved.
type Solver struct {
	Method Tableau // DormandPrince if empty

	// Tol is the tolerance of an adaptive method: the largest local error of a
	// step, absolute, in ambient units. 1e-5 if zero.
	Tol float64

	// Steps is the number of equal steps of a fixed-step method: 64 if zero.
	Steps int

	// MaxEvals bounds the evaluations of one trajectory of an adaptive method, beyond
	// which it ends with an error: 100000 if zero.
	MaxEvals int
}

// Stats counts the work of a solution.
type Stats struct {
	Evals       int // evaluations of the field, summed over points
	Divergences int // how many of them with the divergence
	MaxEvals    int // of the costliest trajectory; 0 where there are none
	Rejected    int // steps refused by the error estimate, or draws begun over
}

func (s *Stats) merge(o Stats) {
	s.Evals += o.Evals
	s.Divergences += o.Divergences
	s.Rejected += o.Rejected
	s.MaxEvals = max(s.MaxEvals, o.MaxEvals)
}

func (s Solver) withDefaults() Solver {
	if s.Method.B == nil {
		s.Method = DormandPrince
	}
	if s.Tol == 0 {
		s.Tol = 1e-5
	}
	if s.Steps == 0 {
		s.Steps = 64
	}
	if s.MaxEvals == 0 {
		s.MaxEvals = 100000
	}
	return s
}

// Solve moves the states x, B×Width, in place from time t0 to t1. Every point
// has its own step size, and points that have arrived are dropped from the
// batch, so one stiff trajectory does not slow the others.
func (s Solver) Solve(ctx context.Context, sys System, x []float64, t0, t1 float64) (Stats, error) {
	s = s.withDefaults()
	b := len(x) / sys.Width
	r := newRunner(s, sys, x, b, t0, t1)
	for r.alive > 0 {
		if err := ctx.Err(); err != nil {
			return r.stats, err
		}
		r.stages()
		if err := r.advance(); err != nil {
			return r.stats, err
		}
	}
	return r.stats, nil
}

// runner is the state of one solution. Row i of the working arrays belongs to
// point id[i]; rows of finished points are filled by the last ones.
type runner struct {
	Solver
	sys     System
	out     []float64
	t1      float64
	dir     float64
	alive   int
	id      []int
	t, h    []float64
	evals   []int
	refused []bool // whether the last step was rejected
	x       []float64
	k       [][]float64
	y, ty   []float64
	fresh   bool // whether k[0] must be computed
	stats   Stats
}

func newRunner(s Solver, sys System, x []float64, b int, t0, t1 float64) *runner {
	r := &runner{Solver: s, sys: sys, out: x, t1: t1, dir: math.Copysign(1, t1-t0), alive: b, fresh: true}
	r.id, r.evals, r.refused = make([]int, b), make([]int, b), make([]bool, b)
	r.t, r.h, r.ty = make([]float64, b), make([]float64, b), make([]float64, b)
	r.x = append([]float64(nil), x...)
	r.y = make([]float64, len(x))
	for range s.Method.B {
		r.k = append(r.k, make([]float64, len(x)))
	}
	h := (t1 - t0) / float64(s.Steps)
	if s.Method.E != nil {
		h = (t1 - t0) / 50
	}
	for i := range b {
		r.id[i], r.t[i], r.h[i] = i, t0, h
	}
	return r
}

// stages computes k₁…k_s of all live points.
func (r *runner) stages() {
	w, m := r.sys.Width, r.Method
	live := r.alive * w
	for st := range m.B {
		if st == 0 {
			if r.fresh || !m.FSAL {
				r.sys.Velocity(r.k[0][:live], r.t[:r.alive], r.x[:live])
				r.count()
			}
			r.fresh = false
			continue
		}
		for i := range r.alive {
			h := r.h[i]
			r.ty[i] = r.t[i] + m.C[st]*h
			y := r.y[i*w : (i+1)*w]
			copy(y, r.x[i*w:(i+1)*w])
			for j, a := range m.A[st] {
				if a == 0 {
					continue
				}
				for c, k := range r.k[j][i*w : (i+1)*w] {
					y[c] += h * a * k
				}
			}
			r.sys.Project(y)
		}
		r.sys.Velocity(r.k[st][:live], r.ty[:r.alive], r.y[:live])
		r.count()
	}
}

func (r *runner) count() {
	r.stats.Evals += r.alive
	for i := range r.alive {
		r.evals[i]++
	}
}

// advance accepts or rejects the step of every live point, chooses the next
// step size, and retires the points that have arrived.
func (r *runner) advance() error {
	w, m := r.sys.Width, r.Method
	last := len(m.B) - 1
	for i := r.alive - 1; i >= 0; i-- {
		x, h := r.x[i*w:(i+1)*w], r.h[i]
		grow := 1.0
		if m.E != nil {
			e := r.error(i)
			if math.IsNaN(e) {
				return fmt.Errorf("sample: the velocity at t = %g is not a number", r.t[i])
			}
			// The classical controller, with a safety factor and bounds.
			grow = math.Min(5, math.Max(0.2, 0.9*math.Pow(r.Tol/math.Max(e, 1e-300), 1/float64(m.Order))))
			if e > r.Tol {
				if r.evals[i] > r.MaxEvals || math.Abs(h) < 1e-14 {
					return r.stiff(i)
				}
				r.h[i] = h * math.Min(grow, 0.9)
				r.refused[i] = true
				r.stats.Rejected++
				continue
			}
			if r.refused[i] { // what forced the step down is still near
				grow = math.Min(grow, 1)
			}
			r.refused[i] = false
		}
		if m.FSAL { // the last stage was computed at the new point
			copy(x, r.y[i*w:(i+1)*w])
			copy(r.k[0][i*w:(i+1)*w], r.k[last][i*w:(i+1)*w])
		} else {
			for j, b := range m.B {
				for c, k := range r.k[j][i*w : (i+1)*w] {
					x[c] += h * b * k
				}
			}
			r.sys.Project(x)
		}
		r.t[i] += h
		left := r.t1 - r.t[i]
		if math.Abs(left) < 1e-12 {
			copy(r.out[r.id[i]*w:], x)
			r.retire(i)
			continue
		}
		if m.E != nil && r.evals[i] > r.MaxEvals {
			return r.stiff(i)
		}
		r.h[i] = h * grow
		// Stretch the last step a little rather than leave a sliver.
		if math.Abs(r.h[i]) > 0.99*math.Abs(left) || r.h[i]*r.dir <= 0 {
			r.h[i] = left
		}
	}
	return nil
}

func (r *runner) stiff(i int) error {
	return fmt.Errorf("sample: step of %g at t = %g after %d evaluations: the field is too stiff for tolerance %g",
		r.h[i], r.t[i], r.evals[i], r.Tol)
}

// error returns the estimated local error of point i, in the maximum norm.
func (r *runner) error(i int) float64 {
	w, e := r.sys.Width, 0.0
	for c := i * w; c < (i+1)*w-r.sys.Free; c++ {
		var s float64
		for j, v := range r.Method.E {
			s += v * r.k[j][c]
		}
		if a := math.Abs(s * r.h[i]); !(a <= e) {
			e = a
		}
	}
	return e
}

// retire moves the last live row to row i.
func (r *runner) retire(i int) {
	r.stats.MaxEvals = max(r.stats.MaxEvals, r.evals[i])
	r.alive--
	if l := r.alive; i != l {
		w := r.sys.Width
		r.id[i], r.t[i], r.h[i], r.evals[i], r.refused[i] = r.id[l], r.t[l], r.h[l], r.evals[l], r.refused[l]
		copy(r.x[i*w:(i+1)*w], r.x[l*w:(l+1)*w])
		copy(r.k[0][i*w:(i+1)*w], r.k[0][l*w:(l+1)*w])
	}
}
