package nn

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"mflow/internal/kernel"
)

// Eval64 is Eval in float64, written plainly. It is the oracle of the float32
// layers, and exact enough to be differentiated by differences, which the
// change-of-variables density needs.
func (net *MLP) Eval64(b, k int, x []float64) []float64 {
	a := net.features64(b, k, x)
	for _, l := range net.layers {
		z := mul64((1+k)*b, l.out, l.in, a, wide(net.Params[l.w:l.w+l.in*l.out]))
		for i := range b {
			for j := range l.out {
				z[i*l.out+j] += float64(net.Params[l.b+j])
			}
		}
		a = z
		if l.act == kernel.Identity {
			continue
		}
		m := b * l.out
		for i, v := range z[:m] {
			s, s1 := act64(l.act, v)
			a[i] = s
			for j := 1; j <= k; j++ {
				a[j*m+i] = s1 * z[j*m+i]
			}
		}
	}
	return a
}

func (net *MLP) features64(b, k int, x []float64) []float64 {
	f := &net.Features
	rows, r, w, ld := (1+k)*b, f.linear(), f.waves(), f.Width()
	lin := mul64(rows, r, f.N, x, wide(f.S))
	p := mul64(rows, w, f.N, x, wide(f.Omega))
	out := make([]float64, rows*ld)
	for i := range rows {
		o := out[i*ld : (i+1)*ld]
		copy(o, lin[i*r:(i+1)*r])
		if i < b {
			for j, c := range f.C {
				o[j] += float64(c)
			}
		}
		for j := range w {
			sin, cos := math.Sincos(p[i%b*w+j])
			if i >= b {
				sin, cos = cos*p[i*w+j], -sin*p[i*w+j]
			}
			o[r+j], o[r+w+j] = sin, cos
		}
	}
	return out
}

// act64 returns σ(z) and σ'(z).
func act64(a kernel.Activation, z float64) (s, s1 float64) {
	switch a {
	case kernel.Swish:
		g := 1 / (1 + math.Exp(-z))
		return z * g, g + z*g*(1-g)
	case kernel.Sin:
		return math.Sincos(z)
	case kernel.Tanh:
		t := math.Tanh(z)
		return t, 1 - t*t
	case kernel.Softplus:
		return math.Max(z, 0) + math.Log1p(math.Exp(-math.Abs(z))), 1 / (1 + math.Exp(-z))
	}
	return z, 1
}

func wide(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// mul64 returns the m×n product of a (m×k) and b (k×n).
func mul64(m, n, k int, a, b []float64) []float64 {
	c := make([]float64, m*n)
	if m == 0 || n == 0 || k == 0 {
		return c
	}
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1,
		blas64.General{Rows: m, Cols: k, Stride: k, Data: a},
		blas64.General{Rows: k, Cols: n, Stride: n, Data: b}, 0,
		blas64.General{Rows: m, Cols: n, Stride: n, Data: c})
	return c
}
