package dimension

import "math"

// A Value is an estimate with its standard error.
type Value struct {
	Mean float64 `json:"mean"`
	SE   float64 `json:"se"`
}

// mean returns the mean of v with its standard error.
func mean(v []float64) Value {
	var m, q float64
	for _, a := range v {
		m += a / float64(len(v))
	}
	for _, a := range v {
		q += (a - m) * (a - m)
	}
	n := float64(len(v))
	return Value{m, math.Sqrt(q / max(1, n-1) / n)}
}

// clipped returns 1 + ∫ max(0, ε - μ) from the values mu at points of weight w,
// Σ wᵢ f(xᵢ) being the integral of f; and the effective number of points,
// (Σ v)² / Σ v² of the terms v, which is small where few points make the integral
// and its standard error is not to be trusted.
func clipped(w, mu []float64, eps float64) (Value, float64) {
	v := make([]float64, len(w))
	var sum, sq float64
	for i := range v {
		v[i] = float64(len(w)) * w[i] * math.Max(0, eps-mu[i])
		sum += v[i]
		sq += v[i] * v[i]
	}
	z := mean(v)
	z.Mean++
	if sq == 0 {
		return z, 0
	}
	return z, sum * sum / sq
}
