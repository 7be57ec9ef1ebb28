package kernel

// Products with few rows or columns would be mostly packing and padding, so B is
// read in place for them, or the sums run along k.

// unpacked multiplies few rows of op(A) with a B that is not transposed, read in
// place. Swapped it computes Cᵀ = op(B)ᵀ A, for a transposed A and few columns.
func (j *job) unpacked(swap bool) {
	j.swap = swap
	n := j.n
	if swap {
		n = j.m
	}
	Parallel(n, max(256, 500_000/(min(j.m, j.n)*j.k)&^255), j.direct)
}

// directPart computes columns [lo, hi).
func (j *job) directPart(lo, hi int) {
	m, a, rs, cs, b, ldb := j.m, j.a, j.lda, 1, j.b, j.ldb
	switch {
	case j.swap:
		m, a, rs, cs, b, ldb = j.n, j.b, 1, j.ldb, j.a, j.lda
		if j.tB {
			rs, cs = j.ldb, 1
		}
	case j.tA:
		rs, cs = 1, j.lda
	}
	width := hi - lo
	c, ldc := j.c, j.ldc
	var out *buffer
	if j.swap {
		out = getBuffer(m * width)
		c, ldc = out.x, width
	} else {
		c = c[lo:]
	}
	edge := getBuffer((j.rows + min(depthMax, j.k)) * j.cols)
	panel := edge.x[j.rows*j.cols:]
	for first := 0; first < j.k; first += depthMax {
		depth := min(depthMax, j.k-first)
		add := 0
		if first > 0 || j.add && !j.swap {
			add = 1
		}
		last := width - width%j.cols
		if last < width {
			packRows(j.kernels, panel, j.cols, b[first*ldb+lo+last:], ldb, depth, width-last)
		}
		for i := 0; i < m; {
			h := j.height(m - i).rows
			at := &a[i*rs+first*cs]
			for col := 0; col < last; {
				t := j.widest(h, last-col)
				t.f(depth, at, 4*rs, 4*cs, &b[first*ldb+lo+col], 4*ldb, &c[i*ldc+col], 4*ldc, add)
				col += t.cols
			}
			if last < width {
				t := j.widest(h, j.cols)
				t.f(depth, at, 4*rs, 4*cs, &panel[0], 4*j.cols, &edge.x[0], 4*j.cols, 0)
				copyEdge(c[i*ldc+last:], ldc, edge.x, j.cols, h, width-last, add == 1)
			}
			i += h
		}
	}
	putBuffer(edge)
	if j.swap {
		for i := range width {
			row := j.c[(lo+i)*j.ldc : (lo+i)*j.ldc+m]
			for q := range row {
				v := c[q*ldc+i]
				if j.add {
					v += row[q]
				}
				row[q] = v
			}
		}
		putBuffer(out)
	}
}

// widest returns the widest tile of h rows and at most w columns.
func (s *kernels) widest(h, w int) *tile {
	var best *tile
	for i := range s.tiles {
		if t := &s.tiles[i]; t.rows == h && t.cols <= w && (best == nil || t.cols > best.cols) {
			best = t
		}
	}
	return best
}

// dotProducts computes a product of few columns as sums along rows of A, or,
// swapped, one of few rows along the rows of a transposed B. The few are gathered
// to rows first.
func (j *job) dotProducts(swap bool) {
	j.swap = swap
	few, many := j.n, j.m
	if swap {
		few, many = many, few
	}
	buf := getBuffer(few * j.k)
	j.packed = buf.x
	for c := range few {
		row := j.packed[c*j.k : (c+1)*j.k]
		switch {
		case swap && !j.tA:
			copy(row, j.a[c*j.lda:])
		case swap:
			for q := range row {
				row[q] = j.a[q*j.lda+c]
			}
		case j.tB:
			copy(row, j.b[c*j.ldb:])
		default:
			for q := range row {
				row[q] = j.b[q*j.ldb+c]
			}
		}
	}
	Parallel(many, max(4, 500_000/(few*j.k)), j.dot)
	putBuffer(buf)
	j.packed = nil
}

// dotPart computes rows [lo, hi) of the many.
func (j *job) dotPart(lo, hi int) {
	x, ldx, few := j.a, j.lda, j.n
	rs, cs := j.ldc, 1
	if j.swap {
		x, ldx, few = j.b, j.ldb, j.m
		rs, cs = 1, j.ldc
	}
	whole := j.whole(j.k)
	tail := j.packed[whole:]
	buf := getBuffer(16)
	for i := lo; i < hi; {
		// Four rows at a time; the last few one by one, as four times the same.
		h, stride := 4, 4*ldx
		if i+4 > hi {
			h, stride = 1, 0
		}
		for c := 0; c < few; {
			t := &j.dots[0]
			if few-c < t.cols {
				t = &j.dots[1]
			}
			t.f(whole, &x[i*ldx], stride, &j.packed[c*j.k], 4*j.k, &buf.x[0])
			for q := range t.cols {
				y := tail[min(len(tail), (c+q)*j.k):]
				for r := range h {
					s := buf.x[4*q+r]
					for e, v := range x[(i+r)*ldx+whole : (i+r)*ldx+j.k] {
						s += v * y[e]
					}
					at := (i+r)*rs + (c+q)*cs
					if j.add {
						j.c[at] += j.alpha * s
					} else {
						j.c[at] = j.alpha * s
					}
				}
			}
			c += t.cols
		}
		i += h
	}
	putBuffer(buf)
}
