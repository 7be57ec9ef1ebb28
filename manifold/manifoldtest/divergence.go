package manifoldtest

import (
	"fmt"
	"math"
	"math/rand/v2"

	"mflow/manifold"
)

// Divergence returns div u at x for the tangential, and at walls tapered, part
// u of the ambient field v,
//
//	div u = Σⱼ ⟨eⱼ, D u[eⱼ]⟩ ,
//
// by differences of order four of u along the manifold. It uses no curvature
// and no derivative of v, so it is an oracle for everything that does. Away
// from walls the error is about 1e-10 for fields that vary over lengths of
// order one: rounding over the step of 1e-4.
func Divergence(m manifold.Manifold, v func(dst, x []float64), x []float64) float64 {
	const h = 1e-4
	u := func(s float64, e []float64) []float64 {
		return Tangential(m, v, project(m, along(x, s, e)))
	}
	var div float64
	for _, e := range frame(m, x) {
		// Richardson's extrapolation of two central differences.
		a, b := u(h, e), u(-h, e)
		c, d := u(2*h, e), u(-2*h, e)
		for i := range e {
			div += e[i] * (8*(a[i]-b[i]) - (c[i] - d[i])) / (12 * h)
		}
	}
	return div
}

// Tangential returns u = Σⱼ bⱼ ⟨eⱼ, v⟩ eⱼ at x, with bⱼ = 1 on manifolds without
// walls.
func Tangential(m manifold.Manifold, v func(dst, x []float64), x []float64) []float64 {
	raw, u := make([]float64, len(x)), make([]float64, len(x))
	v(raw, x)
	b, _ := taper(m, x)
	for j, e := range frame(m, x) {
		u = along(u, b[j]*dot(e, raw), e)
	}
	return u
}

// taper returns what Walled does, or ones and zeros.
func taper(m manifold.Manifold, x []float64) (b, g []float64) {
	d, n := m.Dims()
	b, g = make([]float64, d), make([]float64, n)
	for j := range b {
		b[j] = 1
	}
	if w, ok := m.(manifold.Walled); ok {
		w.Taper(b, g, x)
	}
	return b, g
}

// inside returns a uniform point away from walls, where steps of the size of
// the oracle's do not meet them.
func inside(m manifold.Measurer, rnd *rand.Rand) []float64 {
	for {
		x := point(m, rnd)
		least := 1.0
		b, _ := taper(m, x)
		for _, v := range b {
			least = math.Min(least, v)
		}
		if least > 0.1 {
			return x
		}
	}
}

// A field is a random smooth ambient field, a wave in each component,
//
//	v_c(x) = a_c sin(⟨w_c, x⟩ + p_c) ,
//
// with whole waves along coordinates that wrap.
type field struct {
	amp, phase []float64
	freq       [][]float64
}

// newField returns a field of about waves radians over half the extent.
func newField(c coordinates, waves float64, rnd *rand.Rand) *field {
	f := &field{}
	for range c.extent {
		f.amp = append(f.amp, rnd.NormFloat64())
		f.phase = append(f.phase, 2*math.Pi*rnd.Float64())
		w := make([]float64, len(c.extent))
		for i, p := range c.period {
			w[i] = rnd.NormFloat64() * waves * 2 / c.extent[i]
			if p > 0 {
				w[i] = math.Round(w[i]*p/(2*math.Pi)) * 2 * math.Pi / p
			}
		}
		f.freq = append(f.freq, w)
	}
	return f
}

func (f *field) value(dst, x []float64) {
	for c, a := range f.amp {
		dst[c] = a * math.Sin(dot(f.freq[c], x)+f.phase[c])
	}
}

// A place is a point with its geometry.
type place struct {
	x, h, b, g []float64
	frame      [][]float64
}

func at(m manifold.Manifold, x []float64) place {
	p := place{x: x, h: make([]float64, len(x)), frame: frame(m, x)}
	m.MeanCurvature(p.h, x)
	p.b, p.g = taper(m, x)
	return p
}

// divergence returns Σⱼ bⱼ ⟨eⱼ, Dv[eⱼ]⟩ + ⟨h + g, v⟩.
func (f *field) divergence(p place) (div float64) {
	for c, a := range f.amp {
		sin, cos := math.Sincos(dot(f.freq[c], p.x) + f.phase[c])
		div += (p.h[c] + p.g[c]) * a * sin
		for j, e := range p.frame {
			div += p.b[j] * e[c] * a * cos * dot(f.freq[c], e)
		}
	}
	return div
}

func divergence(m manifold.Measurer, rnd *rand.Rand) error {
	c := measure(m, rnd)
	for range trials {
		f := newField(c, 1, rnd)
		x := inside(m, rnd)
		got, want := f.divergence(at(m, x)), Divergence(m, f.value, x)
		if !(math.Abs(got-want) < 1e-8*(1+math.Abs(want))) {
			return fmt.Errorf("by frame and mean curvature %g, by differences %g at %v", got, want, x)
		}
	}
	return nil
}

// walls: where a step along ±eⱼ is undone by the projection, bⱼ is zero.
func walls(m manifold.Measurer, rnd *rand.Rand) error {
	if _, ok := m.(manifold.Walled); !ok {
		return nil
	}
	c := measure(m, rnd)
	for range trials {
		x := point(m, rnd)
		for j, e := range frame(m, x) {
			for _, far := range []float64{-10, 10} {
				scale := 0.0 // the extent along e
				for i := range e {
					scale += math.Abs(e[i]) * c.extent[i]
				}
				y := project(m, along(x, far*scale, e))
				b, _ := taper(m, y)
				for k, v := range b {
					if !(v >= 0 && v <= 1) {
						return fmt.Errorf("b%d = %g at %v, outside [0, 1]", k+1, v, y)
					}
				}
				step := math.Copysign(1e-3*scale, far)
				stopped := c.apart(y, project(m, along(y, step, e))) < 1e-6*scale
				if stopped && b[j] != 0 {
					return fmt.Errorf("b%d = %g on the wall at %v", j+1, b[j], y)
				}
			}
		}
	}
	return nil
}
