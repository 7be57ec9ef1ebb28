package main

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"

	"mflow/sample"
	"mflow/score"
)

// energy is the energy distance of samples and test points.
type energy struct {
	Value real `json:"value"`
	P     real `json:"p"`
	N     int  `json:"n"`
}

// classifier is how well near neighbours tell samples from test points.
type classifier struct {
	Accuracy real `json:"accuracy"`
	SE       real `json:"se"`
	Chance   real `json:"chance"`
	P        real `json:"p"`
	K        int  `json:"k"`
	N        int  `json:"n"`
}

// twoSample compares samples of the model, drawn as mflow sample draws them,
// with as many test points.
func (e *evaluation) twoSample(ctx context.Context, most int, seed uint64) error {
	const relabellings = 999
	rnd := rand.New(rand.NewPCG(seed, twoSampleStream))
	want := min(most, e.NTest)
	if want < 2 {
		return nil
	}
	x, err := e.samples(ctx, want, rnd)
	if errors.Is(err, context.Canceled) {
		return err
	} else if err != nil {
		return nil // too stiff to sample: reported as null
	}
	_, n := e.flow.Manifold.Dims()
	got := len(x) / n
	y := make([]float64, 0, len(x))
	for _, i := range rnd.Perm(e.NTest)[:got] {
		y = append(y, e.test.x[i*n:(i+1)*n]...)
	}
	if got < 2 {
		return nil // hardly any mass in the cells held out
	}
	s, err := score.NewTwoSample(e.flow.Manifold, x, y)
	if err != nil {
		return err
	}
	v, p := s.Energy(relabellings, rnd)
	e.Energy = &energy{real(v), real(p), got}
	c := s.Classify(relabellings, rnd)
	e.C2ST = &classifier{real(c.Accuracy), real(c.SE), real(c.Chance), real(c.P), c.K, got}
	return nil
}

// samples draws points of the model: of a blocked split those in the cells held
// out, as many as a bounded number of draws gives.
func (e *evaluation) samples(ctx context.Context, want int, rnd *rand.Rand) ([]float64, error) {
	draws := want
	if e.test.group != nil {
		const most = 10_000
		mass := 1.0
		if c := e.Calibration; c != nil && c.Within != nil {
			mass = float64(*c.Within)
		}
		draws = int(math.Min(most, 1.2*float64(want)/mass+10))
	}
	x, _, err := sample.Draw(ctx, e.flow, draws, sample.Solver{}, rnd)
	if err != nil {
		return nil, err
	}
	_, n := e.flow.Manifold.Dims()
	var out []float64
	for i, in := range e.test.heldOut(x) {
		if in && len(out) < want*n {
			out = append(out, x[i*n:(i+1)*n]...)
		}
	}
	return out, nil
}
