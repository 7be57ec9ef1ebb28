package nn

import (
	"fmt"
	"math"

	"mflow/internal/kernel"
)

// Features map ambient coordinates x ∈ Rⁿ to the input of the first layer,
//
//	φ(x) = [ x S + c,  sin(x Ω),  cos(x Ω) ] ,
//
// with fixed S (n×r), c (r) and Ω (n×F). Random frequencies at several scales
// let a small network follow sharp densities (Tancik et al. 2020); integer
// frequencies make it periodic on a torus.
type Features struct {
	N     int       // ambient dimension n
	S     []float32 // n×r, row-major
	C     []float32 // r
	Omega []float32 // n×F, row-major
}

// Linear returns the features φ(x) = x of Rⁿ.
func Linear(n int) Features {
	f := Features{N: n, S: make([]float32, n*n), C: make([]float32, n)}
	for i := range n {
		f.S[i*n+i] = 1
	}
	return f
}

func (f *Features) linear() int { return len(f.C) }
func (f *Features) waves() int {
	if f.N == 0 {
		return 0
	}
	return len(f.Omega) / f.N
}

// Width returns the length of φ(x), r + 2F.
func (f *Features) Width() int { return f.linear() + 2*f.waves() }

func (f *Features) validate() error {
	switch {
	case f.N < 1:
		return fmt.Errorf("nn: features of dimension %d, want at least 1", f.N)
	case len(f.S) != f.N*len(f.C):
		return fmt.Errorf("nn: linear features have %d coefficients, want %d×%d", len(f.S), f.N, len(f.C))
	case len(f.Omega)%f.N != 0:
		return fmt.Errorf("nn: %d frequencies do not divide into %d rows", len(f.Omega), f.N)
	case f.Width() == 0:
		return fmt.Errorf("nn: features of width 0")
	}
	for _, v := range f.Omega {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return fmt.Errorf("nn: frequency %g, want finite", v)
		}
	}
	return nil
}

// forward writes the jets of φ to out, (1+k)B × Width, using phase,
// (1+k)B × F, as room for xΩ.
func (f *Features) forward(b, k int, x, phase, out []float32) {
	rows, n, r, w, ld := (1+k)*b, f.N, f.linear(), f.waves(), f.Width()
	if r > 0 {
		kernel.Gemm(false, false, rows, r, n, 1, x, n, f.S, r, 0, out, ld)
		for i := range b {
			for j, c := range f.C {
				out[i*ld+j] += c
			}
		}
	}
	if w > 0 {
		kernel.Gemm(false, false, rows, w, n, 1, x, n, f.Omega, w, 0, phase, w)
		kernel.SinCosJet(b, w, k, phase, out, ld, r)
	}
}
