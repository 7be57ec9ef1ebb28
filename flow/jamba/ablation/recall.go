package ablation

import (
	"fmt"
	"math/rand/v2"

	"mflow/flow/jamba"
)

// Kind is a choice of mixers.
type Kind int

// The three networks that Recall compares, each of two layers.
const (
	Hybrid        Kind = iota // Mamba, then attention
	AttentionOnly             // no position but the causal mask
	MambaOnly
)

var kindNames = [...]string{"hybrid", "attention", "mamba"}

func (k Kind) String() string { return kindNames[k] }

// Recall is the task of associative recall: a sequence of distinct keys, each
// followed by its value, then the keys again in another order, at each of which its
// value is to be predicted,
//
//	a 3 b 7 c 1 … | b a c …
//
// The zero value is the size of the published figures.
type Recall struct {
	Keys, Values int // alphabets; 0 means 32 and 16
	Pairs        int // pairs per sequence; 0 means 16
	Hidden       int // width; 0 means 64
	Steps        int // 0 means 800
	Batch        int // sequences per step; 0 means 32
	Rate         float64
}

func (r Recall) withDefaults() Recall {
	def := func(x *int, v int) {
		if *x == 0 {
			*x = v
		}
	}
	def(&r.Keys, 32)
	def(&r.Values, 16)
	def(&r.Pairs, 16)
	def(&r.Hidden, 64)
	def(&r.Steps, 800)
	def(&r.Batch, 32)
	if r.Rate == 0 {
		r.Rate = 2e-3
	}
	return r
}

// Config returns the shape of a network: two layers without mixtures.
func (r Recall) Config(k Kind) jamba.Config {
	r = r.withDefaults()
	cfg := jamba.DefaultConfig()
	cfg.VocabSize = 1 + r.Keys + r.Values // 0 is padding
	cfg.HiddenSize, cfg.IntermediateSize, cfg.NumHiddenLayers = r.Hidden, 2*r.Hidden, 2
	cfg.NumAttentionHeads, cfg.NumKeyValueHeads = 4, 4
	cfg.NumExperts, cfg.NumExpertsPerTok = 1, 1
	cfg.MambaDState, cfg.MambaDtRank = 4, 4
	cfg.InitializerRange = 0.06 // 0.02 is for widths of thousands
	switch k {
	case Hybrid:
		cfg.AttnLayerPeriod, cfg.AttnLayerOffset = 2, 1
	case AttentionOnly:
		cfg.AttnLayerPeriod, cfg.AttnLayerOffset = 1, 0
	case MambaOnly:
		cfg.AttnLayerPeriod, cfg.AttnLayerOffset = 4, 3
	}
	return cfg
}

// Sample appends a sequence and its targets, which are Ignore but at the keys of the
// second half.
func (r Recall) sample(in *jamba.Input, targets []int, rnd *rand.Rand) []int {
	keys := rnd.Perm(r.Keys)[:r.Pairs]
	values := make([]int, r.Pairs)
	for i := range values {
		values[i] = 1 + r.Keys + rnd.IntN(r.Values)
		in.IDs = append(in.IDs, 1+keys[i], values[i])
		targets = append(targets, jamba.Ignore, jamba.Ignore)
	}
	for _, i := range rnd.Perm(r.Pairs) {
		in.IDs = append(in.IDs, 1+keys[i])
		targets = append(targets, values[i])
	}
	in.Lens = append(in.Lens, 3*r.Pairs)
	return targets
}

func (r Recall) batch(n int, rnd *rand.Rand) (in jamba.Input, targets []int) {
	for range n {
		targets = r.sample(&in, targets, rnd)
	}
	return in, targets
}

// Run trains a network and returns its accuracy on 256 fresh sequences. Each, when
// not nil, sees every step's loss.
func (r Recall) Run(k Kind, seed uint64, each func(step int, loss float64)) (float64, error) {
	r = r.withDefaults()
	rnd := rand.New(rand.NewPCG(seed, 1))
	m, err := jamba.New(r.Config(k), rnd)
	if err != nil {
		return 0, err
	}
	t, err := jamba.NewTrainer(m, jamba.Training{Rate: r.Rate, Warmup: r.Steps / 20, Steps: r.Steps})
	if err != nil {
		return 0, err
	}
	for step := range r.Steps {
		in, targets := r.batch(r.Batch, rnd)
		s, err := t.Step(in, targets)
		if err != nil {
			return 0, fmt.Errorf("ablation: %v: %w", k, err)
		}
		if each != nil {
			each(step+1, s.Loss)
		}
	}
	in, targets := r.batch(256, rand.New(rand.NewPCG(seed, 2)))
	p := jamba.NewPass(m)
	if _, err := p.Forward(in); err != nil {
		return 0, err
	}
	logits, V := p.Logits(nil), m.Config.VocabSize
	right, asked := 0, 0
	for i, y := range targets {
		if y == jamba.Ignore {
			continue
		}
		asked++
		if (jamba.Sampling{}).Draw(logits[i*V:(i+1)*V], nil) == y {
			right++
		}
	}
	return float64(right) / float64(asked), nil
}
