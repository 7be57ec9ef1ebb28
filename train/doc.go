// Package train fits a Moser flow to points by the Moser loss (Rozen et al.
// 2021, equation 15),
//
//	L = - mean over data of log μ₊(x)  +  λ ∫ μ₋ ,
//	μ₊ = max(ε, μ),   μ₋ = ε - min(ε, μ),
//
// with the integral by importance sampling on points that are fresh at every
// step. No differential equation is solved. For λ ≥ 1 the minimiser is the
// density of the data.
//
// A Run is a sequence of steps that can be stopped after any of them. Everything
// random in step t comes from a generator seeded by (seed, t), so a run resumed
// from a checkpoint continues to the bytes of an uninterrupted one.
package train
