package main

import "math"

// Polynomials are minimax fits over the ranges named, their coefficients rounded
// to float32 one after the other and the rest fitted again.
var (
	// eʳ on |r| ≤ log(2)/2, relative error 3e-9.
	expPoly = []float64{1, 1, 0.49999994, 0.166665211, 0.0416682772, 0.00836868677, 0.00138198235}
	// The same in float64, error 2e-17.
	expPolyDouble = []float64{
		1, 1, 0.5000000000000019, 0.1666666666666668, 0.04166666666648795, 0.008333333333319589, 0.0013888888952352863,
		0.00019841269890076403, 2.4801485441561313e-05, 2.755724088722987e-06, 2.763265472252779e-07, 2.5110049204818658e-08,
	}
	// (sin r - r)/r³ in r², on |r| ≤ π/4, error 4e-9 of r.
	sinPoly = []float64{-0.166666552, 0.0083321901, -0.000195184082}
	// cos r in r², relative error 2e-10.
	cosPoly = []float64{1, -0.5, 0.0416666456, -0.00138873095, 2.44323364e-05}
	// atanh(s)/s in s², on s ≤ 1/3, error 5e-9.
	atanhPoly = []float64{1, 0.333332062, 0.200108677, 0.139993146, 0.1401335}
	// (tanh x - x)/x³ in x², on |x| ≤ 1/2, error 4e-10 of x.
	tanhPoly = []float64{-0.333333284, 0.133330122, -0.0539043434, 0.0213206429, -0.00668255985}
)

const signBit = 0x80000000

// split writes c as a float32 and the float32 nearest to the rest.
func split(c float64) (hi, lo float64) {
	hi = float64(float32(c))
	return hi, c - hi
}

// expReduced returns n and eʳ for x = n log 2 + r; x is lost. With a fused
// multiply-add the first difference is exact.
func (f *fn) expReduced(x string) (n, p string) {
	hi, lo := split(math.Ln2)
	coefs := expPoly
	if f.double {
		hi, lo = 0.693147180369123816490, 1.90821492927058770002e-10 // the first ends in zeros
		coefs = expPolyDouble
	}
	n, p = f.v(), f.v()
	f.mul(n, x, f.c(math.Log2E))
	f.round(n, n)
	f.minus(x, n, f.c(hi))
	f.minus(x, n, f.c(lo))
	f.poly(p, x, coefs...)
	return n, p
}

// expOf returns eˣ for any x, in a new register; x is lost.
func (f *fn) expOf(x string) string {
	t := f.v()
	f.least(t, x, f.c(89)) // above is infinity
	f.most(x, t, f.c(-104))
	f.drop(t) // below is zero
	n, p := f.expReduced(x)
	f.ldexp(p, n)
	f.drop(n)
	return p
}

// decay returns eˣ for x ≤ 0, held at e^-87.3, or in float64 e^-708, where numbers
// begin to lose digits; x is lost.
func (f *fn) decay(x string) string {
	least := -87.3
	if f.double {
		least = -708
	}
	t := f.v()
	f.most(t, x, f.c(least))
	n, p := f.expReduced(t)
	f.ldexpSmall(p, n)
	f.drop(n, t)
	return p
}

// ratio returns x/y in a new register, where x may be a constant.
func (f *fn) ratio(x, y string) string {
	d := f.v()
	f.mov(d, x)
	f.div(d, d, y)
	return d
}

// logistic returns e = exp(-|z|), d = 1/(1+e), g = 1/(1+exp(-z)) and q = g(1-g),
// none of which is a difference of near numbers.
func (f *fn) logistic(z string) (e, d, g, q string) {
	t := f.v()
	f.or(t, z, f.bits(signBit))
	e = f.decay(t)
	f.add(t, e, f.c(1))
	d = f.ratio(f.c(1), t)
	g, q = f.v(), t
	f.mul(g, e, d)
	f.mul(q, g, d)
	f.choose(g, z, g, d)
	return e, d, g, q
}

// An activation returns f(z), f'(z) and f″(z) in registers.
type activation func(f *fn, z string) (y, y1, y2 string)

// identity: z, 1, 0.
func identity(f *fn, z string) (y, y1, y2 string) {
	y1, y2 = f.v(), f.v()
	f.mov(y1, f.c(1))
	f.zero(y2)
	return z, y1, y2
}

// swish: z g, g + z q, q (2 - |z| tanh|z/2|). In the derivatives z stops at ±128,
// where q is nothing, for infinity times nothing is not a number.
func swish(f *fn, z string) (y, y1, y2 string) {
	e, d, g, q := f.logistic(z)
	low, mid := f.v(), f.v()
	f.most(low, z, f.c(-128))
	f.least(mid, low, f.c(128))
	y = low
	f.mul(y, g, low)
	y1 = g
	f.fma(y1, mid, q)
	// tanh|z/2| = (1-e) d
	t := f.v()
	f.mov(t, f.c(1))
	f.sub(t, t, e)
	f.mul(t, t, d)
	f.and(mid, mid, f.bits(signBit-1))
	y2 = e
	f.mov(y2, f.c(2))
	f.minus(y2, mid, t)
	f.mul(y2, y2, q)
	f.drop(d, q, mid, t)
	return y, y1, y2
}

// softplus: max(z, 0) + log(1+e), g, q. log(1+e) = 2 atanh(e/(2+e)).
func softplus(f *fn, z string) (y, y1, y2 string) {
	e, d, g, q := f.logistic(z)
	f.drop(d)
	t := f.v()
	f.add(t, e, f.c(2))
	s := f.ratio(e, t)
	f.mul(t, s, s)
	p := f.v()
	f.poly(p, t, atanhPoly...)
	f.add(s, s, s)
	f.most(t, z, f.c(0))
	f.fma(t, s, p)
	f.drop(e, s, p)
	return t, g, q
}

// tanh: for |z| > 1/2 (1-e)/(1+e) with e = exp(-2|z|) and the sign of z, else a
// polynomial; 4e/(1+e)²; -2 f f'.
func tanh(f *fn, z string) (y, y1, y2 string) {
	t := f.v()
	f.or(t, z, f.bits(signBit))
	u := f.v()
	f.add(u, t, t)
	e := f.decay(u)
	f.add(u, e, f.c(1))
	d := f.ratio(f.c(1), u)
	f.add(t, t, f.c(0.5)) // negative where |z| > 1/2
	f.mov(u, f.c(1))
	f.sub(u, u, e)
	f.mul(u, u, d)
	sign := f.v()
	f.and(sign, z, f.bits(signBit))
	f.or(u, u, sign)
	y1 = e
	f.mul(y1, e, d)
	f.mul(y1, y1, d)
	f.mul(y1, y1, f.c(4))
	w, p := d, sign
	f.mul(w, z, z)
	f.poly(p, w, tanhPoly...)
	f.mul(p, p, w)
	f.mov(w, z)
	f.fma(w, z, p)
	f.choose(u, t, u, w)
	y2 = t
	f.mul(y2, u, f.c(-2))
	f.mul(y2, y2, y1)
	f.drop(d, sign)
	return u, y1, y2
}

func sine(f *fn, z string) (y, y1, y2 string) {
	s, c := f.sincos(z)
	y2 = f.v()
	f.xor(y2, s, f.bits(signBit))
	return s, c, y2
}

// sincos returns the sine and cosine of x: x = n π/2 + r by two fused steps, of
// which the first is exact. The rest is held to |r| ≤ 0.9, which matters only for
// |x| > 1e6: the results stay within [-1, 1].
func (f *fn) sincos(x string) (s, c string) {
	hi, lo := split(math.Pi / 2)
	n, r, t := f.v(), f.v(), f.v()
	f.mul(n, x, f.c(2/math.Pi))
	f.round(n, n)
	f.mov(r, x)
	f.minus(r, n, f.c(hi))
	f.minus(r, n, f.c(lo))
	f.toInt(n, n)
	f.least(t, r, f.c(0.9))
	f.most(r, t, f.c(-0.9))
	f.mul(t, r, r)
	s, c = f.v(), f.v()
	f.poly(s, t, sinPoly...)
	f.mul(s, s, t)
	f.poly(c, t, cosPoly...)
	f.mov(t, r)
	f.fma(t, r, s)
	f.shiftLeft(r, n, 31) // odd quadrants swap the two
	f.choose(s, r, c, t)
	f.choose(c, r, t, c)
	f.shiftLeft(t, n, 30)
	f.and(t, t, f.bits(signBit))
	f.xor(s, s, t)
	f.addInt(n, n, f.bits(1))
	f.shiftLeft(n, n, 30)
	f.and(n, n, f.bits(signBit))
	f.xor(c, c, n)
	f.drop(n, r, t)
	return s, c
}
