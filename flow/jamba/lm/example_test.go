package lm_test

import (
	"context"
	"fmt"
	"log"
	"math/rand/v2"

	"mflow/flow/jamba"
	"mflow/flow/jamba/lm"
)

// A network of two layers learns a sequence that repeats, and continues it.
func Example() {
	ids := make([]int, 2000)
	for i := range ids {
		ids[i] = []int{1, 2, 3, 1, 4}[i%5]
	}
	corpus, err := lm.Split([][]int{ids})
	if err != nil {
		log.Fatal(err)
	}
	cfg := jamba.DefaultConfig()
	cfg.VocabSize, cfg.HiddenSize, cfg.IntermediateSize, cfg.NumHiddenLayers = 5, 16, 16, 2
	cfg.NumAttentionHeads, cfg.NumKeyValueHeads, cfg.NumExperts = 2, 1, 4
	cfg.AttnLayerPeriod, cfg.AttnLayerOffset = 2, 1
	m, err := jamba.New(cfg, rand.New(rand.NewPCG(1, 1)))
	if err != nil {
		log.Fatal(err)
	}
	r, err := lm.New(m, corpus, lm.Settings{Training: jamba.Training{Steps: 60, Rate: 1e-2}, Length: 32})
	if err != nil {
		log.Fatal(err)
	}
	for _, err := range r.Steps(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
	}
	next, err := jamba.NewDecoder(m).Generate([][]int{{1, 2, 3}}, jamba.Generation{MaxTokens: 7}, nil, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.Held() < 0.1, next[0])
	// Output: true [1 4 1 2 3 1 4]
}
