// Package sample draws from a Moser flow and evaluates its density along the
// way. Points of the prior ν move along
//
//	dx/dt = v_t(x) = u(x) / ((1-t) ν(x) + t μ₊(x)) ,    t from 0 to 1,
//
// an ordinary differential equation on the manifold whose density at time t is
// (1-t) ν + t μ wherever μ = μ₊ (Rozen et al. 2021, theorem 1; Moser 1965). They
// follow the field u itself; t is only how far they go, so it is found afterwards,
// along each step (see paths).
// Since the density is known in closed form, rejection sampling from the
// prior is a second way that owes nothing to the first.
package sample
