//go:build cuda && linux && (amd64 || arm64)

package cuda

import (
	"math"
	"testing"

	"mflow/internal/kernel"
)

// open opens the first device, or skips the test.
func open(t *testing.T) *GPU {
	t.Helper()
	if _, err := Devices(); err != nil {
		t.Skip(err)
	}
	g, err := Open(0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return g
}

func upload(t *testing.T, g *GPU, x []float32) Vector {
	t.Helper()
	v, err := g.Upload(x)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Free() })
	return v
}

func TestDevice(t *testing.T) {
	g := open(t)
	t.Logf("%s, %d bytes, compute capability %d.%d, CUDA %d", g.Name, g.Memory, g.Major, g.Minor, g.Driver)
	if g.Name == "" || g.Memory < 1<<28 || g.Major < 3 || g.Minor < 0 || g.Driver < 10010 {
		t.Errorf("got %+v, want a name, memory, a capability and a version", g)
	}
	for _, i := range []int{-1, 1 << 20} {
		if _, err := Open(i); err == nil {
			t.Errorf("Open(%d): got no error", i)
		}
	}
}

// The lengths are not multiples of a block.
func TestSwish(t *testing.T) {
	g := open(t)
	for _, n := range []int{1, 255, 256, 257, 100_003} {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(16*float64(i)/float64(n) - 8)
		}
		v := upload(t, g, x)
		if err := g.Swish(v, v); err != nil {
			t.Fatal(err)
		}
		got, err := v.Download()
		if err != nil {
			t.Fatal(err)
		}
		for i, x := range x {
			want := float64(x) / (1 + math.Exp(-float64(x)))
			// |x| 2⁻²⁴ and some roundings, see Swish.
			if d := math.Abs(float64(got[i]) - want); !(d <= 1.5e-6*math.Abs(want)) {
				t.Fatalf("n = %d: swish(%g) = %g, want %g", n, x, got[i], want)
			}
		}
	}
}

// No two of m, n and k are the same, so that no two can be exchanged.
func TestGemm(t *testing.T) {
	g := open(t)
	if _, err := BLAS(); err != nil {
		t.Skip(err)
	}
	const m, n, k = 37, 53, 71
	a, b, want := make([]float32, m*k), make([]float32, k*n), make([]float32, m*n)
	for i := range a {
		a[i] = float32(math.Sin(float64(i)))
	}
	for i := range b {
		b[i] = float32(math.Cos(float64(3 * i)))
	}
	kernel.Gemm(false, false, m, n, k, 1, a, k, b, n, 0, want, n)
	va, vb, vc := upload(t, g, a), upload(t, g, b), upload(t, g, make([]float32, m*n))
	if err := g.Gemm(vc, va, vb, m, n, k); err != nil {
		t.Fatal(err)
	}
	got, err := vc.Download()
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range want {
		// Two sums of 71 terms of size up to 1 in float32.
		if !(math.Abs(float64(got[i]-w)) <= 2e-5) {
			t.Fatalf("C[%d,%d] = %g, want %g", i/n, i%n, got[i], w)
		}
	}
}
