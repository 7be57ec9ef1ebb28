package manifold

import "math/rand/v2"

// A Manifold is a d-dimensional submanifold M of Rⁿ, given point by point as
// plain numbers. Points, tangents and normals are ambient vectors of length n;
// matrices are row-major. No method keeps its arguments, and a destination may
// not overlap them.
//
// The laws below are stated as tests in package manifoldtest, which runs on
// every implementation of this package and can be run on any other.
type Manifold interface {
	// Dims returns the intrinsic dimension d and the ambient dimension n.
	Dims() (d, n int)

	// Project moves x in place to the nearest point of M; it is the retraction
	// used by the samplers. Laws: Project is idempotent, undoes a small step
	// along a normal, and does not hide a NaN.
	Project(x []float64)

	// Frame writes an orthonormal basis of the tangent space at x to the d rows
	// of E, a d×n matrix. Law: E Eᵀ = I.
	Frame(E, x []float64)

	// MeanCurvature writes h = Σⱼ II(eⱼ, eⱼ), the mean-curvature vector at x
	// (the trace of the second fundamental form, not divided by d), of length n.
	// Laws: E h = 0, and for every smooth ambient field v with tangential part
	// Pv,
	//
	//	div_M (Pv) = Σⱼ ⟨eⱼ, Dv[eⱼ]⟩ + ⟨h, v⟩ .
	MeanCurvature(h, x []float64)

	// String returns the manifold's name as Parse reads it.
	String() string
}

// A Measurer knows its volume and draws uniform points.
type Measurer interface {
	Manifold

	// Volume returns the d-dimensional Riemannian volume of M.
	Volume() float64

	// Rand writes a point drawn uniformly from M to x, of length n.
	Rand(x []float64, rnd *rand.Rand)
}

// A Geodesic has its exponential map and logarithm in closed form.
type Geodesic interface {
	Manifold

	// Exp writes to dst the point reached from x along the geodesic with
	// initial velocity v, a tangent vector at x, in unit time.
	Exp(dst, x, v []float64)

	// Log writes to dst the shortest tangent vector v at x with Exp(x, v) = y.
	// Where several are shortest it returns one of them.
	// Law: Exp(x, Log(x, y)) = y.
	Log(dst, x, y []float64)
}

// Dist returns the geodesic distance of x and y.
func Dist(m Geodesic, x, y []float64) float64 {
	v := make([]float64, len(x))
	m.Log(v, x, y)
	return norm(v)
}

// A Walled manifold has a boundary that no mass may cross. A field v is
// tapered along the frame,
//
//	u = Σⱼ bⱼ ⟨eⱼ, v⟩ eⱼ ,   bⱼ = 0 on the walls that eⱼ meets ,
//
// so that the flux through the boundary vanishes and ∫ div u = 0 still holds.
type Walled interface {
	Manifold

	// Taper writes the factors 0 ≤ bⱼ ≤ 1 to b, of length d, and
	// g = Σⱼ ⟨∇bⱼ, eⱼ⟩ eⱼ, of length n. The divergence of the tapered field is
	//
	//	div u = Σⱼ bⱼ ⟨eⱼ, Dv[eⱼ]⟩ + ⟨h + g, v⟩
	//
	// where every tapered direction is flat, which is the law.
	Taper(b, g, x []float64)
}
