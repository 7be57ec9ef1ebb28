package kernel

//go:generate go run asm/gen.go

var tiles512 = tileSet{14, 32, []tile{{14, gemm14x32}, {8, gemm8x32}, {4, gemm4x32}, {2, gemm2x32}, {1, gemm1x32}}}
var tiles256 = tileSet{6, 16, []tile{{6, gemm6x16}, {4, gemm4x16}, {2, gemm2x16}, {1, gemm1x16}}}

func tiles() *tileSet {
	if active == avx512 {
		return &tiles512
	}
	return &tiles256
}

func dotKernel(x, y []float32) float32 {
	if active == avx512 && len(x) >= 16 {
		n := len(x) &^ 15
		return dot512(n, &x[0], &y[0]) + dotPlain(x[n:], y[n:])
	}
	return dotPlain(x, y)
}
