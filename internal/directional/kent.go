package directional

import (
	"math"
	"math/rand/v2"
	"sync"

	"gonum.org/v1/gonum/integrate/quad"
)

// The Kent density on S² (Kent 1982), or FB5, has elliptical level sets about
// the first of three orthonormal axes g₁, g₂, g₃,
//
//	f(x) = exp(-κ w + β q) / N(κ, β) ,   w = 1 - ⟨g₁, x⟩ ,   q = ⟨g₂, x⟩² - ⟨g₃, x⟩² ,
//
// with 0 ≤ 2β ≤ κ, so that it has one mode. Near the mode it is normal, with the
// precision κ - 2β along g₂ and κ + 2β along g₃.

// A KentMoment holds log N(κ, β) and the moments of w and q.
type KentMoment struct {
	LogN       float64
	W, Q       float64 // means
	VarW, VarQ float64
	CovWQ      float64
}

// KentLogNorm returns log N(κ, β). Relative error of N below 1e-13.
func KentLogNorm(kappa, beta float64) float64 {
	n := 0.0
	kentPanels(kappa, beta, func(_, weight, i0, _, _ float64) { n += weight * i0 })
	return math.Log(2 * math.Pi * n)
}

// KentMoments returns the derivatives of log N up to the second as moments.
func KentMoments(kappa, beta float64) KentMoment {
	var n, w1, q1, w2, wq, q2 float64
	kentPanels(kappa, beta, func(w, weight, i0, i1, arg float64) {
		s2 := w * (2 - w)
		m := weight * i0
		// The mean of cos 2φ, and of its square (1 + I₂/I₀)/2 = 1 - I₁/(arg I₀).
		c1, c2 := i1/i0, 0.5
		if arg > 0 {
			c2 = 1 - c1/arg
		}
		n += m
		w1 += m * w
		w2 += m * w * w
		q1 += m * s2 * c1
		wq += m * w * s2 * c1
		q2 += m * s2 * s2 * c2
	})
	w1, q1, w2, wq, q2 = w1/n, q1/n, w2/n, wq/n, q2/n
	return KentMoment{math.Log(2 * math.Pi * n), w1, q1, w2 - w1*w1, q2 - q1*q1, wq - w1*q1}
}

// kentPanels calls add with the nodes and weights of a quadrature of
//
//	N = 2π ∫₀² exp(-κ w) I₀(β w (2 - w)) dw ,
//
// the integral over the azimuth being I₀: the argument of I₀, and I₀ and I₁
// without their growth, which is in the weight. Panels double in width from the
// narrowest length, 1/(κ + 2β), so the integrand changes by a bounded factor in
// each, at any concentration.
func kentPanels(kappa, beta float64, add func(w, weight, i0, i1, arg float64)) {
	const far = 50 // e⁻⁵⁰ is below rounding
	nodes := legendre()
	least := kappa - 2*beta
	for lo, hi := 0.0, math.Min(2, 1/(kappa+2*beta+1)); lo < 2; lo, hi = hi, math.Min(2, 2*hi) {
		if least*lo+beta*lo*lo > far {
			return
		}
		for i, x := range nodes.x {
			w := lo + (hi-lo)*x
			arg := beta * w * (2 - w)
			i0, i1 := besselI01(arg)
			// -κ w + arg, without the difference of large numbers.
			add(w, (hi-lo)*nodes.weight[i]*math.Exp(-least*w-beta*w*w), i0, i1, arg)
		}
	}
}

type rule struct{ x, weight []float64 }

// legendre is the Gauss-Legendre rule of 20 nodes on [0, 1].
var legendre = sync.OnceValue(func() rule {
	r := rule{make([]float64, 20), make([]float64, 20)}
	quad.Legendre{}.FixedLocations(r.x, r.weight, 0, 1)
	return r
})

// besselI01 returns I₀(x) e⁻ˣ and I₁(x) e⁻ˣ for x ≥ 0, to rounding: the power
// series, whose terms are positive, or Hankel's expansion, whose terms fall
// below rounding beyond 25.
func besselI01(x float64) (i0, i1 float64) {
	if x < 25 {
		q := x * x / 4
		i0, i1 = 1, 1
		t0, t1 := 1.0, 1.0
		for k := 1.0; t0 > 1e-17*i0; k++ {
			t0 *= q / (k * k)
			t1 *= q / (k * (k + 1))
			i0 += t0
			i1 += t1
		}
		e := math.Exp(-x)
		return e * i0, e * i1 * x / 2
	}
	i0, i1 = 1, 1
	t0, t1 := 1.0, 1.0
	for k := 1.0; math.Abs(t0) > 1e-17 && k < 50; k++ {
		odd := (2*k - 1) * (2*k - 1)
		t0 *= odd / (8 * k * x)
		t1 *= (odd - 4) / (8 * k * x)
		i0 += t0
		i1 += t1
	}
	r := 1 / math.Sqrt(2*math.Pi*x)
	return r * i0, r * i1
}

// KentRand writes a point drawn from the Kent density with the given axes, 3×3,
// to x (Kent & Hamelryck 2005). In coordinates that keep areas, of length
// sin(θ/2), the density is a product, of exp(-2(κ-2β) x² - 4β x⁴) and
// exp(-2(κ+2β) y² + 4β y⁴) on the unit disk; both are drawn from normal
// envelopes. At least a fifth of the draws are accepted.
func KentRand(x, axes []float64, kappa, beta float64, rnd *rand.Rand) {
	first := envelopeOf(2*(kappa-2*beta), 4*beta)
	second := envelopeOf(2*(kappa+2*beta), -4*beta)
	for {
		a, b := first.rand(rnd), second.rand(rnd)
		sq := a*a + b*b
		if sq > 1 || math.Log(1-rnd.Float64()) > first.excess(a*a)+second.excess(b*b) {
			continue
		}
		s := 2 * math.Sqrt(1-sq)
		for i := range 3 {
			x[i] = (1-2*sq)*axes[i] + s*(a*axes[3+i]+b*axes[6+i])
		}
		r := math.Sqrt(x[0]*x[0] + x[1]*x[1] + x[2]*x[2])
		for i := range 3 {
			x[i] /= r
		}
		return
	}
}

// An envelope is exp(top - precision y) over exp(-square y - fourth y²), with y
// the square of a coordinate, on [0, 1].
type envelope struct{ square, fourth, precision, top float64 }

func envelopeOf(square, fourth float64) envelope {
	e := envelope{square: square, fourth: fourth}
	const least = 0.5 // a standard deviation of 1 covers the disk
	if fourth > 0 {
		// The tangent of fourth y² where it is 1/2, below it by that at most.
		e.precision = math.Max(least, square+math.Sqrt(2*fourth))
		y := math.Min(1, (e.precision-square)/(2*fourth))
		e.top = (e.precision-square)*y - fourth*y*y
		return e
	}
	// y² ≤ y on [0, 1].
	e.precision = math.Max(least, square+fourth)
	e.top = math.Max(0, e.precision-square-fourth)
	return e
}

func (e envelope) rand(rnd *rand.Rand) float64 {
	return rnd.NormFloat64() / math.Sqrt(2*e.precision)
}

// excess returns the logarithm of density over envelope, at most 0.
func (e envelope) excess(y float64) float64 {
	return (e.precision-e.square)*y - e.fourth*y*y - e.top
}
