package jamba

import "golang.org/x/sys/cpu"

func runnableKernels() (v []kernels) {
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		v = append(v, kernels256)
	}
	if cpu.X86.HasAVX512F && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512VL {
		v = append(v, kernels512)
	}
	return v
}
