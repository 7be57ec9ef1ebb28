package kernel

import "golang.org/x/sys/cpu"

func detect() path {
	switch x := cpu.X86; {
	case x.HasAVX512F && x.HasAVX512DQ && x.HasAVX512VL && x.HasAVX512BW:
		return avx512
	case x.HasAVX2 && x.HasFMA:
		return avx2
	}
	return plain
}
