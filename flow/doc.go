// Package flow holds the model: a source density ν and a learned tangent field
// u on a manifold, which together are the signed density
//
//	μ(x) = ν(x) - div u(x),    u = P v, or ν P v if relative,
//
// of Moser Flow (Rozen, Grover, Nickel, Lipman; NeurIPS 2021). By the
// divergence theorem μ integrates to one for every network v. Its positive part
//
//	μ₊ = max(ε, μ)
//
// integrates to Z = 1 + ∫ max(0, ε - μ), so p = μ₊/Z is a density. Z is measured
// after training and stored with the model.
//
// The network v : Rⁿ → Rⁿ lives in package nn, source densities in package
// prior; the divergence is taken in package divergence.
package flow
