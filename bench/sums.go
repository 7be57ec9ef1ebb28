package main

import (
	"fmt"
	"math"
	"math/rand/v2"

	"mflow/internal/kernel"
)

// sums times the parts of a kernel density against the plain Go they are checked
// with, and against a sum of the same exponentials in PyTorch.
func (b *bench) sums() {
	const parts = 8
	rnd := rand.New(rand.NewPCG(3, 3))
	block := func(rows int, f func() float64) []float64 {
		x := make([]float64, rows*kernel.SumBlock)
		for i := range x {
			x[i] = f()
		}
		return x
	}
	x := []float64{1, 0, 0}
	m := block(3, rnd.NormFloat64)
	for i := range kernel.SumBlock {
		var sq float64
		for c := range 3 {
			sq += m[c*kernel.SumBlock+i] * m[c*kernel.SumBlock+i]
		}
		for c := range 3 {
			m[c*kernel.SumBlock+i] /= math.Sqrt(sq)
		}
	}
	t, v, jac, dst := block(1, rnd.Float64), block(2, rnd.Float64), block(1, rnd.Float64), block(1, rnd.Float64)
	k, w, a := block(1, rnd.ExpFloat64)[:parts], block(parts, rnd.Float64), block(5, rnd.NormFloat64)
	cases := []struct {
		name string
		each int
		f    func()
	}{
		{"distances on S²", 1, func() { kernel.HalfChords(t, x, m) }},
		{"charts on S²", 1, func() { kernel.SphereChart(v, jac, x, m, t) }},
		{"kernels of a fixed width, eight", parts, func() { kernel.AddDecays(dst, 0, k, t, w) }},
		{"normal kernels", 1, func() { kernel.AddNormals(dst, 2, v, jac, a, w) }},
	}
	theirs := ""
	if rows := b.torch("bench/torch_sums.py", 1); len(rows) > 0 {
		theirs = fmt.Sprintf("%.2f", 1/number(rows[0], "ns"))
	}
	b.p("## Sums of kernels\n")
	b.p("One thread, float64, billions a second of processor time. PyTorch sums w exp(-k t) over a million points, eight k.\n")
	b.p("| what | %s | plain Go | ratio | PyTorch |", kernel.Features())
	b.p("|---|---|---|---|---|")
	best := kernel.Features()
	for i, c := range cases {
		rate := func(name string) float64 {
			if err := kernel.Use(name); err != nil {
				return 0
			}
			const calls = 20000
			var s spread
			threads(1, func() {
				s = b.time(func() {
					for range calls {
						c.f()
					}
				})
			})
			return float64(calls*c.each*kernel.SumBlock) / s.cpu / 1e9
		}
		fast, plain := rate(best), rate("plain")
		of := ""
		if i == 2 {
			of = theirs
		}
		b.p("| %s | %.2f | %.3f | %s | %s |", c.name, fast, plain, ratio(fast, plain), of)
		must(0, kernel.Use(best))
	}
	b.p("")
}
