// Package manifoldtest states the laws of manifolds as tests. Check runs all of
// them on a manifold, of this project or any other; Divergence is the slow
// oracle of divergences.
//
// Random points come from fixed seeds, so that a law holds or fails the same way
// every time. Statistical laws allow for chance and say by how much.
package manifoldtest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"mflow/manifold"
)

// A Law is one statement about a manifold. Check returns an error that says
// where it fails and by how much, or nil. A law about an optional interface
// holds of a manifold that lacks it.
type Law struct {
	Name  string
	Check func(m manifold.Measurer, rnd *rand.Rand) error
}

// Laws lists the laws in the order in which one would learn them.
var Laws = []Law{
	{"dimensions are positive and d ≤ n", dimensions},
	{"Parse(String) is the manifold", name},
	{"uniform points lie on the manifold", onManifold},
	{"projection is idempotent", idempotent},
	{"projection undoes a step along a normal", normalStep},
	{"projection does not hide a NaN", nan},
	{"frame is orthonormal", orthonormal},
	{"frame is tangent", tangent},
	{"mean curvature is normal", normal},
	{"divergence identity", divergence},
	{"taper lies in [0, 1] and vanishes on the walls", walls},
	{"divergences have mean zero over uniform points", stokes},
	{"uniform points are as dense as the volume says", density},
	{"Log is tangent and Exp undoes it", inverse},
	{"Log is shortest", shortest},
	{"geodesics have constant speed", speed},
}

// Check runs every law as a subtest on m.
func Check(t *testing.T, m manifold.Measurer) {
	for _, l := range Laws {
		t.Run(l.Name, func(t *testing.T) {
			if err := l.Check(m, rand.New(rand.NewPCG(1, 2))); err != nil {
				t.Errorf("%s: %v", m, err)
			}
		})
	}
}

const trials = 50

// point returns a uniform point.
func point(m manifold.Measurer, rnd *rand.Rand) []float64 {
	_, n := m.Dims()
	x := make([]float64, n)
	m.Rand(x, rnd)
	return x
}

// project returns the projection of x, which it leaves as it is.
func project(m manifold.Manifold, x []float64) []float64 {
	y := slices.Clone(x)
	m.Project(y)
	return y
}

// along returns x + s v.
func along(x []float64, s float64, v []float64) []float64 {
	y := slices.Clone(x)
	for i := range y {
		y[i] += s * v[i]
	}
	return y
}

// frame returns the rows of E at x.
func frame(m manifold.Manifold, x []float64) [][]float64 {
	d, n := m.Dims()
	E := make([]float64, d*n)
	m.Frame(E, x)
	rows := make([][]float64, d)
	for j := range rows {
		rows[j] = E[j*n : (j+1)*n]
	}
	return rows
}

// tangentVector returns a random tangent vector at x of the given length.
func tangentVector(m manifold.Manifold, x []float64, length float64, rnd *rand.Rand) []float64 {
	v := make([]float64, len(x))
	for _, e := range frame(m, x) {
		v = along(v, rnd.NormFloat64(), e)
	}
	return along(make([]float64, len(x)), length/norm(v), v)
}

// normalPart returns v less its tangential part at x.
func normalPart(m manifold.Manifold, x, v []float64) []float64 {
	rest := v
	for _, e := range frame(m, x) {
		rest = along(rest, -dot(e, v), e)
	}
	return rest
}

func dot(x, y []float64) float64 {
	var s float64
	for i, v := range x {
		s += v * y[i]
	}
	return s
}

func norm(x []float64) float64 { return math.Sqrt(dot(x, x)) }

// coordinates tells what a manifold's ambient coordinates are like.
type coordinates struct {
	extent []float64 // the range of uniform points, roughly
	period []float64 // zero where a coordinate does not wrap
}

// measure finds the ranges from a sample. A coordinate wraps if the projection
// moves two points beyond the range by the same amount, and in no other
// coordinate: walls would stop both in the same place.
func measure(m manifold.Measurer, rnd *rand.Rand) coordinates {
	first := point(m, rnd)
	lo, hi := slices.Clone(first), slices.Clone(first)
	for range 100 {
		for i, v := range point(m, rnd) {
			lo[i], hi[i] = math.Min(lo[i], v), math.Max(hi[i], v)
		}
	}
	c := coordinates{make([]float64, len(lo)), make([]float64, len(lo))}
	for i := range lo {
		c.extent[i] = hi[i] - lo[i]
	}
	for i := range lo {
		moved := func(share float64) float64 {
			x := slices.Clone(first)
			x[i] = hi[i] + share*c.extent[i]
			y := project(m, x)
			for k := range x {
				if k != i && !(math.Abs(y[k]-x[k]) < 1e-12*c.extent[k]) {
					return math.NaN()
				}
			}
			return x[i] - y[i]
		}
		if a, b := moved(0.3), moved(0.6); a > 0 && math.Abs(a-b) < 1e-9*a {
			c.period[i] = a
		}
	}
	return c
}

// apart returns the length of y - x, with the shortest difference of the
// coordinates that wrap.
func (c coordinates) apart(x, y []float64) float64 {
	var s float64
	for i, p := range c.period {
		z := y[i] - x[i]
		if p > 0 {
			z = math.Remainder(z, p)
		}
		s += z * z
	}
	return math.Sqrt(s)
}

func dimensions(m manifold.Measurer, _ *rand.Rand) error {
	if d, n := m.Dims(); d < 1 || n < d {
		return fmt.Errorf("d = %d, n = %d", d, n)
	}
	return nil
}

func name(m manifold.Measurer, _ *rand.Rand) error {
	again, err := manifold.Parse(m.String())
	if err != nil {
		return err
	}
	d, n := m.Dims()
	if gd, gn := again.Dims(); again.String() != m.String() || gd != d || gn != n {
		return fmt.Errorf("%s is read as %s, of dimension %d in %d and not %d in %d", m, again, gd, gn, d, n)
	}
	return nil
}

func onManifold(m manifold.Measurer, rnd *rand.Rand) error {
	c := measure(m, rnd)
	for range trials {
		x := point(m, rnd)
		if e := c.apart(x, project(m, x)); !(e < 1e-12) {
			return fmt.Errorf("the projection moves the uniform point %v by %g", x, e)
		}
	}
	return nil
}

func idempotent(m manifold.Measurer, rnd *rand.Rand) error {
	c := measure(m, rnd)
	for range trials {
		x := point(m, rnd)
		for i := range x {
			x[i] += 0.1 * c.extent[i] * rnd.NormFloat64()
		}
		y := project(m, x)
		if e := c.apart(y, project(m, y)); !(e < 1e-12) {
			return fmt.Errorf("a second projection moves %v by %g", y, e)
		}
	}
	return nil
}

// normalStep: the points next to M whose nearest one is x are those along the
// normals at x.
func normalStep(m manifold.Measurer, rnd *rand.Rand) error {
	d, n := m.Dims()
	if d == n {
		return nil
	}
	c := measure(m, rnd)
	for range trials {
		x := point(m, rnd)
		v := make([]float64, n)
		for i := range v {
			v[i] = rnd.NormFloat64()
		}
		v = normalPart(m, x, v)
		const step = 1e-2 // well below the radii of curvature that a test would have
		if e := c.apart(x, project(m, along(x, step/norm(v), v))); !(e < 1e-12) {
			return fmt.Errorf("the projection of a point %g from %v along a normal is %g away", step, x, e)
		}
	}
	return nil
}

func nan(m manifold.Measurer, rnd *rand.Rand) error {
	_, n := m.Dims()
	for i := range n {
		x := point(m, rnd)
		x[i] = math.NaN()
		if y := project(m, x); !math.IsNaN(y[i]) {
			return fmt.Errorf("the projection of %v is %v", x, y)
		}
	}
	return nil
}

// orthonormal: E Eᵀ = I.
func orthonormal(m manifold.Measurer, rnd *rand.Rand) error {
	for range trials {
		x := point(m, rnd)
		E := frame(m, x)
		for i := range E {
			for j := range E {
				want := 0.0
				if i == j {
					want = 1
				}
				if got := dot(E[i], E[j]); !(math.Abs(got-want) < 1e-12) {
					return fmt.Errorf("⟨e%d, e%d⟩ = %g at %v, want %g", i+1, j+1, got, x, want)
				}
			}
		}
	}
	return nil
}

// tangent: a step of length s along eⱼ is within order s² of the manifold, so
// halving it quarters the distance.
func tangent(m manifold.Measurer, rnd *rand.Rand) error {
	c := measure(m, rnd)
	for range trials {
		x := inside(m, rnd)
		for j, e := range frame(m, x) {
			off := func(s float64) float64 {
				y := along(x, s, e)
				return c.apart(y, project(m, y))
			}
			const s = 1e-3
			one, half := off(s), off(s/2)
			// Less than 1e-9 is a flat direction; a ratio of 1/4 is the second
			// order, 1/2 the first.
			if one > 1e-9 && !(one < 0.1*s && half < 0.3*one) {
				return fmt.Errorf("steps of %g and %g along e%d at %v leave the manifold by %g and %g", s, s/2, j+1, x, one, half)
			}
		}
	}
	return nil
}

// normal: E h = 0.
func normal(m manifold.Measurer, rnd *rand.Rand) error {
	_, n := m.Dims()
	h := make([]float64, n)
	for range trials {
		x := point(m, rnd)
		m.MeanCurvature(h, x)
		for j, e := range frame(m, x) {
			if c := dot(e, h); !(math.Abs(c) < 1e-12*(1+norm(h))) {
				return fmt.Errorf("⟨e%d, h⟩ = %g at %v, want 0", j+1, c, x)
			}
		}
	}
	return nil
}
