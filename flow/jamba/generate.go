package jamba

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
)

// Sampling says how a token is drawn from logits. The zero value takes the most
// probable.
type Sampling struct {
	Temperature float64 // logits are divided by it; 0 takes the largest
	TopK        int     // only the k most probable; 0 is all
	TopP        float64 // only the fewest whose probabilities reach p; 0 is all
}

// Draw returns a token. Of equal logits the lower index counts as larger.
func (s Sampling) Draw(logits []float32, rnd *rand.Rand) int {
	best := 0
	for i, z := range logits {
		if z > logits[best] {
			best = i
		}
	}
	if s.Temperature <= 0 {
		return best
	}
	p, order := make([]float64, len(logits)), make([]int, len(logits))
	sum := 0.0
	for i, z := range logits {
		order[i] = i
		p[i] = math.Exp(float64(z-logits[best]) / s.Temperature)
		sum += p[i]
	}
	if s.TopK > 0 && s.TopK < len(p) || s.TopP > 0 && s.TopP < 1 {
		sort.SliceStable(order, func(a, b int) bool { return p[order[a]] > p[order[b]] })
		n := len(order)
		if s.TopK > 0 {
			n = min(n, s.TopK)
		}
		kept := 0.0
		for _, i := range order[:n] {
			kept += p[i]
		}
		if s.TopP > 0 {
			for c, i := 0.0, 0; i < n; i++ {
				if c += p[order[i]]; c >= s.TopP*kept {
					n = i + 1
					kept = c
				}
			}
		}
		order, sum = order[:n], kept
	}
	u := rnd.Float64() * sum
	for _, i := range order {
		if u -= p[i]; u < 0 {
			return i
		}
	}
	return order[0]
}

// Generation says how sequences are continued.
type Generation struct {
	Sampling
	MaxTokens int   // new tokens per sequence, at most
	Stop      []int // a sequence ends with any of these, which is not part of it
}

// Generate continues every prompt and returns the new tokens of each. Each, when not
// nil, is called with every new token and ends its sequence by returning false. The
// same seed gives the same tokens.
func (d *Decoder) Generate(prompts [][]int, g Generation, rnd *rand.Rand, each func(seq, id int) bool) ([][]int, error) {
	if g.MaxTokens <= 0 {
		return nil, fmt.Errorf("jamba: MaxTokens is %d", g.MaxTokens)
	}
	V := d.m.Config.VocabSize
	out := make([][]int, len(prompts))
	var (
		states []*State
		live   []int // sequence of each state
		last   []int // its newest token
	)
	// accept draws a token for sequence i and reports whether it goes on.
	accept := func(i int, logits []float32) (id int, more bool) {
		id = g.Draw(logits, rnd)
		if slices.Contains(g.Stop, id) {
			return id, false
		}
		out[i] = append(out[i], id)
		if each != nil && !each(i, id) {
			return id, false
		}
		return id, len(out[i]) < g.MaxTokens
	}
	for i, ids := range prompts {
		s := d.NewState()
		logits, err := d.Prefill(s, ids)
		if err != nil {
			return nil, fmt.Errorf("prompt %d: %w", i, err)
		}
		if id, more := accept(i, logits); more {
			states, live, last = append(states, s), append(live, i), append(last, id)
		}
	}
	for len(states) > 0 {
		logits, err := d.Step(states, last)
		if err != nil {
			return nil, err
		}
		n := 0
		for j, i := range live {
			if id, more := accept(i, logits[j*V:(j+1)*V]); more {
				states[n], live[n], last[n] = states[j], i, id
				n++
			}
		}
		states, live, last = states[:n], live[:n], last[:n]
	}
	return out, nil
}
