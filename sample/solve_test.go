package sample

import (
	"context"
	"math"
	"testing"
)

// spin is rotation about z with a speed that grows in time, on the unit sphere
// in R³: the point at t is known. The solver must stay on the sphere by
// projecting, since the velocity is given off it too.
func spin() System {
	return System{
		Width: 3,
		Velocity: func(v, t, x []float64) {
			for i, ti := range t {
				w := 2 + math.Cos(3*ti)
				v[3*i], v[3*i+1], v[3*i+2] = -w*x[3*i+1], w*x[3*i], 0
			}
		},
		Project: func(x []float64) {
			r := math.Sqrt(x[0]*x[0] + x[1]*x[1] + x[2]*x[2])
			for i := range x {
				x[i] /= r
			}
		},
	}
}

func spun(x []float64, t float64) []float64 {
	s, c := math.Sincos(2*t + math.Sin(3*t)/3)
	return []float64{c*x[0] - s*x[1], s*x[0] + c*x[1], x[2]}
}

func distance(x, y []float64) float64 {
	var s float64
	for i := range x {
		s += (x[i] - y[i]) * (x[i] - y[i])
	}
	return math.Sqrt(s)
}

var start = []float64{0.6, 0, 0.8}

// TestOrder measures the order of convergence of both methods at fixed steps.
func TestOrder(t *testing.T) {
	fixed := DormandPrince
	fixed.E = nil
	for _, c := range []struct {
		m     Tableau
		steps int
	}{{RK4, 40}, {fixed, 20}} {
		var e [2]float64
		for i := range e {
			x := append([]float64(nil), start...)
			if _, err := (Solver{Method: c.m, Steps: c.steps << i}).Solve(context.Background(), spin(), x, 0, 1); err != nil {
				t.Fatal(err)
			}
			e[i] = distance(x, spun(start, 1))
		}
		if order := math.Log2(e[0] / e[1]); math.Abs(order-float64(c.m.Order)) > 0.3 {
			t.Errorf("%s: errors %.2e and %.2e: order %.2f, want %d", c.m.Name, e[0], e[1], order, c.m.Order)
		}
	}
}

// TestAdaptive: the error falls with the tolerance, and each point of a batch
// ends where it would end alone.
func TestAdaptive(t *testing.T) {
	starts := [][]float64{{0.6, 0, 0.8}, {0, 1, 0}, {0, 0, 1}, {-0.8, 0, 0.6}}
	last := math.Inf(1)
	for _, tol := range []float64{1e-3, 1e-5, 1e-7, 1e-9} {
		var all []float64
		for _, s := range starts {
			all = append(all, s...)
		}
		solver := Solver{Tol: tol}
		if _, err := solver.Solve(context.Background(), spin(), all, 0, 1); err != nil {
			t.Fatal(err)
		}
		var worst float64
		for i, s := range starts {
			alone := append([]float64(nil), s...)
			if _, err := solver.Solve(context.Background(), spin(), alone, 0, 1); err != nil {
				t.Fatal(err)
			}
			if d := distance(alone, all[3*i:3*i+3]); d != 0 {
				t.Errorf("tolerance %g: point %d ends %g from where it ends alone", tol, i, d)
			}
			worst = math.Max(worst, distance(alone, spun(s, 1)))
		}
		if worst > 20*tol || worst > last {
			t.Errorf("tolerance %g: error %g, at the last tolerance %g", tol, worst, last)
		}
		last = worst
	}
}

func TestSolveCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	x := append([]float64(nil), start...)
	if _, err := (Solver{}).Solve(ctx, spin(), x, 0, 1); err != context.Canceled {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	if distance(x, start) != 0 {
		t.Errorf("a cancelled solution moved the point to %v", x)
	}
}

func TestSolveNaN(t *testing.T) {
	sys := spin()
	sys.Velocity = func(v, _, _ []float64) {
		for i := range v {
			v[i] = math.NaN()
		}
	}
	if _, err := (Solver{}).Solve(context.Background(), sys, append([]float64(nil), start...), 0, 1); err == nil {
		t.Error("a velocity that is not a number went unnoticed")
	}
}
