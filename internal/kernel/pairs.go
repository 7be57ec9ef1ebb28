package kernel

import "sync"

// A pairUnit multiplies numbers in bf16, two to a word. Both factors are brought
// to words along k first, each of their parts apart:
//
//	op(A)   rows of slots words, 16 slots at least
//	op(B)   panels of 32 columns: slots rows of 32 words
//
// What is beyond the matrix is zero along k and does not matter along m and n.
type pairUnit struct {
	name  string
	tiled bool   // the tile unit
	rows  int    // of A that are shared out together, at most pairCols
	tiles []tile // of words, all of pairCols columns, the tallest first

	// halves rounds n numbers, a multiple of 32, to n/2 words; weave rounds n pairs
	// of rows of 32 numbers, ss bytes apart, to rows of 32 words. Both write one to
	// three parts, part bytes apart.
	halves [3]func(n int, src, dst *float32, part int)
	weave  [3]func(n int, src *float32, ss int, dst *float32, part int)

	transpose func(n int, src *float32, ss int, dst *float32, ds int) // see kernels

	peak     func(n int) // n rounds of peakFlop operations on registers; nil if unknown
	peakFlop int
}

const (
	pairCols  = 32   // of a tile
	pairDepth = 256  // words along k that a block of A holds
	pairLong  = 4096 // words along k for which B is packed
	pairBlock = 7    // shares of rows that a block of A holds
	slotBlock = 16   // words along k come in multiples of this
)

// A pairJob is one product under way, kept for reuse with its closures.
type pairJob struct {
	product
	u     *pairUnit
	parts int
	terms [][2]int

	first, long int // the part of k, in numbers, that is packed
	slots       int // its words
	packed      []float32
	panels      int
	shares      int // of rows
	groups      int // of panels

	pack, compute func(lo, hi int)
}

var pairJobs = sync.Pool{New: func() any {
	j := new(pairJob)
	j.pack, j.compute = j.packPart, j.computePart
	return j
}}

func (u *pairUnit) multiply(p Precision, q *product) {
	j := pairJobs.Get().(*pairJob)
	j.product, j.u, j.parts, j.terms = *q, u, p.parts(), terms[p]
	j.run()
	j.product = product{}
	pairJobs.Put(j)
}

// words is how many words n numbers take along k.
func words(n int) int { return (n + 2*slotBlock - 1) / (2 * slotBlock) * slotBlock }

func (j *pairJob) run() {
	j.panels = (j.n + pairCols - 1) / pairCols
	j.shares = (j.m + j.u.rows - 1) / j.u.rows
	j.groups = 1
	if parts := 8 * Threads(); Threads() > 1 && j.shares < parts {
		j.groups = min(j.panels, (parts+j.shares-1)/j.shares)
	}
	buf := getBuffer(j.panels * j.parts * words(min(j.k, 2*pairLong)) * pairCols)
	for j.first = 0; j.first < j.k; j.first += 2 * pairLong {
		j.long = min(2*pairLong, j.k-j.first)
		j.slots = words(j.long)
		j.packed = buf.x
		Parallel(j.panels, max(1, 32768/(pairCols*j.slots)), j.pack)
		Parallel(j.shares*j.groups, 1, j.compute)
	}
	putBuffer(buf)
	j.packed = nil
}

// packPart packs the panels [lo, hi).
func (j *pairJob) packPart(lo, hi int) {
	size := j.slots * pairCols
	for p := lo; p < hi; p++ {
		at := j.packed[p*j.parts*size:]
		l := lines{j.b, j.ldb, j.tB, p * pairCols, min(pairCols, j.n-p*pairCols), j.first, j.long}
		l.panel(j.u, j.parts, at, size, j.slots)
	}
}

// computePart computes shares [lo, hi) of C, a group of panels after the other.
func (j *pairJob) computePart(lo, hi int) {
	for lo < hi {
		g, t := lo/j.shares, lo%j.shares
		n := min(hi-lo, j.shares-t)
		for s := t; s < t+n; s += pairBlock {
			j.block(s*j.u.rows, min(j.m, min(s+pairBlock, t+n)*j.u.rows), g*j.panels/j.groups, (g+1)*j.panels/j.groups)
		}
		lo += n
	}
}

// block computes rows [r0, r1), at most pairBlock shares, of panels [p0, p1).
func (j *pairJob) block(r0, r1, p0, p1 int) {
	u := j.u
	stride := min(j.slots, pairDepth) + slotBlock
	part := (pairBlock*u.rows + pairCols) * stride
	buf := getBuffer(j.parts*part + pairCols*pairCols)
	edge := buf.x[j.parts*part:]
	for d0 := 0; d0 < j.slots; d0 += pairDepth {
		depth := min(pairDepth, j.slots-d0)
		first := j.first + 2*d0
		for i := r0; i < r1; i += u.rows {
			l := lines{j.a, j.lda, !j.tA, i, min(u.rows, r1-i), first, min(2*depth, j.first+j.long-first)}
			l.rows(u, j.parts, buf.x[(i-r0)*stride:], part, stride, depth)
		}
		add := 0
		if j.add || first > 0 {
			add = 1
		}
		for p := p0; p < p1; p++ {
			col := p * pairCols
			w := min(pairCols, j.n-col)
			b := j.packed[p*j.parts*j.slots*pairCols+d0*pairCols:]
			for i := r0; i < r1; {
				t := u.tile(r1 - i)
				h := min(t.rows, r1-i)
				c, ldc, sum := j.c[i*j.ldc+col:], j.ldc, add
				whole := w == pairCols && h == t.rows
				if !whole {
					c, ldc, sum = edge, pairCols, 0
				}
				for _, of := range j.terms {
					t.f(depth, &buf.x[of[0]*part+(i-r0)*stride], 4*stride, 4, &b[of[1]*j.slots*pairCols], 4*pairCols, &c[0], 4*ldc, sum)
					sum = 1
				}
				if !whole {
					copyEdge(j.c[i*j.ldc+col:], j.ldc, edge, pairCols, h, w, add == 1)
				}
				i += h
			}
		}
	}
	putBuffer(buf)
}

// tile returns the tallest tile of at most h rows, or the lowest there is.
func (u *pairUnit) tile(h int) *tile {
	for i := range u.tiles {
		if u.tiles[i].rows <= h {
			return &u.tiles[i]
		}
	}
	return &u.tiles[len(u.tiles)-1]
}

// lines are up to 32 rows of op(A) or columns of op(B), and a part of k.
type lines struct {
	x        []float32
	ld       int
	along    bool // numbers of a line follow one another in memory
	from, n  int  // lines
	first, k int  // numbers of each
}

// panel writes the words of the lines to parts of size words, as slots rows of 32.
func (l *lines) panel(u *pairUnit, parts int, dst []float32, size, slots int) {
	if !l.along {
		l.weave(u, parts, dst, size, slots)
		return
	}
	stride := slots + slotBlock
	buf := getBuffer(parts * pairCols * stride)
	clear(buf.x)
	l.halves(u, parts, buf.x, pairCols*stride, stride)
	for p := range parts {
		for q := 0; q < pairCols; q += 8 {
			u.transpose(slots, &buf.x[(p*pairCols+q)*stride], 4*stride, &dst[p*size+q], 4*pairCols)
		}
	}
	putBuffer(buf)
}

// rows writes them to parts of size words, as rows of slots words, stride apart.
// There is room for 32 rows.
func (l *lines) rows(u *pairUnit, parts int, dst []float32, size, stride, slots int) {
	if l.along {
		l.halves(u, parts, dst, size, stride)
		return
	}
	buf := getBuffer(parts * slots * pairCols)
	l.weave(u, parts, buf.x, slots*pairCols, slots)
	for p := range parts {
		for q := 0; q < slots; q += 8 {
			u.transpose(pairCols, &buf.x[(p*slots+q)*pairCols], 4*pairCols, &dst[p*size+q], 4*stride)
		}
	}
	putBuffer(buf)
}

// halves rounds lines that lie along memory.
func (l *lines) halves(u *pairUnit, parts int, dst []float32, size, stride int) {
	f := u.halves[parts-1]
	whole := l.k &^ (2*slotBlock - 1)
	var tail *buffer
	if whole < l.k {
		tail = getBuffer(2 * slotBlock)
		clear(tail.x)
	}
	for i := range l.n {
		row := l.x[(l.from+i)*l.ld+l.first:][:l.k]
		if whole > 0 {
			f(whole, &row[0], &dst[i*stride], 4*size)
		}
		if tail != nil {
			copy(tail.x, row[whole:])
			f(2*slotBlock, &tail.x[0], &dst[i*stride+whole/2], 4*size)
		}
	}
	if tail != nil {
		putBuffer(tail)
	}
}

// weave rounds lines that lie across it. Vectors may reach beyond the last line,
// but not beyond x: where they would, the lines are copied first.
func (l *lines) weave(u *pairUnit, parts int, dst []float32, size, slots int) {
	f := u.weave[parts-1]
	x := l.x[l.first*l.ld+l.from:]
	pairs := l.k / 2
	for pairs > 0 && (2*pairs-1)*l.ld+pairCols > len(x) {
		pairs--
	}
	if pairs > 0 {
		f(pairs, &x[0], 4*l.ld, &dst[0], 4*size)
	}
	if pairs < slots {
		buf := getBuffer(2 * pairCols)
		for q := pairs; q < slots; q++ {
			clear(buf.x)
			for r := range 2 {
				if i := 2*q + r; i < l.k {
					copy(buf.x[r*pairCols:(r+1)*pairCols], x[i*l.ld:i*l.ld+l.n])
				}
			}
			f(1, &buf.x[0], 4*pairCols, &dst[q*pairCols], 4*size)
		}
		putBuffer(buf)
	}
}

// agrees compares the unit with the parts of precision.go on a few shapes: a
// processor, an emulator or a system that does not do what is asked is not used.
func (u *pairUnit) agrees() bool {
	for p := BF16x6; p <= BF16; p++ {
		for i, s := range [][3]int{{33, 31, 70}, {64, 64, 64}} {
			m, n, k := s[0], s[1], s[2]
			tA := i == 1
			q := product{tA: tA, tB: !tA, m: m, n: n, k: k, a: noise(m*k, 1), lda: k, b: noise(n*k, 2), ldb: k, c: noise(m*n, 3), ldc: n, add: tA}
			if tA {
				q.lda, q.ldb = m, n
			}
			c := append([]float32(nil), q.c...)
			u.multiply(p, &q)
			for r := range m {
				for col := range n {
					want, scale := q.inPlain(p, r, col)
					if q.add {
						want += float64(c[r*n+col])
						scale++
					}
					if d := float64(q.c[r*n+col]) - want; !(d*d <= 1e-12*scale*scale) {
						return false
					}
				}
			}
		}
	}
	return true
}

// inPlain is the plain form of the product, for one element: its value, but for the
// rounding of the sum, and Σ|ab|.
func (q *product) inPlain(p Precision, r, c int) (sum, scale float64) {
	for i := range q.k {
		x, y := q.opA(r, i), float32(0)
		if q.tB {
			y = q.b[c*q.ldb+i]
		} else {
			y = q.b[i*q.ldb+c]
		}
		xs, ys := split(x), split(y)
		for _, t := range terms[p] {
			v := float64(xs[t[0]]) * float64(ys[t[1]])
			sum += v
			scale += max(v, -v)
		}
	}
	return sum, scale
}

// noise returns n numbers between -1 and 1.
func noise(n int, seed uint32) []float32 {
	x := make([]float32, n)
	for i := range x {
		seed = seed*1664525 + 1013904223
		x[i] = float32(int32(seed)) / (1 << 31)
	}
	return x
}
