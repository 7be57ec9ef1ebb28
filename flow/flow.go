package flow

import (
	"encoding/json"
	"math/rand/v2"

	"mflow/flow/nn"
	"mflow/manifold"
)

// A Prior is a closed-form density that can be sampled, with respect to the
// Riemannian volume of the manifold. It is positive everywhere.
type Prior interface {
	// LogProb returns log ν(x), in nats.
	LogProb(x []float64) float64

	// Rand writes a point drawn from ν to x.
	Rand(x []float64, rnd *rand.Rand)
}

// A Gradient is a Prior whose log-density has a gradient in closed form.
type Gradient interface {
	Prior

	// GradLogProb writes a vector whose tangential part is the gradient of log ν at
	// x, and returns log ν(x).
	GradLogProb(dst, x []float64) float64
}

// A Flow is a Moser flow on a manifold.
type Flow struct {
	Manifold manifold.Manifold
	Prior    Prior

	// Relative says that the field is u = ν P v in place of P v, so that
	//
	//	μ/ν = 1 - div P v - ⟨∇log ν, P v⟩ .
	//
	// The prior is then a Gradient.
	Relative bool

	// Nets are the field, v = Σ vⱼ, each of n inputs and n outputs. With none the
	// density is the prior's.
	Nets []*nn.MLP

	// Eps is the floor ε of the positive part, a density.
	Eps float64

	// Z is the measured integral of μ₊ and ZSE its standard error; zero when it
	// has not been measured.
	Z, ZSE float64

	// Data and Training, which may be nil, say where the model comes from.
	Data     *DataSummary
	Training json.RawMessage
}
