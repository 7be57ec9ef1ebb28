package kernel

// Gemm computes C = α op(A) op(B) + β C of row-major float32 matrices: op(A) is
// m×k, op(B) k×n, C m×n, and op is the transpose where tA or tB says so. With
// β = 0 what C held before does not matter, even if it was not a number; with
// α = 0 neither A nor B does. Otherwise infinities and NaN in a row of op(A) or a
// column of op(B) reach all they should, also where they meet a zero.
//
// Each element of C is summed by one goroutine in an order that the shape fixes,
// with fused multiply-adds. The error is that of such a sum, at most k roundings
// of Σ|ab|, in practice about √k.
func Gemm(tA, tB bool, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
	if m == 0 || n == 0 {
		return
	}
	checkMatrix("a", tA, m, k, a, lda)
	checkMatrix("b", tB, k, n, b, ldb)
	checkMatrix("c", false, m, n, c, ldc)
	if k == 0 || alpha == 0 {
		scaleRows(m, n, beta, c, ldc)
		return
	}
	if beta != 0 && beta != 1 {
		scaleRows(m, n, beta, c, ldc)
		beta = 1
	}
	j := jobs.Get().(*job)
	j.kernels = active
	j.product = product{tA, tB, m, n, k, alpha, a, lda, b, ldb, beta == 1, c, ldc}
	j.run()
	j.product = product{} // keep no matrix alive
	jobs.Put(j)
}

// product is C (+)= α op(A) op(B).
type product struct {
	tA, tB  bool
	m, n, k int
	alpha   float32
	a       []float32
	lda     int
	b       []float32
	ldb     int
	add     bool
	c       []float32
	ldc     int
}

// run picks the way that suits the shape.
func (j *job) run() {
	p := &j.product
	switch {
	case j.lanes == 0:
		Parallel(p.m, max(1, 100_000/(p.n*p.k)), j.plain)
	case !p.tA && p.n <= fewCols && p.k >= 2*j.lanes:
		j.dotProducts(false)
	case p.tB && p.m <= fewCols && p.k >= 2*j.lanes:
		j.dotProducts(true)
	case !p.tB && p.m <= fewRows && p.alpha == 1:
		j.unpacked(false)
	case p.tA && p.n <= fewCols && p.alpha == 1:
		j.unpacked(true)
	default:
		j.tiled()
	}
}

// What counts as few was measured: up to fewCols columns dot products along k
// beat tiles that are mostly padding, up to fewRows rows packing B costs more
// than it saves.
const (
	fewCols = 6
	fewRows = 28
)

func checkMatrix(name string, trans bool, rows, cols int, x []float32, ld int) {
	if rows < 0 || cols < 0 {
		panic("kernel: negative size of " + name)
	}
	if trans {
		rows, cols = cols, rows
	}
	if ld < max(1, cols) {
		panic("kernel: bad stride of " + name)
	}
	if rows > 0 && cols > 0 && len(x) < (rows-1)*ld+cols {
		panic("kernel: " + name + " is too short")
	}
}

func scaleRows(m, n int, beta float32, c []float32, ldc int) {
	for i := range m {
		row := c[i*ldc : i*ldc+n]
		if beta == 0 {
			clear(row)
			continue
		}
		for j := range row {
			row[j] *= beta
		}
	}
}

// plainPart computes rows [lo, hi) in Go: the oracle of the tiles, and what
// processors without a kernel run. Four rows of B at a time spare C three of four
// visits.
func (j *job) plainPart(lo, hi int) {
	p := &j.product
	buf := getBuffer(5 * p.n)
	bt, row := buf.x, buf.x[4*p.n:]
	for i := lo; i < hi; i++ {
		c := p.c[i*p.ldc : i*p.ldc+p.n]
		if !p.add {
			row = c
		}
		clear(row) // what C holds is added last, as the tiles do
		for q := 0; q < p.k; q += 4 {
			var x [4]float32
			for r := range min(4, p.k-q) {
				x[r] = p.alpha * p.opA(i, q+r)
			}
			if q+4 > p.k {
				for r := range p.k - q {
					y := p.rowB(q+r, bt)
					for c := range row {
						row[c] += x[r] * y[c]
					}
				}
				break
			}
			y0, y1 := p.rowB(q, bt)[:len(row)], p.rowB(q+1, bt[p.n:])[:len(row)]
			y2, y3 := p.rowB(q+2, bt[2*p.n:])[:len(row)], p.rowB(q+3, bt[3*p.n:])[:len(row)]
			for c, v := range row {
				row[c] = v + x[0]*y0[c] + x[1]*y1[c] + x[2]*y2[c] + x[3]*y3[c]
			}
		}
		if p.add {
			for q, v := range row {
				c[q] += v
			}
		}
	}
	putBuffer(buf)
}

func (p *product) opA(i, q int) float32 {
	if p.tA {
		return p.a[q*p.lda+i]
	}
	return p.a[i*p.lda+q]
}

// rowB is row q of op(B), in place or gathered to buf.
func (p *product) rowB(q int, buf []float32) []float32 {
	if !p.tB {
		return p.b[q*p.ldb : q*p.ldb+p.n]
	}
	buf = buf[:p.n]
	for c := range buf {
		buf[c] = p.b[c*p.ldb+q]
	}
	return buf
}
