package jamba

import (
	"math"

	"mflow/internal/kernel"
)

// rmsNorm sets y = w x / sqrt(mean(x²) + eps) for rows of n = len(w) numbers that
// lie ldx apart in x and n apart in y, and keeps 1/sqrt(...) in inv.
func rmsNorm(y, inv, x []float32, ldx int, w []float32, rows int, eps float32) {
	n := len(w)
	kernel.Parallel(rows, 1+4096/n, func(lo, hi int) {
		for r := lo; r < hi; r++ {
			row := x[r*ldx : r*ldx+n]
			inv[r] = float32(1 / math.Sqrt(float64(dot(row, row)/float32(n)+eps)))
			mul(y[r*n:(r+1)*n], row, w, inv[r])
		}
	})
}

// rmsNormBack adds the gradients of rmsNorm to dx, with rows ldx apart as in x, and
// to dw:
//
//	dx = w dy r - x r³ ⟨w dy, x⟩/n,    dw = Σ dy x r,    r = inv
func rmsNormBack(dx, dw, dy, inv, x []float32, ldx int, w []float32, rows int) {
	n := len(w)
	kernel.Parallel(rows, 1+4096/n, func(lo, hi int) {
		for r := lo; r < hi; r++ {
			row, g, d := x[r*ldx:r*ldx+n], dy[r*n:(r+1)*n], dx[r*ldx:r*ldx+n]
			mulAdd(d, g, w, inv[r])
			s := dot3(g, w, row)
			axpy(d, row, -s*inv[r]*inv[r]*inv[r]/float32(n))
		}
	})
	for r := range rows {
		mulAdd(dw, dy[r*n:(r+1)*n], x[r*ldx:r*ldx+n], inv[r])
	}
}
