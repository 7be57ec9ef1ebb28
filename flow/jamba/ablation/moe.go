package ablation

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"mflow/flow/jamba"
)

// Mixture is the comparison of one dense network with a mixture of experts of as many
// active parameters, on the next byte of a text. In the mixture every second
// feed-forward network is Experts experts of a half of the dense width, of which two
// work on each token. The zero value is the size of the published figures.
type Mixture struct {
	Text    []byte // one stretch of 4096 bytes in ten is held out
	Experts int    // 0 means 8
	Hidden  int    // 0 means 64
	Layers  int    // 0 means 4; the third is attention
	Length  int    // bytes per sequence; 0 means 128
	Batch   int    // sequences per step; 0 means 8
	Steps   int    // 0 means 1000
	Rate    float64
	// Unbalanced leaves out the balancing loss.
	Unbalanced bool
}

func (x Mixture) withDefaults() Mixture {
	def := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	def(&x.Experts, 8)
	def(&x.Hidden, 64)
	def(&x.Layers, 4)
	def(&x.Length, 128)
	def(&x.Batch, 8)
	def(&x.Steps, 1000)
	if x.Rate == 0 {
		x.Rate = 2e-3
	}
	return x
}

// Config returns the shape of the dense network or of the mixture.
func (x Mixture) Config(mixture bool) jamba.Config {
	x = x.withDefaults()
	cfg := jamba.DefaultConfig()
	cfg.VocabSize, cfg.TieWordEmbeddings = 256, true
	cfg.PadTokenID = -1
	cfg.HiddenSize, cfg.IntermediateSize, cfg.NumHiddenLayers = x.Hidden, 2*x.Hidden, x.Layers
	cfg.NumAttentionHeads, cfg.NumKeyValueHeads = 4, 2
	cfg.AttnLayerPeriod, cfg.AttnLayerOffset = 4, 2
	cfg.MambaDState, cfg.MambaDtRank = 8, 4
	cfg.NumExperts, cfg.NumExpertsPerTok = 1, 1
	cfg.ExpertLayerPeriod, cfg.ExpertLayerOffset = 1, 0
	cfg.RouterAuxLossCoef, cfg.InitializerRange = 0.01, 0.06
	if mixture {
		// Two experts of width H for one MLP of width 2H, in every layer.
		cfg.IntermediateSize = x.Hidden
		cfg.NumExperts, cfg.NumExpertsPerTok = x.Experts, 2
	}
	return cfg
}

// Result is what a run of Mixture ends with.
type Result struct {
	Loss   float64 // nats per byte of the held-out text
	Params int
	Active int   // parameters that work on a token
	Load   []int // choices of each expert on the held-out text; none when dense
}

// Run trains one of the two networks.
func (x Mixture) Run(mixture bool, seed uint64, each func(step int, loss float64)) (r Result, err error) {
	x = x.withDefaults()
	train, held := split(x.Text)
	if len(held) < 2*x.Length {
		return r, fmt.Errorf("ablation: %d bytes held out of a text of %d are too few for sequences of %d", len(held), len(x.Text), x.Length)
	}
	cfg := x.Config(mixture)
	m, err := jamba.New(cfg, rand.New(rand.NewPCG(seed, 1)))
	if err != nil {
		return r, err
	}
	s := jamba.Training{Rate: x.Rate, Warmup: x.Steps / 20, Steps: x.Steps}
	if x.Unbalanced {
		s.RouterAux = -1
	}
	t, err := jamba.NewTrainer(m, s)
	if err != nil {
		return r, err
	}
	rnd := rand.New(rand.NewPCG(seed, 3)) // the same batches for both networks
	for step := range x.Steps {
		in, targets := x.batch(train, rnd)
		st, err := t.Step(in, targets)
		if err != nil {
			return r, fmt.Errorf("ablation: %w", err)
		}
		if each != nil {
			each(step+1, st.Loss)
		}
	}
	// The held-out text, in sequences of the same length.
	r.Params = m.Params()
	r.Active = r.Params
	if mixture {
		r.Load = make([]int, cfg.NumExperts)
		expert := 3 * cfg.HiddenSize * cfg.IntermediateSize
		r.Active -= x.Layers * (cfg.NumExperts - cfg.NumExpertsPerTok) * expert
	}
	p, n := jamba.NewPass(m), 0
	for at := 0; at+x.Length < len(held) && n < 512; at += x.Length {
		var in jamba.Input
		in.IDs, in.Lens = bytesToIDs(held[at:at+x.Length]), []int{x.Length}
		if _, err := p.Forward(in); err != nil {
			return r, err
		}
		l, _, err := p.CrossEntropy(bytesToIDs(held[at+1:at+x.Length+1]), false)
		if err != nil {
			return r, err
		}
		r.Loss += l
		n++
		for e := range r.Load {
			r.Load[e] += p.Load()[e]
		}
	}
	r.Loss /= float64(n)
	return r, nil
}

// split puts every tenth stretch of 4096 bytes aside.
func split(text []byte) (train, held []byte) {
	const stretch = 4096
	for i := 0; len(text) > 0; i++ {
		n := min(stretch, len(text))
		if i%10 == 9 {
			held = append(held, text[:n]...)
		} else {
			train = append(train, text[:n]...)
		}
		text = text[n:]
	}
	return train, held
}

func (x Mixture) batch(text []byte, rnd *rand.Rand) (in jamba.Input, targets []int) {
	for range x.Batch {
		at := rnd.IntN(len(text) - x.Length - 1)
		in.IDs = append(in.IDs, bytesToIDs(text[at:at+x.Length])...)
		targets = append(targets, bytesToIDs(text[at+1:at+x.Length+1])...)
		in.Lens = append(in.Lens, x.Length)
	}
	return in, targets
}

func bytesToIDs(b []byte) []int {
	ids := make([]int, len(b))
	for i, c := range b {
		ids[i] = int(c)
	}
	return ids
}

// GoSource returns the source of some packages of Go's standard library, tests left
// out, as found under GOROOT: a text that every machine that builds this has.
func GoSource() ([]byte, error) {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("ablation: go env GOROOT: %w", err)
	}
	root := strings.TrimSpace(string(out))
	var text []byte
	for _, pkg := range []string{"fmt", "strings", "sort", "net/http", "encoding/json", "go/parser"} {
		files, err := filepath.Glob(filepath.Join(root, "src", pkg, "*.go"))
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			if strings.HasSuffix(f, "_test.go") || strings.Contains(f, "bundle") {
				continue
			}
			b, err := os.ReadFile(f)
			if err != nil {
				return nil, err
			}
			text = append(text, b...)
		}
	}
	if len(text) == 0 {
		return nil, fmt.Errorf("ablation: no Go source under %q", root)
	}
	return text, nil
}
