package jamba_test

import (
	"fmt"
	"log"
	"math/rand/v2"

	"mflow/flow/jamba"
)

// A small network learns to count and then goes on counting.
func Example() {
	cfg := jamba.DefaultConfig()
	cfg.VocabSize, cfg.HiddenSize, cfg.IntermediateSize, cfg.NumHiddenLayers = 10, 32, 48, 2
	cfg.NumAttentionHeads, cfg.NumKeyValueHeads = 2, 1
	cfg.AttnLayerPeriod, cfg.AttnLayerOffset = 2, 1 // one layer of Mamba, one of attention
	cfg.NumExperts, cfg.InitializerRange = 4, 0.1
	m, err := jamba.New(cfg, rand.New(rand.NewPCG(1, 0)))
	if err != nil {
		log.Fatal(err)
	}
	t, err := jamba.NewTrainer(m, jamba.Training{Rate: 1e-2, Warmup: 5, Steps: 60})
	if err != nil {
		log.Fatal(err)
	}
	for range 60 {
		// Two sequences, one after another.
		in := jamba.Input{IDs: []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 5, 6, 7, 8, 9, 1, 2}, Lens: []int{12, 7}}
		if _, err := t.Step(in, nil); err != nil {
			log.Fatal(err)
		}
	}
	next, err := jamba.NewDecoder(m).Generate([][]int{{4, 5, 6}}, jamba.Generation{MaxTokens: 7}, nil, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(next[0])
	// Output: [7 8 9 1 2 3 4]
}

// Load reads a checkpoint in the Hugging Face layout.
func ExampleLoad() {
	m, err := jamba.Load("testdata/tiny")
	if err != nil {
		log.Fatal(err)
	}
	d := jamba.NewDecoder(m)
	s := d.NewState()
	logits, err := d.Prefill(s, []int{1, 7, 9})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(m.Params(), len(logits), s.Tokens())
	// Output: 151820 64 3
}

// The context of a conditional model: rows of numbers in, hidden states out, and the
// gradient of whatever is computed from them back.
func ExamplePass() {
	cfg := jamba.DefaultConfig()
	cfg.HiddenSize, cfg.IntermediateSize, cfg.NumHiddenLayers, cfg.VocabSize = 32, 32, 2, 1
	cfg.NumAttentionHeads, cfg.NumKeyValueHeads, cfg.NumExperts, cfg.NumExpertsPerTok = 2, 2, 1, 1
	cfg.AttnLayerPeriod, cfg.AttnLayerOffset = 2, 0
	rnd := rand.New(rand.NewPCG(1, 0))
	m, err := jamba.New(cfg, rnd)
	if err != nil {
		log.Fatal(err)
	}
	events := []float32{0.1, 2, 3, 0.4, 5, 6, 0.7, 8, 9} // three events of three features
	f := jamba.NewFeatures(3, 32, rnd)
	p := jamba.NewPass(m)
	hidden, err := p.Forward(jamba.Input{X: f.Forward(nil, events, 3)})
	if err != nil {
		log.Fatal(err)
	}
	dHidden := make([]float32, len(hidden))
	dHidden[2*32] = 1 // the gradient of the last event's first number
	dx, err := p.Backward(dHidden)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(hidden), len(dx), dx[0] != 0)
	// Output: 96 96 true
}
