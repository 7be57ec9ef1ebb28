// Package manifoldtest states the laws of manifolds as tests. Laws runs all
// that apply to a manifold; Divergence is the slow oracle of divergences.
package manifoldtest

import (
	"fmt"
	"math"
	"math/rand/v2"

	"mflow/manifold"
)

// A Law is one statement about a manifold. Check returns an error that says
// where it fails and by how much, or nil.
type Law struct {
	Name  string
	Check func(m manifold.Measurer, rnd *rand.Rand) error
}

// Laws lists the laws in the order in which one would learn them. A law about
// an optional interface holds of a manifold that lacks it.
var Laws = []Law{
	{"dimensions are positive and d ≤ n", dimensions},
	{"uniform points lie on the manifold", onManifold},
	{"projection is idempotent", idempotent},
	{"frame is orthonormal: E Eᵀ = I", orthonormal},
	{"frame is tangent", tangent},
	{"mean curvature is normal: E h = 0", normal},
	{"divergence identity", divergence},
	{"the mean of a divergence over uniform points is zero", stokes},
	{"uniform points fill equal volumes equally", uniform},
	{"Log is tangent and Exp(x, Log(x, y)) = y", inverse},
	{"geodesics have unit speed", speed},
	{"Parse(String) is the manifold", name},
}

// TB is what Check needs of a testing.T.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
}

// Check runs all laws on m, with random points from a fixed seed.
func Check(t TB, m manifold.Measurer) {
	t.Helper()
	for _, l := range Laws {
		if err := l.Check(m, rand.New(rand.NewPCG(1, 2))); err != nil {
			t.Errorf("%s: law %q: %v", m, l.Name, err)
		}
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

func dot(x, y []float64) float64 {
	var s float64
	for i, v := range x {
		s += v * y[i]
	}
	return s
}

// apart returns the distance of two points as the projection sees it: x - y is
// measured through a small step, so that angles wrap.
func apart(m manifold.Manifold, x, y []float64) float64 {
	z := make([]float64, len(x))
	var s float64
	for i := range x {
		z[i] = y[i] - x[i]
		if p := period(m, i); p > 0 {
			z[i] = math.Remainder(z[i], p)
		}
		s += z[i] * z[i]
	}
	return math.Sqrt(s)
}

// period returns the period of ambient coordinate i, or 0.
func period(m manifold.Manifold, i int) float64 {
	switch m := m.(type) {
	case manifold.Torus:
		return 2 * math.Pi
	case manifold.Box:
		if m.Periodic[i] {
			return m.Hi[i] - m.Lo[i]
		}
	case interface{ Factors() []manifold.Manifold }:
		for _, f := range m.Factors() {
			_, n := f.Dims()
			if i < n {
				return period(f, i)
			}
			i -= n
		}
	}
	return 0
}

func dimensions(m manifold.Measurer, _ *rand.Rand) error {
	if d, n := m.Dims(); d < 1 || n < d {
		return fmt.Errorf("d = %d, n = %d", d, n)
	}
	return nil
}

func onManifold(m manifold.Measurer, rnd *rand.Rand) error {
	for range trials {
		x := point(m, rnd)
		y := append([]float64(nil), x...)
		m.Project(y)
		if e := apart(m, x, y); !(e < 1e-12) {
			return fmt.Errorf("the projection moves the uniform point %v by %g", x, e)
		}
	}
	return nil
}

func idempotent(m manifold.Measurer, rnd *rand.Rand) error {
	for range trials {
		x := point(m, rnd)
		for i := range x {
			x[i] += 0.1 * rnd.NormFloat64()
		}
		m.Project(x)
		y := append([]float64(nil), x...)
		m.Project(y)
		if e := apart(m, x, y); !(e < 1e-12) {
			return fmt.Errorf("a second projection moves %v by %g", x, e)
		}
	}
	return nil
}

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
	off := func(x, e []float64, s float64) float64 {
		y, z := make([]float64, len(x)), make([]float64, len(x))
		for i := range x {
			y[i] = x[i] + s*e[i]
		}
		copy(z, y)
		m.Project(z)
		return apart(m, y, z)
	}
	for range trials {
		x := inside(m, rnd)
		for j, e := range frame(m, x) {
			const s = 1e-3
			one, half := off(x, e, s), off(x, e, s/2)
			if one > 1e-9 && !(one < 0.1*s && half < 0.3*one) {
				return fmt.Errorf("steps of %g and %g along e%d at %v leave the manifold by %g and %g", s, s/2, j+1, x, one, half)
			}
		}
	}
	return nil
}

// inside returns a uniform point away from walls.
func inside(m manifold.Measurer, rnd *rand.Rand) []float64 {
	for {
		x := point(m, rnd)
		w, ok := m.(manifold.Walled)
		if !ok {
			return x
		}
		d, n := m.Dims()
		b, g := make([]float64, d), make([]float64, n)
		w.Taper(b, g, x)
		least := 1.0
		for _, v := range b {
			least = math.Min(least, v)
		}
		if least > 0.1 {
			return x
		}
	}
}

func normal(m manifold.Measurer, rnd *rand.Rand) error {
	_, n := m.Dims()
	h := make([]float64, n)
	for range trials {
		x := point(m, rnd)
		m.MeanCurvature(h, x)
		for j, e := range frame(m, x) {
			if c := dot(e, h); !(math.Abs(c) < 1e-11*(1+math.Sqrt(dot(h, h)))) {
				return fmt.Errorf("⟨e%d, h⟩ = %g at %v, want 0", j+1, c, x)
			}
		}
	}
	return nil
}

func inverse(m manifold.Measurer, rnd *rand.Rand) error {
	g, ok := m.(manifold.Geodesic)
	if !ok {
		return nil
	}
	_, n := m.Dims()
	v, z := make([]float64, n), make([]float64, n)
	for range trials {
		x, y := point(m, rnd), point(m, rnd)
		g.Log(v, x, y)
		rest := append([]float64(nil), v...)
		for _, e := range frame(m, x) {
			c := dot(e, v)
			for i := range rest {
				rest[i] -= c * e[i]
			}
		}
		if r := math.Sqrt(dot(rest, rest)); !(r < 1e-9) {
			return fmt.Errorf("Log at %v has a normal part of length %g", x, r)
		}
		g.Exp(z, x, v)
		if e := apart(m, z, y); !(e < 1e-7) {
			return fmt.Errorf("Exp(x, Log(x, y)) is %g from y, with x = %v, y = %v", e, x, y)
		}
	}
	return nil
}

func speed(m manifold.Measurer, rnd *rand.Rand) error {
	g, ok := m.(manifold.Geodesic)
	if !ok {
		return nil
	}
	_, n := m.Dims()
	v, y, back := make([]float64, n), make([]float64, n), make([]float64, n)
	for range trials {
		x := point(m, rnd)
		clear(v)
		for _, e := range frame(m, x) {
			c := rnd.NormFloat64()
			for i := range v {
				v[i] += c * e[i]
			}
		}
		const s = 1e-4
		for i := range v {
			v[i] *= s
		}
		g.Exp(y, x, v)
		want := math.Sqrt(dot(v, v))
		if got := apart(m, x, y); !(math.Abs(got/want-1) < 1e-6) {
			return fmt.Errorf("Exp moves %v by %g for a velocity of %g", x, got, want)
		}
		g.Log(back, x, y)
		if e := apart(m, v, back); !(e < 1e-6*want) {
			return fmt.Errorf("Log(x, Exp(x, v)) is %g from v of length %g at %v", e, want, x)
		}
	}
	return nil
}

func name(m manifold.Measurer, _ *rand.Rand) error {
	again, err := manifold.Parse(m.String())
	if err != nil {
		return err
	}
	if again.String() != m.String() {
		return fmt.Errorf("got %s", again)
	}
	return nil
}
