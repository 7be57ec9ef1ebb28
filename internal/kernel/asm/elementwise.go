package main

// math writes the kernels that act number by number.
func (u *unit) math() {
	u.act("identity", identity)
	u.act("swish", swish)
	u.act("sin", sine)
	u.act("tanh", tanh)
	u.act("softplus", softplus)
	u.actBack()
	u.sinCos()
	u.adam()
	u.colSum()
	u.exp()
	u.scale()
}

// over calls body for every vector of n numbers, after which the step
// registers lead to the next.
func (f *fn) over(n string, body func(), step ...string) {
	f.vectors(n)
	f.label("loop")
	body()
	for _, r := range step {
		f.addImm(r, f.size())
	}
	f.countDown(n, "loop")
}

// A walk leads a register from where another points, by steps of stride bytes.
type walk struct{ reg, from, stride string }

// tangents calls body for each of the k tangents of a jet, with the walks at its
// block, and ends at the label end.
func (f *fn) tangents(k, end string, body func(), walks ...walk) {
	f.reload("k", k)
	f.ifZero(k, end)
	for _, w := range walks {
		f.move(w.reg, w.from)
	}
	f.label("tangent")
	for _, w := range walks {
		f.addTo(w.reg, w.stride)
	}
	body()
	f.countDown(k, "tangent")
	f.label(end)
}

// act writes an activation of jets: for each of rows rows n numbers, a multiple
// of the lanes, after which skip bytes lead to the next. block bytes lead from the
// values to the tangents. bias and s1 may be nil.
func (u *unit) act(name string, fun activation) {
	f := u.begin(name, "rows, n, k, skip, block int, z, bias, a, s1, s2 *float32")
	z, a, s1, s2 := f.arg("z"), f.arg("a"), f.arg("s1"), f.arg("s2")
	bias, n, block := f.reg(), f.reg(), f.arg("block")
	zj, aj, k := f.reg(), f.reg(), f.reg()
	size := f.size()

	f.label("row")
	f.reload("n", n)
	f.vectors(n)
	f.reload("bias", bias)
	f.label("loop")
	x := f.v()
	f.load(x, z, 0)
	f.ifZero(bias, "unbiased")
	t := f.v()
	f.load(t, bias, 0)
	f.add(x, x, t)
	f.drop(t)
	f.store(z, 0, x)
	f.addImm(bias, size)
	f.label("unbiased")
	y, y1, y2 := fun(f, x)
	f.store(a, 0, y)
	f.ifZero(s1, "tangents")
	f.store(s1, 0, y1)
	f.store(s2, 0, y2)
	f.addImm(s1, size)
	f.addImm(s2, size)
	f.label("tangents")
	f.tangents(k, "next", func() {
		f.load(y2, zj, 0)
		f.mul(y2, y2, y1)
		f.store(aj, 0, y2)
	}, walk{zj, z, block}, walk{aj, a, block})
	f.addImm(z, size)
	f.addImm(a, size)
	f.countDown(n, "loop")

	skip, rows := zj, aj
	f.reload("skip", skip)
	f.addTo(z, skip)
	f.addTo(a, skip)
	f.ifZero(s1, "bare")
	f.addTo(s1, skip)
	f.addTo(s2, skip)
	f.label("bare")
	f.reload("rows", rows)
	f.addImm(rows, -1)
	f.keep(rows, "rows")
	f.ifZero(rows, "done")
	f.jump("row")
	f.label("done")
	f.end()
}

// actBack writes the way back through an activation, in place of g.
func (u *unit) actBack() {
	f := u.begin("actBack", "n, k, block int, grad, z, s1, s2 *float32")
	n, block, g, z, s1, s2 := f.arg("n"), f.arg("block"), f.arg("grad"), f.arg("z"), f.arg("s1"), f.arg("s2")
	gj, zj, k := f.reg(), f.reg(), f.reg()
	d, sum, x, y := f.v(), f.v(), f.v(), f.v()
	f.over(n, func() {
		f.load(d, s1, 0)
		f.zero(sum)
		f.tangents(k, "value", func() {
			f.load(x, gj, 0)
			f.load(y, zj, 0)
			f.fma(sum, x, y)
			f.mul(x, x, d)
			f.store(gj, 0, x)
		}, walk{gj, g, block}, walk{zj, z, block})
		f.load(x, g, 0)
		f.mul(x, x, d)
		f.load(y, s2, 0)
		f.fma(x, y, sum)
		f.store(g, 0, x)
	}, g, z, s1, s2)
	f.end()
}

// sinCos writes sines and cosines of the phases p, and their tangents, of rows
// of n phases. pblock and oblock are the strides of jet blocks of phases and
// results, pskip and oskip lead to the next row, all in bytes.
func (u *unit) sinCos() {
	f := u.begin("sinCos", "rows, n, k, pskip, oskip, pblock, oblock int, p, sin, cos *float32")
	p, sin, cos, pblock, oblock := f.arg("p"), f.arg("sin"), f.arg("cos"), f.arg("pblock"), f.arg("oblock")
	n, pj, sj, cj, k := f.reg(), f.reg(), f.reg(), f.reg(), f.reg()
	f.label("row")
	f.reload("n", n)
	f.vectors(n)
	f.label("loop")
	x := f.v()
	f.load(x, p, 0)
	s, c := f.sincos(x)
	f.store(sin, 0, s)
	f.store(cos, 0, c)
	f.xor(s, s, f.bits(signBit))
	t := f.v()
	f.tangents(k, "next", func() {
		f.load(x, pj, 0)
		f.mul(t, c, x)
		f.store(sj, 0, t)
		f.mul(t, s, x)
		f.store(cj, 0, t)
	}, walk{pj, p, pblock}, walk{sj, sin, oblock}, walk{cj, cos, oblock})
	for _, r := range []string{p, sin, cos} {
		f.addImm(r, f.size())
	}
	f.countDown(n, "loop")
	f.reload("pskip", pj)
	f.addTo(p, pj)
	f.reload("oskip", sj)
	f.addTo(sin, sj)
	f.addTo(cos, sj)
	f.reload("rows", k)
	f.addImm(k, -1)
	f.keep(k, "rows")
	f.ifZero(k, "done")
	f.jump("row")
	f.label("done")
	f.end()
}

// adam writes one step on n parameters. c holds β₁, 1-β₁, β₂, 1-β₂, 1/C1, 1/C2,
// ε, the rate, the weight decay, the average's decay and one minus it; ema may be
// nil.
func (u *unit) adam() {
	f := u.begin("adam", "n int, p, grad, m, v, ema, c *float32")
	n, p, g, m, v, ema, coef := f.arg("n"), f.arg("p"), f.arg("grad"), f.arg("m"), f.arg("v"), f.arg("ema"), f.arg("c")
	c := f.vs(11)
	for i := range c {
		f.broadcast(c[i], coef, 4*i)
	}
	x, y, z, t := f.v(), f.v(), f.v(), f.v()
	f.over(n, func() {
		f.load(x, g, 0)
		f.load(y, m, 0)
		f.mul(y, y, c[0])
		f.fma(y, x, c[1])
		f.store(m, 0, y)
		f.load(z, v, 0)
		f.mul(z, z, c[2])
		f.mul(x, x, x)
		f.fma(z, x, c[3])
		f.store(v, 0, z)
		f.mul(z, z, c[5])
		f.sqrt(z, z)
		f.add(z, z, c[6])
		f.mul(y, y, c[4])
		f.div(y, y, z)
		f.load(t, p, 0)
		f.fma(y, t, c[8])
		f.minus(t, y, c[7])
		f.store(p, 0, t)
		f.ifZero(ema, "next")
		f.load(x, ema, 0)
		f.mul(x, x, c[9])
		f.fma(x, t, c[10])
		f.store(ema, 0, x)
		f.addImm(ema, f.size())
		f.label("next")
	}, p, g, m, v)
	f.end()
}

// colSum adds the sums of n columns over rows, in order, to dst.
func (u *unit) colSum() {
	f := u.begin("colSum", "n, rows, stride int, x, dst *float32")
	n, stride, x, dst := f.arg("n"), f.arg("stride"), f.arg("x"), f.arg("dst")
	at, rows := f.reg(), f.reg()
	f.vectors(n)
	for _, w := range []int{4, 1} {
		next := f.newLabel("narrower")
		group, loop := f.newLabel("group"), f.newLabel("loop")
		f.label(group)
		if w > 1 {
			f.lessThan(n, w, next)
		} else {
			f.ifZero(n, next)
		}
		f.move(at, x)
		f.reload("rows", rows)
		acc := f.vs(w)
		for _, v := range acc {
			f.zero(v)
		}
		t := f.v()
		f.label(loop)
		for i := range w {
			f.load(t, at, i*f.size())
			f.add(acc[i], acc[i], t)
		}
		f.addTo(at, stride)
		f.countDown(rows, loop)
		for i := range w {
			f.load(t, dst, i*f.size())
			f.add(t, t, acc[i])
			f.store(dst, i*f.size(), t)
		}
		f.drop(append(acc, t)...)
		f.addImm(x, w*f.size())
		f.addImm(dst, w*f.size())
		f.addImm(n, -w)
		f.jump(group)
		f.label(next)
	}
	f.end()
}

func (u *unit) exp() {
	f := u.begin("exp", "n int, dst, x *float32")
	n, dst, x := f.arg("n"), f.arg("dst"), f.arg("x")
	f.over(n, func() {
		v := f.v()
		f.load(v, x, 0)
		f.store(dst, 0, f.expOf(v))
	}, x, dst)
	f.end()
}

func (u *unit) scale() {
	f := u.begin("scale", "n int, x, s *float32")
	n, x, s := f.arg("n"), f.arg("x"), f.arg("s")
	c, v := f.v(), f.v()
	f.broadcast(c, s, 0)
	f.over(n, func() {
		f.load(v, x, 0)
		f.mul(v, v, c)
		f.store(x, 0, v)
	}, x)
	f.end()
}
