package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"mflow/flow/jamba/lm"
)

// lastSteps is how a run went at its end.
type lastSteps struct{ Loss, Balance real }

// jambaSteps takes the steps of a run, reporting, recording and saving as it goes.
func (a *app) jambaSteps(ctx context.Context, dir *runDir, r *lm.Run, o *jambaTrainOptions) (lastSteps, error) {
	var loss, balance average
	end := func() lastSteps {
		if loss.n == 0 { // the run was at its end
			return lastSteps{real(math.NaN()), real(math.NaN())}
		}
		return lastSteps{real(loss.value), real(balance.value)}
	}
	log, err := openMetrics(dir.metrics(), r.N())
	if err != nil {
		return end(), err
	}
	defer log.close()
	save := func() error {
		if err := log.sync(); err != nil {
			return err
		}
		return r.Save(dir.last())
	}
	if err := save(); err != nil {
		return end(), err
	}
	total := r.Settings().Steps
	m := a.meter(r.N())
	defer m.end()
	if r.N() > 0 {
		m.say("resuming at step %d of %d", r.N(), total)
	}
	begun, saved, tokens := time.Now(), time.Now(), 0
	for s, err := range r.Steps(ctx) {
		if err != nil {
			return end(), jambaStopped(err, save, r, o)
		}
		if err := addStep(log, s); err != nil {
			return end(), err
		}
		loss.add(s.Loss)
		balance.add(s.Aux)
		tokens += s.Tokens
		m.step(s.N, total, func() string {
			note := fmt.Sprintf("loss %.3f", loss.value)
			if held := r.Held(); held > 0 {
				note += fmt.Sprintf("  held out %.3f", held)
			}
			if len(s.Load) > 1 {
				note += fmt.Sprintf("  balance %.3f  load %s", balance.value, loadRange(s.Load))
			}
			return note + fmt.Sprintf("  rate %.2g  %.1fk tokens/s", s.Rate, float64(tokens)/time.Since(begun).Seconds()/1e3)
		})
		if time.Since(saved) >= o.checkpoint {
			if err := save(); err != nil {
				return end(), err
			}
			saved = time.Now()
		}
	}
	return end(), save()
}

// loadRange writes the least and the most of what experts have to do, in shares of the
// mean.
func loadRange(load []int) string {
	sum := 0
	for _, n := range load {
		sum += n
	}
	mean := float64(max(sum, 1)) / float64(len(load))
	return fmt.Sprintf("%.2f-%.2f", float64(slices.Min(load))/mean, float64(slices.Max(load))/mean)
}

// addStep appends the row of a step to the metrics.
func addStep(m *metrics, s lm.Step) error {
	if s.Held == 0 && s.N%thin != 0 {
		return nil
	}
	r := struct {
		Step     int   `json:"step"`
		Loss     real  `json:"loss"`
		Balance  real  `json:"balance"`
		GradNorm real  `json:"grad_norm"`
		Rate     real  `json:"rate"`
		Load     []int `json:"load,omitempty"`
		Held     *real `json:"held_loss,omitempty"`
	}{Step: s.N, Loss: real(s.Loss), Balance: real(s.Aux), GradNorm: real(s.Norm), Rate: real(s.Rate)}
	if len(s.Load) > 1 {
		r.Load = s.Load
	}
	if s.Held != 0 {
		r.Held = ptr(s.Held)
	}
	raw, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = m.buf.Write(append(raw, '\n'))
	return err
}

// jambaStopped ends a run that was interrupted or went wrong. Interrupted, it is
// saved; diverged, the last checkpoint is worth more than the present state.
func jambaStopped(err error, save func() error, r *lm.Run, o *jambaTrainOptions) error {
	if !errors.Is(err, context.Canceled) {
		return err
	}
	if err := save(); err != nil {
		return err
	}
	return &interruptError{fmt.Sprintf("step %d of %d is saved; continue with mflow jamba train --resume -o %s",
		r.N(), r.Settings().Steps, strings.TrimSuffix(o.out, "/"))}
}
