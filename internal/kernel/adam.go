package kernel

import "math"

// AdamCoef holds the constants of one step: C1 = 1-β₁ᵗ and C2 = 1-β₂ᵗ undo the
// bias of the moments' start, EMA is the decay of the average of parameters.
type AdamCoef struct {
	LR, Beta1, Beta2, Eps, WeightDecay, C1, C2, EMA float32
}

// Adam takes one step of Adam with decoupled weight decay (Kingma & Ba 2015;
// Loshchilov & Hutter 2019),
//
//	m ← β₁ m + (1-β₁) g,   v ← β₂ v + (1-β₂) g²,
//	p ← p - LR ( (m/C1) / (√(v/C2) + ε) + decay p ),   ema ← EMA ema + (1-EMA) p ,
//
// in one pass. ema may be nil.
func Adam(p, g, m, v, ema []float32, c AdamCoef) {
	if len(g) != len(p) || len(m) != len(p) || len(v) != len(p) || (ema != nil && len(ema) != len(p)) {
		panic("kernel: parameters and state of different lengths")
	}
	coef := [11]float32{c.Beta1, 1 - c.Beta1, c.Beta2, 1 - c.Beta2, 1 / c.C1, 1 / c.C2, c.Eps, c.LR, c.WeightDecay, c.EMA, 1 - c.EMA}
	Parallel(len(p), 16384, func(lo, hi int) {
		for i := adamRange(lo, hi, p, g, m, v, ema, &coef); i < hi; i++ {
			m[i] = coef[0]*m[i] + coef[1]*g[i]
			v[i] = coef[2]*v[i] + coef[3]*g[i]*g[i]
			step := m[i]*coef[4]/(float32(math.Sqrt(float64(v[i]*coef[5])))+coef[6]) + coef[8]*p[i]
			p[i] -= coef[7] * step
			if ema != nil {
				ema[i] = coef[9]*ema[i] + coef[10]*p[i]
			}
		}
	})
}

// SumSq returns the sum of squares, in float64.
func SumSq(x []float32) float64 {
	var s [4]float64
	i := 0
	for ; i+4 <= len(x); i += 4 {
		a, b, c, d := float64(x[i]), float64(x[i+1]), float64(x[i+2]), float64(x[i+3])
		s[0] += a * a
		s[1] += b * b
		s[2] += c * c
		s[3] += d * d
	}
	for ; i < len(x); i++ {
		s[0] += float64(x[i]) * float64(x[i])
	}
	return (s[0] + s[1]) + (s[2] + s[3])
}

// Scale multiplies x by s.
func Scale(x []float32, s float32) {
	for i := range x {
		x[i] *= s
	}
}

// Exp writes eˣ to dst.
func Exp(dst, x []float32) {
	dst = dst[:len(x)]
	for i, v := range x {
		dst[i] = float32(math.Exp(float64(v)))
	}
}
