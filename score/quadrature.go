package score

import (
	"fmt"
	"math"
	"math/rand/v2"

	"mflow/manifold"
)

// A Rule is a set of points of equal weight on a manifold, moved as a whole at
// random, so that the spread between moves is an error that assumes nothing of
// the integrand (Cranley and Patterson 1976): by shifts of the unit cube, on S² by
// rotations, which have no seam.
type Rule struct {
	Name   string
	Points int // of one move
	m      manifold.Manifold
	vol    float64
	chart  Chart
	node   func(u []float64, i int)
	d, n   int
}

// NewRule returns a rule of about the given number of points: on S² the spherical
// Fibonacci lattice, on flat tori up to T³ the product of trapezoidal rules,
// elsewhere the Kronecker sequence of the generalised golden ratio, whose
// discrepancy is low in every dimension. Without a chart there is none.
func NewRule(m manifold.Manifold, points int) (*Rule, error) {
	chart, ok := NewChart(m)
	meas, ok2 := m.(manifold.Measurer)
	if !ok || !ok2 {
		return nil, fmt.Errorf("score: no quadrature is known on %s", m)
	}
	r := &Rule{m: m, vol: meas.Volume(), chart: chart, Points: points}
	r.d, r.n = m.Dims()
	t, torus := m.(manifold.Torus)
	s, sphere := m.(manifold.Sphere)
	switch {
	case torus && t.N <= 3:
		side := int(math.Round(math.Pow(float64(points), 1/float64(r.d))))
		r.Name, r.Points = "product trapezoid", int(math.Pow(float64(side), float64(r.d)))
		r.node = func(u []float64, i int) {
			for j := range u {
				u[j] = float64(i%side) / float64(side)
				i /= side
			}
		}
	case sphere && s.N == 2:
		r.Name = "Fibonacci lattice"
		golden := (math.Sqrt(5) - 1) / 2
		r.node = func(u []float64, i int) { u[0], u[1] = (float64(i)+0.5)/float64(points), frac(float64(i)*golden) }
	default:
		r.Name = "Kronecker sequence"
		// The root of x^(d+1) = x + 1 above one; its inverse powers are independent
		// over the rationals.
		phi := 1.5
		for range 60 {
			phi = math.Pow(1+phi, 1/float64(r.d+1))
		}
		alpha := make([]float64, r.d)
		for j := range alpha {
			alpha[j] = math.Pow(phi, -float64(j+1))
		}
		r.node = func(u []float64, i int) {
			for j := range u {
				u[j] = frac(float64(i) * alpha[j])
			}
		}
	}
	return r, nil
}

func frac(v float64) float64 { return v - math.Floor(v) }

// move draws a shift of the cube or, on S², a rotation, which it returns.
func (r *Rule) move(shift []float64, rnd *rand.Rand) (turn func(x []float64)) {
	clear(shift)
	if s, ok := r.m.(manifold.Sphere); ok && s.N == 2 {
		var q [9]float64
		manifold.SO3{}.Rand(q[:], rnd)
		return func(x []float64) {
			a, b, c := x[0], x[1], x[2]
			for j := range x {
				x[j] = q[3*j]*a + q[3*j+1]*b + q[3*j+2]*c
			}
		}
	}
	for j := range shift {
		shift[j] = rnd.Float64()
	}
	return func([]float64) {}
}

// Integrate integrates the functions that f writes, one row of dst for each
// point of x, over the manifold: by the given number of moves, two or more, with
// the standard error of their mean.
func (r *Rule) Integrate(f func(dst, x []float64), functions, moves int, rnd *rand.Rand) []Mean {
	const chunk = 1 << 14
	by := make([][]float64, functions)
	u, shift := make([]float64, r.d), make([]float64, r.d)
	x, y := make([]float64, chunk*r.n), make([]float64, chunk*functions)
	for range moves {
		turn := r.move(shift, rnd)
		sums := make([]float64, functions)
		for done := 0; done < r.Points; {
			b := min(chunk, r.Points-done)
			for i := range b {
				r.node(u, done+i)
				for j := range u {
					u[j] = frac(u[j] + shift[j])
				}
				r.chart.To(x[i*r.n:(i+1)*r.n], u)
				turn(x[i*r.n : (i+1)*r.n])
			}
			f(y[:b*functions], x[:b*r.n])
			for i, v := range y[:b*functions] {
				sums[i%functions] += v
			}
			done += b
		}
		for k, s := range sums {
			by[k] = append(by[k], s*r.vol/float64(r.Points))
		}
	}
	out := make([]Mean, functions)
	for k := range out {
		out[k] = MeanOf(by[k], nil)
	}
	return out
}
