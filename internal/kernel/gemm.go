package kernel

import (
	"sync"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// Gemm computes C = α op(A) op(B) + β C of row-major float32 matrices: op(A) is
// m×k, op(B) k×n, C m×n, and op is the transpose where tA or tB says so. With
// β = 0 what C held before does not matter, even if it was not a number.
//
// Each element of C is summed in the order of k, in blocks of at most kc whose
// sums are added in order. The error is that of such a sum, about k/2 roundings.
func Gemm(tA, tB bool, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
	if m == 0 || n == 0 {
		return
	}
	checkMatrix("a", tA, m, k, a, lda)
	checkMatrix("b", tB, k, n, b, ldb)
	checkMatrix("c", false, m, n, c, ldc)
	switch {
	case k == 0 || alpha == 0:
		scaleRows(m, n, beta, c, ldc)
	case active == plain || alpha != 1 || (beta != 0 && beta != 1):
		gemmPlain(tA, tB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
	case n < 8 && !tA && k >= 16:
		gemmNarrow(tB, m, n, k, a, lda, b, ldb, beta == 1, c, ldc)
	default:
		gemmTiled(tA, tB, m, n, k, a, lda, b, ldb, beta == 1, c, ldc)
	}
}

func checkMatrix(name string, trans bool, rows, cols int, x []float32, ld int) {
	if trans {
		rows, cols = cols, rows
	}
	if rows < 0 || cols < 0 {
		panic("kernel: negative size of " + name)
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

// gemmPlain is gonum's product: the oracle, and the path for processors and
// factors without a kernel.
func gemmPlain(tA, tB bool, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
	if beta == 0 {
		scaleRows(m, n, 0, c, ldc) // gonum would keep a NaN
		beta = 1
	}
	gonum.Implementation{}.Sgemm(transpose(tA), transpose(tB), m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
}

func transpose(t bool) blas.Transpose {
	if t {
		return blas.Trans
	}
	return blas.NoTrans
}

// kc bounds the depth of one pass: a panel of B, kc×32 numbers, stays in the
// second-level cache while rows of A stream by.
const kc = 512

// A packed B is cut into panels of nr columns, each kc×nr, zero beyond n.
func gemmTiled(tA, tB bool, m, n, k int, a []float32, lda int, b []float32, ldb int, add bool, c []float32, ldc int) {
	t := tiles()
	blocks := (k + kc - 1) / kc
	depth := (k + blocks - 1) / blocks
	panels := (n + t.nr - 1) / t.nr
	buf := getBuffer(panels * t.nr * depth)
	for p0 := 0; p0 < k; p0 += depth {
		d := min(depth, k-p0)
		packed := buf.x[:panels*t.nr*d]
		j := job{t: t, tA: tA, tB: tB, n: n, p0: p0, depth: d, a: a, lda: lda, b: b, ldb: ldb, c: c, ldc: ldc, packed: packed, m: m, add: add || p0 > 0}
		Parallel(panels, max(1, 32768/(t.nr*d)), j.packB)
		Parallel((m+t.mr-1)/t.mr, max(1, 200_000/(t.mr*n*d)), j.rows)
	}
	putBuffer(buf)
}

// job is one pass over a block of k.
type job struct {
	t             *tileSet
	tA, tB, add   bool
	m, n          int
	p0, depth     int
	a, b, c       []float32
	lda, ldb, ldc int
	packed        []float32
}

// packB packs the panels [lo, hi).
func (j *job) packB(lo, hi int) {
	nr, d := j.t.nr, j.depth
	for p := lo; p < hi; p++ {
		dst := j.packed[p*nr*d : (p+1)*nr*d]
		col := p * nr
		w := min(nr, j.n-col)
		if !j.tB {
			for q := range d {
				src := j.b[(j.p0+q)*j.ldb+col:][:w]
				row := dst[q*nr : (q+1)*nr]
				copy(row, src)
				clear(row[w:])
			}
			continue
		}
		if w < nr {
			clear(dst)
		}
		for q := 0; q < w; q += 4 { // four columns at a time share a line of dst
			h := min(4, w-q)
			if h == 4 {
				at := (col+q)*j.ldb + j.p0
				s0, s1 := j.b[at:at+d], j.b[at+j.ldb:][:d]
				s2, s3 := j.b[at+2*j.ldb:][:d], j.b[at+3*j.ldb:][:d]
				for i, x := 0, q; i < d; i, x = i+1, x+nr {
					o := dst[x : x+4 : x+4]
					o[0], o[1], o[2], o[3] = s0[i], s1[i], s2[i], s3[i]
				}
				continue
			}
			for r := q; r < q+h; r++ {
				src := j.b[(col+r)*j.ldb+j.p0:][:d]
				for i, v := range src {
					dst[i*nr+r] = v
				}
			}
		}
	}
}

// rows computes the row tiles [lo, hi). A row-major A is read in place; a
// transposed one is packed, a tile at a time, since its columns would each be in
// another page.
func (j *job) rows(lo, hi int) {
	mr, nr, d := j.t.mr, j.t.nr, j.depth
	var edge [14 * 32]float32
	var pa *buffer
	if j.tA {
		pa = getBuffer(mr * d)
		defer putBuffer(pa)
	}
	for i := lo * mr; i < min(j.m, hi*mr); {
		k := j.t.kernel(min(mr, j.m-i))
		h := k.rows
		ap, rs, cs := &j.a[0], j.lda*4, 4
		if j.tA {
			for q := range d {
				copy(pa.x[q*h:(q+1)*h], j.a[(j.p0+q)*j.lda+i:][:h])
			}
			ap, rs, cs = &pa.x[0], 4, h*4
		} else {
			ap = &j.a[i*j.lda+j.p0]
		}
		for col := 0; col < j.n; col += nr {
			bp := &j.packed[col*d]
			if col+nr <= j.n {
				k.f(d, ap, rs, cs, bp, &j.c[i*j.ldc+col], j.ldc*4, j.add)
				continue
			}
			k.f(d, ap, rs, cs, bp, &edge[0], nr*4, false)
			for r := range h {
				row := j.c[(i+r)*j.ldc+col : (i+r)*j.ldc+j.n]
				for q := range row {
					if j.add {
						row[q] += edge[r*nr+q]
					} else {
						row[q] = edge[r*nr+q]
					}
				}
			}
		}
		i += h
	}
}

// A tile computes h rows and nr columns of C from h rows of A, with strides rs
// and cs in bytes, and a packed panel of B.
type tile struct {
	rows int
	f    func(k int, a *float32, rs, cs int, b, c *float32, ldc int, add bool)
}

// A tileSet is the tiles of one path, the tallest first and one of a single row
// last.
type tileSet struct {
	mr, nr int
	tiles  []tile
}

// kernel returns the tallest tile of at most h rows.
func (t *tileSet) kernel(h int) *tile {
	for i := range t.tiles {
		if t.tiles[i].rows <= h {
			return &t.tiles[i]
		}
	}
	return nil
}

// gemmNarrow computes products with few columns as dot products along rows of
// A, which a tile would mostly waste.
func gemmNarrow(tB bool, m, n, k int, a []float32, lda int, b []float32, ldb int, add bool, c []float32, ldc int) {
	var bt []float32
	buf := getBuffer(n * k)
	if tB && ldb == k {
		bt = b
	} else {
		bt = buf.x[:n*k]
		for j := range n {
			for p := range k {
				if tB {
					bt[j*k+p] = b[j*ldb+p]
				} else {
					bt[j*k+p] = b[p*ldb+j]
				}
			}
		}
	}
	Parallel(m, max(1, 100_000/(n*k)), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			row := a[i*lda : i*lda+k]
			out := c[i*ldc : i*ldc+n]
			for j := range out {
				s := dotKernel(row, bt[j*k:(j+1)*k])
				if add {
					s += out[j]
				}
				out[j] = s
			}
		}
	})
	putBuffer(buf)
}

// buffer is scratch memory, kept for reuse.
type buffer struct{ x []float32 }

var buffers = sync.Pool{New: func() any { return new(buffer) }}

func getBuffer(n int) *buffer {
	b := buffers.Get().(*buffer)
	if cap(b.x) < n {
		b.x = make([]float32, n)
	}
	b.x = b.x[:n]
	return b
}

func putBuffer(b *buffer) { buffers.Put(b) }

// BLAS is gonum's implementation with Gemm in place of its single-precision
// product, for blas32.Use and gorgonia.Use.
type BLAS struct{ gonum.Implementation }

// Sgemm computes C = α op(A) op(B) + β C, as the BLAS routine of that name.
func (BLAS) Sgemm(tA, tB blas.Transpose, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
	if active == plain || m <= 0 || n <= 0 || k <= 0 {
		gonum.Implementation{}.Sgemm(tA, tB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
		return
	}
	Gemm(tA != blas.NoTrans, tB != blas.NoTrans, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
}
