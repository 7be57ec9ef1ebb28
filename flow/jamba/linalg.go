package jamba

import "mflow/internal/kernel"

// fewRows is the number of rows below which a product with a weight matrix is
// taken as so many matrix-vector products: it is bound by reading the matrix once, and
// packing it would read it twice.
const fewRows = 16

// matmulT sets y = x Wᵀ for x [rows, in] and W [out, in].
func matmulT(y, x, w []float32, rows, out, in int) {
	if rows < fewRows {
		clear(y[:rows*out])
		matvecs(y, x, w, rows, out, in)
		return
	}
	kernel.Gemm(false, true, rows, out, in, 1, x, in, w, in, 0, y, out)
}

// matmulTAdd adds x Wᵀ to y.
func matmulTAdd(y, x, w []float32, rows, out, in int) {
	if rows < fewRows {
		matvecs(y, x, w, rows, out, in)
		return
	}
	kernel.Gemm(false, true, rows, out, in, 1, x, in, w, in, 1, y, out)
}

// matvecs is matmulTAdd, a few rows of W at a time for all rows of x.
func matvecs(y, x, w []float32, rows, out, in int) {
	const step = 64
	kernel.Parallel(out, 1+(1<<17)/in, func(lo, hi int) {
		var s [step]float32
		if rows >= 4 { // the rows of x, in the first-level cache, against one row of W after another
			for o := lo; o < hi; o++ {
				dots(s[:rows], w[o*in:(o+1)*in], x, in)
				for r, v := range s[:rows] {
					y[r*out+o] += v
				}
			}
			return
		}
		for o := lo; o < hi; o += step {
			n := min(step, hi-o)
			for r := range rows {
				dots(s[:n], x[r*in:(r+1)*in], w[o*in:], in)
				add(y[r*out+o:r*out+o+n], s[:n])
			}
		}
	})
}

// matmul sets y = x W for W [out, in], or adds it: the gradient of the input.
func matmul(y, x, w []float32, rows, out, in int, beta float32) {
	kernel.Gemm(false, false, rows, in, out, 1, x, out, w, in, beta, y, in)
}

// outerAdd adds dyᵀ x to dw [out, in]: the gradient of the weights.
func outerAdd(dw, dy, x []float32, rows, out, in int) {
	kernel.Gemm(true, false, out, in, rows, 1, dy, out, x, in, 1, dw, in)
}

// add adds x to y.
func add(y, x []float32) { axpy(y, x, 1) }

// addBias adds b to every row of y. A nil b is zero.
func addBias(y, b []float32, rows int) {
	if b == nil {
		return
	}
	for r := range rows {
		add(y[r*len(b):(r+1)*len(b)], b)
	}
}

// sumRows adds the rows of y [rows, len(db)] to db. A nil db is passed over.
func sumRows(db, y []float32, rows int) {
	if db == nil {
		return
	}
	for r := range rows {
		add(db, y[r*len(db):(r+1)*len(db)])
	}
}
