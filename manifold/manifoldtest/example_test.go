package manifoldtest_test

import (
	"fmt"
	"math/rand/v2"

	"mflow/manifold"
	"mflow/manifold/manifoldtest"
)

// A law by itself, without a test around it. In a test, Check runs them all.
func ExampleLaw() {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, l := range manifoldtest.Laws {
		if l.Name == "frame is orthonormal" {
			fmt.Println(l.Check(manifold.Sphere{N: 2}, rnd))
		}
	}
	// Output: <nil>
}

// The field (0, 0, 1) draws all points of the sphere to the pole, the faster
// together the nearer they are: div u = -2 sin(latitude).
func ExampleDivergence() {
	x := manifold.FromLatLon(30, 10)
	v := func(dst, _ []float64) { dst[0], dst[1], dst[2] = 0, 0, 1 }
	fmt.Printf("%.6f\n", manifoldtest.Divergence(manifold.Sphere{N: 2}, v, x[:]))
	// Output: -1.000000
}
