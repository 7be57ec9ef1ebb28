package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mflow/flow"
	"mflow/train"
)

// trainOptions are the flags of train.
type trainOptions struct {
	source   source
	prior    priorOptions
	field    flow.FieldSpec
	settings train.Settings
	time     time.Duration
	points   int

	out        string
	resume     bool
	overwrite  bool
	checkpoint time.Duration
}

func (a *app) trainCmd() *cobra.Command {
	o := &trainOptions{}
	cmd := &cobra.Command{
		Use:   "train --data NAME|FILE -o MODEL",
		Short: "Fit a flow to points",
		Long: `Fit a Moser flow to the points of a named data set or a file, and write the model
that scores best on the validation split.

The run keeps a directory beside the model, model.run for model.mflow, with its
metrics (metrics.jsonl), the last checkpoint (last.ckpt) and the best model so
far (best.mflow). An interrupted run is continued by --resume and ends in the
same bytes as an uninterrupted one. With --time the number of steps is measured
at the start; with --steps the model depends on the seed alone.

Frequencies, weight decay and the penalty are chosen by how tightly the points
cluster, unless they are given.`,
		Example: `  mflow train --data earthquake --time 3m -o model.mflow
  mflow train --data points.csv --split distinct --steps 2000 -o model.mflow
  mflow train --data torsions.tsv --manifold torus --scales 1,2,4 -o model.mflow
  mflow train --resume -o model.mflow`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.train(cmd, o) },
	}
	o.source.flags(cmd, "published")
	flags(cmd, "Model", func(fs *pflag.FlagSet) {
		o.prior.flags(fs)
		d := flow.FieldSpec{}.WithDefaults()
		listVar(fs, &o.field.Hidden, "hidden", d.Hidden, "widths of the hidden layers")
		fs.StringVar(&o.field.Activation, "activation", d.Activation, "swish, sin, tanh or softplus")
		fs.IntVar(&o.field.Waves, "waves", d.Waves, "frequencies of the input features, -1 for none")
		listVar(fs, &o.field.Scales, "scales", d.Scales, "scales of the frequencies, radians per unit length\n(for sharp data 1,4,16,64)")
	})
	d, _ := train.Settings{}.WithDefaults()
	flags(cmd, "Training", func(fs *pflag.FlagSet) {
		s := &o.settings
		fs.DurationVar(&o.time, "time", 0, "train for about this long")
		fs.IntVar(&s.Steps, "steps", d.Steps, "or for this many steps")
		fs.IntVar(&s.Batch, "batch", d.Batch, "data points a step")
		fs.IntVar(&s.Monte, "monte", d.Monte, "Monte Carlo points a step")
		fs.IntVar(&s.Probes, "probes", d.Probes, "Hutchinson probes a point, 0 for the exact divergence")
		fs.StringVar(&s.Precision, "precision", d.Precision, "of matrix products: auto, f32, bf16x6, bf16x3 or bf16")
		fs.Float64Var(&s.Loss.Lambda, "lambda", d.Loss.Lambda, "weight of the negative part of the density")
		fs.Float64Var(&s.Loss.Eps, "eps", d.Loss.Eps, "floor of the density, in units of the uniform density")
		fs.Float64Var(&s.Adam.LearnRate, "learn-rate", d.Adam.LearnRate, "learning rate after warm-up")
		fs.IntVar(&s.Adam.WarmUp, "warm-up", d.Adam.WarmUp, "steps of warm-up")
		fs.Float64Var(&s.Adam.Decay, "weight-decay", d.Adam.Decay, "weight decay, -1 for none")
		fs.Float64Var(&s.Adam.Clip, "clip", d.Adam.Clip, "largest norm of the gradient, -1 for no clipping")
		fs.Float64Var(&s.Adam.Average, "ema", d.Adam.Average, "moving average of the weights, -1 for none")
		fs.IntVar(&s.Check.Every, "check-every", d.Check.Every, "steps between validations")
		fs.IntVar(&s.Check.Points, "check-points", d.Check.Points, "Monte Carlo points of Z at a validation")
		fs.IntVar(&s.Check.Patience, "patience", d.Check.Patience, "stop after so many validations without a gain, 0 for never")
	})
	flags(cmd, "Output", func(fs *pflag.FlagSet) {
		fs.StringVarP(&o.out, "output", "o", "", "model `file` to write")
		fs.IntVar(&o.points, "z-points", 200000, "Monte Carlo points of the final Z")
		fs.BoolVar(&o.resume, "resume", false, "continue the run beside the model file")
		fs.BoolVar(&o.overwrite, "overwrite", false, "start over where an unfinished run is")
		fs.DurationVar(&o.checkpoint, "checkpoint", 30*time.Second, "time between checkpoints")
	})
	return cmd
}

// train fits a model: data, run, steps, model file.
func (a *app) train(cmd *cobra.Command, o *trainOptions) error {
	dir, err := openRunDir(cmd, o)
	if err != nil {
		return err
	}
	pts, err := o.source.load(cmd.Context())
	if err != nil {
		return err
	}
	o.recipe(cmd, pts)
	r, err := a.newRun(dir, pts, o)
	if err != nil {
		return err
	}
	if err := dir.create(cmd); err != nil {
		return err
	}
	begun := time.Now()
	if err := a.steps(cmd.Context(), dir, r, o); err != nil {
		return err
	}
	f, score, err := r.Flow(o.points)
	if err != nil {
		return err
	}
	f.Training, err = json.Marshal(r.Settings())
	if err != nil {
		return err
	}
	if err := flow.Save(o.out, f); err != nil {
		return err
	}
	return a.emit(trained{
		Steps: r.Step(), Seconds: time.Since(begun).Seconds(),
		TrainNLL: real(score.TrainNLL), ValNLL: validated(score, pts), Z: real(f.Z), ZSE: real(f.ZSE), Model: o.out,
	}, func(w io.Writer) {
		fmt.Fprintf(w, "%s: %d steps, best at %d, %s, Z %.4f ±%.4f\n",
			o.out, r.Step(), r.Best().Step, scores(score, len(pts.val) > 0), f.Z, f.ZSE)
	})
}

// trained is the result of train.
type trained struct {
	Steps    int     `json:"steps"`
	Seconds  float64 `json:"seconds"`
	TrainNLL real    `json:"train_nll"`
	ValNLL   *real   `json:"val_nll"`
	Z        real    `json:"z"`
	ZSE      real    `json:"z_se"`
	Model    string  `json:"model"`
}

func validated(s train.Score, p *points) *real {
	if len(p.val) == 0 {
		return nil
	}
	return ptr(s.ValNLL)
}

func scores(s train.Score, validated bool) string {
	if !validated {
		return fmt.Sprintf("NLL %.3f in training", s.TrainNLL)
	}
	return fmt.Sprintf("NLL %.3f in training, %.3f ±%.3f in validation", s.TrainNLL, s.ValNLL, s.ValSE)
}

// newRun returns the run of the options, or under --resume that of the last
// checkpoint.
func (a *app) newRun(dir *runDir, pts *points, o *trainOptions) (*train.Run, error) {
	pr, nu, err := o.prior.fit(pts, a.seed)
	if err != nil {
		return nil, err
	}
	data := train.Data{Train: pts.train, Val: pts.val, Nu: nu}
	if dir.hasCheckpoint() && o.resume {
		return train.Resume(dir.last(), data)
	}
	field, err := flow.NewField(pts.m, o.field, rand.New(rand.NewPCG(a.seed, fieldStream)))
	if err != nil {
		return nil, err
	}
	o.settings.Seed = a.seed
	r, err := train.New(&flow.Flow{Manifold: pts.m, Prior: pr, Field: field, Data: pts.summary}, data, o.settings)
	if err != nil {
		return nil, err
	}
	if o.time > 0 {
		err = r.Plan(o.time)
	}
	return r, err
}

// steps takes the steps of a run, reporting, recording and saving as it goes.
func (a *app) steps(ctx context.Context, dir *runDir, r *train.Run, o *trainOptions) error {
	log, err := openMetrics(dir.metrics(), r.Step())
	if err != nil {
		return err
	}
	defer log.close()
	save := func() error {
		if err := log.sync(); err != nil {
			return err
		}
		return dir.save(r)
	}
	if err := save(); err != nil {
		return err
	}
	total := r.Settings().Steps
	m := a.meter(r.Step())
	defer m.end()
	if r.Step() > 0 {
		m.say("resuming at step %d of %d", r.Step(), total)
	}
	saved, best := time.Now(), r.Best()
	var loss average
	for s, err := range r.Steps(ctx) {
		if err != nil {
			return a.stopped(err, save, r, o)
		}
		if err := log.add(s, best.ValSE > 0 || (s.Score != nil && s.Score.ValSE > 0)); err != nil {
			return err
		}
		loss.add(s.Loss)
		if s.Score != nil {
			best = r.Best()
		}
		m.step(s.N, total, func() string { return note(loss.value, best) })
		if time.Since(saved) >= o.checkpoint {
			if err := save(); err != nil {
				return err
			}
			saved = time.Now()
		}
	}
	return save()
}

// stopped ends a run that was interrupted or went wrong. Interrupted, it is
// saved; diverged, the last checkpoint is worth more than the present state.
func (a *app) stopped(err error, save func() error, r *train.Run, o *trainOptions) error {
	if !errors.Is(err, context.Canceled) {
		return err
	}
	if err := save(); err != nil {
		return err
	}
	return &interruptError{fmt.Sprintf("step %d of %d is saved; continue with mflow train --resume -o %s",
		r.Step(), r.Settings().Steps, o.out)}
}

// note describes the state of a run in the progress display.
func note(loss float64, best train.Score) string {
	if best.Step == 0 {
		return fmt.Sprintf("loss %.3f", loss)
	}
	nll := best.ValNLL
	if best.ValSE == 0 {
		nll = best.TrainNLL
	}
	return fmt.Sprintf("loss %.3f  best NLL %.3f  Z %.3f", loss, nll, best.Z)
}

// average is a moving average over about fifty steps, which tames the noise of
// single batches.
type average struct {
	value float64
	n     int
}

func (a *average) add(v float64) {
	a.n++
	a.value += (v - a.value) / float64(min(a.n, 50))
}
