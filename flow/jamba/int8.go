package jamba

import (
	"sync"

	"mflow/internal/kernel"
)

// Int8 is a matrix of eight-bit integers with one scale per row,
//
//	W[o, i] = Scale[o] Q[o, i],    -127 ≤ Q ≤ 127,
//
// the form of ExpertsInt8 (Jamba-1.5, section 3.1): no zero points, no groups, no
// calibration. It takes a quarter of the memory of Dense, and a product with few
// rows, which is bound by reading the matrix, a fraction of its time. Inputs and sums
// are float32; a sum is scaled once, when it is complete.
type Int8 struct {
	Out, In int
	Q       []int8    // [Out, In]
	Scale   []float32 // [Out]
}

var _ Linear = (*Int8)(nil)

// newInt8 returns a zero matrix.
func newInt8(out, in int) *Int8 {
	return &Int8{out, in, make([]int8, out*in), make([]float32, out)}
}

// Dims returns the number of rows and columns.
func (w *Int8) Dims() (out, in int) { return w.Out, w.In }

// Bytes returns the memory of the matrix.
func (w *Int8) Bytes() int { return len(w.Q) + 4*len(w.Scale) }

// Apply sets dst = x Wᵀ for x [rows, in] and dst [rows, out].
func (w *Int8) Apply(dst, x []float32, rows int) {
	switch {
	case rows == 1:
		w.vector(dst, x)
	case rows < fewRows:
		w.vectors(dst, x, rows)
	default:
		w.matrix(dst, x, rows)
	}
}

// vector is Apply for one row: integers go from memory to registers and nowhere else.
func (w *Int8) vector(dst, x []float32) {
	kernel.Parallel(w.Out, 1+(1<<18)/w.In, func(lo, hi int) {
		dotsInt8(dst[lo:hi], x[:w.In], w.Q[lo*w.In:hi*w.In])
		for o := lo; o < hi; o++ {
			dst[o] *= w.Scale[o]
		}
	})
}

// vectors is Apply for a few rows: a row of W becomes float32 in the cache and meets
// every row of x there.
func (w *Int8) vectors(dst, x []float32, rows int) {
	kernel.Parallel(w.Out, 1+(1<<17)/w.In, func(lo, hi int) {
		buf := wide.get(w.In)
		defer wide.put(buf)
		var s [fewRows]float32
		for o := lo; o < hi; o++ {
			widen(*buf, w.Q[o*w.In:(o+1)*w.In])
			dots(s[:rows], *buf, x, w.In)
			for r, v := range s[:rows] {
				dst[r*w.Out+o] = v * w.Scale[o]
			}
		}
	})
}

// matrix is Apply for many rows: a band of W at a time becomes float32 and is
// multiplied as a matrix.
func (w *Int8) matrix(dst, x []float32, rows int) {
	const numbers = 1 << 19 // in a band, two megabytes
	band := min(w.Out, max(64, numbers/w.In&^63))
	buf := wide.get(band * w.In)
	defer wide.put(buf)
	for at := 0; at < w.Out; at += band {
		n := min(band, w.Out-at)
		kernel.Parallel(n, 1+(1<<16)/w.In, func(lo, hi int) {
			widen((*buf)[lo*w.In:hi*w.In], w.Q[(at+lo)*w.In:(at+hi)*w.In])
		})
		kernel.Gemm(false, true, rows, n, w.In, 1, x, w.In, *buf, w.In, 0, dst[at:], w.Out)
		kernel.Parallel(rows, 1+(1<<15)/n, func(lo, hi int) {
			for r := lo; r < hi; r++ {
				y := dst[r*w.Out+at:][:n]
				mul(y, y, w.Scale[at:at+n], 1)
			}
		})
	}
}

// wide lends the float32 copies of integers.
var wide buffers

type buffers struct{ pool sync.Pool }

func (b *buffers) get(n int) *[]float32 {
	p, _ := b.pool.Get().(*[]float32)
	if p == nil {
		p = new([]float32)
	}
	*p = grow(*p, n)
	return p
}

func (b *buffers) put(p *[]float32) { b.pool.Put(p) }

// int8Kernels are the loops over integers in assembly, over counts that are multiples
// of lanes. A nil entry means that the plain loop is used.
type int8Kernels struct {
	dots  func(dst, x *float32, q *int8, n, ld, rows int)
	widen func(dst *float32, q *int8, n int)
}

// dotsInt8 sets dst[r] = x · q[r], the product of a matrix of len(dst) rows and
// len(x) columns with a vector.
func dotsInt8(dst, x []float32, q []int8) {
	in, k := len(x), len(x)&^(lanes-1)
	loops := simd.int8()
	if loops.dots == nil || k == 0 || len(dst) == 0 {
		dotsInt8Plain(dst, x, q)
		return
	}
	loops.dots(&dst[0], &x[0], &q[0], k, in, len(dst))
	if k == in {
		return
	}
	for r := range dst {
		for i := k; i < in; i++ {
			dst[r] += x[i] * float32(q[r*in+i])
		}
	}
}

func dotsInt8Plain(dst, x []float32, q []int8) {
	for r := range dst {
		var s float32
		for i, v := range q[r*len(x) : (r+1)*len(x)] {
			s += x[i] * float32(v)
		}
		dst[r] = s
	}
}

// widen sets dst = q.
func widen(dst []float32, q []int8) {
	k := len(q) &^ (lanes - 1)
	if loops := simd.int8(); loops.widen == nil {
		k = 0
	} else if k > 0 {
		loops.widen(&dst[0], &q[0], k)
	}
	for i := k; i < len(q); i++ {
		dst[i] = float32(q[i])
	}
}
