package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
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

// oracle is the oracle in float64; it also returns Σ |a b|, the scale of the
// rounding error.
func oracle(tA, tB bool, m, n, k int, a []float32, lda int, b []float32, ldb int) (c, scale []float64) {
	c, scale = make([]float64, m*n), make([]float64, m*n)
	for i := range m {
		for j := range n {
			for p := range k {
				x, y := i*lda+p, p*ldb+j
				if tA {
					x = p*lda + i
				}
				if tB {
					y = j*ldb + p
				}
				v := float64(a[x]) * float64(b[y])
				c[i*n+j] += v
				scale[i*n+j] += math.Abs(v)
			}
		}
	}
	return c, scale
}

func checkGemm(t *testing.T, tA, tB bool, m, n, k, pad int, beta float32, rnd *rand.Rand) {
	t.Helper()
	ra, ca, rb, cb := m, k, k, n
	if tA {
		ra, ca = k, m
	}
	if tB {
		rb, cb = n, k
	}
	lda, ldb, ldc := max(1, ca+pad), max(1, cb+pad), n+pad
	a, b, c := random(ra*lda, rnd), random(rb*ldb, rnd), random(m*ldc, rnd)
	before := append([]float32(nil), c...)
	if beta == 0 {
		c[0] = float32(math.NaN()) // must not be read
	}
	Gemm(tA, tB, m, n, k, 1, a, lda, b, ldb, beta, c, ldc)
	want, scale := oracle(tA, tB, m, n, k, a, lda, b, ldb)
	for i := range m {
		for j := range ldc {
			got := c[i*ldc+j]
			if j >= n { // the padding is not ours
				if got != before[i*ldc+j] {
					t.Fatalf("wrote beyond column %d of row %d", n, i)
				}
				continue
			}
			w := want[i*n+j]
			tol := 1e-6 * (1 + scale[i*n+j]) // rounding of a blocked sum of up to 1,500 terms, with room
			if beta != 0 {
				w += float64(beta) * float64(before[i*ldc+j])
			}
			if !(math.Abs(float64(got)-w) <= tol) {
				t.Fatalf("tA %v tB %v %dx%dx%d pad %d beta %g: C[%d,%d] = %g, want %g", tA, tB, m, n, k, pad, beta, i, j, got, w)
			}
		}
	}
}

func TestGemm(t *testing.T) {
	eachPath(t, func(t *testing.T) {
		rnd := rand.New(rand.NewPCG(1, 1))
		for _, s := range [][3]int{{1, 1, 1}, {1, 32, 7}, {14, 32, 64}, {15, 33, 65}, {3, 3, 100}, {129, 3, 128}, {3, 129, 128}, {29, 70, 3}, {100, 100, 1030}, {41, 7, 17}, {200, 96, 40}} {
			for trans := range 4 {
				for _, beta := range []float32{0, 1} {
					checkGemm(t, trans&1 > 0, trans&2 > 0, s[0], s[1], s[2], 0, beta, rnd)
					checkGemm(t, trans&1 > 0, trans&2 > 0, s[0], s[1], s[2], 5, beta, rnd)
				}
			}
		}
		for range 60 {
			checkGemm(t, rnd.IntN(2) > 0, rnd.IntN(2) > 0, 1+rnd.IntN(70), 1+rnd.IntN(70), 1+rnd.IntN(70), rnd.IntN(3), float32(rnd.IntN(2)), rnd)
		}
	})
}

func TestGemmEdges(t *testing.T) {
	c := []float32{1, 2, 3, 4}
	Gemm(false, false, 2, 2, 0, 1, nil, 1, nil, 2, 0, c, 2)
	if c[0] != 0 || c[3] != 0 {
		t.Errorf("an empty sum left %v", c)
	}
	Gemm(false, false, 0, 2, 3, 1, nil, 3, make([]float32, 6), 2, 0, nil, 2)
	c = []float32{1, 2}
	Gemm(false, false, 1, 2, 1, 0.5, []float32{4}, 1, []float32{1, 3}, 2, 2, c, 2)
	if c[0] != 4 || c[1] != 10 {
		t.Errorf("alpha 0.5, beta 2: %v, want [4 10]", c)
	}
}

// TestThreads: the number of threads does not change a bit.
func TestThreads(t *testing.T) {
	defer SetThreads(0)
	rnd := rand.New(rand.NewPCG(2, 2))
	const m, n, k = 611, 130, 259
	a, b := random(m*k, rnd), random(k*n, rnd)
	var first []float32
	for _, threads := range []int{1, 2, 5} {
		SetThreads(threads)
		c := make([]float32, m*n)
		Gemm(false, false, m, n, k, 1, a, k, b, n, 0, c, n)
		ActJet(Swish, m/3, n, 2, c, b[:n], c, nil, nil)
		if first == nil {
			first = c
			continue
		}
		for i := range c {
			if c[i] != first[i] {
				t.Fatalf("%d threads: element %d is %g, with one thread %g", threads, i, c[i], first[i])
			}
		}
	}
}

func TestParallel(t *testing.T) {
	defer SetThreads(0)
	for _, threads := range []int{1, 2, 3} {
		SetThreads(threads)
		for _, n := range []int{0, 1, 7, 64, 1000} {
			hits := make([]int32, n)
			Parallel(n, 8, func(lo, hi int) {
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

func close(t *testing.T, what string, i int, got float32, want, tol float64) {
	t.Helper()
	if !(math.Abs(float64(got)-want) <= tol) {
		t.Fatalf("%s[%d] = %.9g, want %.9g", what, i, got, want)
	}
}

// TestActJet compares values and derivatives with float64: 3e-7 of the larger of
// one and the value is two units in the last place.
func TestActJet(t *testing.T) {
	eachPath(t, func(t *testing.T) {
		rnd := rand.New(rand.NewPCG(3, 3))
		for act := Identity; act <= Softplus; act++ {
			for _, s := range []struct{ rows, width, k int }{{1, 16, 2}, {3, 37, 1}, {5, 128, 7}, {2, 5, 0}} {
				size := s.rows * s.width
				z, bias := random((1+s.k)*size, rnd), random(s.width, rnd)
				for i := range size {
					z[i] *= 4
				}
				z[0], z[size-1] = 95, -95 // beyond the range of exp
				in := append([]float32(nil), z...)
				a, s1, s2 := make([]float32, len(z)), make([]float32, size), make([]float32, size)
				ActJet(act, s.rows, s.width, s.k, z, bias, a, s1, s2)
				for i := range size {
					x := float64(in[i] + bias[i%s.width])
					f, f1, f2 := act.derivatives(x)
					close(t, act.String(), i, a[i], f, 3e-7*(1+math.Abs(f)))
					close(t, act.String()+"'", i, s1[i], f1, 6e-7)
					close(t, act.String()+"″", i, s2[i], f2, 1e-6)
					for j := 1; j <= s.k; j++ {
						d := float64(in[j*size+i])
						close(t, act.String()+" tangent", j*size+i, a[j*size+i], f1*d, 1e-6*(1+math.Abs(d)))
					}
				}
				again := append([]float32(nil), in...)
				ActJet(act, s.rows, s.width, s.k, again, bias, again, nil, nil)
				for i, v := range again {
					if v != a[i] {
						t.Fatalf("%v in place: %g, apart %g", act, v, a[i])
					}
				}
				g := random(len(z), rnd)
				before := append([]float32(nil), g...)
				ActJetBack(s.rows, s.width, s.k, g, z, s1, s2)
				for i := range size {
					var sum float64
					for j := 1; j <= s.k; j++ {
						sum += float64(before[j*size+i]) * float64(z[j*size+i])
						close(t, "tangent gradient", i, g[j*size+i], float64(s1[i])*float64(before[j*size+i]), 1e-6)
					}
					close(t, "gradient", i, g[i], float64(s1[i])*float64(before[i])+float64(s2[i])*sum, 4e-6*(1+math.Abs(sum)))
				}
			}
		}
	})
}

func TestActivationNames(t *testing.T) {
	for act := Identity; act <= Softplus; act++ {
		if got, err := ParseActivation(act.String()); err != nil || got != act {
			t.Errorf("%v was read as %v, %v", act, got, err)
		}
	}
	if _, err := ParseActivation("relu"); err == nil {
		t.Error("relu was read")
	}
}

func TestSinCosJet(t *testing.T) {
	eachPath(t, func(t *testing.T) {
		rnd := rand.New(rand.NewPCG(4, 4))
		for _, s := range []struct{ rows, n, k, off, pad int }{{1, 16, 2, 0, 0}, {4, 37, 1, 3, 2}, {3, 5, 0, 0, 1}, {2, 128, 7, 3, 0}} {
			p := random((1+s.k)*s.rows*s.n, rnd)
			for i := range s.rows * s.n {
				p[i] *= float32(math.Pow(10, 4*rnd.Float64()-1))
			}
			ld := s.off + 2*s.n + s.pad
			out := make([]float32, (1+s.k)*s.rows*ld)
			SinCosJet(s.rows, s.n, s.k, p, out, ld, s.off)
			for r := range s.rows {
				for i := range s.n {
					x := float64(p[r*s.n+i])
					sin, cos := math.Sincos(x)
					at := r*ld + s.off + i
					tol := 2e-7 + 3e-11*math.Abs(x)*10
					close(t, "sin", i, out[at], sin, tol)
					close(t, "cos", i, out[at+s.n], cos, tol)
					for j := 1; j <= s.k; j++ {
						d := float64(p[(j*s.rows+r)*s.n+i])
						at := (j*s.rows+r)*ld + s.off + i
						close(t, "sin tangent", i, out[at], cos*d, (tol+2e-7)*(1+math.Abs(d)))
						close(t, "cos tangent", i, out[at+s.n], -sin*d, (tol+2e-7)*(1+math.Abs(d)))
					}
				}
			}
		}
	})
}

func TestAdam(t *testing.T) {
	c := AdamCoef{LR: 0.01, Beta1: 0.9, Beta2: 0.99, Eps: 1e-8, WeightDecay: 0.1, C1: 0.271, C2: 0.0297, EMA: 0.95}
	eachPath(t, func(t *testing.T) {
		rnd := rand.New(rand.NewPCG(5, 5))
		for _, n := range []int{1, 16, 50, 40000} {
			p, g, m, v, e := random(n, rnd), random(n, rnd), random(n, rnd), random(n, rnd), random(n, rnd)
			for i := range v {
				v[i] *= v[i]
			}
			p0, m0, v0, e0 := append([]float32(nil), p...), append([]float32(nil), m...), append([]float32(nil), v...), append([]float32(nil), e...)
			Adam(p, g, m, v, e, c)
			for i := range p {
				x := float64(g[i])
				wm := 0.9*float64(m0[i]) + 0.1*x
				wv := 0.99*float64(v0[i]) + 0.01*x*x
				wp := float64(p0[i]) - 0.01*(wm/0.271/(math.Sqrt(wv/0.0297)+1e-8)+0.1*float64(p0[i]))
				close(t, "m", i, m[i], wm, 1e-6)
				close(t, "v", i, v[i], wv, 1e-6*(1+wv))
				close(t, "p", i, p[i], wp, 2e-6*(1+math.Abs(wp)))
				close(t, "ema", i, e[i], 0.95*float64(e0[i])+0.05*wp, 1e-6)
			}
		}
	})
}

func TestColSum(t *testing.T) {
	eachPath(t, func(t *testing.T) {
		rnd := rand.New(rand.NewPCG(6, 6))
		for _, w := range []int{1, 16, 37} {
			x, dst := random(9*w, rnd), random(w, rnd)
			start := append([]float32(nil), dst...)
			ColSum(dst, 9, w, x, true)
			for j := range dst {
				want := float64(start[j])
				for i := range 9 {
					want += float64(x[i*w+j])
				}
				close(t, "sum", j, dst[j], want, 1e-5)
			}
		}
	})
}

func TestUse(t *testing.T) {
	best := active
	defer func() { active = best }()
	if err := Use("plain"); err != nil || Features() != "plain" {
		t.Errorf("Use plain: %v, %s", err, Features())
	}
	if err := Use("altivec"); err == nil {
		t.Error("altivec was taken")
	}
}

func FuzzGemm(f *testing.F) {
	f.Add(uint64(1), byte(14), byte(32), byte(7), byte(0))
	f.Fuzz(func(t *testing.T, seed uint64, m, n, k, flags byte) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		checkGemm(t, flags&1 > 0, flags&2 > 0, 1+int(m), 1+int(n), 1+int(k), int(flags>>4), float32(flags>>2&1), rnd)
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
