package kernel

import (
	"math"
	"sync"
)

// ColSum writes the column sums of a rows×width matrix to dst, or adds them.
// Each is summed in the order of rows, in blocks of sumRows whose sums are added
// in order, which keeps the error of long columns small.
func ColSum(dst []float32, rows, width int, x []float32, add bool) {
	dst = dst[:width]
	if !add {
		clear(dst)
	}
	if rows == 0 || width == 0 {
		return
	}
	c := sums.Get().(*colSum)
	c.s, c.dst, c.x, c.rows, c.width = active, dst, x[:rows*width], rows, width
	Parallel(width, max(64, 65536/rows&^63), c.run)
	*c = colSum{run: c.run}
	sums.Put(c)
}

const sumRows = 256

// A colSum is one call of ColSum, kept for reuse with its closure.
type colSum struct {
	s           *kernels
	dst, x      []float32
	rows, width int
	run         func(lo, hi int)
}

var sums = sync.Pool{New: func() any {
	c := new(colSum)
	c.run = c.part
	return c
}}

// part does columns [lo, hi).
func (c *colSum) part(lo, hi int) {
	whole := c.s.whole(hi - lo)
	for r := 0; r < c.rows; r += sumRows {
		n := min(sumRows, c.rows-r)
		if whole > 0 {
			c.s.colSum(whole, n, 4*c.width, &c.x[r*c.width+lo], &c.dst[lo])
		}
		for j := lo + whole; j < hi; j++ {
			var s float32
			for i := r; i < r+n; i++ {
				s += c.x[i*c.width+j]
			}
			c.dst[j] += s
		}
	}
}

// SumSq returns the sum of squares, in float64: that of blocks of squareBlock
// numbers, added in order.
func SumSq(x []float32) float64 {
	q := squares.Get().(*square)
	q.x = x
	q.sums = append(q.sums[:0], make([]float64, (len(x)+squareBlock-1)/squareBlock)...)
	Parallel(len(q.sums), 1, q.run)
	var s float64
	for _, v := range q.sums {
		s += v
	}
	q.x = nil
	squares.Put(q)
	return s
}

const squareBlock = 1 << 14

// A square is one call of SumSq, kept for reuse with its closure.
type square struct {
	x    []float32
	sums []float64
	run  func(lo, hi int)
}

var squares = sync.Pool{New: func() any {
	q := new(square)
	q.run = q.part
	return q
}}

// part sums the blocks [lo, hi).
func (q *square) part(lo, hi int) {
	for ; lo < hi; lo++ {
		x := q.x[lo*squareBlock : min(len(q.x), (lo+1)*squareBlock)]
		var s [4]float64
		i := 0
		for ; i+4 <= len(x); i += 4 {
			a, b, c, d := float64(x[i]), float64(x[i+1]), float64(x[i+2]), float64(x[i+3])
			s[0] += a * a
			s[1] += b * b
			s[2] += c * c
			s[3] += d * d
		}
		for ; i < len(x); i++ {
			s[0] += float64(x[i]) * float64(x[i])
		}
		q.sums[lo] = (s[0] + s[1]) + (s[2] + s[3])
	}
}

// Scale multiplies x by s.
func Scale(x []float32, s float32) { active.scaleBy(x, s) }

func (k *kernels) scaleBy(x []float32, s float32) {
	n := k.whole(len(x))
	if n > 0 {
		buf := getBuffer(1)
		buf.x[0] = s
		k.scale(n, &x[0], &buf.x[0])
		putBuffer(buf)
	}
	for i := n; i < len(x); i++ {
		x[i] *= s
	}
}

// Exp writes eˣ to dst, which may be x, with an error below two units in the last
// place: +Inf above 88.7, subnormal numbers below -87.3, zero below -104, and NaN
// for NaN. A number does not depend on where it stands.
func Exp(dst, x []float32) {
	dst = dst[:len(x)]
	s := active
	if s.lanes == 0 {
		for i, v := range x {
			dst[i] = float32(math.Exp(float64(v)))
		}
		return
	}
	n := s.whole(len(x))
	if n > 0 {
		s.exp(n, &dst[0], &x[0])
	}
	if n == len(x) {
		return
	}
	buf := getBuffer(s.lanes)
	clear(buf.x)
	copy(buf.x, x[n:])
	s.exp(s.lanes, &buf.x[0], &buf.x[0])
	copy(dst[n:], buf.x)
	putBuffer(buf)
}
