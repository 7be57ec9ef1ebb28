package main

// sums writes the parts of sums of kernels over points, in float64. Coordinates
// stand in rows, one for each, of n points; n is a multiple of the lanes, and
// stride leads from row to row in bytes.
func (u *unit) sums() {
	u.halfChords()
	u.sphereChart()
	u.torusChart()
	u.decays("decays", false)
	u.decays("ownDecays", true)
	u.normals()
}

// each calls body with the count in arg, at least one.
func (f *fn) each(arg string, body func()) {
	k, again := f.reg(), f.newLabel("each")
	f.reload(arg, k)
	f.label(again)
	body()
	f.countDown(k, again)
	f.gprs = append([]string{k}, f.gprs...)
}

// halfChords: t = ½ Σ (x - m)² over d coordinates.
func (u *unit) halfChords() {
	f := u.begin("halfChords", "n, d, stride int, x, m, t *float64")
	n, x, m, t, stride := f.arg("n"), f.arg("x"), f.arg("m"), f.arg("t"), f.arg("stride")
	xc, mc := f.reg(), f.reg()
	sum, a, b := f.v(), f.v(), f.v()
	f.over(n, func() {
		f.zero(sum)
		f.move(xc, x)
		f.move(mc, m)
		f.each("d", func() {
			f.broadcast(a, xc, 0)
			f.load(b, mc, 0)
			f.sub(a, a, b)
			f.fma(sum, a, a)
			f.addImm(xc, 8)
			f.addTo(mc, stride)
		})
		f.mul(sum, sum, f.c(0.5))
		f.store(t, 0, sum)
	}, m, t)
	f.end()
}

// sphereChart: stereographic coordinates v of x about points m of S^d, given t of
// halfChords, and their Jacobian. The frame is that of the reflection that takes
// the first axis to ∓m.
func (u *unit) sphereChart() {
	f := u.begin("sphereChart", "n, d, stride int, x, m, t, v, jac *float64")
	n, x, m, t, v, jac, stride := f.arg("n"), f.arg("x"), f.arg("m"), f.arg("t"), f.arg("v"), f.arg("jac"), f.arg("stride")
	xc, mc, vc := f.reg(), f.reg(), f.reg()
	along, first, a, b, c := f.v(), f.v(), f.v(), f.v(), f.v()
	rest := func(body func()) { // a is x - m and b is m, of all coordinates but the first
		f.move(xc, x)
		f.move(mc, m)
		f.each("d", func() {
			f.addImm(xc, 8)
			f.addTo(mc, stride)
			f.broadcast(a, xc, 0)
			f.load(b, mc, 0)
			f.sub(a, a, b)
			body()
		})
	}
	f.over(n, func() {
		f.load(first, m, 0)
		f.broadcast(a, x, 0)
		f.sub(a, a, first)
		f.and(b, first, f.bits(1<<63))
		f.or(b, b, f.c(1)) // the sign of the first coordinate
		f.add(b, b, first)
		f.mul(along, a, b)
		rest(func() { f.fma(along, a, b) })
		f.and(first, first, f.bits(1<<63-1))
		f.add(first, first, f.c(1))
		f.div(along, along, first)
		// first becomes 1/cos²(θ/2) = 1/(1 - t/2)
		f.load(c, t, 0)
		f.mov(a, f.c(1))
		f.minus(a, c, f.c(0.5))
		f.most(c, a, f.c(1e-12))
		f.mov(first, f.c(1))
		f.div(first, first, c)
		f.mov(c, f.c(1))
		f.move(vc, v)
		rest(func() {
			f.mul(c, c, first)
			f.minus(a, along, b)
			f.mul(a, a, first)
			f.store(vc, 0, a)
			f.addTo(vc, stride)
		})
		f.store(jac, 0, c)
	}, m, t, v, jac)
	f.end()
}

// torusChart: v = 2 tan(δ/2) of every angle δ of x about points m of T^d, both as
// cosines and sines, and their Jacobian.
func (u *unit) torusChart() {
	f := u.begin("torusChart", "n, d, stride int, x, m, v, jac *float64")
	n, x, m, v, jac, stride := f.arg("n"), f.arg("x"), f.arg("m"), f.arg("v"), f.arg("jac"), f.arg("stride")
	xc, mc, vc := f.reg(), f.reg(), f.reg()
	xcos, xsin, mcos, msin, den, num, all := f.v(), f.v(), f.v(), f.v(), f.v(), f.v(), f.v()
	f.over(n, func() {
		f.mov(all, f.c(1))
		f.move(xc, x)
		f.move(mc, m)
		f.move(vc, v)
		f.each("d", func() {
			f.broadcast(xcos, xc, 0)
			f.broadcast(xsin, xc, 8)
			f.load(mcos, mc, 0)
			f.addTo(mc, stride)
			f.load(msin, mc, 0)
			f.addTo(mc, stride)
			f.addImm(xc, 16)
			f.mul(num, xsin, mcos)
			f.minus(num, xcos, msin)
			f.mov(den, f.c(1))
			f.fma(den, xcos, mcos)
			f.fma(den, xsin, msin)
			f.most(xcos, den, f.c(1e-12))
			f.div(num, num, xcos)
			f.mov(den, f.c(1))
			f.fma(den, num, num)
			f.mul(all, all, den)
			f.add(num, num, num)
			f.store(vc, 0, num)
			f.addTo(vc, stride)
		})
		f.store(jac, 0, all)
	}, m, v, jac)
	f.end()
}

// decays: for each of parts parts dst += w exp(-k t), where w stands in rows and dst
// is next bytes further on for every part. There is one k for each part, or one for
// each point as for w.
func (u *unit) decays(name string, own bool) {
	f := u.begin(name, "n, parts, stride, next int, k, t, w, dst *float64")
	n, k, t, w, dst, stride, next := f.arg("n"), f.arg("k"), f.arg("t"), f.arg("w"), f.arg("dst"), f.arg("stride"), f.arg("next")
	kc, wc, to := f.reg(), f.reg(), f.reg()
	arg, x, sum := f.v(), f.v(), f.v()
	step := []string{t, w, dst}
	if own {
		step = append(step, k)
	}
	f.over(n, func() {
		f.load(arg, t, 0)
		f.xor(arg, arg, f.bits(1<<63))
		f.move(kc, k)
		f.move(wc, w)
		f.move(to, dst)
		f.each("parts", func() {
			if own {
				f.load(x, kc, 0)
				f.addTo(kc, stride)
			} else {
				f.broadcast(x, kc, 0)
				f.addImm(kc, 8)
			}
			f.mul(x, x, arg)
			e := f.decay(x)
			f.load(sum, to, 0)
			f.load(x, wc, 0)
			f.fma(sum, e, x)
			f.drop(e)
			f.store(to, 0, sum)
			f.addTo(wc, stride)
			f.addTo(to, next)
		})
	}, step...)
	f.end()
}

// normals: dst += w jac exp(-|A v - b|²/2), where the d rows of b and the packed
// lower triangle of A stand in rows that follow one another from a on.
func (u *unit) normals() {
	f := u.begin("normals", "n, d, stride int, v, jac, a, w, dst *float64")
	n, v, jac, a, w, dst, stride := f.arg("n"), f.arg("v"), f.arg("jac"), f.arg("a"), f.arg("w"), f.arg("dst"), f.arg("stride")
	vc, bc, ac, i, j := f.reg(), f.reg(), f.reg(), f.reg(), f.reg()
	q, y, x, z := f.v(), f.v(), f.v(), f.v()
	f.over(n, func() {
		f.zero(q)
		f.move(bc, a)
		f.move(ac, a)
		f.reload("d", i)
		f.label("triangle") // begins after b
		f.addTo(ac, stride)
		f.countDown(i, "triangle")
		f.reload("d", i) // rows that are left
		f.label("row")
		f.zero(y)
		f.load(x, bc, 0)
		f.sub(y, y, x)
		f.addTo(bc, stride)
		f.reload("d", j)
		f.p(f.pick("SUBQ %s, %s", "SUB %s, %s"), i, j)
		f.addImm(j, 1)
		f.move(vc, v)
		f.label("column")
		f.load(x, ac, 0)
		f.load(z, vc, 0)
		f.fma(y, x, z)
		f.addTo(ac, stride)
		f.addTo(vc, stride)
		f.countDown(j, "column")
		f.fma(q, y, y)
		f.countDown(i, "row")
		f.mul(q, q, f.c(-0.5))
		e := f.decay(q)
		f.load(x, w, 0)
		f.load(z, jac, 0)
		f.mul(x, x, z)
		f.load(z, dst, 0)
		f.fma(z, e, x)
		f.store(dst, 0, z)
		f.drop(e)
	}, v, jac, a, w, dst)
	f.end()
}
