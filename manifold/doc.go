// Package manifold describes curved spaces by plain numbers: at every point an
// orthonormal tangent frame E and the mean-curvature vector h, and where closed
// forms exist the volume, uniform points, the exponential map and its inverse.
//
// That is all a Moser flow needs to know of geometry, since for any smooth
// ambient field v with tangential part Pv
//
//	div_M (Pv) = Σⱼ ⟨eⱼ, Dv[eⱼ]⟩ + ⟨h, v⟩ .
//
// Points are ambient vectors of length n, in the coordinates given with each
// type; d is the dimension of the manifold. Angles are in radians except in
// names that say degrees.
package manifold
