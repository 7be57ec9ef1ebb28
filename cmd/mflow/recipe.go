package main

import (
	"github.com/spf13/cobra"

	"mflow/datasets"
	"mflow/flow/prior"
	"mflow/manifold"
)

// An effort is how long a model may take.
type effort struct {
	nets  int // networks of a mixture, 0 for none
	steps int // of each
	alone int // steps of a network that is the whole model
}

func parseEffort(s string) (effort, error) {
	switch s {
	case "quick":
		return effort{0, 0, 1000}, nil
	case "good":
		return effort{4, 1200, 3000}, nil
	case "best":
		return effort{8, 4000, 12000}, nil
	}
	return effort{}, usagef("unknown effort %q, want quick, good or best", s)
}

// sharp is the crowding beyond which data count as sharp: points then cluster at
// a hundredth of the spacing that they would have anywhere, as fires do seen by
// a satellite, or volcanoes.
const sharp = 8

// recipe fills in what the command line left open.
func (o *trainOptions) recipe(cmd *cobra.Command, p *points) error {
	e, err := parseEffort(o.effort)
	if err != nil {
		return err
	}
	if o.prior.kind == "auto" {
		o.prior.kind = bestPrior(p)
	}
	switch o.field.kind {
	case autoField:
		switch {
		case o.prior.kind == "uniform" || o.prior.kind == "vmf":
			o.field.kind = network
		case e.nets == 0:
			o.field.kind = noField
		default:
			o.field.kind = mixture
		}
	case noField, network:
	case mixture:
		if o.prior.kind == "uniform" || o.prior.kind == "vmf" {
			return usagef("--field mixture mixes with kernels, want --prior gated or kde")
		}
	default:
		return unknownField(o.field.kind)
	}
	given := cmd.Flags().Changed
	if o.field.kind == mixture {
		o.field.nets = max(e.nets, 2)
	}
	if !given("steps") {
		o.settings.Steps = e.alone
		if o.field.kind == mixture {
			o.settings.Steps = max(e.steps, 400)
		}
	}
	// Sharp data need higher frequencies, and hardly a penalty: a large weight of
	// the negative part keeps the density from rising where it must.
	if prior.Crowding(p.m, p.train) < sharp {
		return nil
	}
	if !given("scales") {
		o.field.Scales = []float64{1, 4, 16, 64}
	}
	if !given("lambda") {
		o.settings.Loss.Lambda = 2
	}
	if !given("weight-decay") {
		o.settings.Adam.Decay = -1
	}
	return nil
}

// bestPrior is kernels where they are known and there are points enough for
// them. Learned weights did not hold where whole places were held out.
func bestPrior(p *points) string {
	const few, enough = 20, 500
	switch p.m.(type) {
	case manifold.Sphere, manifold.Torus:
	default:
		return "uniform"
	}
	switch n := p.rows(p.train); {
	case n < few:
		return "uniform"
	case n < enough, p.summary.Protocol == datasets.Blocked.String():
		return "kde"
	}
	return "gated"
}
