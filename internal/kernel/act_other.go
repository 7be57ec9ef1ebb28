//go:build !amd64

package kernel

func swishRow(_, _, _ int, _, _, _, _, _ []float32) int { return 0 }

func jetBack(lo, _, _, _ int, _, _, _, _ []float32) int { return lo }

func sinCosRow(_, _, _, _ int, _, _ []float32) int { return 0 }

func colSum(_ []float32, _, _ int, _ []float32) int { return 0 }

func adamRange(lo, _ int, _, _, _, _, _ []float32, _ *[11]float32) int { return lo }
