package train

import (
	"encoding/json"
	"errors"
	"fmt"

	"mflow/flow"
	"mflow/flow/nn"
	"mflow/internal/safetensors"
)

// A checkpoint is a model file, so it opens as one, with the state of the run
// beside: tensors train.{params,m,v,mean,best} as long as the parameters, and
// under the metadata key "train" one JSON object, a state. Its field is the best
// so far.
type state struct {
	Settings Settings `json:"settings"`
	Step     int      `json:"step"`
	Taken    int      `json:"taken"` // steps of the optimiser
	Best     *Score   `json:"best"`  // null before the first check
	Stale    int      `json:"stale"`
	Points   int      `json:"points"` // training points, and validation points,
	Val      int      `json:"val"`    // which a resumed run must have again
}

// Kept returns the best flow so far, with the Z of its check. It shares memory
// with the run, which overwrites it when it finds a better one.
func (r *Run) Kept() *flow.Flow {
	f := *r.flow
	f.Nets = []*nn.MLP{r.net.WithParams(r.best.params)}
	f.Z, f.ZSE = r.best.check.Z, r.best.check.ZSE
	return &f
}

// Save writes a checkpoint, replacing an earlier one at once or not at all.
func (r *Run) Save(path string) error {
	meta, ts, err := r.Kept().Encode()
	if err != nil {
		return err
	}
	s := state{
		Settings: r.settings, Step: r.step, Taken: r.opt.T, Stale: r.stale,
		Points: r.size, Val: len(r.data.Val) / r.n,
	}
	if r.best.check.Step > 0 {
		s.Best = &r.best.check
	}
	raw, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("train: %w", err)
	}
	meta["train"] = string(raw)
	for _, t := range r.tensors() {
		ts = append(ts, safetensors.Float32("train."+t.name, t.data, len(t.data)))
	}
	return safetensors.Write(path, meta, ts)
}

type named struct {
	name string
	data []float32
}

func (r *Run) tensors() []named {
	return []named{
		{"params", r.net.Params},
		{"best", r.best.params},
		{"m", r.opt.M},
		{"v", r.opt.V},
		{"mean", r.opt.Mean},
	}
}

// Resume returns the run of a checkpoint, to be continued on the data it was
// started with. It goes on to the same bytes as an uninterrupted run.
func Resume(path string, data Data) (*Run, error) {
	file, err := safetensors.Open(path)
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	defer file.Close()
	r, err := resume(file, data)
	if err != nil {
		return nil, fmt.Errorf("train: %s: %w", path, err)
	}
	return r, nil
}

func resume(file *safetensors.File, data Data) (*Run, error) {
	f, err := flow.Decode(file)
	if err != nil {
		return nil, err
	}
	raw, ok := file.Metadata["train"]
	if !ok {
		return nil, errors.New("a finished model, not a checkpoint: it holds no state of the optimiser to resume from")
	}
	var s state
	if err := json.Unmarshal([]byte(raw), &s); err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	r, err := New(f, data, s.Settings)
	if err != nil {
		return nil, err
	}
	if s.Points != r.size || s.Val != len(data.Val)/r.n {
		return nil, fmt.Errorf("the run had %d training and %d validation points, but there are %d and %d: resume with the data and split it was started with",
			s.Points, s.Val, r.size, len(data.Val)/r.n)
	}
	for _, t := range r.tensors() {
		saved, err := file.Tensor("train." + t.name)
		if err != nil {
			return nil, err
		}
		x, err := saved.Float32s()
		if err != nil {
			return nil, err
		}
		if len(x) != len(t.data) {
			return nil, fmt.Errorf("tensor train.%s has %d numbers, want %d", t.name, len(x), len(t.data))
		}
		copy(t.data, x)
	}
	r.step, r.opt.T, r.stale = s.Step, s.Taken, s.Stale
	if s.Best != nil {
		r.best.check = *s.Best
	}
	return r, nil
}
