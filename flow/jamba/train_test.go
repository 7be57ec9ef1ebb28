package jamba

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"mflow/internal/kernel"
)

// Training learns a sequence by heart, and the same seed gives the same bytes.
func TestTrainer(t *testing.T) {
	cfg := oddConfigs()["mqa"]
	cfg.InitializerRange, cfg.RouterAuxLossCoef = 0.1, 0.01
	run := func(seed uint64, checkpoint bool) (*Model, float64) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		m, err := New(cfg, rnd)
		if err != nil {
			t.Fatal(err)
		}
		tr, err := NewTrainer(m, Training{Rate: 1e-2, Warmup: 10, Steps: 150, Checkpoint: checkpoint, Activation: 1e-5, Decay: 0.01})
		if err != nil {
			t.Fatal(err)
		}
		in := Input{IDs: []int{1, 5, 3, 8, 2, 9, 4, 4, 7, 6, 10, 3, 3, 2, 1}, Lens: []int{9, 6}}
		var s Step
		for range 150 {
			if s, err = tr.Step(in, nil); err != nil {
				t.Fatal(err)
			}
		}
		return m, s.Loss
	}
	a, loss := run(1, false)
	if !(loss < 0.1) {
		t.Errorf("loss %g after 150 steps", loss)
	}
	if b, _ := run(1, false); !slices.Equal(a.Weights.Flat(), b.Weights.Flat()) {
		t.Error("the same seed gave other weights")
	}
	if c, _ := run(1, true); !slices.Equal(a.Weights.Flat(), c.Weights.Flat()) {
		t.Error("checkpointing changed the weights")
	}
	if d, _ := run(2, false); slices.Equal(a.Weights.Flat(), d.Weights.Flat()) {
		t.Error("another seed gave the same weights")
	}
}

// A weight that is not a number is an error with the step in it.
func TestTrainerNaN(t *testing.T) {
	m := randomModel(t, oddConfigs()["mqa"], rand.New(rand.NewPCG(1, 1)))
	tr, err := NewTrainer(m, Training{})
	if err != nil {
		t.Fatal(err)
	}
	in := Input{IDs: []int{1, 2, 3}}
	if _, err := tr.Step(in, nil); err != nil {
		t.Fatal(err)
	}
	m.Weights.Layers[0].InputLayernorm[3] = float32(math.NaN())
	if _, err := tr.Step(in, nil); err == nil || !strings.Contains(err.Error(), "step 2") {
		t.Errorf("error is %v", err)
	}
}

// Adam's first steps by hand, and its norm, decay and schedule.
func TestOptimiser(t *testing.T) {
	a := Adam{Step: 1, M: make([]float32, 2), V: make([]float32, 2)}
	w := []float32{1, 1}
	a.update(w, []float32{4, -0.5}, 0.1, 0.5, 0.9, 0.95)
	for i, want := range []float32{0.9, 1.1} { // the first step is ±rate
		if math.Abs(float64(w[i]-want)) > 1e-6 {
			t.Errorf("w[%d] = %g, want %g", i, w[i], want)
		}
	}
	a.Step = 2
	a.update(w, []float32{0, 0}, 0.1, 1, 0.9, 0.95)
	m, v := 0.9*0.1*2/(1-0.81), 0.95*0.05*4/(1-0.9025)
	if want := 0.9 - 0.1*m/math.Sqrt(v); math.Abs(float64(w[0])-want) > 1e-6 {
		t.Errorf("w[0] = %g, want %g", w[0], want)
	}
	s := Training{Rate: 1, Warmup: 10, Steps: 110}
	for step, want := range map[int]float64{1: 0.1, 10: 1, 60: 0.55, 110: 0.1, 500: 0.1} {
		if got := s.LearningRate(step); math.Abs(got-want) > 1e-12 {
			t.Errorf("rate of step %d = %g, want %g", step, got, want)
		}
	}
	x := make([]float32, 10000)
	for i := range x {
		x[i] = 3
	}
	if got := norm(x); math.Abs(got-300) > 1e-3 {
		t.Errorf("norm = %g, want 300", got)
	}
}

// Gradients through the linear map of features are those of its formula.
func TestFeatures(t *testing.T) {
	rnd := rand.New(rand.NewPCG(14, 1))
	f := NewFeatures(3, 20, rnd)
	x, dy := randn(rnd, 7*3, 1), randn(rnd, 7*20, 1)
	for i := range f.B {
		f.B[i] = float32(i)
	}
	y := f.Forward(nil, x, 7)
	g := &Features{3, 20, make([]float32, 60), make([]float32, 20)}
	dx := make([]float32, 21)
	f.Backward(dx, dy, x, 7, g)
	for r := range 7 {
		for o := range 20 {
			want := f.B[o]
			for i := range 3 {
				want += f.W[o*3+i] * x[r*3+i]
			}
			if math.Abs(float64(y[r*20+o]-want)) > 1e-4 {
				t.Fatalf("y[%d,%d] = %g, want %g", r, o, y[r*20+o], want)
			}
		}
	}
	// y is bilinear in (x, W), so ⟨dx, x⟩ = ⟨dW, W⟩ = ⟨dy, y - b⟩.
	want := 0.0
	for r := range 7 {
		for o := range 20 {
			want += float64(dy[r*20+o] * (y[r*20+o] - f.B[o]))
		}
	}
	for _, got := range []float32{dot(dx, x), dot(g.W, f.W)} {
		if math.Abs(float64(got)-want) > 1e-4*(1+math.Abs(want)) {
			t.Errorf("inner product %g, want %g", got, want)
		}
	}
}

// What a caller can get wrong is an error that says what.
func TestInputErrors(t *testing.T) {
	m := randomModel(t, oddConfigs()["mqa"], rand.New(rand.NewPCG(1, 1)))
	p := NewPass(m)
	for name, in := range map[string]Input{
		"empty": {}, "token": {IDs: []int{1, 11}}, "negative": {IDs: []int{-1}}, "lengths": {IDs: []int{1, 2}, Lens: []int{1}},
		"zero length": {IDs: []int{1}, Lens: []int{0, 1}}, "width": {X: make([]float32, 13)},
	} {
		if _, err := p.Forward(in); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := p.Forward(Input{IDs: []int{1, 2}}); err != nil {
		t.Fatal(err)
	}
	for name, y := range map[string][]int{"short": {1}, "outside": {1, 11}, "none": {Ignore, Ignore}} {
		if _, _, err := p.CrossEntropy(y, false); err == nil {
			t.Errorf("%s targets: no error", name)
		}
	}
	if _, err := Unpad([][]int{{1, 2}}, [][]int{{0, 0}}); err == nil {
		t.Error("no error for a row of padding")
	}
}

// Gradients do not depend on the number of threads.
func TestThreads(t *testing.T) {
	defer kernel.SetThreads(0)
	rnd := rand.New(rand.NewPCG(15, 1))
	cfg := oddConfigs()["tied"]
	cfg.HiddenSize, cfg.IntermediateSize = 160, 64 // three groups of channels
	m := randomModel(t, cfg, rnd)
	in := Input{IDs: randomIDs(rnd, 300, cfg.VocabSize), Lens: []int{100, 7, 193}}
	var want []float32
	for _, threads := range []int{1, 2, 3, 5} {
		kernel.SetThreads(threads)
		p := NewPass(m)
		p.RouterAux = 0.01
		if _, err := p.Forward(in); err != nil {
			t.Fatal(err)
		}
		_, d, err := p.CrossEntropy(NextTokens(in), true)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Backward(d); err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = p.Grads.Flat()
		} else if !slices.Equal(want, p.Grads.Flat()) {
			t.Errorf("%d threads give another gradient than one", threads)
		}
	}
}
