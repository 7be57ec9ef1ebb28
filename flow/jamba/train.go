package jamba

import (
	"fmt"
	"math"

	"mflow/internal/kernel"
)

// Training says how a Trainer goes about it. The zero value is usable.
type Training struct {
	Rate       float64 // peak learning rate; 0 means 1e-3
	Warmup     int     // steps over which the rate rises from 0
	Steps      int     // after warm-up the rate falls as a cosine to a tenth at this step; 0 keeps it
	Beta1      float64 // 0 means 0.9
	Beta2      float64 // 0 means 0.95
	Decay      float64 // decoupled weight decay of matrices, not of norms, biases, A_log and D
	Clip       float64 // bound on the norm of the gradient; 0 means 1, negative none
	RouterAux  float64 // coefficient of the balancing loss; 0 means the model's, negative none
	Activation float64 // coefficient of the activation loss
	Checkpoint bool    // see Pass
}

func (s Training) withDefaults(cfg Config) Training {
	def := func(x *float64, v float64) {
		if *x == 0 {
			*x = v
		}
	}
	def(&s.Rate, 1e-3)
	def(&s.Beta1, 0.9)
	def(&s.Beta2, 0.95)
	def(&s.Clip, 1)
	def(&s.RouterAux, cfg.RouterAuxLossCoef)
	s.RouterAux = max(s.RouterAux, 0)
	return s
}

// LearningRate returns the rate of a step, counted from 1.
func (s Training) LearningRate(step int) float64 {
	if step <= s.Warmup {
		return s.Rate * float64(step) / float64(s.Warmup)
	}
	if s.Steps <= s.Warmup {
		return s.Rate
	}
	x := min(1, float64(step-s.Warmup)/float64(s.Steps-s.Warmup))
	return s.Rate * (0.1 + 0.45*(1+math.Cos(math.Pi*x)))
}

// Adam is the state of the optimiser (Kingma and Ba 2015, decoupled decay after
// Loshchilov and Hutter 2019): running means of the gradient and its square.
type Adam struct {
	Step int
	M, V []float32
}

// Trainer fits a language model. Its state is its exported fields.
type Trainer struct {
	Training
	Adam  Adam
	Pass  *Pass
	model *Model
}

// NewTrainer returns a trainer for m, whose projections must all be float32.
func NewTrainer(m *Model, s Training) (*Trainer, error) {
	t := &Trainer{Training: s.withDefaults(m.Config), Pass: NewPass(m), model: m}
	if err := t.Pass.needGrads(); err != nil {
		return nil, err
	}
	n := len(m.Weights.Flat())
	t.Adam.M, t.Adam.V = make([]float32, n), make([]float32, n)
	return t, nil
}

// Step is what a training step reports.
type Step struct {
	Loss float64 // mean cross-entropy in nats per token
	Aux  float64 // balancing loss, at best k
	Norm float64 // of the gradient before clipping
	Rate float64
}

// Step takes one optimisation step on a batch; targets as in CrossEntropy, nil for
// the next tokens of every sequence.
func (t *Trainer) Step(in Input, targets []int) (Step, error) {
	s, err := t.Gradient(in, targets)
	if err != nil {
		return s, err
	}
	return s, t.Apply(&s)
}

// Gradient adds the gradient of a batch to Pass.Grads.
func (t *Trainer) Gradient(in Input, targets []int) (s Step, err error) {
	p := t.Pass
	p.Checkpoint, p.RouterAux, p.Activation = t.Checkpoint, t.RouterAux, t.Activation
	if targets == nil {
		targets = NextTokens(in)
	}
	if _, err = p.Forward(in); err != nil {
		return s, err
	}
	loss, d, err := p.CrossEntropy(targets, true)
	if err != nil {
		return s, err
	}
	s.Loss, s.Aux = loss, p.AuxLoss()
	if math.IsNaN(loss) || math.IsInf(loss, 0) {
		return s, fmt.Errorf("jamba: loss is %g at step %d", loss, t.Adam.Step+1)
	}
	_, err = p.Backward(d)
	return s, err
}

// Apply clips the accumulated gradient, moves the weights and clears the gradient.
func (t *Trainer) Apply(s *Step) error {
	g := t.Pass.Grads.Flat()
	s.Norm = norm(g)
	if math.IsNaN(s.Norm) || math.IsInf(s.Norm, 0) {
		return fmt.Errorf("jamba: norm of the gradient is %g at step %d, loss %g", s.Norm, t.Adam.Step+1, s.Loss)
	}
	factor := 1.0
	if t.Clip > 0 && s.Norm > t.Clip {
		factor = t.Clip / s.Norm
	}
	t.Adam.Step++
	s.Rate = t.LearningRate(t.Adam.Step)
	if t.Decay > 0 {
		t.model.Weights.Walk(t.model.Config, func(name string, shape []int, x []float32) {
			if len(shape) > 1 && !isALog(name) {
				scale(x, float32(1-s.Rate*t.Decay))
			}
		})
	}
	t.Adam.update(t.model.Weights.Flat(), g, s.Rate, factor, t.Beta1, t.Beta2)
	clear(g)
	return nil
}

func isALog(name string) bool {
	const suffix = ".A_log"
	return len(name) > len(suffix) && name[len(name)-len(suffix):] == suffix
}

// norm returns the Euclidean norm, in float64 over stretches of 4096.
func norm(x []float32) float64 {
	s := 0.0
	for len(x) > 0 {
		k := min(len(x), 4096)
		s += float64(dot(x[:k], x[:k]))
		x = x[k:]
	}
	return math.Sqrt(s)
}

// adamEps keeps the update finite where a gradient has always been zero.
const adamEps = 1e-8

// update moves w against g times factor; g is overwritten.
func (a *Adam) update(w, g []float32, rate, factor, beta1, beta2 float64) {
	if factor != 1 {
		scale(g, float32(factor))
	}
	kernel.Adam(w, g, a.M, a.V, nil, kernel.AdamCoef{
		LR: float32(rate), Beta1: float32(beta1), Beta2: float32(beta2), Eps: adamEps,
		C1: float32(1 - math.Pow(beta1, float64(a.Step))), C2: float32(1 - math.Pow(beta2, float64(a.Step))),
	})
}
