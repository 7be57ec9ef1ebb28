package jamba

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"mflow/internal/kernel"
)

// variants are the kernels this machine can run, plain first.
func variants() []kernels {
	v := []kernels{{name: "plain"}}
	return append(v, runnableKernels()...)
}

// with runs f under every variant, of these loops and of matrix products alike.
func with(t *testing.T, f func(t *testing.T)) {
	best, products := simd, kernel.Features()
	defer func() {
		simd = best
		if err := kernel.Use(products); err != nil {
			t.Error(err)
		}
	}()
	for _, v := range variants() {
		simd = v
		if err := kernel.Use(map[string]string{"plain": "plain", "AVX2": "avx2", "AVX-512": "avx512"}[v.name]); err != nil {
			t.Fatal(err)
		}
		t.Run(v.name, f)
	}
}

func randn(rnd *rand.Rand, n int, scale float64) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rnd.NormFloat64() * scale)
	}
	return x
}

// differ returns the largest |x-y| / (1+|y|).
func differ(x []float32, y []float64) float64 {
	worst := 0.0
	for i, v := range y {
		d := math.Abs(float64(x[i])-v) / (1 + math.Abs(v))
		if !(d <= worst) {
			worst = d
		}
	}
	return worst
}

func sig(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// Every vector loop equals its formula in float64, on counts with and without a
// remainder. 4e-6 is some thirty roundings of float32.
func TestVectorLoops(t *testing.T) {
	const tol = 4e-6
	with(t, func(t *testing.T) {
		rnd := rand.New(rand.NewPCG(1, 2))
		for _, n := range []int{1, 15, 16, 48, 67} {
			x, y, z := randn(rnd, n, 4), randn(rnd, n, 1), randn(rnd, n, 1)
			got, got2, want, want2 := make([]float32, n), make([]float32, n), make([]float64, n), make([]float64, n)
			check := func(name string, got []float32, want []float64) {
				t.Helper()
				if d := differ(got, want); !(d < tol) {
					t.Errorf("%s, n = %d: off by %g", name, n, d)
				}
			}
			each := func(f func(x, y, z float64) (float64, float64)) {
				for i := range want {
					want[i], want2[i] = f(float64(x[i]), float64(y[i]), float64(z[i]))
				}
			}

			silu(got, x)
			each(func(x, _, _ float64) (float64, float64) { return x * sig(x), 0 })
			check("silu", got, want)
			siluBack(got, y, x)
			each(func(x, y, _ float64) (float64, float64) { return y * sig(x) * (1 + x*(1-sig(x))), 0 })
			check("siluBack", got, want)
			swiglu(got, x, y)
			each(func(x, y, _ float64) (float64, float64) { return x * sig(x) * y, 0 })
			check("swiglu", got, want)
			swigluBack(got, got2, z, x, y)
			each(func(x, y, z float64) (float64, float64) {
				return z * y * sig(x) * (1 + x*(1-sig(x))), z * x * sig(x)
			})
			check("swigluBack dg", got, want)
			check("swigluBack du", got2, want2)
			softplus(got, x)
			each(func(x, _, _ float64) (float64, float64) { return math.Log1p(math.Exp(x)), 0 })
			check("softplus", got, want)
			softplusBack(got, y, x)
			each(func(x, y, _ float64) (float64, float64) { return y * sig(x), 0 })
			check("softplusBack", got, want)
			mul(got, x, y, 3)
			each(func(x, y, _ float64) (float64, float64) { return 3 * x * y, 0 })
			check("mul", got, want)
			copy(got, z)
			mulAdd(got, x, y, 3)
			each(func(x, y, z float64) (float64, float64) { return z + 3*x*y, 0 })
			check("mulAdd", got, want)
			copy(got, z)
			axpy(got, x, 3)
			each(func(x, _, z float64) (float64, float64) { return z + 3*x, 0 })
			check("axpy", got, want)

			copy(got, x)
			scale(got, 3)
			each(func(x, _, _ float64) (float64, float64) { return 3 * x, 0 })
			check("scale", got, want)

			s := expSub(got, x, 5)
			sum, d := 0.0, 0.0
			each(func(x, y, _ float64) (float64, float64) {
				sum += math.Exp(x - 5)
				d += x * y
				return math.Exp(x - 5), 0
			})
			check("expSub", got, want)
			check("sum of expSub", []float32{s}, []float64{sum})
			d3 := 0.0
			each(func(x, y, z float64) (float64, float64) { d3 += x * y * z; return 0, 0 })
			check("dot3", []float32{dot3(x, y, z)}, []float64{d3})
			check("maximum", []float32{maximum(x)}, []float64{float64(slices.Max(x))})
			check("dot", []float32{dot(x, y)}, []float64{d})
		}
	})
}

// Rows of a matrix against a vector, and weighted by one.
func TestRows(t *testing.T) {
	with(t, func(t *testing.T) {
		rnd := rand.New(rand.NewPCG(3, 4))
		for _, c := range []struct{ rows, n, ld int }{{1, 16, 16}, {4, 32, 40}, {7, 32, 64}, {9, 10, 12}, {3, 64, 64}, {256, 16, 48}} {
			v, x, p := randn(rnd, c.rows*c.ld, 1), randn(rnd, c.n, 1), randn(rnd, c.rows, 1)
			got, sum := make([]float32, c.rows), make([]float32, c.n)
			want, wantSum := make([]float64, c.rows), make([]float64, c.n)
			for r := range c.rows {
				for i := range c.n {
					want[r] += float64(x[i]) * float64(v[r*c.ld+i])
					wantSum[i] += float64(p[r]) * float64(v[r*c.ld+i])
				}
			}
			dots(got, x, v, c.ld)
			wsum(sum, p, v, c.ld)
			if d := differ(got, want); !(d < 1e-5) {
				t.Errorf("dots %v: off by %g", c, d)
			}
			if d := differ(sum, wantSum); !(d < 1e-5) {
				t.Errorf("wsum %v: off by %g", c, d)
			}
		}
	})
}

// The limits of the exponential: no NaN where a formula has a limit.
func TestExtremes(t *testing.T) {
	with(t, func(t *testing.T) {
		x := make([]float32, 16)
		y := make([]float32, 16)
		copy(x, []float32{-1e4, -200, -100, -88, -20, 0, 20, 88, 100, 200, 1e4})
		silu(y, x)
		for i, v := range x {
			if want := float64(v) * sig(float64(v)); !(math.Abs(float64(y[i])-want) <= 1e-6*math.Abs(want)+1e-30) {
				t.Errorf("silu(%g) = %g, want %g", v, y[i], want)
			}
		}
		softplus(y, x)
		for i, v := range x {
			want := math.Max(float64(v), 0) + math.Log1p(math.Exp(-math.Abs(float64(v))))
			if !(math.Abs(float64(y[i])-want) <= 1e-6*want+1e-37) {
				t.Errorf("softplus(%g) = %g, want %g", v, y[i], want)
			}
		}
		x[3] = float32(math.Inf(-1))
		if s := expSub(y, x, 1e4); math.Abs(float64(s)-1) > 1e-6 || y[3] > 1e-37 {
			t.Errorf("expSub: sum %g, exp(-Inf) = %g", s, y[3])
		}
		x[2] = float32(math.NaN())
		silu(y, x)
		if y[2] == y[2] {
			t.Error("silu(NaN) is a number")
		}
	})
}
