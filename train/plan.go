package train

import (
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"mflow/divergence"
)

// Plan sets the number of steps so that the run takes about the given time
// here and now, checks included, by timing a few gradients that change nothing.
// The number is then fixed, so the learning-rate schedule and a resumed run do
// not depend on the clock; Settings tells it, and a run with that many steps and
// the same seed repeats this one.
func (r *Run) Plan(budget time.Duration) error {
	if r.step > 0 {
		return errors.New("train: a run that has begun keeps its number of steps")
	}
	const trials = 9
	var took []time.Duration
	for i := range trials + 2 { // the first two allocate
		rnd := r.at(i)
		start := time.Now()
		p, err := r.batch(rnd)
		if err != nil {
			return err
		}
		p.run(rnd)
		if i >= 2 {
			took = append(took, time.Since(start))
		}
	}
	slices.Sort(took)
	start := time.Now()
	if _, _, err := divergence.Normaliser(r.flow, r.settings.Check.Points, rand.New(rand.NewPCG(0, 0))); err != nil {
		return err
	}
	each := took[trials/2].Seconds() + time.Since(start).Seconds()/float64(r.settings.Check.Every)
	const share = 0.95 // the rest is for reading, scoring and writing
	r.settings.Steps = max(1, int(share*budget.Seconds()/each))
	return nil
}
