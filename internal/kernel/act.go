package kernel

import (
	"fmt"
	"math"
	"strings"
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
	return 0, fmt.Errorf("unknown activation %q, want one of %s", name, strings.Join(activationNames[:], ", "))
}

// derivatives returns f(z), f'(z) and f″(z).
func (a Activation) derivatives(z float64) (f, f1, f2 float64) {
	switch a {
	case Swish:
		g := 1 / (1 + math.Exp(-z))
		q := g * (1 - g)
		return z * g, g + z*q, q * (2 + z*(1-2*g))
	case Sin:
		s, c := math.Sincos(z)
		return s, c, -s
	case Tanh:
		t := math.Tanh(z)
		return t, 1 - t*t, -2 * t * (1 - t*t)
	case Softplus:
		g := 1 / (1 + math.Exp(-z))
		return math.Max(z, 0) + math.Log1p(math.Exp(-math.Abs(z))), g, g * (1 - g)
	}
	return z, 1, 0
}

// ActJet applies an activation to jets. z and a are 1+k blocks of rows×width:
// block 0 holds values, to which the bias, of length width or nil, is added
// first, in place; blocks 1..k hold tangents. a becomes
//
//	f(z₀), f'(z₀) z₁, … f'(z₀) z_k .
//
// s1 and s2, rows×width, get f'(z₀) and f″(z₀) for ActJetBack; both may be nil.
// a may be z if they are.
func ActJet(act Activation, rows, width, k int, z, bias, a, s1, s2 []float32) {
	size := rows * width
	if len(z) < (1+k)*size || len(a) < (1+k)*size {
		panic("kernel: a jet is too short")
	}
	if s1 != nil && (len(s1) < size || len(s2) < size) {
		panic("kernel: derivatives are too short")
	}
	if bias != nil && len(bias) != width {
		panic("kernel: len(bias) != width")
	}
	Parallel(rows, max(1, 4096/max(1, width)), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			at := r * width
			done := 0
			if act == Swish {
				done = swishRow(width, k, size, z[at:], bias, a[at:], tail(s1, at), tail(s2, at))
			}
			actPlain(act, done, width, k, size, z[at:], bias, a[at:], tail(s1, at), tail(s2, at))
		}
	})
}

func tail(x []float32, at int) []float32 {
	if x == nil {
		return nil
	}
	return x[at:]
}

// actPlain does columns [from, width) of one row; size is the stride of blocks.
func actPlain(act Activation, from, width, k, size int, z, bias, a, s1, s2 []float32) {
	for i := from; i < width; i++ {
		v := z[i]
		if bias != nil {
			v += bias[i]
			z[i] = v
		}
		f, f1, f2 := act.derivatives(float64(v))
		for j := 1; j <= k; j++ {
			a[j*size+i] = float32(f1) * z[j*size+i]
		}
		a[i] = float32(f)
		if s1 != nil {
			s1[i], s2[i] = float32(f1), float32(f2)
		}
	}
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
	Parallel(size, 4096, func(lo, hi int) {
		done := jetBack(lo, hi, k, size, g, z, s1, s2)
		for i := done; i < hi; i++ {
			var s float32
			for j := 1; j <= k; j++ {
				s += g[j*size+i] * z[j*size+i]
				g[j*size+i] *= s1[i]
			}
			g[i] = s1[i]*g[i] + s2[i]*s
		}
	})
}

// SinCosJet writes the jets of sines and cosines of phases. p is 1+k blocks of
// rows×n: phases, then their tangents. Row r of block j of the result is
// out[(j*rows+r)*ld+off:], n sines' jets followed by n cosines'. The error is
// below 2e-7 plus one rounding of the phase, for phases up to 1e4.
func SinCosJet(rows, n, k int, p, out []float32, ld, off int) {
	if n == 0 || rows == 0 {
		return
	}
	if len(p) < (1+k)*rows*n || off+2*n > ld || len(out) < (1+k)*rows*ld {
		panic("kernel: a jet is too short")
	}
	Parallel(rows, max(1, 2048/n), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			ph, o := p[r*n:], out[r*ld+off:]
			for i := sinCosRow(n, k, rows*n, rows*ld, ph, o); i < n; i++ {
				sin, cos := math.Sincos(float64(ph[i]))
				s, c := float32(sin), float32(cos)
				o[i], o[n+i] = s, c
				for j := 1; j <= k; j++ {
					d := ph[j*rows*n+i]
					o[j*rows*ld+i], o[j*rows*ld+n+i] = c*d, -s*d
				}
			}
		}
	})
}

// ColSum writes the column sums of a rows×width matrix to dst, or adds them.
func ColSum(dst []float32, rows, width int, x []float32, add bool) {
	dst = dst[:width]
	if !add {
		clear(dst)
	}
	if rows == 0 {
		return
	}
	for j := colSum(dst, rows, width, x); j < width; j++ {
		for i := range rows {
			dst[j] += x[i*width+j]
		}
	}
}
