package manifold

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

var (
	_ Measurer = SO3{}
	_ Geodesic = SO3{}
)

// SO3 is the group of rotations of R³ as 3×3 matrices R with RᵀR = I and
// det R = 1, row-major in R⁹, with the Frobenius metric ⟨A, B⟩ = tr AᵀB: a
// rotation by the angle t is √2 t away from the identity. It lies in the sphere
// of radius √3, and h(R) = -R.
type SO3 struct{}

// Dims returns 3 and 9.
func (SO3) Dims() (d, n int) { return 3, 9 }

// String returns "so3".
func (SO3) String() string { return "so3" }

// Project writes the rotation nearest to x, U diag(1, 1, det UVᵀ) Vᵀ of its
// singular value decomposition (Kabsch 1976). A matrix that is not finite
// becomes NaN.
func (SO3) Project(x []float64) {
	if orthogonal(x) {
		return
	}
	if s := floats.Sum(x); s-s != 0 { // the decomposition would not return
		for i := range x {
			x[i] = math.NaN()
		}
		return
	}
	var svd mat.SVD
	if !svd.Factorize(mat.NewDense(3, 3, append([]float64(nil), x...)), mat.SVDFull) {
		identity(x, 3)
		return
	}
	var u, v mat.Dense
	svd.UTo(&u)
	svd.VTo(&v)
	sign := math.Copysign(1, mat.Det(&u)*mat.Det(&v))
	for i := range 3 {
		for j := range 3 {
			x[3*i+j] = u.At(i, 0)*v.At(j, 0) + u.At(i, 1)*v.At(j, 1) + sign*u.At(i, 2)*v.At(j, 2)
		}
	}
}

// orthogonal reports whether x is a rotation to rounding. If it nearly is, a
// few steps of Newton's iteration for the polar factor, X(3I - XᵀX)/2, make it
// one, at a tenth of the cost of a decomposition.
func orthogonal(x []float64) bool {
	for range 4 {
		var s [9]float64 // XᵀX
		var off float64
		for i := range 3 {
			for j := range 3 {
				s[3*i+j] = x[i]*x[j] + x[3+i]*x[3+j] + x[6+i]*x[6+j]
				e := s[3*i+j]
				if i == j {
					e--
				}
				off = math.Max(off, math.Abs(e))
			}
		}
		if !(off < 0.1) || det3(x) < 0 {
			return false
		}
		if off < 1e-15 {
			return true
		}
		var y [9]float64
		for i := range 3 {
			for j := range 3 {
				y[3*i+j] = 1.5*x[3*i+j] - 0.5*(x[3*i]*s[j]+x[3*i+1]*s[3+j]+x[3*i+2]*s[6+j])
			}
		}
		copy(x, y[:])
		if off < 1e-8 { // quadratic convergence: the error is now its square
			return true
		}
	}
	return false
}

func det3(x []float64) float64 {
	return x[0]*(x[4]*x[8]-x[5]*x[7]) - x[1]*(x[3]*x[8]-x[5]*x[6]) + x[2]*(x[3]*x[7]-x[4]*x[6])
}

// Frame writes R Lⱼ / √2, with Lⱼ the infinitesimal rotations about the axes.
func (SO3) Frame(E, x []float64) {
	const q = math.Sqrt2 / 2
	for i := range 3 {
		a, b, c := x[3*i]*q, x[3*i+1]*q, x[3*i+2]*q
		// Row i of R times L₁, L₂, L₃.
		E[3*i], E[3*i+1], E[3*i+2] = 0, c, -b
		E[9+3*i], E[9+3*i+1], E[9+3*i+2] = -c, 0, a
		E[18+3*i], E[18+3*i+1], E[18+3*i+2] = b, -a, 0
	}
}

// MeanCurvature writes h = -R: geodesics R exp(tL/√2) bend by R L²/2, and the
// squares of the three L sum to -2 I.
func (SO3) MeanCurvature(h, x []float64) {
	for i, v := range x {
		h[i] = -v
	}
}

// Volume returns 8π² · 2√2: that of the unit-angle metric, 8π², in lengths √2
// times as long.
func (SO3) Volume() float64 { return 16 * math.Sqrt2 * math.Pi * math.Pi }

// Rand writes a rotation drawn from the invariant measure: that of a uniform
// unit quaternion.
func (SO3) Rand(x []float64, rnd *rand.Rand) {
	var q [4]float64
	Sphere{3}.Rand(q[:], rnd)
	r := FromQuaternion(q)
	copy(x, r[:])
}

// FromQuaternion returns the rotation of the unit quaternion w + xi + yj + zk.
func FromQuaternion(q [4]float64) [9]float64 {
	w, x, y, z := q[0], q[1], q[2], q[3]
	return [9]float64{
		1 - 2*(y*y+z*z), 2 * (x*y - w*z), 2 * (x*z + w*y),
		2 * (x*y + w*z), 1 - 2*(x*x+z*z), 2 * (y*z - w*x),
		2 * (x*z - w*y), 2 * (y*z + w*x), 1 - 2*(x*x+y*y),
	}
}

// Quaternion returns the unit quaternion of a rotation, with w not negative
// (Shepperd 1978: the largest of the four is found first).
func Quaternion(r []float64) [4]float64 {
	t := r[0] + r[4] + r[8]
	sq := [4]float64{1 + t, 1 + 2*r[0] - t, 1 + 2*r[4] - t, 1 + 2*r[8] - t}
	k := 0
	for i, v := range sq {
		if v > sq[k] {
			k = i
		}
	}
	a, b, c := r[7]-r[5], r[2]-r[6], r[3]-r[1]
	d, e, f := r[1]+r[3], r[2]+r[6], r[5]+r[7]
	rows := [4][4]float64{{sq[0], a, b, c}, {a, sq[1], d, e}, {b, d, sq[2], f}, {c, e, f, sq[3]}}
	q := rows[k]
	Sphere{3}.Project(q[:])
	if q[0] < 0 {
		for i := range q {
			q[i] = -q[i]
		}
	}
	return q
}

// Exp writes R exp(Rᵀv), by Rodrigues' formula.
func (so SO3) Exp(dst, x, v []float64) {
	// Rᵀv is skew; its axial vector is the rotation vector w.
	var w [3]float64
	s := mulT(x, v)
	w[0], w[1], w[2] = (s[7]-s[5])/2, (s[2]-s[6])/2, (s[3]-s[1])/2
	t := norm(w[:])
	sin, _ := math.Sincos(t)
	a := sinc(t, sin)
	half := math.Sin(t / 2)
	b := 0.5
	if t > 1e-9 {
		b = 2 * half * half / (t * t)
	}
	k := [9]float64{0, -w[2], w[1], w[2], 0, -w[0], -w[1], w[0], 0}
	k2 := mul3(k[:], k[:])
	var e [9]float64
	for i := range e {
		e[i] = a*k[i] + b*k2[i]
	}
	e[0], e[4], e[8] = e[0]+1, e[4]+1, e[8]+1
	r := mul3(x, e[:])
	copy(dst, r[:])
	so.Project(dst) // so that rounding does not add up along a path
}

// Log writes R log(RᵀS). The rotation vector is read off the quaternion, which
// is well conditioned up to and at the half turn, where either sense is
// shortest.
func (SO3) Log(dst, x, y []float64) {
	s := mulT(x, y)
	q := Quaternion(s[:])
	sin := norm(q[1:])
	f := 2.0
	if sin > 1e-12 {
		f = 2 * math.Atan2(sin, q[0]) / sin
	}
	w := [3]float64{f * q[1], f * q[2], f * q[3]}
	k := [9]float64{0, -w[2], w[1], w[2], 0, -w[0], -w[1], w[0], 0}
	v := mul3(x, k[:])
	copy(dst, v[:])
}

// mul3 returns AB and mulT AᵀB, of 3×3 matrices.
func mul3(a, b []float64) (c [9]float64) {
	for i := range 3 {
		for j := range 3 {
			c[3*i+j] = a[3*i]*b[j] + a[3*i+1]*b[3+j] + a[3*i+2]*b[6+j]
		}
	}
	return c
}

func mulT(a, b []float64) (c [9]float64) {
	for i := range 3 {
		for j := range 3 {
			c[3*i+j] = a[i]*b[j] + a[3+i]*b[3+j] + a[6+i]*b[6+j]
		}
	}
	return c
}
