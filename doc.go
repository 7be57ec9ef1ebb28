// Package mflow is the root of a toolkit for generative modelling on manifolds:
// it learns the density of points on spheres, tori, rotations, boxes and their
// products by Moser Flow, draws from it, evaluates it and maps it.
//
// The command is in cmd/mflow; the libraries, from left to right, are manifold,
// datasets, flow, divergence, train and sample. See ARCHITECTURE.md.
package mflow
