package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/blas/gonum"
)

// A problem is a random product with its factors and strides.
type problem struct {
	tA, tB      bool
	m, n, k     int
	pad         int // numbers between rows
	alpha, beta float32
}

func (p problem) String() string {
	t := map[bool]string{false: "N", true: "T"}
	return fmt.Sprintf("%s%s %dx%dx%d pad %d alpha %g beta %g", t[p.tA], t[p.tB], p.m, p.n, p.k, p.pad, p.alpha, p.beta)
}

// strides returns the strides of A, B and C and the rows that A and B are stored in.
func (p problem) strides() (lda, ldb, ldc, rowsA, rowsB int) {
	lda, rowsA, ldb, rowsB = p.k, p.m, p.n, p.k
	if p.tA {
		lda, rowsA = p.m, p.k
	}
	if p.tB {
		ldb, rowsB = p.k, p.n
	}
	return max(1, lda+p.pad), max(1, ldb+p.pad), p.n + p.pad, rowsA, rowsB
}

// exact is the product in float64, and Σ|ab|, the scale of its rounding error.
func (p problem) exact(a, b []float32) (c, scale []float64) {
	lda, ldb, _, _, _ := p.strides()
	c, scale = make([]float64, p.m*p.n), make([]float64, p.m*p.n)
	for i := range p.m {
		for j := range p.n {
			for q := range p.k {
				x, y := i*lda+q, q*ldb+j
				if p.tA {
					x = q*lda + i
				}
				if p.tB {
					y = j*ldb + q
				}
				v := float64(p.alpha) * float64(a[x]) * float64(b[y])
				c[i*p.n+j] += v
				scale[i*p.n+j] += math.Abs(v)
			}
		}
	}
	return c, scale
}

// exactly cuts x so that reading beyond the last number of the matrix panics.
func exactly(x []float32, rows, cols, ld int) []float32 {
	if rows == 0 || cols == 0 {
		return nil
	}
	n := (rows-1)*ld + cols
	return x[:n:n]
}

func (p problem) check(t *testing.T, rnd *rand.Rand) {
	t.Helper()
	lda, ldb, ldc, rowsA, rowsB := p.strides()
	a := exactly(random(rowsA*lda, rnd), rowsA, lda-p.pad, lda)
	b := exactly(random(rowsB*ldb, rnd), rowsB, ldb-p.pad, ldb)
	c := random(p.m*ldc, rnd)
	before := append([]float32(nil), c...)
	if p.beta == 0 {
		for i := range p.m {
			c[i*ldc+i%p.n] = float32(math.NaN()) // must not matter
		}
	}
	Gemm(p.tA, p.tB, p.m, p.n, p.k, p.alpha, a, lda, b, ldb, p.beta, c, ldc)
	want, scale := p.exact(a, b)
	for i := range p.m {
		for j := range ldc {
			got, old := c[i*ldc+j], before[i*ldc+j]
			if j >= p.n {
				if got != old {
					t.Fatalf("%v: wrote beyond column %d of row %d", p, p.n, i)
				}
				continue
			}
			// k roundings at worst, √k on average: eight of the latter, and one for
			// each of alpha and beta.
			w := want[i*p.n+j]
			tol := 0x1p-24 * (8*math.Sqrt(float64(p.k)) + 4) * scale[i*p.n+j]
			if p.beta != 0 {
				w += float64(p.beta) * float64(old)
				tol += 0x1p-22 * (math.Abs(float64(p.beta*old)) + math.Abs(w))
			}
			if !(math.Abs(float64(got)-w) <= tol+1e-12) {
				t.Fatalf("%v: C[%d,%d] = %g, want %g ± %g", p, i, j, got, w, tol)
			}
		}
	}
}

func TestGemm(t *testing.T) {
	shapes := [][3]int{
		{1, 1, 1},
		{1, 32, 7},
		{14, 32, 64},
		{15, 33, 65},
		{3, 3, 100},
		{129, 3, 128},
		{3, 129, 128},
		{29, 70, 3},
		{41, 7, 17},
		{200, 96, 40},
		{31, 45, 1030},
		{5, 300, 600},
		{300, 5, 600},
		{1, 517, 70},
		{70, 1, 70},
	}
	eachPath(t, func(t *testing.T) {
		rnd := rand.New(rand.NewPCG(1, 1))
		for _, s := range shapes {
			for trans := range 4 {
				for _, f := range [][2]float32{{1, 0}, {1, 1}, {-0.5, 0}, {2, 0.25}} {
					p := problem{trans&1 > 0, trans&2 > 0, s[0], s[1], s[2], 0, f[0], f[1]}
					p.check(t, rnd)
					p.pad = 5
					p.check(t, rnd)
				}
			}
		}
		for range 200 {
			problem{
				rnd.IntN(2) > 0, rnd.IntN(2) > 0, 1 + rnd.IntN(70), 1 + rnd.IntN(70), 1 + rnd.IntN(70),
				rnd.IntN(3), 1, float32(rnd.IntN(2)),
			}.check(t, rnd)
		}
	})
}

// TestGemmStride: rows a multiple of the page apart are copied before use.
func TestGemmStride(t *testing.T) {
	eachPath(t, func(t *testing.T) {
		rnd := rand.New(rand.NewPCG(1, 2))
		problem{false, false, 33, 40, 1000, 24, 1, 0}.check(t, rnd)
		problem{false, true, 130, 33, 1024, 0, 1, 1}.check(t, rnd)
	})
}

func TestGemmNothing(t *testing.T) {
	eachPath(t, func(t *testing.T) {
		nan := float32(math.NaN())
		c := []float32{nan, 2, 3, 4}
		Gemm(false, false, 2, 2, 0, 1, nil, 1, nil, 2, 0, c, 2)
		if c[0] != 0 || c[3] != 0 {
			t.Errorf("an empty sum left %v", c)
		}
		Gemm(false, false, 0, 2, 3, 1, nil, 3, make([]float32, 6), 2, 0, nil, 2)
		Gemm(false, false, 2, 0, 3, 1, make([]float32, 6), 3, nil, 1, 0, nil, 1)
		c = []float32{1, 2}
		Gemm(false, false, 1, 2, 1, 0, []float32{nan}, 1, []float32{nan, nan}, 2, 2, c, 2)
		if c[0] != 2 || c[1] != 4 {
			t.Errorf("alpha 0, beta 2: %v, want [2 4]", c)
		}
	})
}

// TestGemmNotFinite: infinities and NaN reach the elements they should and no
// others, also from a zero factor.
func TestGemmNotFinite(t *testing.T) {
	inf := float32(math.Inf(1))
	eachPath(t, func(t *testing.T) {
		for _, s := range [][3]int{{20, 40, 50}, {40, 3, 50}, {3, 40, 50}, {40, 40, 50}} {
			m, n, k := s[0], s[1], s[2]
			for trans := range 4 {
				tA, tB := trans&1 > 0, trans&2 > 0
				p := problem{tA: tA, tB: tB, m: m, n: n, k: k}
				lda, ldb, ldc, _, _ := p.strides()
				a, b, c := make([]float32, m*k), make([]float32, k*n), make([]float32, m*n)
				ai, bi := 1*lda+7, 7*ldb+2 // op(A)[1,7], op(B)[7,2]
				if tA {
					ai = 7*lda + 1
				}
				if tB {
					bi = 2*ldb + 7
				}
				b[bi] = inf
				Gemm(tA, tB, m, n, k, 1, a, lda, b, ldb, 0, c, ldc)
				for i, v := range c {
					if nan := v != v; nan != (i%n == 2) {
						t.Fatalf("%v: zero times infinity: C[%d,%d] = %g", p, i/n, i%n, v)
					}
				}
				a[ai], b[bi] = 2, -inf
				Gemm(tA, tB, m, n, k, 1, a, lda, b, ldb, 0, c, ldc)
				if c[n+2] != -inf {
					t.Fatalf("%v: two times -infinity: %g", p, c[n+2])
				}
			}
		}
	})
}

// TestGemmSame: the vector paths add in the same order, so that a product by tiles
// has the same bits on all of them.
func TestGemmSame(t *testing.T) {
	best := active
	defer func() { active = best }()
	rnd := rand.New(rand.NewPCG(1, 3))
	const m, n, k = 50, 70, 700
	a, b := random(m*k, rnd), random(k*n, rnd)
	var first []float32
	for _, active = range supported[1:] {
		c := make([]float32, m*n)
		Gemm(false, false, m, n, k, 1, a, k, b, n, 0, c, n)
		if first == nil {
			first = c
		}
		for i, v := range c {
			if v != first[i] {
				t.Fatalf("%s: element %d is %g, %s has %g", Features(), i, v, supported[1].name, first[i])
			}
		}
	}
}

// TestGemmThreads: the number of threads does not change a bit.
func TestGemmThreads(t *testing.T) {
	defer SetThreads(0)
	eachPath(t, func(t *testing.T) {
		rnd := rand.New(rand.NewPCG(2, 2))
		for _, s := range [][3]int{{611, 130, 259}, {13, 3000, 200}, {30, 3000, 100}, {2000, 3, 200}, {1, 4096, 300}} {
			for trans := range 4 {
				m, n, k := s[0], s[1], s[2]
				p := problem{tA: trans&1 > 0, tB: trans&2 > 0, m: m, n: n, k: k}
				lda, ldb, ldc, _, _ := p.strides()
				a, b := random(m*k, rnd), random(k*n, rnd)
				var first []float32
				for _, threads := range []int{1, 2, 5} {
					SetThreads(threads)
					c := make([]float32, m*n)
					Gemm(p.tA, p.tB, m, n, k, 1, a, lda, b, ldb, 0, c, ldc)
					if first == nil {
						first = c
					}
					for i := range c {
						if c[i] != first[i] {
							t.Fatalf("%v, %d threads: element %d is %g, with one %g", p, threads, i, c[i], first[i])
						}
					}
				}
			}
		}
	})
}

func TestGemmPanics(t *testing.T) {
	x := make([]float32, 12)
	for name, f := range map[string]func(){
		"negative": func() { Gemm(false, false, -1, 2, 2, 1, x, 2, x, 2, 0, x, 2) },
		"stride":   func() { Gemm(false, false, 2, 2, 3, 1, x, 2, x, 2, 0, x, 2) },
		"short a":  func() { Gemm(false, false, 5, 2, 3, 1, x, 3, x, 2, 0, x, 2) },
		"short b":  func() { Gemm(false, true, 2, 5, 3, 1, x, 3, x, 3, 0, x, 5) },
		"short c":  func() { Gemm(false, false, 2, 7, 1, 1, x, 1, x, 7, 0, x, 7) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

// TestSgemm: results and panics are gonum's.
func TestSgemm(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 4))
	try := func(s func(tA, tB blas.Transpose, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int), tA, tB blas.Transpose, m, n, k, lda, ldb, ldc int, a, b, c []float32) (message any) {
		defer func() { message = recover() }()
		s(tA, tB, m, n, k, 1.5, a, lda, b, ldb, 0.5, c, ldc)
		return nil
	}
	for range 300 {
		m, n, k := rnd.IntN(6)-1, rnd.IntN(6)-1, rnd.IntN(6)-1
		lda, ldb, ldc := rnd.IntN(7), rnd.IntN(7), rnd.IntN(7)
		flags := []blas.Transpose{blas.NoTrans, blas.Trans, blas.ConjTrans, 'x'}
		tA, tB := flags[rnd.IntN(4)], flags[rnd.IntN(4)]
		a, b, c := random(rnd.IntN(40), rnd), random(rnd.IntN(40), rnd), random(rnd.IntN(40), rnd)
		d := append([]float32(nil), c...)
		got := try(BLAS{}.Sgemm, tA, tB, m, n, k, lda, ldb, ldc, a, b, c)
		want := try(gonum.Implementation{}.Sgemm, tA, tB, m, n, k, lda, ldb, ldc, a, b, d)
		if got != want {
			t.Fatalf("%c%c %dx%dx%d, strides %d %d %d: panic %v, gonum's %v", tA, tB, m, n, k, lda, ldb, ldc, got, want)
		}
		for i := range c {
			near(t, "Sgemm", i, c[i], float64(d[i]), 1e-5)
		}
	}
}

func FuzzGemm(f *testing.F) {
	f.Add(uint64(1), byte(14), byte(32), byte(7), byte(0))
	f.Add(uint64(2), byte(200), byte(3), byte(200), byte(0x15))
	f.Fuzz(func(t *testing.T, seed uint64, m, n, k, flags byte) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		p := problem{flags&1 > 0, flags&2 > 0, 1 + int(m), 1 + int(n), int(k), int(flags >> 4), 1, float32(flags >> 2 & 1)}
		if flags&8 > 0 {
			p.alpha, p.beta = float32(rnd.NormFloat64()), float32(rnd.NormFloat64())
		}
		best := active
		defer func() { active = best }()
		active = supported[seed%uint64(len(supported))]
		p.check(t, rnd)
	})
}

func ExampleBLAS() {
	blas32.Use(BLAS{})
	a := blas32.General{Rows: 1, Cols: 2, Stride: 2, Data: []float32{3, 4}}
	c := blas32.General{Rows: 1, Cols: 1, Stride: 1, Data: make([]float32, 1)}
	blas32.Gemm(blas.NoTrans, blas.Trans, 1, a, a, 0, c)
	fmt.Println(c.Data)
	// Output: [25]
}
