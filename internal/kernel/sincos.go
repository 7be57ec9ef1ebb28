package kernel

import (
	"math"
	"sync"
)

// SinCosJet writes the jets of sines and cosines of phases. p is 1+k blocks of
// rows×n: phases, then their tangents. Row r of block j of the result is
// out[(j*rows+r)*ld+off:], n sines' jets followed by n cosines'. The error is
// below 2e-7 for phases up to 1e4; beyond 1e6, where float32 numbers are a
// sixteenth apart, values are only sure to lie within [-1, 1].
func SinCosJet(rows, n, k int, p, out []float32, ld, off int) {
	if n == 0 || rows == 0 {
		return
	}
	if len(p) < (1+k)*rows*n || off < 0 || off+2*n > ld || len(out) < (1+k)*rows*ld {
		panic("kernel: a jet is too short")
	}
	w := waves.Get().(*wave)
	w.s, w.rows, w.n, w.k, w.p, w.out, w.ld, w.off = active, rows, n, k, p, out, ld, off
	Parallel(rows, max(1, 4096/n), w.run)
	*w = wave{run: w.run}
	waves.Put(w)
}

// A wave is one call of SinCosJet, kept for reuse with its closure.
type wave struct {
	s                   *kernels
	rows, n, k, ld, off int
	p, out              []float32
	run                 func(lo, hi int)
}

var waves = sync.Pool{New: func() any {
	w := new(wave)
	w.run = w.part
	return w
}}

// part does rows [lo, hi): whole vectors by the kernel, what is left of a row by
// the same kernel on a copy.
func (w *wave) part(lo, hi int) {
	n := w.n
	whole := w.s.whole(n)
	if whole > 0 {
		o := lo*w.ld + w.off
		w.s.sinCos(hi-lo, whole, w.k, 4*(n-whole), 4*(w.ld-whole), 4*w.rows*n, 4*w.rows*w.ld, &w.p[lo*n], &w.out[o], &w.out[o+n])
	}
	left := n - whole
	if left == 0 {
		return
	}
	lanes := max(w.s.lanes, left)
	buf := getBuffer(3 * lanes)
	x, sin, cos := buf.x[:lanes], buf.x[lanes:2*lanes], buf.x[2*lanes:]
	clear(x)
	for r := lo; r < hi; r++ {
		ph := w.p[r*n+whole:]
		copy(x, ph[:left])
		if w.s.lanes > 0 {
			w.s.sinCos(1, lanes, 0, 0, 0, 0, 0, &x[0], &sin[0], &cos[0])
		} else {
			for i, v := range x {
				s, c := math.Sincos(float64(v))
				sin[i], cos[i] = float32(s), float32(c)
			}
		}
		o := w.out[r*w.ld+w.off+whole:]
		for i := range left {
			o[i], o[n+i] = sin[i], cos[i]
			for j := 1; j <= w.k; j++ {
				d := ph[j*w.rows*n+i]
				o[j*w.rows*w.ld+i], o[j*w.rows*w.ld+n+i] = cos[i]*d, -sin[i]*d
			}
		}
	}
	putBuffer(buf)
}
