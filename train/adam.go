package train

import (
	"fmt"
	"math"

	"mflow/internal/kernel"
)

// Optimiser is Adam with its state in the open, so that a checkpoint can hold
// it and a resumed run continues exactly.
type Optimiser struct {
	Settings Adam
	T        int       // steps taken
	M, V     []float32 // first and second moments of the gradient
	Mean     []float32 // moving average of the parameters
}

// NewOptimiser returns an optimiser of the given parameters, which also start
// the average.
func NewOptimiser(s Adam, params []float32) *Optimiser {
	return &Optimiser{
		Settings: s,
		M:        make([]float32, len(params)),
		V:        make([]float32, len(params)),
		Mean:     append([]float32(nil), params...),
	}
}

// Rate returns the learning rate of step t of total: linear warm-up, then a
// cosine to zero.
func (s Adam) Rate(t, total int) float64 {
	warm := min(s.WarmUp, total/10)
	if t < warm {
		return s.LearnRate * float64(t+1) / float64(warm+1)
	}
	return s.LearnRate * (1 + math.Cos(math.Pi*float64(t-warm)/float64(total-warm))) / 2
}

// Step updates the parameters by the gradient, which it clips in place, and
// returns the norm that the gradient had.
func (o *Optimiser) Step(params, grad []float32, total int) (norm float64, err error) {
	norm = math.Sqrt(kernel.SumSq(grad))
	if math.IsNaN(norm) || math.IsInf(norm, 0) {
		return norm, fmt.Errorf("norm of the gradient is %g", norm)
	}
	if c := o.Settings.Clip; c > 0 && norm > c {
		kernel.Scale(grad, float32(c/norm))
	}
	rate := o.Settings.Rate(o.T, total)
	o.T++
	t := float64(o.T)
	// The average forgets its start: over the first steps it is a plain mean.
	average := min(o.Settings.Average, (t-1)/t)
	kernel.Adam(params, grad, o.M, o.V, o.Mean, kernel.AdamCoef{
		LR:          float32(rate),
		Beta1:       float32(o.Settings.Beta1),
		Beta2:       float32(o.Settings.Beta2),
		Eps:         float32(o.Settings.Eps),
		WeightDecay: float32(max(0, o.Settings.Decay)),
		C1:          float32(1 - math.Pow(o.Settings.Beta1, t)),
		C2:          float32(1 - math.Pow(o.Settings.Beta2, t)),
		EMA:         float32(max(0, average)),
	})
	return norm, nil
}
