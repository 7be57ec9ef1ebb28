// Package prior holds closed-form densities that can be sampled, with respect to
// the Riemannian volume. They are the source density ν of a flow, and the
// baselines beside every score: uniform, mixtures of von Mises-Fisher kernels
// (von Mises on tori) or of Kent's ellipses by expectation-maximisation, and
// kernel densities of many widths and shapes whose weights are fitted on
// cross-fitted densities. On SO(3), tori of revolution, boxes and products of tori
// densities are those of a sphere or flat torus that covers them.
package prior
