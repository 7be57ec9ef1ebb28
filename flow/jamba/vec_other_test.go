//go:build !amd64

package jamba

func runnableKernels() []kernels { return nil }
