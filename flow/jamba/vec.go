package jamba

import "math"

// kernels are vector loops in assembly over counts that are multiples of
// lanes. A nil entry means that the plain loop beside it is used.
type kernels struct {
	name         string
	dot          func(x, y *float32, n int) float32
	dot3         func(x, y, z *float32, n int) float32
	dots         func(dst, x, w *float32, n, ld, rows int)
	wsum         func(dst, p, v *float32, n, ld, rows int)
	maximum      func(x *float32, n int) float32
	axpy         func(y, x *float32, a float32, n int)
	scale        func(x *float32, a float32, n int)
	mul          func(dst, x, w *float32, a float32, n int)
	mulAdd       func(dst, x, w *float32, a float32, n int)
	expSub       func(dst, x *float32, m float32, n int) float32
	silu         func(y, x *float32, n int)
	siluBack     func(dx, dy, x *float32, n int)
	swiglu       func(h, g, u *float32, n int)
	swigluBack   func(dg, du, dh, g, u *float32, n int)
	softplus     func(y, x *float32, n int)
	softplusBack func(dx, dy, x *float32, n int)
	scan         func(*scanArgs)
	scanSave     func(*scanArgs)
	scanBack     func(*scanArgs)
}

// lanes is the grain of the assembly: every loop runs on multiples of it and the
// scan on blocks of as many channels.
const lanes = 16

// simd are the kernels of this machine. Tests replace it.
var simd = bestKernels()

// dot returns x·y.
func dot(x, y []float32) float32 {
	k, s := len(x)&^(lanes-1), float32(0)
	if simd.dot == nil {
		k = 0
	} else if k > 0 {
		s = simd.dot(&x[0], &y[0], k)
	}
	return s + dotPlain(x[k:], y[k:])
}

func dotPlain(x, y []float32) float32 {
	var s float32
	for i, v := range x {
		s += v * y[i]
	}
	return s
}

// dot3 returns Σ x y z.
func dot3(x, y, z []float32) float32 {
	k, s := len(x)&^(lanes-1), float32(0)
	if simd.dot3 == nil {
		k = 0
	} else if k > 0 {
		s = simd.dot3(&x[0], &y[0], &z[0], k)
	}
	for i := k; i < len(x); i++ {
		s += x[i] * y[i] * z[i]
	}
	return s
}

// dots sets dst[r] = x · w[r·ld:], the product of a matrix of len(dst) rows, ld
// apart, with the vector x.
func dots(dst, x, w []float32, ld int) {
	r := 0
	if k := len(x); simd.dots != nil && k > 0 && k%lanes == 0 && len(dst) >= 4 {
		r = len(dst) &^ 3
		simd.dots(&dst[0], &x[0], &w[0], k, ld, r)
	}
	for ; r < len(dst); r++ {
		dst[r] = dot(x, w[r*ld:r*ld+len(x)])
	}
}

// wsum adds Σ_r p[r] v[r·ld:] to dst.
func wsum(dst, p, v []float32, ld int) {
	if k := len(dst); simd.wsum != nil && k > 0 && k%lanes == 0 && len(p) > 0 {
		simd.wsum(&dst[0], &p[0], &v[0], k, ld, len(p))
		return
	}
	for r, a := range p {
		axpy(dst, v[r*ld:r*ld+len(dst)], a)
	}
}

// maximum returns the largest of at least one number.
func maximum(x []float32) float32 {
	k, m := len(x)&^(lanes-1), x[0]
	if simd.maximum == nil {
		k = 0
	} else if k > 0 {
		m = simd.maximum(&x[0], k)
	}
	for _, v := range x[k:] {
		m = max(m, v)
	}
	return m
}

// axpy adds a x to y.
func axpy(y, x []float32, a float32) {
	k := len(y) &^ (lanes - 1)
	if simd.axpy == nil {
		k = 0
	} else if k > 0 {
		simd.axpy(&y[0], &x[0], a, k)
	}
	x = x[:len(y)]
	for i := k; i < len(y); i++ {
		y[i] += a * x[i]
	}
}

// scale multiplies x by a.
func scale(x []float32, a float32) {
	k := len(x) &^ (lanes - 1)
	if simd.scale == nil {
		k = 0
	} else if k > 0 {
		simd.scale(&x[0], a, k)
	}
	for i := k; i < len(x); i++ {
		x[i] *= a
	}
}

// mul sets dst = a x w, element by element.
func mul(dst, x, w []float32, a float32) {
	k := len(dst) &^ (lanes - 1)
	if simd.mul == nil {
		k = 0
	} else if k > 0 {
		simd.mul(&dst[0], &x[0], &w[0], a, k)
	}
	x, w = x[:len(dst)], w[:len(dst)]
	for i := k; i < len(dst); i++ {
		dst[i] = a * x[i] * w[i]
	}
}

// mulAdd adds a x w to dst, element by element.
func mulAdd(dst, x, w []float32, a float32) {
	k := len(dst) &^ (lanes - 1)
	if simd.mulAdd == nil {
		k = 0
	} else if k > 0 {
		simd.mulAdd(&dst[0], &x[0], &w[0], a, k)
	}
	x, w = x[:len(dst)], w[:len(dst)]
	for i := k; i < len(dst); i++ {
		dst[i] += a * x[i] * w[i]
	}
}

// expSub sets dst = exp(x - m) and returns its sum. An x of -Inf gives 0, or in
// assembly a number below 1e-37.
func expSub(dst, x []float32, m float32) float32 {
	k, s := len(dst)&^(lanes-1), float32(0)
	if simd.expSub == nil {
		k = 0
	} else if k > 0 {
		s = simd.expSub(&dst[0], &x[0], m, k)
	}
	for i := k; i < len(dst); i++ {
		dst[i] = exp32(x[i] - m)
		s += dst[i]
	}
	return s
}

// silu sets y = x σ(x).
func silu(y, x []float32) {
	k := len(y) &^ (lanes - 1)
	if simd.silu == nil {
		k = 0
	} else if k > 0 {
		simd.silu(&y[0], &x[0], k)
	}
	for i := k; i < len(y); i++ {
		y[i] = x[i] * sigmoid(x[i])
	}
}

// siluBack sets dx = dy · d(x σ(x))/dx.
func siluBack(dx, dy, x []float32) {
	k := len(dx) &^ (lanes - 1)
	if simd.siluBack == nil {
		k = 0
	} else if k > 0 {
		simd.siluBack(&dx[0], &dy[0], &x[0], k)
	}
	for i := k; i < len(dx); i++ {
		s := sigmoid(x[i])
		dx[i] = dy[i] * s * (1 + x[i]*(1-s))
	}
}

// swiglu sets h = silu(g) u.
func swiglu(h, g, u []float32) {
	k := len(h) &^ (lanes - 1)
	if simd.swiglu == nil {
		k = 0
	} else if k > 0 {
		simd.swiglu(&h[0], &g[0], &u[0], k)
	}
	for i := k; i < len(h); i++ {
		h[i] = g[i] * sigmoid(g[i]) * u[i]
	}
}

// swigluBack sets the gradients of swiglu: du = dh silu(g), dg = dh u silu'(g).
// dg may be g and du may be u or dh.
func swigluBack(dg, du, dh, g, u []float32) {
	k := len(dh) &^ (lanes - 1)
	if simd.swigluBack == nil {
		k = 0
	} else if k > 0 {
		simd.swigluBack(&dg[0], &du[0], &dh[0], &g[0], &u[0], k)
	}
	for i := k; i < len(dh); i++ {
		s := sigmoid(g[i])
		a := dh[i] * s
		dg[i], du[i] = a*u[i]*(1+g[i]*(1-s)), a*g[i]
	}
}

// softplus sets y = log(1 + exp x).
func softplus(y, x []float32) {
	k := len(y) &^ (lanes - 1)
	if simd.softplus == nil {
		k = 0
	} else if k > 0 {
		simd.softplus(&y[0], &x[0], k)
	}
	for i := k; i < len(y); i++ {
		v := float64(x[i])
		y[i] = float32(math.Max(v, 0) + math.Log1p(math.Exp(-math.Abs(v))))
	}
}

// softplusBack sets dx = dy σ(x).
func softplusBack(dx, dy, x []float32) {
	k := len(dx) &^ (lanes - 1)
	if simd.softplusBack == nil {
		k = 0
	} else if k > 0 {
		simd.softplusBack(&dx[0], &dy[0], &x[0], k)
	}
	for i := k; i < len(dx); i++ {
		dx[i] = dy[i] * sigmoid(x[i])
	}
}

func exp32(x float32) float32   { return float32(math.Exp(float64(x))) }
func sigmoid(x float32) float32 { return 1 / (1 + exp32(-x)) }
