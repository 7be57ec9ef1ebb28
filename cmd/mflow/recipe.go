package main

import (
	"github.com/spf13/cobra"

	"mflow/datasets"
	"mflow/flow/prior"
)

// An effort is how long a model may take. Flows mixed with kernels add where points
// are many; elsewhere they hardly did, and only the best effort tries.
type effort struct {
	nets, steps   int // networks of a mixture, none if 0, and steps of each
	always        bool
	alone, length int // networks that are the whole field, and steps of each
}

func parseEffort(s string) (effort, error) {
	switch s {
	case "quick":
		return effort{0, 0, false, 1, 1000}, nil
	case "good":
		return effort{4, 1200, false, 1, 3000}, nil
	case "best":
		return effort{8, 4000, true, 4, 6000}, nil
	}
	return effort{}, usagef("unknown effort %q, want quick, good or best", s)
}

// sharp is the crowding beyond which data count as sharp: points then cluster at
// a hundredth of the spacing that they would have anywhere, as fires do seen by
// a satellite, or volcanoes.
const sharp = 8

// smooth is the crowding below which data count as smooth.
const smooth = 3.5

// recipe fills in what the command line left open.
func (o *trainOptions) recipe(cmd *cobra.Command, p *points) error {
	e, err := parseEffort(o.effort)
	if err != nil {
		return err
	}
	given := cmd.Flags().Changed
	if o.prior.kind == "auto" {
		if o.prior.kind = bestPrior(p); o.prior.kind == "gated" && e.nets == 0 {
			o.prior.kind = "kde"
		}
	}
	if o.prior.kind == "gated" && covered(p.m) {
		return usagef("weights of kernels are learned on spheres and flat tori, not on %s; want --prior kde", p.m)
	}
	o.field.kind = o.field.asked
	switch o.field.kind {
	case autoField:
		switch {
		case o.prior.kind == "uniform" || o.prior.mixed():
			o.field.kind = network
		case given("time"), given("steps"), e.always, e.nets > 0 && p.rows(p.train) > many:
			o.field.kind = mixture
		default:
			o.field.kind = noField
		}
	case noField, network:
	case relative:
		if o.prior.kind != "uniform" && !o.prior.mixed() {
			return usagef("--field relative needs the gradient of the prior, want --prior vmf, kent or uniform")
		}
	case mixture:
		if o.prior.kind == "uniform" || o.prior.mixed() {
			return usagef("--field mixture mixes with kernels, want --prior gated or kde")
		}
	default:
		return usagef("unknown field %q, want auto, none, network, relative or mixture", o.field.kind)
	}
	if o.field.kind == noField {
		return nil
	}
	nets, steps := e.alone, e.length
	if o.field.kind == mixture {
		nets, steps = max(e.nets, 2), max(e.steps, 400)
	}
	if !given("nets") {
		o.field.nets = nets
	}
	if !given("steps") {
		o.settings.Steps = steps
	}
	if o.field.nets < 1 || o.field.kind == mixture && o.field.nets < 2 {
		return usagef("--nets is %d, want at least 1, and 2 in a mixture", o.field.nets)
	}
	// Networks learn the noise of smooth data by frequencies that these have not.
	crowding := prior.Crowding(p.m, p.train)
	if crowding < smooth && !given("scales") {
		o.field.Scales = []float64{1, 2, 4}
	}
	if p.rows(p.train) > many {
		if !given("steps") {
			o.settings.Steps = max(o.settings.Steps, 2500)
		}
		if !given("batch") {
			o.settings.Batch = 512
		}
	}
	// Sharp data need higher frequencies, larger batches, and hardly a penalty: a
	// large weight of the negative part keeps the density from rising where it must.
	if !(crowding >= sharp) { // it may not be known
		return nil
	}
	if !given("scales") {
		o.field.Scales = []float64{1, 4, 16, 64}
	}
	// Few points of a small batch lie where the density is sharp.
	if !given("batch") {
		o.settings.Batch = 512
	}
	if !given("learn-rate") {
		o.settings.Adam.LearnRate = 0.005
	}
	if !given("lambda") {
		o.settings.Loss.Lambda = 2
	}
	if !given("weight-decay") {
		o.settings.Adam.Decay = -1
	}
	return nil
}

// many is the number of points beyond which kernels are cross-fitted on a sample
// of them, and no single kernel weighs enough for its weight to be learned.
const many = 20_000

// bestPrior is kernels where they are known and there are points enough for
// them. Learned weights did not hold where whole places were held out. On several
// sheets they would count every point several times.
func bestPrior(p *points) string {
	const few, enough = 20, 500
	switch n := p.rows(p.train); {
	case n < few, !prior.HasKernels(p.m):
		return "uniform"
	case n < enough, n > many, covered(p.m), p.summary.Protocol == datasets.Blocked.String():
		return "kde"
	}
	return "gated"
}
