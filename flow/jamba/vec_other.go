//go:build !amd64

package jamba

func bestKernels() kernels { return kernels{name: "plain"} }
