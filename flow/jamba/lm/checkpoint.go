package lm

import (
	"encoding/json"
	"fmt"
	"slices"

	"mflow/flow/jamba"
	"mflow/internal/safetensors"
)

// state is what a checkpoint knows besides its tensors.
type state struct {
	Config   jamba.Config
	Settings Settings
	Step     int
	Held     float64
	Corpus   string
}

// Save writes a checkpoint: a safetensors file of the weights and the two moments of
// Adam, with the rest in its metadata. An earlier file is replaced at once or not at
// all.
func (r *Run) Save(path string) error {
	raw, err := json.Marshal(state{r.Model.Config, r.set, r.N(), r.held, r.corpus.hash()})
	if err != nil {
		return fmt.Errorf("lm: %w", err)
	}
	var ts []safetensors.Tensor
	for i, x := range r.vectors() {
		ts = append(ts, safetensors.Float32(vectors[i], x, len(x)))
	}
	return safetensors.Write(path, map[string]string{"run": string(raw)}, ts)
}

var vectors = []string{"weights", "adam.m", "adam.v"}

func (r *Run) vectors() [][]float32 {
	return [][]float32{r.Model.Weights.Flat(), r.t.Adam.M, r.t.Adam.V}
}

// Resume returns the run of a checkpoint, which goes on as if it had never been
// stopped. The corpus must be the one it began with.
func Resume(path string, c *Corpus) (*Run, error) {
	file, err := safetensors.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var s state
	if err := json.Unmarshal([]byte(file.Metadata["run"]), &s); err != nil {
		return nil, fmt.Errorf("lm: %s is no checkpoint of a run: %w", path, err)
	}
	if err := s.Config.Validate(); err != nil {
		return nil, fmt.Errorf("lm: %s: %w", path, err)
	}
	if got := c.hash(); got != s.Corpus {
		return nil, fmt.Errorf("lm: %s was trained on other data: digest %s, want %s", path, got, s.Corpus)
	}
	if err := jamba.Fits(4 * s.Config.Info().Parameters); err != nil { // New asks for the rest
		return nil, fmt.Errorf("lm: %s: training: %w", path, err)
	}
	r, err := New(&jamba.Model{Config: s.Config, Weights: jamba.NewWeights(s.Config)}, c, s.Settings)
	if err != nil {
		return nil, err
	}
	r.t.Adam.Step, r.held = s.Step, s.Held
	for i, x := range r.vectors() {
		t, err := file.Tensor(vectors[i])
		if err != nil {
			return nil, fmt.Errorf("lm: %s: %w", path, err)
		}
		if !slices.Equal(t.Shape, []int{len(x)}) {
			return nil, fmt.Errorf("lm: %s: tensor %s has shape %v, want [%d]", path, t.Name, t.Shape, len(x))
		}
		if err := t.CopyFloat32s(x); err != nil {
			return nil, fmt.Errorf("lm: %s: %w", path, err)
		}
	}
	return r, nil
}
