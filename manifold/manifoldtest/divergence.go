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
// by central differences of u along the manifold. It uses no curvature and no
// derivative of v, so it is an oracle for everything that does. Error about
// 1e-6 of the size of u and its second derivatives.
func Divergence(m manifold.Manifold, v func(dst, x []float64), x []float64) float64 {
	const h = 1e-4
	_, n := m.Dims()
	u := func(s float64, e []float64) []float64 {
		y := make([]float64, n)
		for i := range y {
			y[i] = x[i] + s*e[i]
		}
		m.Project(y)
		return Tangential(m, v, y)
	}
	var div float64
	for _, e := range frame(m, x) {
		// Richardson's extrapolation of two central differences: order four.
		a, b := u(h, e), u(-h, e)
		c, d := u(2*h, e), u(-2*h, e)
		for i := range e {
			div += e[i] * (8*(a[i]-b[i]) - (c[i] - d[i])) / (12 * h)
		}
	}
	return div
}

// Tangential returns u = Σⱼ bⱼ ⟨eⱼ, v⟩ eⱼ at x, with bⱼ = 1 away from walls.
func Tangential(m manifold.Manifold, v func(dst, x []float64), x []float64) []float64 {
	d, n := m.Dims()
	raw, u := make([]float64, n), make([]float64, n)
	v(raw, x)
	b, g := make([]float64, d), make([]float64, n)
	for j := range b {
		b[j] = 1
	}
	if w, ok := m.(manifold.Walled); ok {
		w.Taper(b, g, x)
	}
	for j, e := range frame(m, x) {
		c := b[j] * dot(e, raw)
		for i := range u {
			u[i] += c * e[i]
		}
	}
	return u
}

// A field is a random smooth ambient field with its derivative, periodic in the
// coordinates that are.
type field struct {
	m          manifold.Manifold
	amp, phase []float64
	freq       []float64
}

func newField(m manifold.Manifold, rnd *rand.Rand) *field {
	_, n := m.Dims()
	f := &field{m: m}
	for range n {
		f.amp = append(f.amp, rnd.NormFloat64())
		f.phase = append(f.phase, 2*math.Pi*rnd.Float64())
		for i := range n {
			w := rnd.NormFloat64()
			if p := period(m, i); p > 0 {
				w = math.Round(w) * 2 * math.Pi / p
			}
			f.freq = append(f.freq, w)
		}
	}
	return f
}

func (f *field) arg(c int, x []float64) float64 {
	return dot(f.freq[c*len(x):(c+1)*len(x)], x) + f.phase[c]
}

func (f *field) value(dst, x []float64) {
	for c := range dst {
		dst[c] = f.amp[c] * math.Sin(f.arg(c, x))
	}
}

// along returns Dv[w] at x.
func (f *field) along(x, w []float64) []float64 {
	d := make([]float64, len(x))
	for c := range d {
		d[c] = f.amp[c] * math.Cos(f.arg(c, x)) * dot(f.freq[c*len(x):(c+1)*len(x)], w)
	}
	return d
}

// identity is the divergence by frame and mean curvature.
func (f *field) divergence(x []float64) float64 {
	d, n := f.m.Dims()
	h, v := make([]float64, n), make([]float64, n)
	f.m.MeanCurvature(h, x)
	f.value(v, x)
	b, g := make([]float64, d), make([]float64, n)
	for j := range b {
		b[j] = 1
	}
	if w, ok := f.m.(manifold.Walled); ok {
		w.Taper(b, g, x)
	}
	div := dot(h, v) + dot(g, v)
	for j, e := range frame(f.m, x) {
		div += b[j] * dot(e, f.along(x, e))
	}
	return div
}

func divergence(m manifold.Measurer, rnd *rand.Rand) error {
	for range trials {
		f := newField(m, rnd)
		x := inside(m, rnd)
		got, want := f.divergence(x), Divergence(m, f.value, x)
		if !(math.Abs(got-want) < 1e-6*(1+math.Abs(want))) {
			return fmt.Errorf("by frame and mean curvature %g, by differences %g at %v", got, want, x)
		}
	}
	return nil
}

// stokes: ∫ div u = 0 on a closed manifold, and with the taper on one with
// walls. It binds frame, curvature, taper and sampler together.
func stokes(m manifold.Measurer, rnd *rand.Rand) error {
	const points = 20000
	f := newField(m, rnd)
	var sum, sq float64
	for range points {
		d := f.divergence(point(m, rnd))
		sum += d
		sq += d * d
	}
	mean := sum / points
	se := math.Sqrt((sq/points - mean*mean) / points)
	if !(math.Abs(mean) <= 4*se+1e-12) {
		return fmt.Errorf("mean %g, standard error %g", mean, se)
	}
	return nil
}

// uniform: by the divergence theorem again, but with gradient-like fields that
// weigh every ambient coordinate: the mean of div(P ∇ω-fields) is zero for
// waves of several directions at once, so a sampler that favours any region
// fails for some of them. Sums of many normalised means are compared with the
// chi-squared distribution.
func uniform(m manifold.Measurer, rnd *rand.Rand) error {
	const points, fields = 8000, 12
	fs := make([]*field, fields)
	for i := range fs {
		fs[i] = newField(m, rnd)
	}
	sum, sq := make([]float64, fields), make([]float64, fields)
	for range points {
		x := point(m, rnd)
		for i, f := range fs {
			d := f.divergence(x)
			sum[i] += d
			sq[i] += d * d
		}
	}
	var chi float64
	for i := range sum {
		mean := sum[i] / points
		if v := sq[i]/points - mean*mean; v > 1e-20 {
			chi += mean * mean / (v / points)
		}
	}
	// The statistics are correlated, so the bound is generous: 99.99 % of a
	// chi-squared of 12 degrees is 39.
	if !(chi < 60) {
		return fmt.Errorf("sum of squared normalised means of %d divergences is %.1f, want about %d", fields, chi, fields)
	}
	return nil
}
