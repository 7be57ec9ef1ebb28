package main

import (
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"time"

	"github.com/spf13/cobra"

	"mflow/datasets"
	"mflow/flow"
	"mflow/flow/nn"
	"mflow/flow/prior"
	"mflow/train"
)

// fieldKind says what networks do in a model.
type fieldKind string

const (
	autoField fieldKind = "auto"
	noField   fieldKind = "none"
	network   fieldKind = "network"
	relative  fieldKind = "relative"
	mixture   fieldKind = "mixture"
)

// fieldOptions say which networks a model has.
type fieldOptions struct {
	flow.FieldSpec
	asked fieldKind // on the command line
	kind  fieldKind
	nets  int
}

// A beginning is a fitted prior.
type beginning struct {
	prior flow.Prior
	nu    []float64 // cross-fitted at the training points; nil if the prior was not fitted to them
	gate  *added
}

// start fits the prior.
func (a *app) start(ctx context.Context, o *trainOptions, p *points) (*beginning, error) {
	if o.prior.kind != "gated" {
		d, nu, err := o.prior.fit(p, a.seed)
		return &beginning{prior: d, nu: nu}, err
	}
	ko, err := o.prior.kernelOptions(p, a.seed)
	if err != nil {
		return nil, err
	}
	m := a.meter(0)
	m.say("fitting kernels to %d points", p.rows(p.train))
	g, err := prior.FitGating(p.m, p.train, ko)
	if err != nil {
		return nil, err
	}
	m.say("learning their weights")
	d, err := train.Gate(ctx, g, train.GateSettings{Seed: a.seed})
	if err != nil {
		return nil, err
	}
	return &beginning{d.Kernels, d.Nu, &added{Gain: real(d.Gain), SE: real(d.SE), Kept: d.Accepted}}, nil
}

// alone is the model that is the prior and nothing else.
func (b *beginning) alone(p *points) *flow.Flow {
	if b.nu == nil {
		_, n := p.m.Dims()
		for i := 0; i < len(p.train); i += n {
			b.nu = append(b.nu, math.Exp(b.prior.LogProb(p.train[i:i+n])))
		}
	}
	return &flow.Flow{Manifold: p.m, Prior: b.prior, Z: 1, Data: p.summary}
}

// crossed is the cross-fitted score of the prior.
func (b *beginning) crossed() float64 {
	var sum float64
	for _, v := range b.nu {
		sum -= math.Log(v)
	}
	return sum / float64(len(b.nu))
}

// network trains networks on top of the prior, which differ by their seeds, and
// averages their fields.
func (a *app) network(cmd *cobra.Command, dir *runDir, b *beginning, p *points, o *trainOptions, out *trained) (*flow.Flow, error) {
	runs := make([]*train.Run, max(1, o.field.nets))
	if err := a.newRuns(runs, dir, b.prior, p, o, func(int) train.Data {
		return train.Data{Train: p.train, Val: p.val, Nu: b.nu}
	}); err != nil {
		return nil, err
	}
	if err := dir.create(cmd); err != nil {
		return nil, err
	}
	flows, scores, err := a.finish(cmd.Context(), dir, runs, o)
	if err != nil {
		return nil, err
	}
	f := flows[0]
	for _, r := range runs {
		out.Steps += r.Step()
	}
	out.TrainNLL, out.Best = ptr(scores[0].TrainNLL), runs[0].Best().Step
	if len(flows) > 1 {
		if f, err = train.Average(flows, o.points, rand.New(rand.NewPCG(a.seed, mixStream))); err != nil {
			return nil, err
		}
		nll, _ := train.NLL(f, p.train, b.nu)
		out.TrainNLL, out.Best = ptr(nll), 0
	}
	f.Training, err = json.Marshal(runs[0].Settings())
	return f, err
}

// mixture trains networks on the uniform density, each without a fold of the
// points unless the validation points are enough to judge by, and mixes them with
// the prior. That of the model is then fitted to the whole.
func (a *app) mixture(cmd *cobra.Command, dir *runDir, b *beginning, p, whole *points, o *trainOptions, out *trained) (*flow.Flow, error) {
	uniform, _, err := (&priorOptions{kind: "uniform"}).fit(p, a.seed)
	if err != nil {
		return nil, err
	}
	with := train.Partner{Prior: b.prior, Nu: b.nu, X: p.train}
	const enough = 5000
	blocked := p.summary.Protocol == datasets.Blocked.String()
	_, n := p.m.Dims()
	stop := p.val
	if p.rows(p.val) >= enough && !blocked {
		// Half of them say when to stop, so that the other half can judge.
		half := p.rows(p.val) / 2 * n
		stop, with.Val = p.val[:half], p.val[half:]
	}
	with.Fold = datasets.Folds(p.rows(p.train), o.field.nets, a.seed)
	if blocked {
		if with.Fold, err = p.set.BlockFolds(p.split.Train, o.field.nets, a.seed); err != nil {
			return nil, err
		}
		if with.Group, err = p.set.Cells(p.split.Train); err != nil {
			return nil, err
		}
	}
	runs := make([]*train.Run, o.field.nets)
	if err := a.newRuns(runs, dir, uniform, p, o, func(k int) train.Data {
		if with.Val != nil {
			return train.Data{Train: p.train, Val: stop}
		}
		var x []float64
		for i, fold := range with.Fold {
			if fold != k {
				x = append(x, p.train[i*n:(i+1)*n]...)
			}
		}
		return train.Data{Train: x, Val: stop}
	}); err != nil {
		return nil, err
	}
	if err := dir.create(cmd); err != nil {
		return nil, err
	}
	flows, _, err := a.finish(cmd.Context(), dir, runs, o)
	if err != nil {
		return nil, err
	}
	for _, r := range runs {
		out.Steps += r.Step()
	}
	if whole != p {
		again, err := a.start(cmd.Context(), o, whole)
		if err != nil {
			return nil, err
		}
		b.prior, with.Final = again.prior, again.prior
	}
	m, err := train.Mix(with, flows, o.points, rand.New(rand.NewPCG(a.seed, mixStream)))
	if err != nil {
		return nil, err
	}
	// Unasked, flows must prove themselves. Where whole places were held out, gains
	// of one standard error did not hold. Thousands of validation points do not mislead
	// the one number that is fitted to them, and have judged nothing else.
	needed := 2 * m.SE
	if with.Val != nil {
		needed = 0
	}
	asked := o.field.asked == mixture
	out.Mixture = &added{Gain: real(m.Gain), SE: real(m.SE), Weight: real(m.Weight), Kept: m.Weight > 0 && (asked || m.Gain > needed), Fitted: with.Val != nil}
	if !out.Mixture.Kept {
		m.Flow = b.alone(whole)
	}
	m.Flow.Data = whole.summary
	m.Flow.Training, err = json.Marshal(runs[0].Settings())
	return m.Flow, err
}

// newRuns fills runs with those of networks on the data that data gives. All take
// as many steps as the first, also when resumed.
func (a *app) newRuns(runs []*train.Run, dir *runDir, pr flow.Prior, p *points, o *trainOptions, data func(k int) train.Data) (err error) {
	steps := 0
	for k := range runs {
		if runs[k], err = a.newRun(dir.of(k), pr, data(k), p, o, k, steps); err != nil {
			return err
		}
		steps = runs[0].Settings().Steps
	}
	return nil
}

// newRun returns the run of network k, or under --resume that of its last
// checkpoint. With no number of steps it is planned.
func (a *app) newRun(dir *runDir, pr flow.Prior, data train.Data, p *points, o *trainOptions, k, steps int) (*train.Run, error) {
	if dir.hasCheckpoint() && o.resume {
		return train.Resume(dir.last(), data)
	}
	field, err := flow.NewField(p.m, o.field.FieldSpec, rand.New(rand.NewPCG(a.seed+uint64(k), fieldStream)))
	if err != nil {
		return nil, err
	}
	s := o.settings
	s.Seed = a.seed + uint64(k)
	if steps > 0 {
		s.Steps = steps
	}
	r, err := train.New(&flow.Flow{Manifold: p.m, Prior: pr, Relative: o.field.kind == relative, Nets: []*nn.MLP{field}, Data: p.summary}, data, s)
	if err != nil {
		return nil, err
	}
	if o.time > 0 && steps == 0 {
		err = r.Plan(o.time / time.Duration(max(1, o.field.nets)))
	}
	return r, err
}

// finish takes the steps of every run and returns the best flow of each.
func (a *app) finish(ctx context.Context, dir *runDir, runs []*train.Run, o *trainOptions) ([]*flow.Flow, []train.Score, error) {
	flows, scores := make([]*flow.Flow, len(runs)), make([]train.Score, len(runs))
	for k, r := range runs {
		sub := dir.of(k)
		err := sub.make()
		if err == nil {
			err = a.steps(ctx, sub, r, o)
		}
		if err == nil {
			flows[k], scores[k], err = r.Flow(o.points)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	return flows, scores, nil
}
