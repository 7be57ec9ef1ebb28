package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mflow/divergence"
	"mflow/flow"
	"mflow/score"
	"mflow/train"
)

// trainOptions are the flags of train.
type trainOptions struct {
	source   source
	prior    priorOptions
	field    fieldOptions
	effort   string
	settings train.Settings
	time     time.Duration
	points   int
	refit    bool

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
		Long: `Fit a normalised density to the points of a named data set or a file, and write
the model.

The default is a kernel density of many widths and shapes. On spheres and flat
tori, with 500 to 20,000 points, networks set its weights by what is known about
each point, unless whole cells are held out. With --time, --steps, --effort best,
or more than 20,000 points Moser flows are mixed in. A part is judged at training
points by what did not see them, a mixture from 5,000 validation points on by
half of these, to which its weight is fitted; it stays only if it adds enough,
and the command says how much. With --prior uniform, or where a manifold has no
kernels, the model is a Moser flow from the uniform density, the best one on
validation.

The run keeps a directory beside the model, model.run for model.mflow, with its
metrics (metrics.jsonl), the last checkpoint (last.ckpt) and the best model so
far (best.mflow). An interrupted run is continued by --resume and ends in the
same bytes as an uninterrupted one. With --time the number of steps is measured
at the start; with --steps the model depends on the seed alone.

Kernels choose by cross-fitting, so in the end they learn from the validation
points as well, which tell networks when to stop; --refit=false keeps these out.
Of a network on top of kernels (--field network) they always stay out. A model
that has learned from them remembers fractions such as 0.9,0,0.1, so that eval
fits its baselines to the same points.

Steps and networks go by --effort. Frequencies, batch, learning rate, weight
decay and the penalty go by how tightly the points cluster and how many there
are, unless they are given; the defaults below are those in between.`,
		Example: `  mflow train --data earthquake -o model.mflow
  mflow train --data earthquake --prior uniform --time 3m -o moser.mflow
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
		fs.StringVar(&o.effort, "effort", "good", "quick: kernels as they are; good; best: longer and\nmore networks")
		fs.StringVar((*string)(&o.field.asked), "field", "auto", "none: the prior alone; network: one on top of the prior;\nrelative: the same times the density of a mixture;\nmixture: several beside it, mixed in; auto: by --effort,\nand a mixture stays only if it proves itself")
		fs.IntVar(&o.field.nets, "nets", 0, "networks whose fields are averaged (default by --effort)")
		listVar(fs, &o.field.Hidden, "hidden", d.Hidden, "widths of the hidden layers")
		fs.BoolVar(&o.refit, "refit", true, "let kernels learn from the validation points too")
		fs.StringVar(&o.field.Activation, "activation", d.Activation, "swish, sin, tanh or softplus")
		fs.IntVar(&o.field.Waves, "waves", d.Waves, "frequencies of the input features, -1 for none")
		listVar(fs, &o.field.Scales, "scales", d.Scales, "scales of the frequencies, radians per unit length\n(for sharp data 1,4,16,64, for smooth 1,2,4)")
	})
	d, _ := train.Settings{}.WithDefaults()
	flags(cmd, "Training", func(fs *pflag.FlagSet) {
		s := &o.settings
		fs.DurationVar(&o.time, "time", 0, "train networks for about this long")
		fs.IntVar(&s.Steps, "steps", d.Steps, "or for this many steps (by --effort unless given)")
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
	if err := o.recipe(cmd, pts); err != nil {
		return err
	}
	whole := pts // what the kernels of the model learn from
	if o.refits() && len(pts.val) > 0 {
		if whole, err = o.source.withoutVal(pts); err != nil {
			return err
		}
	}
	if o.field.kind == noField {
		pts = whole
	}
	begun := time.Now()
	start, err := a.start(cmd.Context(), o, pts)
	if err != nil {
		return err
	}
	var out trained
	var f *flow.Flow
	switch o.field.kind {
	case noField:
		f = start.alone(pts)
		err = dir.create(cmd)
	case network, relative:
		f, err = a.network(cmd, dir, start, pts, o, &out)
	case mixture:
		f, err = a.mixture(cmd, dir, start, pts, whole, o, &out)
	}
	if err != nil {
		return err
	}
	if f.Training == nil {
		if f.Training, err = json.Marshal(o.settings); err != nil {
			return err
		}
	}
	if err := flow.Save(o.out, f); err != nil {
		return err
	}
	out.Seconds, out.Z, out.ZSE, out.Model = time.Since(begun).Seconds(), real(f.Z), real(f.ZSE), o.out
	if out.TrainNLL == nil {
		out.TrainNLL = ptr(start.crossed() - out.Mixture.gain())
	}
	out.Prior, out.Gate = priorName(f.Prior), start.gate
	if len(whole.val) > 0 {
		lp := make([]float64, pts.rows(pts.val))
		divergence.New(f).LogProb(lp, pts.val)
		m := score.MeanOf(lp, nil)
		out.ValNLL, out.ValSE = ptr(-m.Value), ptr(m.SE)
	}
	return a.emit(out, out.write)
}

// refits tells whether the model has kernels that learn from the validation points.
func (o *trainOptions) refits() bool {
	return o.refit && (o.prior.kind == "kde" || o.prior.kind == "gated") && o.field.kind != network
}

// trained is the result of train.
type trained struct {
	Steps    int     `json:"steps"`
	Best     int     `json:"best_step,omitempty"`
	Seconds  float64 `json:"seconds"`
	Prior    string  `json:"prior"`
	Gate     *added  `json:"gate,omitempty"`    // what learned weights added to the kernels
	Mixture  *added  `json:"mixture,omitempty"` // what flows added
	TrainNLL *real   `json:"train_nll"`         // cross-fitted where the prior is fitted
	ValNLL   *real   `json:"val_nll"`
	ValSE    *real   `json:"val_nll_se"`
	Z        real    `json:"z"`
	ZSE      real    `json:"z_se"`
	Model    string  `json:"model"`
}

// added is what a part of a model adds to the log-density of the training
// points, each judged by what did not see it.
type added struct {
	Gain   real `json:"gain"`
	SE     real `json:"gain_se"`
	Weight real `json:"weight"` // of flows in the mixture
	Kept   bool `json:"kept"`
	Fitted bool `json:"fitted,omitempty"` // to the points that the gain is measured at
}

// gain is what is kept of the gain.
func (a *added) gain() float64 {
	if a == nil || !a.Kept {
		return 0
	}
	return float64(a.Gain)
}

func (a *added) write(w io.Writer, what string) {
	if a == nil {
		return
	}
	verdict := "kept"
	if !a.Kept {
		verdict = "left out"
	}
	if a.Weight > 0 {
		what += fmt.Sprintf(" with weight %.3f", a.Weight)
	}
	where := "out of sample"
	if a.Fitted {
		where = "on half of the validation points, to which the weight is fitted"
	}
	fmt.Fprintf(w, "%s: %+.4f ±%.4f nats %s, %s\n", what, a.Gain, a.SE, where, verdict)
}

func (t trained) write(w io.Writer) {
	fmt.Fprintf(w, "%s: %s", t.Model, t.Prior)
	if t.Best > 0 {
		fmt.Fprintf(w, ", %d steps, best at %d", t.Steps, t.Best)
	}
	fmt.Fprintf(w, ", NLL %.3f in training", *t.TrainNLL)
	if t.ValNLL != nil {
		fmt.Fprintf(w, ", %.3f ±%.3f in validation", *t.ValNLL, *t.ValSE)
	}
	fmt.Fprintf(w, ", Z %.4f ±%.4f\n", t.Z, t.ZSE)
	t.Gate.write(w, "learned weights of the kernels")
	t.Mixture.write(w, "flows mixed in")
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
