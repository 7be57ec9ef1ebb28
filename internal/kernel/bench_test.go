package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// timed runs f for the benchmark and reports the rate of work, flop for one
// call, in billions a second: the mean, and the best call, which is what a machine
// with other work to do can still be compared by.
func timed(b *testing.B, work float64, unit string, f func()) {
	b.ReportAllocs()
	f() // scratch memory is there after the first call
	best := time.Duration(1 << 62)
	for b.Loop() {
		start := time.Now()
		f()
		best = min(best, time.Since(start))
	}
	b.ReportMetric(work*float64(b.N)/b.Elapsed().Seconds()/1e9, unit)
	b.ReportMetric(work/best.Seconds()/1e9, "best-"+unit)
}

func BenchmarkGemm(b *testing.B) {
	for _, s := range []struct {
		name    string
		m, n, k int
	}{
		{"NN", 3072, 256, 256},
		{"NN", 3072, 512, 512},
		{"NT", 3072, 256, 256},
		{"NT", 3072, 512, 512},
		{"TN", 256, 256, 3072},
		{"TN", 512, 512, 3072},
		{"NN", 1024, 1024, 1024},
		{"NN", 3840, 128, 128},
		{"NN", 3840, 128, 259},
		{"TN", 128, 128, 3840},
		{"NN", 3072, 256, 3},
		{"NN", 3072, 3, 256},
		{"TN", 256, 3, 3072},
		{"NT", 3072, 256, 3},
		{"NN", 1, 512, 512},
		{"NT", 1, 512, 512},
		{"NN", 8, 512, 512},
		{"NT", 64, 64, 64},
		{"NN", 24, 512, 512},
		{"NN", 48, 512, 512},
	} {
		b.Run(fmt.Sprintf("%s/%dx%dx%d", s.name, s.m, s.n, s.k), func(b *testing.B) {
			rnd := rand.New(rand.NewPCG(1, 1))
			a, x, c := random(s.m*s.k, rnd), random(s.k*s.n, rnd), make([]float32, s.m*s.n)
			tA, tB, lda, ldb := s.name[0] == 'T', s.name[1] == 'T', s.k, s.n
			if tA {
				lda = s.m
			}
			if tB {
				ldb = s.k
			}
			timed(b, 2*float64(s.m)*float64(s.n)*float64(s.k), "GFLOP/s", func() {
				Gemm(tA, tB, s.m, s.n, s.k, 1, a, lda, x, ldb, 0, c, s.n)
			})
		})
	}
}

// BenchmarkPaths compares the sets of instructions of this processor.
func BenchmarkPaths(b *testing.B) {
	const m, n, k = 512, 256, 256
	rnd := rand.New(rand.NewPCG(1, 1))
	x, y, c := random(m*k, rnd), random(k*n, rnd), make([]float32, m*n)
	a, s1, s2 := make([]float32, m*n), make([]float32, m*n), make([]float32, m*n)
	best := active
	defer func() { active = best }()
	for _, active = range supported {
		b.Run(fmt.Sprintf("Gemm/%s/%dx%dx%d", Features(), m, n, k), func(b *testing.B) {
			timed(b, 2*m*n*k, "GFLOP/s", func() { Gemm(false, false, m, n, k, 1, x, k, y, n, 0, c, n) })
		})
		b.Run(fmt.Sprintf("Swish/%s/%dx%d", Features(), m, k), func(b *testing.B) {
			timed(b, m*k, "unit/ns", func() { ActJet(Swish, m, k, 0, x, nil, a, s1, s2) })
		})
	}
}

func BenchmarkActJet(b *testing.B) {
	const rows, width, k = 1280, 128, 2
	rnd := rand.New(rand.NewPCG(1, 1))
	z, bias := random(3*rows*width, rnd), make([]float32, width)
	a, s1, s2 := make([]float32, len(z)), make([]float32, rows*width), make([]float32, rows*width)
	for act := Identity; act <= Softplus; act++ {
		b.Run(fmt.Sprintf("%v/%dx%dx%d", act, k, rows, width), func(b *testing.B) {
			timed(b, rows*width, "unit/ns", func() { ActJet(act, rows, width, k, z, bias, a, s1, s2) })
		})
	}
	b.Run(fmt.Sprintf("back/%dx%dx%d", k, rows, width), func(b *testing.B) {
		clear(s2)
		timed(b, rows*width, "unit/ns", func() { ActJetBack(rows, width, k, a, z, s1, s2) })
	})
}

func BenchmarkSinCosJet(b *testing.B) {
	const rows, n, k = 1280, 128, 2
	p := random(3*rows*n, rand.New(rand.NewPCG(1, 1)))
	out := make([]float32, 3*rows*(3+2*n))
	timed(b, rows*n, "phase/ns", func() { SinCosJet(rows, n, k, p, out, 3+2*n, 3) })
}

func BenchmarkVector(b *testing.B) {
	const n = 1 << 18
	rnd := rand.New(rand.NewPCG(1, 1))
	p, g, m, v, e := random(n, rnd), random(n, rnd), make([]float32, n), make([]float32, n), make([]float32, n)
	for _, k := range []struct {
		name string
		f    func()
	}{
		{"Adam", func() { Adam(p, g, m, v, e, AdamCoef{1e-3, 0.9, 0.999, 1e-8, 0, 0.5, 0.5, 0.99}) }},
		{"SumSq", func() { SumSq(g) }},
		{"Scale", func() { Scale(m, 1) }},
		{"Exp", func() { Exp(m, g) }},
		{"ColSum", func() { ColSum(m[:256], n/256, 256, g, false) }},
	} {
		b.Run(fmt.Sprintf("%s/%d", k.name, n), func(b *testing.B) { timed(b, n, "number/ns", k.f) })
	}
}

func BenchmarkParallel(b *testing.B) {
	f := func(lo, hi int) {}
	timed(b, 1, "call/ns", func() { Parallel(1024, 1, f) })
}
