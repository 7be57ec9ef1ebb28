package jamba

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// Walk lists every float32 tensor once, and together they are the flat vector.
func TestWalk(t *testing.T) {
	for name, cfg := range oddConfigs() {
		w := NewWeights(cfg)
		for i := range w.Flat() {
			w.Flat()[i] = float32(i)
		}
		seen, at := map[string]bool{}, 0
		w.Walk(cfg, func(tensor string, shape []int, x []float32) {
			if seen[tensor] {
				t.Errorf("%s: %s twice", name, tensor)
			}
			seen[tensor] = true
			if size(shape) != len(x) || x[0] != float32(at) {
				t.Errorf("%s: %s has shape %v, %d numbers and begins at %g, want %d", name, tensor, shape, len(x), x[0], at)
			}
			at += len(x)
		})
		if at != len(w.Flat()) {
			t.Errorf("%s: tensors have %d numbers of %d", name, at, len(w.Flat()))
		}
		if seen["lm_head.weight"] == cfg.TieWordEmbeddings {
			t.Errorf("%s: lm_head listed: %v, tied: %v", name, seen["lm_head.weight"], cfg.TieWordEmbeddings)
		}
		NewWeightsWithoutExperts(cfg).Walk(cfg, func(tensor string, _ []int, _ []float32) {
			if strings.Contains(tensor, ".experts.") {
				t.Errorf("%s: %s listed without experts", name, tensor)
			}
			delete(seen, tensor)
		})
		for tensor := range seen {
			if !strings.Contains(tensor, ".experts.") {
				t.Errorf("%s: %s missing without experts", name, tensor)
			}
		}
	}
}

// The largest come first, and of equals the lowest index.
func TestTopK(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		p    []float32
		want []int32
	}{
		{[]float32{0.1, 0.4, 0.2, 0.3}, []int32{1, 3}},
		{[]float32{0.25, 0.25, 0.25, 0.25}, []int32{0, 1}},
		{[]float32{0.2, 0.3, 0.3, 0.2}, []int32{1, 2, 0}},
		{[]float32{0.5, 0.5}, []int32{0, 1}},
	} {
		got := make([]int32, len(c.want))
		topK(got, c.p)
		if !slices.Equal(got, c.want) {
			t.Errorf("topK(%v) = %v, want %v", c.p, got, c.want)
		}
	}
	topK(make([]int32, 2), []float32{nan, nan}) // must only come back
}

// The weights of a mixture are the probabilities over all experts, and slots are sorted
// by expert.
func TestRoute(t *testing.T) {
	router := []float32{1, 0, 0, 1, -1, 0} // [3, 2]
	x := []float32{3, 1, 0, 2, -2, 0.5, 1, 1}
	var tp moeTape
	tp.route(router, x, 4, 3, 2, new(arena))
	if want := []int32{0, 1, 1, 0, 2, 1, 0, 1}; !slices.Equal(tp.chosen, want) {
		t.Fatalf("chosen %v, want %v", tp.chosen, want)
	}
	if want := []int32{0, 3, 7, 8}; !slices.Equal(tp.first, want) {
		t.Errorf("first %v, want %v", tp.first, want)
	}
	for i, s := range tp.slot {
		e, tok := tp.chosen[i], i/2
		if s < tp.first[e] || s >= tp.first[e+1] || int(tp.token[s]) != tok {
			t.Errorf("choice %d of expert %d is in slot %d of token %d", i, e, s, tp.token[s])
		}
		a, b := float64(x[2*tok]), float64(x[2*tok+1])
		z := []float64{a, b, -a}[e]
		want := math.Exp(z) / (math.Exp(a) + math.Exp(b) + math.Exp(-a))
		if math.Abs(float64(tp.weight[s])-want) > 1e-6 {
			t.Errorf("weight of token %d and expert %d is %g, want %g", tok, e, tp.weight[s], want)
		}
	}
}
