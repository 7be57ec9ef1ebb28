//go:build cuda && linux && (amd64 || arm64)

package cuda

import (
	"fmt"

	"gonum.org/v1/gonum/blas"
	cublas "gorgonia.org/cu/blas"
)

// Gemm starts C = A B for row-major float32 matrices without gaps: A is m×k, B
// k×n, C m×n. It panics if a length is not that of its shape.
func (g *GPU) Gemm(c, a, b Vector, m, n, k int) error {
	if a.n != m*k || b.n != k*n || c.n != m*n {
		panic(fmt.Sprintf("cuda: Gemm of lengths %d, %d into %d, want %d, %d, %d", a.n, b.n, c.n, m*k, k*n, m*n))
	}
	if g.blas == nil {
		if _, err := BLAS(); err != nil {
			return err
		}
		handle := new(cublas.Standard)
		if err := handle.Init(); err != nil {
			return fmt.Errorf("cuda: starting cuBLAS: %w", err)
		}
		g.blas = handle
	}
	// cuBLAS stores by columns: what it takes for Cᵀ = Bᵀ Aᵀ is C = A B by rows.
	g.blas.Sgemm(blas.NoTrans, blas.NoTrans, n, m, k, 1, b.slice(), n, a.slice(), k, 0, c.slice(), n)
	if err := g.blas.Err(); err != nil {
		return fmt.Errorf("cuda: cublasSgemm of %d×%d by %d×%d: %w", m, k, k, n, err)
	}
	return nil
}
