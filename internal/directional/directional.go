// Package directional holds the isotropic kernels of spheres and flat tori,
//
//	f(x; m, κ) = exp(-κ t(x, m)) / N(κ) ,
//
// with t = 1 - ⟨x, m⟩ on the sphere (von Mises-Fisher) and t = Σ (1 - cos(xᵢ - mᵢ))
// on the torus (a product of von Mises densities): their normalisers, good from
// κ = 0 to 1e12, and exact samplers; and the same of the Kent density on S².
// Sources: Mardia & Jupp, Directional Statistics (2000); Wood (1994); Best &
// Fisher (1979); Kent (1982); Kent & Hamelryck (2005).
package directional

import (
	"math"
	"math/rand/v2"
)

// LogI returns log(I_ν(κ) e^{-κ}), the modified Bessel function of the first
// kind, for ν ≥ -1/2 and κ > 0. Relative error below 1e-12.
func LogI(nu, kappa float64) float64 {
	if kappa > 60+8*nu*nu {
		// Hankel's expansion: terms fall until far below rounding here.
		sum, term := 1.0, 1.0
		for k := 1.0; k < 60; k++ {
			next := -term * (4*nu*nu - (2*k-1)*(2*k-1)) / (8 * k * kappa)
			if math.Abs(next) >= math.Abs(term) || math.Abs(next) < 1e-17 {
				break
			}
			term = next
			sum += term
		}
		return math.Log(sum) - math.Log(2*math.Pi*kappa)/2
	}
	// The power series has positive terms only; it is summed from its largest.
	at := math.Floor((math.Sqrt(nu*nu+kappa*kappa) - nu) / 2)
	lg1, _ := math.Lgamma(at + 1)
	lg2, _ := math.Lgamma(at + nu + 1)
	top := (2*at+nu)*math.Log(kappa/2) - lg1 - lg2
	q := kappa * kappa / 4
	sum := 1.0
	for k, term := at+1, 1.0; term > 1e-17*sum; k++ {
		term *= q / (k * (k + nu))
		sum += term
	}
	for k, term := at, 1.0; k > 0 && term > 1e-17*sum; k-- {
		term *= k * (k + nu) / q
		sum += term
	}
	return top + math.Log(sum) - kappa
}

// SphereLogNorm returns log ∫ exp(-κ (1 - ⟨x, m⟩)) over S^n.
func SphereLogNorm(n int, kappa float64) float64 {
	switch {
	case kappa < 1e-12:
		half := float64(n+1) / 2
		lg, _ := math.Lgamma(half)
		return math.Ln2 + half*math.Log(math.Pi) - lg
	case n == 2:
		return math.Log(2*math.Pi) + math.Log(-math.Expm1(-2*kappa)/kappa)
	}
	nu := float64(n-1) / 2
	return float64(n+1)/2*math.Log(2*math.Pi) + LogI(nu, kappa) - nu*math.Log(kappa)
}

// CircleLogNorm returns log ∫ exp(-κ (1 - cos x)) over the circle.
func CircleLogNorm(kappa float64) float64 { return SphereLogNorm(1, kappa) }

// SphereRand writes a point of S^n, n = len(m)-1, drawn with mean direction m
// and concentration κ to x, which may be m.
func SphereRand(x, m []float64, kappa float64, rnd *rand.Rand) {
	n := len(m) - 1
	var w float64 // 1 - ⟨x, m⟩
	switch {
	case kappa < 1e-12:
		w = math.NaN()
	case n == 2:
		// The exact inverse, written so that small w keeps its digits.
		u := rnd.Float64()
		w = -math.Log1p(u*math.Expm1(-2*kappa)) / kappa
	default:
		w = wood(n, kappa, rnd)
	}
	// A uniform tangent direction: a normal vector less its part along m.
	var v [16]float64
	t := append(v[:0], m...)
	for {
		var along, sq float64
		for i := range t {
			t[i] = rnd.NormFloat64()
			along += t[i] * m[i]
		}
		if math.IsNaN(w) { // κ = 0: uniform
			for i := range t {
				sq += t[i] * t[i]
			}
			for i := range t {
				x[i] = t[i] / math.Sqrt(sq)
			}
			return
		}
		for i := range t {
			t[i] -= along * m[i]
			sq += t[i] * t[i]
		}
		if sq < 1e-20 {
			continue
		}
		sin := math.Sqrt(math.Max(0, w*(2-w)) / sq)
		var r float64
		for i := range t {
			t[i] = (1-w)*m[i] + sin*t[i]
			r += t[i] * t[i]
		}
		r = math.Sqrt(r)
		for i := range t {
			x[i] = t[i] / r
		}
		return
	}
}

// wood draws 1 - ⟨x, m⟩ by rejection (Wood 1994).
func wood(n int, kappa float64, rnd *rand.Rand) float64 {
	d := float64(n)
	b := d / (2*kappa + math.Sqrt(4*kappa*kappa+d*d))
	x0 := (1 - b) / (1 + b)
	c := kappa*x0 + d*math.Log(1-x0*x0)
	for {
		z := beta(d/2, rnd)
		// w' = (1-(1+b)z)/(1-(1-b)z); here as 1-w', without cancellation.
		w := 2 * b * z / (1 - (1-b)*z)
		if kappa*(1-w)+d*math.Log(1-x0*(1-w))-c >= math.Log(rnd.Float64()) {
			return w
		}
	}
}

// beta draws from Beta(a, a) as a ratio of gammas.
func beta(a float64, rnd *rand.Rand) float64 {
	x, y := gamma(a, rnd), gamma(a, rnd)
	return x / (x + y)
}

// gamma draws from Gamma(a, 1) (Marsaglia & Tsang 2000).
func gamma(a float64, rnd *rand.Rand) float64 {
	if a < 1 {
		return gamma(a+1, rnd) * math.Pow(rnd.Float64(), 1/a)
	}
	d := a - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		x := rnd.NormFloat64()
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v = v * v * v
		if math.Log(rnd.Float64()) < x*x/2+d-d*v+d*math.Log(v) {
			return d * v
		}
	}
}

// CircleRand returns an angle drawn about mean with concentration κ, not
// wrapped (Best & Fisher 1979; a normal where it is one to rounding).
func CircleRand(mean, kappa float64, rnd *rand.Rand) float64 {
	switch {
	case kappa < 1e-12:
		return 2 * math.Pi * rnd.Float64()
	case kappa > 1e7: // the kurtosis differs from 3 by 1/κ
		return mean + rnd.NormFloat64()/math.Sqrt(kappa)
	}
	tau := 1 + math.Sqrt(1+4*kappa*kappa)
	rho := (tau - math.Sqrt(2*tau)) / (2 * kappa)
	r := (1 + rho*rho) / (2 * rho)
	for {
		z := math.Cos(math.Pi * rnd.Float64())
		f := (1 + r*z) / (r + z)
		c := kappa * (r - f)
		u := rnd.Float64()
		if c*(2-c) > u || math.Log(c/u)+1 >= c {
			return mean + math.Copysign(math.Acos(math.Min(1, math.Max(-1, f))), rnd.Float64()-0.5)
		}
	}
}
