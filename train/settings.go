package train

import (
	"fmt"
	"math"

	"mflow/internal/kernel"
)

// Settings of a run. The zero value of a field means its default, given with it.
type Settings struct {
	Seed  uint64 `json:"seed" toml:"seed"`
	Steps int    `json:"steps" toml:"steps"` // 3000
	Batch int    `json:"batch" toml:"batch"` // data points a step: 256
	Monte int    `json:"monte" toml:"monte"` // Monte Carlo points a step: 1024

	// Probes is the number of Hutchinson probes a point; 0 takes the exact
	// divergence along the frame.
	Probes int `json:"probes" toml:"probes"`

	// Precision is that of the products of a step: f32, bf16x6, bf16x3, bf16, or
	// auto, which New replaces by the one that is best on this processor: auto.
	Precision string `json:"precision" toml:"precision"`

	Loss  Loss  `json:"loss" toml:"loss"`
	Adam  Adam  `json:"adam" toml:"adam"`
	Check Check `json:"check" toml:"check"`
}

// Loss holds the constants of the Moser loss.
type Loss struct {
	Lambda float64 `json:"lambda" toml:"lambda"` // weight of the negative part: 4

	// Eps is the floor ε of the density in units of the uniform density: 0.0125.
	Eps float64 `json:"eps" toml:"eps"`
}

// Adam holds the constants of the optimiser (Kingma & Ba 2015) with decoupled
// weight decay (Loshchilov & Hutter 2019), a linear warm-up, cosine decay to
// zero over the run, clipping of the gradient's norm, and an exponential moving
// average of the weights, which is what is kept.
type Adam struct {
	LearnRate float64 `json:"learn_rate" toml:"learn_rate"`     // 0.008
	WarmUp    int     `json:"warm_up" toml:"warm_up"`           // steps: 100
	Beta1     float64 `json:"beta1" toml:"beta1"`               // 0.9
	Beta2     float64 `json:"beta2" toml:"beta2"`               // 0.999
	Eps       float64 `json:"eps" toml:"eps"`                   // 1e-8
	Decay     float64 `json:"weight_decay" toml:"weight_decay"` // 0.1; negative for none
	Clip      float64 `json:"clip" toml:"clip"`                 // 5; negative for none
	Average   float64 `json:"ema" toml:"ema"`                   // 0.998; negative for none
}

// Check says how often and how exactly the run is validated.
type Check struct {
	Every    int `json:"every" toml:"every"`       // steps between checks: 100
	Points   int `json:"points" toml:"points"`     // Monte Carlo points of Z: 20000
	Patience int `json:"patience" toml:"patience"` // checks without a better score before stopping: 0, never
}

// WithDefaults returns s with defaults in place of zeros, or an error naming the
// first value that cannot be used.
func (s Settings) WithDefaults() (Settings, error) {
	ints := []struct {
		name string
		v    *int
		def  int
		min  int
	}{
		{"steps", &s.Steps, 3000, 1},
		{"batch", &s.Batch, 256, 1},
		{"monte", &s.Monte, 1024, 1},
		{"probes", &s.Probes, 0, 0},
		{"adam.warm_up", &s.Adam.WarmUp, 100, 0},
		{"check.every", &s.Check.Every, 100, 1},
		{"check.points", &s.Check.Points, 20000, 2},
		{"check.patience", &s.Check.Patience, 0, 0},
	}
	for _, f := range ints {
		if *f.v == 0 {
			*f.v = f.def
		}
		if *f.v < f.min {
			return s, fmt.Errorf("train: %s is %d, want at least %d", f.name, *f.v, f.min)
		}
	}
	if s.Precision == "" {
		s.Precision = "auto"
	}
	if _, err := kernel.ParsePrecision(s.Precision); err != nil {
		return s, fmt.Errorf("train: precision: %w", err)
	}
	reals := []struct {
		name   string
		v      *float64
		def    float64
		lo, hi float64
		off    bool // a negative value switches it off
	}{
		{"loss.lambda", &s.Loss.Lambda, 4, 0, math.Inf(1), false},
		{"loss.eps", &s.Loss.Eps, 0.0125, 0, 1, false},
		{"adam.learn_rate", &s.Adam.LearnRate, 0.008, 0, math.Inf(1), false},
		{"adam.beta1", &s.Adam.Beta1, 0.9, 0, 1, false},
		{"adam.beta2", &s.Adam.Beta2, 0.999, 0, 1, false},
		{"adam.eps", &s.Adam.Eps, 1e-8, 0, math.Inf(1), false},
		{"adam.weight_decay", &s.Adam.Decay, 0.1, 0, math.Inf(1), true},
		{"adam.clip", &s.Adam.Clip, 5, 0, math.Inf(1), true},
		{"adam.ema", &s.Adam.Average, 0.998, 0, 1, true},
	}
	for _, f := range reals {
		if *f.v == 0 {
			*f.v = f.def
		}
		if f.off && *f.v < 0 {
			*f.v = -1
			continue
		}
		if !(*f.v > f.lo && *f.v < f.hi) {
			return s, fmt.Errorf("train: %s is %g, want between %g and %g", f.name, *f.v, f.lo, f.hi)
		}
	}
	return s, nil
}
