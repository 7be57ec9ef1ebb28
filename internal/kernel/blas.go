package kernel

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// BLAS is gonum's implementation with Gemm in place of its single-precision
// product, for blas32.Use and gorgonia.Use.
type BLAS struct{ gonum.Implementation }

// Sgemm computes C = α op(A) op(B) + β C, as the BLAS routine of that name. It
// panics as gonum's does.
func (b BLAS) Sgemm(tA, tB blas.Transpose, m, n, k int, alpha float32, x []float32, lda int, y []float32, ldb int, beta float32, c []float32, ldc int) {
	transA, okA := transposed(tA)
	transB, okB := transposed(tB)
	if !okA || !okB || !fits(transA, m, k, x, lda) || !fits(transB, k, n, y, ldb) || !fits(false, m, n, c, ldc) {
		b.Implementation.Sgemm(tA, tB, m, n, k, alpha, x, lda, y, ldb, beta, c, ldc)
		return
	}
	Gemm(transA, transB, m, n, k, alpha, x, lda, y, ldb, beta, c, ldc)
}

func transposed(t blas.Transpose) (trans, ok bool) {
	return t != blas.NoTrans, t == blas.NoTrans || t == blas.Trans || t == blas.ConjTrans
}

// fits tells whether x holds the matrix. What does not goes to gonum, which
// panics or, for products of nothing, does nothing.
func fits(trans bool, rows, cols int, x []float32, ld int) bool {
	if trans {
		rows, cols = cols, rows
	}
	return rows > 0 && cols > 0 && ld >= cols && len(x) >= (rows-1)*ld+cols
}
