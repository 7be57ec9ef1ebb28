package train_test

import (
	"context"
	"fmt"
	"math"

	"mflow/datasets"
	"mflow/flow/prior"
	"mflow/manifold"
	"mflow/train"
)

// Kernels at 600 points of ridges along great circles, their weights learned.
func ExampleGate() {
	plates, err := datasets.NewSynthetic("plates", manifold.Sphere{N: 2})
	if err != nil {
		panic(err)
	}
	x := plates.Draw(600, 1).X
	g, err := prior.FitGating(manifold.Sphere{N: 2}, x, prior.KernelOptions{})
	if err != nil {
		panic(err)
	}
	d, err := train.Gate(context.Background(), g, train.GateSettings{Nets: 4, Steps: 100})
	if err != nil {
		panic(err)
	}
	// The gain is kept if it exceeds its standard error; either way the density is
	// normalised as it stands.
	fmt.Println("kept:", d.Accepted, d.Accepted == (d.Gain > d.SE), !math.IsNaN(d.Kernels.LogProb(x[:3])))
	// Output:
	// kept: true true true
}
