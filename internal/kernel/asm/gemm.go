package main

import "fmt"

func tileName(s [2]int) string { return fmt.Sprintf("tile%dx%d", s[0], s[1]) }

func dotName(s [2]int) string { return fmt.Sprintf("dot%dx%d", s[0], s[1]) }

// gemm writes the kernels of matrix products.
func (u *unit) gemm() {
	for _, s := range u.t.tiles {
		u.tile(s[0], s[1])
	}
	for _, s := range u.t.dots {
		u.dot(s[0], s[1])
	}
	u.peak()
	u.copyRows()
	if u.t.arch == "arm64" {
		u.transpose4()
	} else {
		u.transpose8()
	}
}

// tile writes C (+)= A B for h rows and w vectors of columns. Element (i, p) of A
// is at a + i rs + p cs, row p of B at b + p bs, row i of C at c + i ldc, all in
// bytes. Every element is a chain of fused multiply-adds in the order of k.
func (u *unit) tile(h, w int) {
	f := u.begin(tileName([2]int{h, w}), "k int, a *float32, rs, cs int, b *float32, bs int, c *float32, ldc, add int")
	k, rs, cs, b, bs := f.arg("k"), f.arg("rs"), f.arg("cs"), f.arg("b"), f.arg("bs")
	acc := f.vs(h * w)
	for _, v := range acc {
		f.zero(v)
	}
	rows := f.rows("a", h, rs)
	f.label("loop")
	if w > h { // broadcasts stay, vectors of B pass
		bc := f.vs(h)
		for i := range h {
			rows.broadcast(bc[i], i, cs)
		}
		x := f.vs(2)
		for j := range w {
			f.load(x[j&1], b, j*f.size())
			for i := range h {
				f.fma(acc[i*w+j], bc[i], x[j&1])
			}
		}
	} else { // vectors of B stay, broadcasts pass
		x := f.vs(w)
		for j := range w {
			f.load(x[j], b, j*f.size())
		}
		bc := f.vs(2)
		if !f.arm() {
			for at := 0; at < w*f.size(); at += 64 {
				f.p("PREFETCHT0 %d(%s)(%s*8)", at, b, bs)
			}
		}
		for i := range h {
			rows.broadcast(bc[i&1], i, cs)
			for j := range w {
				f.fma(acc[i*w+j], bc[i&1], x[j])
			}
		}
	}
	f.addTo(b, bs)
	rows.advance(cs)
	f.countDown(k, "loop")

	c, ldc, add := b, bs, k
	f.reload("c", c)
	f.reload("ldc", ldc)
	f.reload("add", add)
	f.ifZero(add, "store")
	old := ""
	for _, ok := range f.free {
		if ok {
			old = f.v()
			break
		}
	}
	if old == "" {
		old = f.vector(f.t.regs - 1)
	}
	for i := range h {
		for j := range w {
			f.load(old, c, j*f.size())
			f.add(acc[i*w+j], acc[i*w+j], old)
			f.store(c, j*f.size(), acc[i*w+j])
		}
		f.addTo(c, ldc)
	}
	f.ret()
	f.label("store")
	for i := range h {
		for j := range w {
			f.store(c, j*f.size(), acc[i*w+j])
		}
		f.addTo(c, ldc)
	}
	f.end()
}

// rows reaches the rows of A: on amd64 by index from every fifth row, on arm64,
// which has registers enough, by a pointer each.
type rows struct {
	f     *fn
	base  []string
	rs    string
	three string // three times rs
}

func (f *fn) rows(arg string, h int, rs string) *rows {
	r := &rows{f: f, rs: rs}
	r.base = append(r.base, f.arg(arg))
	if f.arm() {
		for i := 1; i < h; i++ {
			r.base = append(r.base, f.reg())
			f.p("ADD %s, %s, %s", rs, r.base[i-1], r.base[i])
		}
		return r
	}
	if h > 3 {
		r.three = f.reg()
		f.p("LEAQ (%s)(%s*2), %s", rs, rs, r.three)
	}
	for i := 5; i < h; i += 5 {
		last, next := r.base[len(r.base)-1], f.reg()
		f.p("LEAQ (%s)(%s*4), %s", last, rs, next)
		f.p("ADDQ %s, %s", rs, next)
		r.base = append(r.base, next)
	}
	return r
}

// at is the address of row i on amd64.
func (r *rows) at(i int) string {
	b := "(" + r.base[i/5] + ")"
	switch i % 5 {
	case 0:
		return b
	case 3:
		return b + "(" + r.three + "*1)"
	}
	return fmt.Sprintf("%s(%s*%d)", b, r.rs, i%5)
}

// broadcast loads the current number of row i. On arm64 it also moves on by cs.
func (r *rows) broadcast(v string, i int, cs string) {
	if r.f.arm() {
		r.f.p("VLD1R.P (%s)(%s), [%s.S4]", r.base[i], cs, v)
		return
	}
	r.f.p("VBROADCASTSS %s, %s", r.at(i), v)
}

func (r *rows) load(v string, i int) {
	if r.f.arm() {
		r.f.load(v, r.base[i], 0)
		return
	}
	r.f.p("VMOVUPS %s, %s", r.at(i), v)
}

func (r *rows) advance(cs string) {
	if r.f.arm() {
		return
	}
	for _, b := range r.base {
		r.f.addTo(b, cs)
	}
}

func (r *rows) advanceImm(n int) {
	for _, b := range r.base {
		r.f.addImm(b, n)
	}
}

// dot writes the products of h = 4 rows of A with c rows of B, each n numbers
// long, a multiple of the lanes. Those of row j of B go to out[4j:4j+4].
func (u *unit) dot(h, c int) {
	f := u.begin(dotName([2]int{h, c}), "n int, a *float32, lda int, b *float32, ldb int, out *float32")
	n, lda, ldb, out := f.arg("n"), f.arg("lda"), f.arg("ldb"), f.arg("out")
	f.vectors(n)
	ra, rb := f.rows("a", h, lda), f.rows("b", c, ldb)
	acc := f.vs(h * c)
	for _, v := range acc {
		f.zero(v)
	}
	x, y := f.vs(c), f.v()
	f.label("loop")
	for j := range c {
		rb.load(x[j], j)
	}
	for i := range h {
		ra.load(y, i)
		for j := range c {
			f.fma(acc[j*h+i], y, x[j])
		}
	}
	ra.advanceImm(f.size())
	rb.advanceImm(f.size())
	f.countDown(n, "loop")
	for j := range c {
		f.foldFour(acc[j*h:j*h+4], y)
		f.storeFour(out, 16*j, acc[j*h])
	}
	f.end()
}

// foldFour sums each of four vectors, to the first four lanes of the first.
func (f *fn) foldFour(v []string, t string) {
	if f.arm() {
		f.neon("FADDP", v[0], v[0], v[1])
		f.neon("FADDP", v[2], v[2], v[3])
		f.neon("FADDP", v[0], v[0], v[2])
		return
	}
	y := func(v string) string { return "Y" + v[1:] }
	if f.wide() {
		for _, r := range v {
			f.p("VEXTRACTF64X4 $1, %s, %s", r, y(t))
			f.p("VADDPS %s, %s, %s", y(t), y(r), y(r))
		}
	}
	f.p("VHADDPS %s, %s, %s", y(v[1]), y(v[0]), y(v[0]))
	f.p("VHADDPS %s, %s, %s", y(v[3]), y(v[2]), y(v[2]))
	f.p("VHADDPS %s, %s, %s", y(v[2]), y(v[0]), y(v[0]))
	f.p("VEXTRACTF128 $1, %s, X%s", y(v[0]), t[1:])
	f.p("VADDPS X%s, X%s, X%s", t[1:], v[0][1:], v[0][1:])
}

func (f *fn) storeFour(base string, off int, v string) {
	if f.arm() {
		f.store(base, off, v)
		return
	}
	f.p("VMOVUPS X%s, %d(%s)", v[1:], off, base)
}

// copyRows copies n rows of one to three vectors between strides.
func (u *unit) copyRows() {
	f := u.begin("copyRows", "n, vecs int, src *float32, ss int, dst *float32, ds int")
	n, left, src, ss, dst, ds := f.arg("n"), f.arg("vecs"), f.arg("src"), f.arg("ss"), f.arg("dst"), f.arg("ds")
	for c := 1; c <= 3; c++ {
		next := f.newLabel("wider")
		if c < 3 {
			if f.arm() {
				f.p("SUBS $1, %s", left)
				f.p("BNE %s", next)
			} else {
				f.p("DECQ %s", left)
				f.p("JNZ %s", next)
			}
		}
		loop := f.newLabel("loop")
		f.label(loop)
		v := f.vs(c)
		for i := range c {
			f.load(v[i], src, i*f.size())
		}
		for i := range c {
			f.store(dst, i*f.size(), v[i])
		}
		f.drop(v...)
		f.addTo(src, ss)
		f.addTo(dst, ds)
		f.countDown(n, loop)
		if c < 3 {
			f.ret()
			f.label(next)
		}
	}
	f.end()
}

const transposeArgs = "n int, src *float32, ss int, dst *float32, ds int"

// transpose8 writes eight rows of n numbers, a multiple of eight, as n rows of
// eight. It uses vectors of eight on either target of amd64.
func (u *unit) transpose8() {
	f := u.begin("transpose", transposeArgs)
	n, src, ss, dst, ds := f.arg("n"), f.arg("src"), f.arg("ss"), f.arg("dst"), f.arg("ds")
	three, far := f.reg(), f.reg()
	f.p("SHRQ $3, %s", n)
	f.p("LEAQ (%s)(%s*2), %s", ss, ss, three)
	f.p("LEAQ (%s)(%s*4), %s", src, ss, far)
	f.label("loop")
	for i := range 8 {
		base := src
		if i >= 4 {
			base = far
		}
		f.p("VMOVUPS (%s)%s, Y%d", base, []string{"", "(" + ss + "*1)", "(" + ss + "*2)", "(" + three + "*1)"}[i%4], i)
	}
	for i := 0; i < 8; i += 2 {
		f.p("VUNPCKLPS Y%d, Y%d, Y%d", i+1, i, 8+i)
		f.p("VUNPCKHPS Y%d, Y%d, Y%d", i+1, i, 9+i)
	}
	for i := 0; i < 8; i += 4 { // column c of rows i..i+3 is in Y(i+c), of the upper half in c+4
		for j := range 2 {
			f.p("VUNPCKLPD Y%d, Y%d, Y%d", 10+i+j, 8+i+j, i+2*j)
			f.p("VUNPCKHPD Y%d, Y%d, Y%d", 10+i+j, 8+i+j, i+2*j+1)
		}
	}
	for c := range 8 {
		f.p("VPERM2F128 $0x%02x, Y%d, Y%d, Y8", 0x20+0x11*(c/4), 4+c%4, c%4)
		f.p("VMOVUPS Y8, (%s)", dst)
		f.addTo(dst, ds)
	}
	f.addImm(src, 32)
	f.addImm(far, 32)
	f.countDown(n, "loop")
	f.end()
}

// transpose4 writes four rows of n numbers, a multiple of four, as n rows of four.
func (u *unit) transpose4() {
	f := u.begin("transpose", transposeArgs)
	n, ss, dst, ds := f.arg("n"), f.arg("ss"), f.arg("dst"), f.arg("ds")
	src := f.rows("src", 4, ss)
	f.p("LSR $2, %s", n)
	r, t := f.vs(4), f.vs(4)
	f.label("loop")
	for i := range 4 {
		src.load(r[i], i)
	}
	for i := 0; i < 4; i += 2 {
		f.neon("ZIP1", t[i], r[i], r[i+1])
		f.neon("ZIP2", t[i+1], r[i], r[i+1])
	}
	for i := range 2 {
		f.neon("ZIP1D", r[2*i], t[i], t[i+2])
		f.neon("ZIP2D", r[2*i+1], t[i], t[i+2])
	}
	for i := range 4 {
		f.store(dst, 0, r[i])
		f.addTo(dst, ds)
	}
	src.advanceImm(16)
	f.countDown(n, "loop")
	f.end()
}

// peakWide is how many products the loop of peak has under way at once: enough to
// hide their latency.
const peakWide = 12

// peak writes a loop of fused multiply-adds on registers alone.
func (u *unit) peak() {
	f := u.begin("peak", "n int")
	n := f.arg("n")
	acc, x := f.vs(peakWide), f.vs(2)
	for _, v := range append(acc, x...) {
		f.zero(v)
	}
	f.label("loop")
	for _, v := range acc {
		f.fma(v, x[0], x[1])
	}
	f.countDown(n, "loop")
	f.end()
}
