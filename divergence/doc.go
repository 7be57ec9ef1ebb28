// Package divergence takes the divergence of a flow's field and from it the
// density.
//
// With an orthonormal tangent frame e₁…e_d and the mean-curvature vector h at a
// point, the tangential part Pv of any smooth ambient field v has
//
//	div_M (Pv) = Σⱼ ⟨eⱼ, Dv[eⱼ]⟩ + ⟨h, v⟩ .
//
// The manifold hands over x, E and h as numbers (Probes), the network pushes the
// tangents through itself beside the values, and one contraction gives the
// divergence: d tangents per point, not n, and no second-order differentiation.
// Random probes w with E[w wᵀ] = P in place of the frame give Hutchinson's
// unbiased estimate with fewer rows.
package divergence
