package jamba

import (
	"math"
	"math/rand/v2"
)

// Features is a linear map from rows of numbers, such as the events of a history, to
// the rows of an Input: x W ᵀ + b.
type Features struct {
	In, Out int
	W       []float32 // [Out, In]
	B       []float32 // [Out]
}

// NewFeatures returns a map with weights N(0, 1/in), so that rows of unit variance
// become rows of unit variance.
func NewFeatures(in, out int, rnd *rand.Rand) *Features {
	f := &Features{in, out, make([]float32, out*in), make([]float32, out)}
	for i := range f.W {
		f.W[i] = float32(rnd.NormFloat64() / math.Sqrt(float64(in)))
	}
	return f
}

// Forward sets y [rows, Out] from x [rows, In].
func (f *Features) Forward(y, x []float32, rows int) []float32 {
	y = grow(y, rows*f.Out)
	matmulT(y, x, f.W, rows, f.Out, f.In)
	addBias(y, f.B, rows)
	return y
}

// Backward adds the gradients of the weights to grad and sets dx [rows, In] to that
// of the features, unless it is nil.
func (f *Features) Backward(dx, dy, x []float32, rows int, grad *Features) {
	outerAdd(grad.W, dy, x, rows, f.Out, f.In)
	sumRows(grad.B, dy, rows)
	if dx != nil {
		matmul(dx, dy, f.W, rows, f.Out, f.In, 0)
	}
}
