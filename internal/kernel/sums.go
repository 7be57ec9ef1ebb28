package kernel

import "math"

// Sums of kernels over points, in float64: a block of points stands in rows of
// coordinates, the numbers of a row being those of the points, and so do the
// numbers of their kernels. Blocks have SumBlock points; what is missing has
// weight zero.

// SumBlock is the number of points in a block.
const SumBlock = 32

// HalfChords writes t = ½|x - m|² for the points m of a block, len(x) rows.
func HalfChords(t, x, m []float64) {
	d := len(x)
	t, m = t[:SumBlock], m[:d*SumBlock]
	if s := active; s.halfChords != nil {
		s.halfChords(SumBlock, d, 8*SumBlock, &x[0], &m[0], &t[0])
		return
	}
	clear(t)
	for c, v := range x {
		for i, w := range m[c*SumBlock : (c+1)*SumBlock] {
			t[i] += (v - w) * (v - w) / 2
		}
	}
}

// SphereChart writes the stereographic coordinates of x about the points m of a
// block of S^d, d rows of v, and their Jacobian dv/dx. The points have d+1 rows; t
// is that of HalfChords. At m the frame is that of the reflection which takes the
// first axis to m or -m.
func SphereChart(v, jac, x, m, t []float64) {
	d := len(x) - 1
	v, jac, m, t = v[:d*SumBlock], jac[:SumBlock], m[:len(x)*SumBlock], t[:SumBlock]
	if s := active; s.sphereChart != nil {
		s.sphereChart(SumBlock, d, 8*SumBlock, &x[0], &m[0], &t[0], &v[0], &jac[0])
		return
	}
	for i := range SumBlock {
		first := m[i]
		along := (first + math.Copysign(1, first)) * (x[0] - first)
		for c := 1; c <= d; c++ {
			along += m[c*SumBlock+i] * (x[c] - m[c*SumBlock+i])
		}
		along /= 1 + math.Abs(first)
		b := 1 / math.Max(1-t[i]/2, 1e-12) // 1/cos²(θ/2)
		jac[i] = 1
		for c := 1; c <= d; c++ {
			v[(c-1)*SumBlock+i] = (x[c] - m[c*SumBlock+i] - along*m[c*SumBlock+i]) * b
			jac[i] *= b
		}
	}
}

// TorusChart writes v = 2 tan(δ/2) for every angle δ of x about the points m of a
// block of T^d, d rows, and their Jacobian dv/dx. Points have 2d rows, the cosine
// and sine of every angle.
func TorusChart(v, jac, x, m []float64) {
	d := len(x) / 2
	v, jac, m = v[:d*SumBlock], jac[:SumBlock], m[:len(x)*SumBlock]
	if s := active; s.torusChart != nil {
		s.torusChart(SumBlock, d, 8*SumBlock, &x[0], &m[0], &v[0], &jac[0])
		return
	}
	for i := range SumBlock {
		jac[i] = 1
		for c := range d {
			cos, sin := m[2*c*SumBlock+i], m[(2*c+1)*SumBlock+i]
			u := (x[2*c+1]*cos - x[2*c]*sin) / math.Max(1+x[2*c]*cos+x[2*c+1]*sin, 1e-12)
			v[c*SumBlock+i] = 2 * u
			jac[i] *= 1 + u*u
		}
	}
}

// AddDecays adds w exp(-k t) to dst for every k of a part, rows of w, at the points
// of a block. dst has a row for every part if stride is SumBlock, and one for all
// if it is 0. k and t are not negative; what is below e^-708 counts as that.
func AddDecays(dst []float64, stride int, k, t, w []float64) {
	parts := len(k)
	if parts == 0 {
		return
	}
	t, w, dst = t[:SumBlock], w[:parts*SumBlock], dst[:(parts-1)*stride+SumBlock]
	if s := active; s.decays != nil {
		s.decays(SumBlock, parts, 8*SumBlock, 8*stride, &k[0], &t[0], &w[0], &dst[0])
		return
	}
	for s, k := range k {
		to := dst[s*stride:]
		for i, w := range w[s*SumBlock : (s+1)*SumBlock] {
			to[i] += w * math.Exp(math.Max(-k*t[i], -708))
		}
	}
}

// AddOwnDecays is AddDecays where every point has its own k, rows of them.
func AddOwnDecays(dst []float64, stride int, k, t, w []float64) {
	parts := len(k) / SumBlock
	if parts == 0 {
		return
	}
	t, w, dst = t[:SumBlock], w[:parts*SumBlock], dst[:(parts-1)*stride+SumBlock]
	if s := active; s.ownDecays != nil {
		s.ownDecays(SumBlock, parts, 8*SumBlock, 8*stride, &k[0], &t[0], &w[0], &dst[0])
		return
	}
	for s := range parts {
		to := dst[s*stride:]
		for i, w := range w[s*SumBlock : (s+1)*SumBlock] {
			to[i] += w * math.Exp(math.Max(-k[s*SumBlock+i]*t[i], -708))
		}
	}
}

// AddNormals adds w jac exp(-|A v - b|²/2) to dst for the coordinates v, d rows, in
// the charts of a block: a has d rows of b and then the lower triangle of A, row by
// row. What is below e^-708 counts as that.
func AddNormals(dst []float64, d int, v, jac, a, w []float64) {
	v, jac, a, w, dst = v[:d*SumBlock], jac[:SumBlock], a[:(d+d*(d+1)/2)*SumBlock], w[:SumBlock], dst[:SumBlock]
	if s := active; s.normals != nil {
		s.normals(SumBlock, d, 8*SumBlock, &v[0], &jac[0], &a[0], &w[0], &dst[0])
		return
	}
	for i := range SumBlock {
		var q float64
		at := d * SumBlock
		for r := range d {
			y := -a[r*SumBlock+i]
			for c := range r + 1 {
				y += a[at+i] * v[c*SumBlock+i]
				at += SumBlock
			}
			q += y * y
		}
		dst[i] += w[i] * jac[i] * math.Exp(math.Max(-q/2, -708))
	}
}
