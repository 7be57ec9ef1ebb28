package prior_test

import (
	"fmt"
	"math/rand/v2"

	"mflow/flow/prior"
	"mflow/manifold"
)

// A blend of a narrow kernel and the uniform density.
func ExampleNewBlend() {
	s := manifold.Sphere{N: 2}
	kernel, err := prior.NewMixture(s, []float64{1}, []float64{0, 0, 1}, []float64{100}, 0)
	if err != nil {
		panic(err)
	}
	b, err := prior.NewBlend([]float64{0.25, 0.75}, kernel, prior.Uniform{M: s})
	if err != nil {
		panic(err)
	}
	fmt.Printf("log-density %.3f at the pole, %.3f at the equator\n", b.LogProb([]float64{0, 0, 1}), b.LogProb([]float64{1, 0, 0}))
	// Output:
	// log-density 1.396 at the pole, -2.819 at the equator
}

// What a gate is trained on: kernels of folds at points of others.
func ExampleFitGating() {
	s := manifold.Sphere{N: 2}
	rnd := rand.New(rand.NewPCG(1, 1))
	x := make([]float64, 3*100)
	for i := range 100 {
		s.Rand(x[3*i:3*i+3], rnd)
	}
	g, err := prior.FitGating(s, x, prior.KernelOptions{Floor: 0.01})
	if err != nil {
		panic(err)
	}
	held := 0
	for _, f := range g.Folds {
		held += len(f.Held)
	}
	fmt.Println(len(g.Folds), "folds hold out", held, "points; kernels stand at", len(g.Whole.Rows))
	// Output:
	// 20 folds hold out 100 points; kernels stand at 100
}
