package kernel

import "sync"

// A job is one matrix product under way. Jobs are kept for reuse together with
// the closures that Parallel takes, so that a product allocates nothing.
type job struct {
	*kernels
	product

	first, depth int       // the rows of op(B) that are packed
	packed       []float32 // in panels
	tileRows     int       // rows of tiles
	panels       int
	groups       int // of panels, shared out beside the rows of tiles

	pack, multiply, direct, dot, plain func(lo, hi int)

	swap bool // see few.go
}

var jobs = sync.Pool{New: func() any {
	j := new(job)
	j.pack, j.multiply, j.direct, j.dot = j.packPart, j.multiplyPart, j.directPart, j.dotPart
	j.plain = j.plainPart
	return j
}}

const (
	// depthMax bounds a block of k: a panel of B, depthMax×32 numbers, stays in
	// the second-level cache together with blockRows tiles of A.
	depthMax  = 512
	blockRows = 8
	// packMax bounds the packed part of op(B), in numbers: 8 MB.
	packMax = 1 << 21
)

// tiled packs op(B) into panels of cols columns, each depth×cols and zero beyond
// n, and multiplies tiles of rows of op(A) with them.
func (j *job) tiled() {
	j.panels = (j.n + j.cols - 1) / j.cols
	j.tileRows = (j.m + j.rows - 1) / j.rows
	width := j.panels * j.cols
	depth := min(j.k, max(depthMax, packMax/width/depthMax*depthMax))
	// Rows of tiles alone may be too few to share out evenly: then columns are too,
	// as long as a part is worth the while.
	t := Threads()
	j.groups = 1
	if parts := 16 * t; t > 1 && j.tileRows < parts {
		j.groups = max(1, min(j.panels, (parts+j.tileRows-1)/j.tileRows, j.rows*j.n*depth/500_000))
	}
	buf := getBuffer(width * depth)
	for j.first = 0; j.first < j.k; j.first += depth {
		j.depth = min(depth, j.k-j.first)
		j.packed = buf.x[:width*j.depth]
		Parallel(j.panels, max(1, 65536/(j.cols*j.depth)), j.pack)
		Parallel(j.tileRows*j.groups, max(1, 1_000_000*j.groups/(j.rows*j.n*j.depth)), j.multiply)
	}
	putBuffer(buf)
	j.packed = nil
}

// packPart packs the panels [lo, hi).
func (j *job) packPart(lo, hi int) {
	size := j.cols * j.depth
	for p := lo; p < hi; p++ {
		j.packPanel(j.packed[p*size:(p+1)*size], p*j.cols)
	}
	if j.alpha != 1 {
		j.scaleBy(j.packed[lo*size:hi*size], j.alpha)
	}
}

// packPanel packs the columns of op(B) from col.
func (j *job) packPanel(dst []float32, col int) {
	w := min(j.cols, j.n-col)
	if !j.tB {
		packRows(j.kernels, dst, j.cols, j.b[j.first*j.ldb+col:], j.ldb, j.depth, w)
		return
	}
	if w < j.cols {
		clear(dst)
	}
	// op(B) is the transpose of rows of b: whole blocks by the kernel.
	n := j.depth - j.depth%j.block
	q := 0
	for ; q+j.block <= w && n > 0; q += j.block {
		src := j.b[(col+q)*j.ldb+j.first:]
		j.transpose(n, &src[0], 4*j.ldb, &dst[q], 4*j.cols)
		for r := q; r < q+j.block; r++ {
			gather(dst, r, j.cols, j.b[(col+r)*j.ldb+j.first:][:j.depth], n)
		}
	}
	for ; q < w; q++ {
		gather(dst, q, j.cols, j.b[(col+q)*j.ldb+j.first:][:j.depth], 0)
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

// multiplyPart computes parts [lo, hi) of C, a group of panels after the other.
func (j *job) multiplyPart(lo, hi int) {
	for lo < hi {
		g, t := lo/j.tileRows, lo%j.tileRows
		n := min(hi-lo, j.tileRows-t)
		j.multiplyBlock(t*j.rows, min(j.m, (t+n)*j.rows), g*j.panels/j.groups, (g+1)*j.panels/j.groups)
		lo += n
	}
}

// multiplyBlock computes rows [r0, r1) of panels [p0, p1).
func (j *job) multiplyBlock(r0, r1, p0, p1 int) {
	var a rowBlock
	blocks := (j.depth + depthMax - 1) / depthMax
	step := (j.depth + blocks - 1) / blocks
	buf := getBuffer(j.rows*j.cols + blockRows*j.rows*(step+lineLen))
	edge, scratch := buf.x[:j.rows*j.cols], buf.x[j.rows*j.cols:]
	for d0 := 0; d0 < j.depth; d0 += step {
		depth := min(step, j.depth-d0)
		add := 0
		if j.add || j.first+d0 > 0 {
			add = 1
		}
		for i0 := r0; i0 < r1; i0 += blockRows * j.rows {
			i1 := min(r1, i0+blockRows*j.rows)
			a.take(j, i0, i1, j.first+d0, depth, scratch)
			for p := p0; p < p1; p++ {
				col := p * j.cols
				w := min(j.cols, j.n-col)
				b := &j.packed[col*j.depth+d0*j.cols]
				for i := i0; i < i1; {
					t := j.height(i1 - i)
					at, rs, cs := a.tile(i-i0, t.rows)
					if w == j.cols {
						t.f(depth, at, rs, cs, b, 4*j.cols, &j.c[i*j.ldc+col], 4*j.ldc, add)
					} else {
						t.f(depth, at, rs, cs, b, 4*j.cols, &edge[0], 4*j.cols, 0)
						copyEdge(j.c[i*j.ldc+col:], j.ldc, edge, j.cols, t.rows, w, add == 1)
					}
					i += t.rows
				}
			}
		}
	}
	putBuffer(buf)
}

const (
	lineLen = 16   // numbers in a line of the cache
	wayLen  = 1024 // numbers after which lines of the first-level cache compete
)

// A rowBlock is a block of rows of op(A) as the tiles read it. A row-major A is
// read in place, unless its stride makes all rows compete for the same lines: then
// its rows are copied to a stride that does not. A transposed one is packed tile
// by tile, since its columns would each be in another page.
type rowBlock struct {
	x       []float32
	depth   int
	stride  int
	perTile bool
}

// take readies rows [i0, i1), columns [first, first+depth).
func (a *rowBlock) take(j *job, i0, i1, first, depth int, scratch []float32) {
	*a = rowBlock{depth: depth, perTile: j.tA, x: scratch, stride: depth + lineLen}
	switch {
	case j.tA:
		for i := i0; i < i1; {
			h := j.height(i1 - i).rows
			packRows(j.kernels, scratch[(i-i0)*depth:(i-i0+h)*depth], h, j.a[first*j.lda+i:], j.lda, depth, h)
			i += h
		}
	case j.lda%wayLen == 0:
		for i := i0; i < i1; i++ {
			copy(scratch[(i-i0)*a.stride:], j.a[i*j.lda+first:][:depth])
		}
	default:
		a.x, a.stride = j.a[i0*j.lda+first:], j.lda
	}
}

// tile is where rows [i, i+h) of the block are, and their strides.
func (a *rowBlock) tile(i, h int) (x *float32, rs, cs int) {
	if a.perTile {
		return &a.x[i*a.depth], 4, 4 * h
	}
	return &a.x[i*a.stride], 4 * a.stride, 4
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
