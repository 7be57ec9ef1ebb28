package kernel

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
)

// eachPath runs a test on every set of instructions this processor has.
func eachPath(t *testing.T, f func(t *testing.T)) {
	best := active
	defer func() { active = best }()
	for _, active = range supported {
		t.Run(Features(), f)
	}
}

func random(n int, rnd *rand.Rand) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rnd.NormFloat64())
	}
	return x
}

func near(t *testing.T, what string, i int, got float32, want, tol float64) {
	t.Helper()
	if !(math.Abs(float64(got)-want) <= tol) {
		t.Fatalf("%s[%d] = %.9g, want %.9g ± %.2g", what, i, got, want, tol)
	}
}

func TestUse(t *testing.T) {
	best := Features()
	defer func() {
		if err := Use(best); err != nil {
			t.Error(err)
		}
	}()
	if err := Use("plain"); err != nil || Features() != "plain" {
		t.Errorf("Use plain: %v, %s", err, Features())
	}
	if err := Use("altivec"); err == nil || !strings.Contains(err.Error(), best) {
		t.Errorf("altivec: %v, want the valid names", err)
	}
}

// bits is a checksum of numbers by their bits.
func bits(xs ...[]float32) uint64 {
	h := fnv.New64a()
	for _, x := range xs {
		for _, v := range x {
			b := math.Float32bits(v)
			h.Write([]byte{byte(b), byte(b >> 8), byte(b >> 16), byte(b >> 24)})
		}
	}
	return h.Sum64()
}

// everything runs each elementwise kernel and a product by tiles on odd sizes.
func everything() map[string]uint64 {
	const rows, width, k = 37, 53, 2
	sums := map[string]uint64{}
	rnd := rand.New(rand.NewPCG(8, 8))
	uniform := func(n int) []float32 { // with no arithmetic that a compiler could fuse
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(rnd.Int32N(1<<20)-1<<19) / (1 << 18)
		}
		return x
	}
	const size = rows * width
	z0, bias, g0 := uniform((1+k)*size), uniform(width), uniform((1+k)*size)
	for i := range size {
		z0[i] *= 10
	}
	for act := Identity; act <= Softplus; act++ {
		z, a, g := append([]float32(nil), z0...), make([]float32, len(z0)), append([]float32(nil), g0...)
		s1, s2 := make([]float32, size), make([]float32, size)
		ActJet(act, rows, width, k, z, bias, a, s1, s2)
		ActJetBack(rows, width, k, g, z, s1, s2)
		sums[act.String()] = bits(a, s1, s2, g)
	}
	out := make([]float32, (1+k)*rows*2*width)
	SinCosJet(rows, width, k, z0, out, 2*width, 0)
	sums["sincos"] = bits(out)
	e := make([]float32, len(z0))
	Exp(e, z0)
	sums["exp"] = bits(e)
	p, m, v, ema := append([]float32(nil), z0...), uniform(len(z0)), make([]float32, len(z0)), uniform(len(z0))
	for range 3 {
		Adam(p, g0, m, v, ema, AdamCoef{1e-3, 0.9, 0.99, 1e-8, 0.01, 0.1, 0.01, 0.9})
	}
	sums["adam"] = bits(p, m, v, ema)
	c := make([]float32, width)
	ColSum(c, 3*rows, width, z0, false)
	sums["colsum"] = bits(c)
	d := make([]float32, 3*rows*3*rows)
	Gemm(false, true, 3*rows, 3*rows, width, 1, z0, width, g0, width, 0, d, 3*rows)
	sums["gemm"] = bits(d)
	return sums
}

// sameBits are the checksums of everything, on any processor with vectors.
var sameBits = map[string]uint64{
	"adam":     0x6ee7cab16edacf28,
	"colsum":   0xa6c9bec292a28139,
	"exp":      0x49215f9a81c41f3b,
	"gemm":     0xcc2b0f13b634e6ab,
	"identity": 0x06c40a152c56bf25,
	"sin":      0xae2955ab7ab12b18,
	"sincos":   0x289df2c7f607b1e0,
	"softplus": 0xf83098590f3bc262,
	"swish":    0xf970921a662cf1ca,
	"tanh":     0xea3459e832d3b007,
}

// TestSameBits: one description of the kernels, one result, whatever the
// instructions and however many threads.
func TestSameBits(t *testing.T) {
	best := active
	defer func() { active = best; SetThreads(0) }()
	for _, active = range supported[1:] {
		for _, n := range []int{1, 2, 3} {
			SetThreads(n)
			for name, sum := range everything() {
				if sum != sameBits[name] {
					t.Errorf("%s, %d threads: %s has bits %#016x, want %#016x", Features(), n, name, sum, sameBits[name])
				}
			}
		}
	}
}

// TestAllocs: after the first call nothing is allocated.
func TestAllocs(t *testing.T) {
	defer SetThreads(0)
	rnd := rand.New(rand.NewPCG(9, 9))
	const m, n, k = 300, 100, 200
	a, b, c := random(m*k, rnd), random(m*n, rnd), make([]float32, m*n)
	s1, s2 := make([]float32, m*k), make([]float32, m*k)
	out := make([]float32, 2*m*k)
	calls := map[string]func(){
		"tiles":    func() { Gemm(false, false, m, n, k, 1, a, k, b, n, 0, c, n) },
		"few cols": func() { Gemm(false, false, m, 3, k, 1, a, k, b, 3, 0, c, 3) },
		"few rows": func() { Gemm(false, false, 5, n, k, 1, a, k, b, n, 0, c, n) },
		"swapped":  func() { Gemm(true, false, k, 3, m, 1, a, k, b, 3, 0, c, 3) },
		"ActJet":   func() { ActJet(Tanh, m, k, 0, a, b[:k], out, s1, s2) },
		"Back":     func() { ActJetBack(m, k, 0, out, a, s1, s2) },
		"SinCos":   func() { SinCosJet(m, k, 0, a, out, 2*k, 0) },
		"Adam":     func() { Adam(s1, a, s2, out[:m*k], nil, AdamCoef{C1: 1, C2: 1, Eps: 1}) },
		"ColSum":   func() { ColSum(c[:k], m, k, a, false) },
		"Exp":      func() { Exp(s1[:1001], a[:1001]) },
		"Scale":    func() { Scale(s1, 1) },
		"SumSq":    func() { SumSq(a) },
		"bf16x3":   func() { GemmIn(BF16x3, true, true, k, n, m, 1, a, k, b[:n*m], m, 0, c[:k*n], n) },
	}
	for _, threads := range []int{1, 2} {
		SetThreads(threads)
		for name, f := range calls {
			// A collection may empty the pools now and then, hence not exactly none.
			if n := testing.AllocsPerRun(50, f); n > 0.5 {
				t.Errorf("%s, %d threads: %g allocations a call", name, threads, n)
			}
		}
	}
}

func TestParallel(t *testing.T) {
	defer SetThreads(0)
	for _, threads := range []int{1, 2, 3, 8} {
		SetThreads(threads)
		if Threads() != threads {
			t.Fatalf("Threads() = %d, want %d", Threads(), threads)
		}
		for _, n := range []int{0, 1, 7, 64, 1000} {
			hits := make([]int32, n)
			Parallel(n, 8, func(lo, hi int) {
				if lo%8 != 0 || hi%8 != 0 && hi != n {
					t.Errorf("part [%d, %d) of %d is no multiple of 8", lo, hi, n)
				}
				Parallel(hi-lo, 1, func(a, b int) { // nested
					for i := a; i < b; i++ {
						hits[lo+i]++
					}
				})
			})
			for i, h := range hits {
				if h != 1 {
					t.Fatalf("%d threads, n = %d: index %d was visited %d times", threads, n, i, h)
				}
			}
		}
	}
}

// TestParallelCalls: loops of many goroutines at once each cover their range.
func TestParallelCalls(t *testing.T) {
	defer SetThreads(0)
	SetThreads(3)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				hits := make([]int32, 100)
				Parallel(len(hits), 4, func(lo, hi int) {
					for i := lo; i < hi; i++ {
						hits[i]++
					}
				})
				for i, h := range hits {
					if h != 1 {
						t.Errorf("index %d was visited %d times", i, h)
						return
					}
				}
			}
		})
	}
	wg.Wait()
}
