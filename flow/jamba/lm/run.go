package lm

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"

	"mflow/flow/jamba"
)

// Settings say how a Run goes. The zero value is usable.
type Settings struct {
	jamba.Training
	Batch  int    // sequences a step; 0 means 8
	Length int    // tokens of a sequence, at most; 0 means 128
	Every  int    // steps between validations; 0 means 100
	Seed   uint64 // of the batches
}

// WithDefaults returns the settings with zeros replaced. Steps becomes 1000, and
// Warmup a twentieth of it.
func (s Settings) WithDefaults() Settings {
	def := func(x *int, v int) {
		if *x == 0 {
			*x = v
		}
	}
	def(&s.Batch, 8)
	def(&s.Length, 128)
	def(&s.Every, 100)
	def(&s.Steps, 1000)
	def(&s.Warmup, (s.Steps+19)/20)
	return s
}

func (s Settings) check() error {
	for _, v := range []struct {
		name  string
		value int
	}{{"batch", s.Batch}, {"length", s.Length}, {"every", s.Every}, {"steps", s.Steps}} {
		if v.value < 1 {
			return fmt.Errorf("lm: %s is %d, want at least 1", v.name, v.value)
		}
	}
	return nil
}

// Run is a training in progress.
type Run struct {
	Model  *jamba.Model
	corpus *Corpus
	set    Settings
	t      *jamba.Trainer
	held   float64 // loss at the last validation
}

// New returns a run at step 0 from the weights that the model has.
func New(m *jamba.Model, c *Corpus, s Settings) (*Run, error) {
	s = s.WithDefaults()
	if err := s.check(); err != nil {
		return nil, err
	}
	if err := c.Check(m.Config.VocabSize); err != nil {
		return nil, err
	}
	// Gradients and both moments are as large as the weights, which are here already.
	need := 12*int64(m.Params()) + m.Config.ActivationBytes(s.Batch*c.longest(s.Length), s.Checkpoint)
	if err := jamba.Fits(need); err != nil {
		return nil, fmt.Errorf("lm: training on %d sequences of %d: %w", s.Batch, c.longest(s.Length), err)
	}
	t, err := jamba.NewTrainer(m, s.Training)
	if err != nil {
		return nil, err
	}
	return &Run{Model: m, corpus: c, set: s, t: t}, nil
}

// N returns the number of steps taken.
func (r *Run) N() int { return r.t.Adam.Step }

// Settings returns the settings, with defaults filled in.
func (r *Run) Settings() Settings { return r.set }

// Held returns the loss at the last validation, 0 before the first.
func (r *Run) Held() float64 { return r.held }

// Step is what a step reports.
type Step struct {
	jamba.Step
	N      int     // counted from 1
	Tokens int     // in the batch
	Load   []int   // choices of each expert in the batch, over all mixtures
	Held   float64 // loss on what is held out, nats per token, after the step; 0 where it was not measured
}

// Steps takes the steps that are left. It yields the error that ends it, also that of ctx;
// the run stands then after its last whole step and can be saved.
func (r *Run) Steps(ctx context.Context) iter.Seq2[Step, error] {
	return func(yield func(Step, error) bool) {
		for r.N() < r.set.Steps {
			if err := ctx.Err(); err != nil {
				yield(Step{}, err)
				return
			}
			s, err := r.step()
			if !yield(s, err) || err != nil {
				return
			}
		}
	}
}

func (r *Run) step() (Step, error) {
	n := r.N() + 1
	in, targets := r.corpus.batch(r.set.Batch, r.set.Length, rand.New(rand.NewPCG(r.set.Seed, uint64(n))))
	st, err := r.t.Step(in, targets)
	if err != nil {
		return Step{}, err
	}
	s := Step{Step: st, N: n, Tokens: len(in.IDs), Load: append([]int(nil), r.t.Pass.Load()...)}
	if n%r.set.Every == 0 || n == r.set.Steps {
		r.held, err = r.Validate()
		s.Held = r.held
	}
	return s, err
}

// heldTokens bounds the tokens of a validation.
const heldTokens = 1 << 16

// Validate returns the loss on the first 65,536 tokens that are held out.
func (r *Run) Validate() (float64, error) {
	sum, n := 0.0, 0
	var in jamba.Input
	var targets []int
	measure := func() error {
		if len(targets) == 0 {
			return nil
		}
		if _, err := r.t.Pass.Forward(in); err != nil {
			return err
		}
		loss, _, err := r.t.Pass.CrossEntropy(targets, false)
		sum += loss * float64(len(targets))
		n += len(targets)
		in, targets = jamba.Input{}, targets[:0]
		return err
	}
	for _, s := range r.corpus.Held {
		for len(s) > 1 && n < heldTokens {
			k := min(len(s), r.set.Length+1)
			targets = put(&in, targets, s[:k])
			s = s[k-1:]
			if len(in.Lens) == r.set.Batch {
				if err := measure(); err != nil {
					return 0, err
				}
			}
		}
	}
	if err := measure(); err != nil {
		return 0, err
	}
	return sum / float64(n), nil
}
