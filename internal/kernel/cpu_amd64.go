package kernel

import "golang.org/x/sys/cpu"

//go:generate go run ./asm

func detect() (s []*kernels) {
	x := cpu.X86
	if !x.HasAVX2 || !x.HasFMA {
		return nil
	}
	s = append(s, &avx2)
	if x.HasAVX512F && x.HasAVX512DQ && x.HasAVX512VL && x.HasAVX512BW {
		s = append(s, &avx512)
	}
	return s
}
