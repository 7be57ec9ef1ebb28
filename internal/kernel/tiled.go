package kernel

import "sync"

// A job is one matrix product under way. Jobs are kept for reuse together with
// the closures that Parallel takes, so that a product allocates nothing.
type job struct {
	*kernels
	product

	first, depth int       // the current block of k
	packed       []float32 // op(B) of that block, in panels
	byCols       bool      // panels, not rows, are shared out

	pack, multiply, direct, dot func(lo, hi int)

	// few rows or columns, see few.go
	swap   bool
	rowsOf *float32
}

var jobs = sync.Pool{New: func() any {
	j := new(job)
	j.pack, j.multiply, j.direct, j.dot = j.packPanels, j.multiplyPart, j.directPart, j.dotPart
	return j
}}

const (
	// depthMax bounds a block of k: a panel of B, depthMax×32 numbers, stays in
	// the second-level cache together with blockRows tiles of A.
	depthMax  = 512
	blockRows = 8
)

// tiled packs op(B) into panels of cols columns, each depth×cols and zero beyond
// n, and multiplies tiles of rows of op(A) with them.
func (j *job) tiled() {
	blocks := (j.k + depthMax - 1) / depthMax
	depth := (j.k + blocks - 1) / blocks
	panels := (j.n + j.cols - 1) / j.cols
	tiles := (j.m + j.rows - 1) / j.rows
	j.byCols = tiles < panels && tiles < 4*Threads()
	buf := getBuffer(panels * j.cols * depth)
	for j.first = 0; j.first < j.k; j.first += depth {
		j.depth = min(depth, j.k-j.first)
		j.packed = buf.x[:panels*j.cols*j.depth]
		Parallel(panels, max(1, 65536/(j.cols*j.depth)), j.pack)
		if j.byCols {
			Parallel(panels, max(1, 1_000_000/(j.cols*j.m*j.depth)), j.multiply)
		} else {
			Parallel(tiles, max(1, 1_000_000/(j.rows*j.n*j.depth)), j.multiply)
		}
	}
	putBuffer(buf)
	j.packed = nil
}

// packPanels packs the panels [lo, hi).
func (j *job) packPanels(lo, hi int) {
	for p := lo; p < hi; p++ {
		j.packPanel(j.packed[p*j.cols*j.depth:(p+1)*j.cols*j.depth], p*j.cols, j.first, j.depth)
	}
	if j.alpha != 1 {
		j.scaleBy(j.packed[lo*j.cols*j.depth:hi*j.cols*j.depth], j.alpha)
	}
}

// packPanel packs the columns of op(B) from col, rows [first, first+depth).
func (j *job) packPanel(dst []float32, col, first, depth int) {
	w := min(j.cols, j.n-col)
	if !j.tB {
		packRows(j.kernels, dst, j.cols, j.b[first*j.ldb+col:], j.ldb, depth, w)
		return
	}
	if w < j.cols {
		clear(dst)
	}
	// op(B) is the transpose of rows of b: whole blocks by the kernel.
	n := depth - depth%j.block
	q := 0
	for ; q+j.block <= w && n > 0; q += j.block {
		src := j.b[(col+q)*j.ldb+first:]
		j.transpose(n, &src[0], 4*j.ldb, &dst[q], 4*j.cols)
		for r := q; r < q+j.block; r++ {
			gather(dst, r, j.cols, j.b[(col+r)*j.ldb+first:][:depth], n)
		}
	}
	for ; q < w; q++ {
		gather(dst, q, j.cols, j.b[(col+q)*j.ldb+first:][:depth], 0)
	}
}

// gather writes src[from:] to column c of rows of w numbers.
func gather(dst []float32, c, w int, src []float32, from int) {
	for i := from; i < len(src); i++ {
		dst[i*w+c] = src[i]
	}
}

// packRows copies n rows of w numbers from stride ld to rows of width numbers.
// Where w < width the rest of a row is zero. The kernel copies whole vectors, so
// the last rows, beyond which memory may end, are left to Go.
func packRows(s *kernels, dst []float32, width int, src []float32, ld, n, w int) {
	done := 0
	if w == width {
		vecs := (w + s.lanes - 1) / s.lanes
		over := vecs*s.lanes - w
		if room := len(src) - w - over; vecs <= 3 && room >= 0 {
			done = min(n, room/ld+1)
			if over > 0 { // what reaches beyond a row is mended by the next ones
				done = max(0, min(done, n-1-over/width))
			}
		}
		if done > 0 {
			s.copyRows(done, vecs, &src[0], 4*ld, &dst[0], 4*width)
		}
	}
	for i := done; i < n; i++ {
		row := dst[i*width : (i+1)*width]
		copy(row, src[i*ld:i*ld+w])
		clear(row[w:])
	}
}

// multiplyPart computes all rows and the panels [lo, hi), or all panels and the
// row tiles [lo, hi). A row-major A is read in place; a transposed one is packed,
// a block of tiles at a time, since its columns would each be in another page.
func (j *job) multiplyPart(lo, hi int) {
	r0, r1, p0, p1 := lo*j.rows, min(j.m, hi*j.rows), 0, (j.n+j.cols-1)/j.cols
	if j.byCols {
		r0, r1, p0, p1 = 0, j.m, lo, hi
	}
	buf := getBuffer(j.rows*j.cols + blockRows*j.rows*j.depth)
	edge, pa := buf.x[:j.rows*j.cols], buf.x[j.rows*j.cols:]
	add := 0
	if j.add || j.first > 0 {
		add = 1
	}
	for i0 := r0; i0 < r1; i0 += blockRows * j.rows {
		i1 := min(r1, i0+blockRows*j.rows)
		if j.tA {
			for i := i0; i < i1; {
				h := j.height(i1 - i).rows
				packRows(j.kernels, pa[(i-i0)*j.depth:(i-i0+h)*j.depth], h, j.a[j.first*j.lda+i:], j.lda, j.depth, h)
				i += h
			}
		}
		for p := p0; p < p1; p++ {
			col := p * j.cols
			w := min(j.cols, j.n-col)
			b := &j.packed[col*j.depth]
			for i := i0; i < i1; {
				t := j.height(i1 - i)
				a, rs, cs := (*float32)(nil), 4*j.lda, 4
				if j.tA {
					a, rs, cs = &pa[(i-i0)*j.depth], 4, 4*t.rows
				} else {
					a = &j.a[i*j.lda+j.first]
				}
				if w == j.cols {
					t.f(j.depth, a, rs, cs, b, 4*j.cols, &j.c[i*j.ldc+col], 4*j.ldc, add)
				} else {
					t.f(j.depth, a, rs, cs, b, 4*j.cols, &edge[0], 4*j.cols, 0)
					copyEdge(j.c[i*j.ldc+col:], j.ldc, edge, j.cols, t.rows, w, add == 1)
				}
				i += t.rows
			}
		}
	}
	putBuffer(buf)
}

// height returns the tallest tile of the main width with at most h rows.
func (s *kernels) height(h int) *tile {
	for i := range s.tiles {
		if s.tiles[i].rows <= h && s.tiles[i].cols == s.cols {
			return &s.tiles[i]
		}
	}
	panic("kernel: no tile of one row")
}

// copyEdge moves the part of a tile that lies within C.
func copyEdge(c []float32, ldc int, edge []float32, ld, rows, cols int, add bool) {
	for r := range rows {
		dst, src := c[r*ldc:r*ldc+cols], edge[r*ld:r*ld+cols]
		if !add {
			copy(dst, src)
			continue
		}
		for q, v := range src {
			dst[q] += v
		}
	}
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
