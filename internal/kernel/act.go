package kernel

import (
	"fmt"
	"math"
	"strings"
	"sync"
)

// An Activation is a smooth function applied to every unit.
type Activation uint8

// The activations: x, x/(1+e⁻ˣ), sin x, tanh x and log(1+eˣ).
const (
	Identity Activation = iota
	Swish
	Sin
	Tanh
	Softplus
)

var activationNames = [...]string{"identity", "swish", "sin", "tanh", "softplus"}

// String returns the name that ParseActivation reads.
func (a Activation) String() string {
	if int(a) < len(activationNames) {
		return activationNames[a]
	}
	return fmt.Sprintf("activation %d", a)
}

// ParseActivation returns the activation of the given name.
func ParseActivation(name string) (Activation, error) {
	for a, n := range activationNames {
		if n == name {
			return Activation(a), nil
		}
	}
	return 0, fmt.Errorf("kernel: unknown activation %q, want one of %s", name, strings.Join(activationNames[:], ", "))
}

// derivatives returns f(z), f'(z) and f″(z). At ±∞ they are the limits.
func (a Activation) derivatives(z float64) (f, f1, f2 float64) {
	switch a {
	case Swish:
		g, q := logistic(z)
		w := min(max(z, -1000), 1000) // where q is nothing
		return max(z, -1000) * g, g + w*q, q * (2 - w*math.Tanh(w/2))
	case Sin:
		s, c := math.Sincos(z)
		return s, c, -s
	case Tanh:
		t := math.Tanh(z)
		_, q := logistic(2 * z)
		return t, 4 * q, -8 * t * q
	case Softplus:
		g, q := logistic(z)
		return max(z, 0) + math.Log1p(math.Exp(-math.Abs(z))), g, q
	}
	return z, 1, 0
}

// logistic returns g = 1/(1+e⁻ᶻ) and g(1-g).
func logistic(z float64) (g, q float64) {
	e := math.Exp(-math.Abs(z))
	g = 1 / (1 + e)
	q = e * g * g
	if z < 0 {
		g *= e
	}
	return g, q
}

// ActJet applies an activation to jets. z and a are 1+k blocks of rows×width:
// block 0 holds values, to which the bias, of length width or nil, is added
// first, in place; blocks 1..k hold tangents. a becomes
//
//	f(z₀), f'(z₀) z₁, … f'(z₀) z_k .
//
// s1 and s2, rows×width, get f'(z₀) and f″(z₀) for ActJetBack; both may be nil.
// a may be z if they are.
//
// Values and derivatives are within 3e-7 of the exact ones, or of one part in as
// many, whichever is larger; e⁻ᶻ stops at 1e-38. At ±∞ they are the limits, for
// Sin NaN; NaN gives NaN. The sine of a number beyond 1e6, where float32 numbers
// are a sixteenth apart, is only sure to lie within [-1, 1].
func ActJet(act Activation, rows, width, k int, z, bias, a, s1, s2 []float32) {
	size := rows * width
	if len(z) < (1+k)*size || len(a) < (1+k)*size {
		panic("kernel: a jet is too short")
	}
	if (s1 == nil) != (s2 == nil) || s1 != nil && (len(s1) < size || len(s2) < size) {
		panic("kernel: derivatives are too short")
	}
	if bias != nil && len(bias) != width {
		panic("kernel: len(bias) != width")
	}
	if size == 0 {
		return
	}
	j := jets.Get().(*jet)
	j.s, j.act, j.width, j.k, j.size = active, act, width, k, size
	j.z, j.bias, j.a, j.s1, j.s2 = z, bias, a, s1, s2
	if bias == nil { // rows do not matter
		j.width = 1
		Parallel(size, 8192, j.forward)
	} else {
		Parallel(rows, max(1, 8192/width), j.forward)
	}
	j.free()
}

// ActJetBack turns the gradient g of a loss with respect to the jets a of
// ActJet into that with respect to z, in place:
//
//	g_j ← f' g_j ,   g₀ ← f' g₀ + f″ Σ_j g_j z_j .
func ActJetBack(rows, width, k int, g, z, s1, s2 []float32) {
	size := rows * width
	if len(g) < (1+k)*size || len(z) < (1+k)*size || len(s1) < size || len(s2) < size {
		panic("kernel: a jet is too short")
	}
	j := jets.Get().(*jet)
	j.s, j.k, j.size = active, k, size
	j.z, j.a, j.s1, j.s2 = z, g, s1, s2
	Parallel(size, 8192, j.backward)
	j.free()
}

// A jet is one call of ActJet or ActJetBack, kept for reuse with the closures
// that Parallel takes.
type jet struct {
	s                  *kernels
	act                Activation
	width, k, size     int
	z, bias, a, s1, s2 []float32

	forward, backward func(lo, hi int)
}

var jets = sync.Pool{New: func() any {
	j := new(jet)
	j.forward, j.backward = j.forwardPart, j.backwardPart
	return j
}}

func (j *jet) free() {
	*j = jet{forward: j.forward, backward: j.backward} // keep no memory alive
	jets.Put(j)
}

// forwardPart does rows [lo, hi): whole vectors by the kernel, the columns that
// are left by the same kernel on a copy, so that a number does not depend on
// where it stands.
func (j *jet) forwardPart(lo, hi int) {
	rows, width, at := hi-lo, j.width, lo*j.width
	if j.bias == nil {
		rows, width = 1, hi-lo
	}
	if j.s.lanes == 0 {
		j.plain(at, rows, width)
		return
	}
	whole := j.s.whole(width)
	if whole > 0 {
		j.s.act[j.act](rows, whole, j.k, 4*(width-whole), 4*j.size, &j.z[at], first(j.bias, 0), &j.a[at], first(j.s1, at), first(j.s2, at))
	}
	left := width - whole
	if left == 0 {
		return
	}
	n := j.s.lanes
	buf := getBuffer(4 * n)
	x, y, y1, y2 := buf.x[:n], buf.x[n:2*n], buf.x[2*n:3*n], buf.x[3*n:]
	clear(x)
	for o := at + whole; o < at+rows*width; o += width {
		z := j.z[o : o+left]
		if j.bias != nil {
			for i, b := range j.bias[whole:] {
				z[i] += b
			}
		}
		copy(x, z)
		j.s.act[j.act](1, n, 0, 0, 0, &x[0], nil, &y[0], &y1[0], &y2[0])
		copy(j.a[o:o+left], y)
		if j.s1 != nil {
			copy(j.s1[o:o+left], y1)
			copy(j.s2[o:o+left], y2)
		}
		for t := o + j.size; t <= o+j.k*j.size; t += j.size {
			for i, v := range j.z[t : t+left] {
				j.a[t+i] = v * y1[i]
			}
		}
	}
	putBuffer(buf)
}

// plain is ActJet in Go, for rows from the number at.
func (j *jet) plain(at, rows, width int) {
	for o := at; o < at+rows*width; o++ {
		v := j.z[o]
		if j.bias != nil {
			v += j.bias[(o-at)%width]
			j.z[o] = v
		}
		f, f1, f2 := j.act.derivatives(float64(v))
		for t := 1; t <= j.k; t++ {
			j.a[t*j.size+o] = float32(f1) * j.z[t*j.size+o]
		}
		j.a[o] = float32(f)
		if j.s1 != nil {
			j.s1[o], j.s2[o] = float32(f1), float32(f2)
		}
	}
}

// backwardPart does the numbers [lo, hi), what is left of the last vector on a
// copy as forwardPart.
func (j *jet) backwardPart(lo, hi int) {
	if j.s.lanes == 0 {
		j.plainBack(lo, hi)
		return
	}
	at := lo + j.s.whole(hi-lo)
	if at > lo {
		j.s.actBack(at-lo, j.k, 4*j.size, &j.a[lo], &j.z[lo], &j.s1[lo], &j.s2[lo])
	}
	left := hi - at
	if left == 0 {
		return
	}
	n := j.s.lanes
	buf := getBuffer((2*j.k + 4) * n)
	clear(buf.x)
	g, z, s1, s2 := buf.x, buf.x[(j.k+1)*n:], buf.x[(2*j.k+2)*n:], buf.x[(2*j.k+3)*n:]
	copy(s1[:left], j.s1[at:])
	copy(s2[:left], j.s2[at:])
	for t := range j.k + 1 {
		copy(g[t*n:t*n+left], j.a[at+t*j.size:])
		copy(z[t*n:t*n+left], j.z[at+t*j.size:])
	}
	j.s.actBack(n, j.k, 4*n, &g[0], &z[0], &s1[0], &s2[0])
	for t := range j.k + 1 {
		copy(j.a[at+t*j.size:][:left], g[t*n:])
	}
	putBuffer(buf)
}

func (j *jet) plainBack(lo, hi int) {
	for i := lo; i < hi; i++ {
		var sum float32
		for t := i + j.size; t <= i+j.k*j.size; t += j.size {
			sum += j.a[t] * j.z[t]
			j.a[t] *= j.s1[i]
		}
		j.a[i] = j.s1[i]*j.a[i] + j.s2[i]*sum
	}
}

// first is the address of x[at], or nil.
func first(x []float32, at int) *float32 {
	if x == nil {
		return nil
	}
	return &x[at]
}
