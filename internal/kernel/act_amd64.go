package kernel

// Each of these does as many columns as fill whole vectors, and returns where
// it stopped; the plain loops do the rest.

func swishRow(width, k, size int, z, bias, a, s1, s2 []float32) int {
	n := width &^ 15
	if active != avx512 || n == 0 || bias == nil {
		return 0
	}
	var d1, d2 *float32
	if s1 != nil {
		d1, d2 = &s1[0], &s2[0]
	}
	swish512(n, k, 4*size, &z[0], &bias[0], &a[0], d1, d2)
	return n
}

func jetBack(lo, hi, k, size int, g, z, s1, s2 []float32) int {
	n := (hi - lo) &^ 15
	if active != avx512 || n == 0 {
		return lo
	}
	jetBack512(n, k, 4*size, &g[lo], &z[lo], &s1[lo], &s2[lo])
	return lo + n
}

func sinCosRow(n, k, pblock, oblock int, p, out []float32) int {
	m := n &^ 15
	if active != avx512 || m == 0 {
		return 0
	}
	sincos512(m, k, 4*pblock, 4*oblock, &p[0], &out[0], &out[n])
	return m
}

func colSum(dst []float32, rows, width int, x []float32) int {
	if active != avx512 {
		return 0
	}
	j := 0
	for ; j+16 <= width; j += 16 {
		colsum512(rows, 4*width, &x[j], &dst[j])
	}
	return j
}

func adamRange(lo, hi int, p, g, m, v, ema []float32, c *[11]float32) int {
	n := (hi - lo) &^ 15
	if active != avx512 || n == 0 {
		return lo
	}
	var e *float32
	if ema != nil {
		e = &ema[lo]
	}
	adam512(n, &p[lo], &g[lo], &m[lo], &v[lo], e, c)
	return lo + n
}
