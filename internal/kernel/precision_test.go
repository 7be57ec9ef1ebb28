package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
)

func TestRound(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, c := range [][2]float32{
		{0, 0},
		{1, 1},
		{-3, -3},
		{1 + 0x1p-8, 1},
		{1 + 0x1.8p-7, 1 + 0x1p-6},
		{1 + 0x1.01p-8, 1 + 0x1p-7}, // ties to even
		{0x1.fep127, 0x1.fep127},
		{0x1.fefffep127, 0x1.fep127},
		{0x1.ffp127, inf},
		{-0x1.fffffep127, -inf},
		{0x1p-126, 0x1p-126},
		{0x1.fffffcp-127, 0},
		{0x1p-149, 0},
		{inf, inf},
	} {
		if got := round(c[0]); got != c[1] {
			t.Errorf("round(%b) = %b, want %b", c[0], got, c[1])
		}
	}
	if v := round(float32(math.NaN())); v == v {
		t.Errorf("NaN is rounded to %g", v)
	}
	if v := round(float32(math.Copysign(0x1p-130, -1))); math.Float32bits(v) != 1<<31 {
		t.Errorf("-2⁻¹³⁰ is rounded to %g, want -0", v)
	}
}

// TestSplit: three parts are the number, and two all but 2⁻¹⁶ of it.
func TestSplit(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 9))
	for range 10000 {
		x := float32(math.Ldexp(rnd.Float64()-0.5, rnd.IntN(150)-75))
		p := split(x)
		if p[0]+p[1]+p[2] != x {
			t.Fatalf("%g is split into %g", x, p)
		}
		if d := math.Abs(float64(x - p[0] - p[1])); d > 0x1p-16*math.Abs(float64(x)) {
			t.Fatalf("two parts of %g miss %g", x, d)
		}
	}
	for _, x := range []float32{float32(math.Inf(-1)), float32(math.NaN()), math.MaxFloat32} {
		if p := split(x); p[1] != 0 || p[2] != 0 {
			t.Errorf("%g is split into %g, want one part", x, p)
		}
	}
}

// units are nil, for the product in float32 of rounded factors, and the units of
// this processor.
func units() []*pairUnit { return append([]*pairUnit{nil}, pairUnits()...) }

func unitName(u *pairUnit) string {
	if u == nil {
		return "float32"
	}
	return u.name
}

func eachUnit(t *testing.T, f func(t *testing.T, in func(Precision, *product))) {
	for _, u := range units() {
		t.Run(unitName(u), func(t *testing.T) {
			f(t, func(p Precision, q *product) {
				if u == nil {
					q.inParts(p)
					return
				}
				u.multiply(p, q)
			})
		})
	}
}

// check compares a product in precision p with its definition.
func checkIn(t *testing.T, in func(Precision, *product), p Precision, of problem, rnd *rand.Rand) {
	t.Helper()
	lda, ldb, ldc, rowsA, rowsB := of.strides()
	a := exactly(random(rowsA*lda, rnd), rowsA, lda-of.pad, lda)
	b := exactly(random(rowsB*ldb, rnd), rowsB, ldb-of.pad, ldb)
	c := random(of.m*ldc, rnd)
	before := append([]float32(nil), c...)
	q := product{of.tA, of.tB, of.m, of.n, of.k, 1, a, lda, b, ldb, of.beta == 1, c, ldc}
	in(p, &q)
	exact, size := of.exact(a, b)
	most := map[Precision]float64{BF16x6: 0x1p-23, BF16x3: 0x1p-15, BF16: 0x1p-7}[p]
	for i := range of.m {
		for j := range ldc {
			got, old := c[i*ldc+j], before[i*ldc+j]
			if j >= of.n {
				if got != old {
					t.Fatalf("%v %v: wrote beyond column %d of row %d", p, of, of.n, i)
				}
				continue
			}
			want, scale := q.inPlain(p, i, j)
			sum := exact[i*of.n+j]
			if q.add {
				want += float64(old)
				sum += float64(old)
				scale += math.Abs(float64(old))
			}
			// The sum is of float32 numbers, as many as there are terms.
			tol := 0x1p-24 * (8*math.Sqrt(float64(of.k*len(terms[p]))) + 4) * scale
			if !(math.Abs(float64(got)-want) <= tol) {
				t.Fatalf("%v %v: C[%d,%d] = %g, want %g ± %g", p, of, i, j, got, want, tol)
			}
			if d := math.Abs(float64(got) - sum); d > most*size[i*of.n+j]+tol {
				t.Fatalf("%v %v: C[%d,%d] is %g off the exact product, more than stated", p, of, i, j, d)
			}
		}
	}
}

// TestGemmIn: every unit computes what the definition says, at odd sizes, strides
// and lengths beyond one block, and stays within the stated error.
func TestGemmIn(t *testing.T) {
	eachUnit(t, func(t *testing.T, in func(Precision, *product)) {
		rnd := rand.New(rand.NewPCG(1, 5))
		for p := BF16x6; p <= BF16; p++ {
			for _, s := range [][3]int{
				{1, 1, 1}, {1, 32, 32}, {28, 32, 64}, {29, 33, 65}, {32, 64, 96}, {230, 40, 31}, {31, 50, 700}, {5, 18, 8300}, {500, 16, 33},
			} {
				for trans := range 4 {
					of := problem{trans&1 > 0, trans&2 > 0, s[0], s[1], s[2], 0, 1, 0}
					if s[0]*s[1]*s[2] < 1e6 {
						checkIn(t, in, p, of, rnd)
					}
					of.pad, of.beta = 3, 1
					checkIn(t, in, p, of, rnd)
				}
			}
		}
	})
}

func FuzzGemmIn(f *testing.F) {
	f.Add(uint64(1), byte(14), byte(32), uint16(7), byte(0))
	f.Add(uint64(2), byte(200), byte(3), uint16(600), byte(0x17))
	f.Fuzz(func(t *testing.T, seed uint64, m, n byte, k uint16, flags byte) {
		us := units()
		u := us[seed%uint64(len(us))]
		in := func(p Precision, q *product) { q.inParts(p) }
		if u != nil {
			in = u.multiply
		}
		of := problem{flags&1 > 0, flags&2 > 0, 1 + int(m), 1 + int(n), 1 + int(k%1500), int(flags >> 4), 1, float32(flags >> 2 & 1)}
		checkIn(t, in, BF16x6+Precision(seed>>8%3), of, rand.New(rand.NewPCG(seed, 1)))
	})
}

// TestGemmInNotFinite: what is not finite reaches the elements it should and no
// others; below 2⁻¹²⁶ a factor is zero.
func TestGemmInNotFinite(t *testing.T) {
	const m, n, k = 40, 50, 70
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	eachUnit(t, func(t *testing.T, in func(Precision, *product)) {
		for p := BF16x6; p <= BF16; p++ {
			for _, v := range []float32{inf, -inf, nan, math.MaxFloat32} {
				a, b, c := make([]float32, m*k), make([]float32, k*n), make([]float32, m*n)
				for i := range b {
					b[i] = 1.7
				}
				a[3*k+5] = v
				in(p, &product{false, false, m, n, k, 1, a, k, b, n, false, c, n})
				for i, got := range c {
					finite := got-got == 0
					if finite != (i/n != 3) {
						t.Fatalf("%v: %g in row 3: C[%d,%d] = %g", p, v, i/n, i%n, got)
					}
					if i/n == 3 && p == BF16 && v == v && !math.IsInf(float64(got), int(math.Copysign(1, float64(v)))) {
						t.Fatalf("%v: %g times 1.7 is %g", p, v, got)
					}
				}
			}
			a, b, c := make([]float32, m*k), make([]float32, k*n), make([]float32, m*n)
			for i := range a {
				a[i] = 0x1p-127
			}
			for i := range b {
				b[i] = 0x1p100
			}
			in(p, &product{false, false, m, n, k, 1, a, k, b, n, false, c, n})
			if c[0] != 0 {
				t.Errorf("%v: 2⁻¹²⁷ times 2¹⁰⁰ is %g, want 0", p, c[0])
			}
		}
	})
}

// TestGemmInThreads: the number of threads does not change a bit.
func TestGemmInThreads(t *testing.T) {
	defer SetThreads(0)
	eachUnit(t, func(t *testing.T, in func(Precision, *product)) {
		rnd := rand.New(rand.NewPCG(2, 5))
		for _, s := range [][3]int{{130, 70, 259}, {50, 70, 1300}, {30, 300, 100}} {
			for trans := range 4 {
				of := problem{tA: trans&1 > 0, tB: trans&2 > 0, m: s[0], n: s[1], k: s[2]}
				lda, ldb, ldc, _, _ := of.strides()
				a, b := random(of.m*of.k, rnd), random(of.k*of.n, rnd)
				var first []float32
				for _, threads := range []int{1, 2, 5} {
					SetThreads(threads)
					c := make([]float32, of.m*of.n)
					in(BF16x3, &product{of.tA, of.tB, of.m, of.n, of.k, 1, a, lda, b, ldb, false, c, ldc})
					if first == nil {
						first = c
					}
					for i := range c {
						if c[i] != first[i] {
							t.Fatalf("%v, %d threads: element %d is %g, with one %g", of, threads, i, c[i], first[i])
						}
					}
				}
			}
		}
	})
}

// TestTileUnit: the tile unit is right while goroutines change threads and the
// collector stops the world.
func TestTileUnit(t *testing.T) {
	us := pairUnits()
	if len(us) == 0 || !us[len(us)-1].tiled {
		t.Skipf("nothing to test: %v", whyNoTiles())
	}
	u := us[len(us)-1]
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(8))
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(w), 6))
			const m, n, k = 100, 120, 300
			a, b := random(m*k, rnd), random(k*n, rnd)
			var first []float32
			for r := range 300 {
				c := make([]float32, m*n)
				u.multiply(BF16x3, &product{false, false, m, n, k, 1, a, k, b, n, false, c, n})
				if first == nil {
					first = c
				}
				for i, v := range c {
					if v != first[i] {
						t.Errorf("product %d: element %d is %g, before %g", r, i, v, first[i])
						return
					}
				}
				if r%20 == 0 {
					runtime.GC()
				}
			}
		})
	}
	wg.Wait()
}

func TestPrecisionNames(t *testing.T) {
	for p := F32; p <= Auto; p++ {
		if got, err := ParsePrecision(p.String()); got != p || err != nil {
			t.Errorf("%v is read as %v, %v", p, got, err)
		}
	}
	if p := Auto.Resolve(); p != F32 && PairUnit() != "amx_bf16" {
		t.Errorf("auto is %v on %s", p, PairUnit())
	}
	if _, err := ParsePrecision("half"); err == nil {
		t.Error("half is read as a precision")
	}
}

// BenchmarkGemmIn compares the precisions with one another and with float32.
func BenchmarkGemmIn(b *testing.B) {
	for _, s := range []struct {
		name    string
		m, n, k int
	}{{"NN", 3072, 256, 256}, {"NN", 3072, 512, 512}, {"NT", 3072, 512, 512}, {"TN", 512, 512, 3072}, {"NN", 768, 128, 128}} {
		rnd := rand.New(rand.NewPCG(1, 1))
		x, y, c := random(s.m*s.k, rnd), random(s.k*s.n, rnd), make([]float32, s.m*s.n)
		tA, tB, lda, ldb := s.name[0] == 'T', s.name[1] == 'T', s.k, s.n
		if tA {
			lda = s.m
		}
		if tB {
			ldb = s.k
		}
		for p := F32; p <= BF16; p++ {
			b.Run(fmt.Sprintf("%s/%dx%dx%d/%v", s.name, s.m, s.n, s.k, p), func(b *testing.B) {
				timed(b, 2*float64(s.m)*float64(s.n)*float64(s.k), "GFLOP/s", func() {
					GemmIn(p, tA, tB, s.m, s.n, s.k, 1, x, lda, y, ldb, 0, c, s.n)
				})
			})
		}
	}
}
