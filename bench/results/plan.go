package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"mflow/bench/dimension"
)

// Budgets. Plain flows take steps, not time, so that a cell is a function of its
// command line whatever else the machine does: a step takes about 6 ms of an idle
// core on S², with its share of the checks. What the whole takes, -list says.
const (
	plainPublished = 3000 // steps of each network of a plain Moser flow, published split
	plainFire      = 8000 // the same, where the density is sharpest: under three minutes
	plainBlocked   = 1000
	plainTorus     = 3000

	plainNets     = 2 // of a plain flow, whose fields are averaged
	plainFireNets = 3

	dimensionSteps = 1500 // of every fit of the dimension study

	ablationSteps = 1200 // of every fit of the ablation
	ablationSeed  = 100  // its development split, of which no score is reported
)

// What jobs take on an idle core, roughly; for the time left alone.
const (
	stepTime     = 6 * time.Millisecond
	dimensionFit = 20 * time.Second
	ablationFit  = 15 * time.Second
)

// Floors of resolution, radians.
const (
	floorPublished = "1e-4"
	floorOther     = "1e-3"
)

// Data sets by kind.
var (
	earth = []string{"volcano", "earthquake", "flood", "fire"}
	tori  = []string{"rna", "torsion"}
)

var protocols = []string{"published", apart, more, "distinct", "blocked"}

// Variants of the published split. Kernels are cross-fitted and learn from the
// validation points too; in apart they do not. more are other splits of the smallest
// set, whose scores differ most between splits.
const (
	apart = "apart"
	more  = "more"
)

// Flags of mflow eval keep an evaluation short: no trajectories, and integrals of a
// size that their errors show to be enough. Without a field Z is one by construction.
var (
	evalPlain   = []string{"--z-points", "200000", "--quad-points", "100000", "--mass-points", "50000", "--samples", "300", "--baselines", "uniform"}
	evalKernels = []string{"--z-points", "1000", "--quad-points", "0", "--mass-points", "50000", "--samples", "0", "--baselines", "uniform"}
	evalDefault = []string{"--z-points", "5000", "--quad-points", "0", "--mass-points", "50000", "--samples", "300", "--baselines", "uniform"}
)

// A method is one way to call mflow train.
type method struct {
	name, title string
	baseline    bool          // no flow: what the others must beat
	steps       bool          // takes --steps of the budget
	expect      time.Duration // of fit and score beside those steps
	args, eval  []string
}

var methods = []method{
	{"plain", "plain Moser flow, uniform prior", false, true, 8 * time.Second, []string{"--prior", "uniform"}, evalPlain},
	{"vmf", "vMF mixture", true, false, 7 * time.Second, []string{"--prior", "vmf", "--field", "none"}, evalKernels},
	{"kde", "kernels", true, false, 13 * time.Second, []string{"--prior", "kde", "--field", "none"}, evalKernels},
	{"default", "default", false, false, 60 * time.Second, nil, evalDefault},
	{"mixture", "kernels and flows mixed", false, false, 60 * time.Second, []string{"--field", "mixture"}, evalDefault},
}

// A cell is one method on one split.
type cell struct {
	Data, Split string
	Method      method
	Seed        uint64
}

func (c cell) name() string {
	return fmt.Sprintf("%s/%s/%s/%d", c.Data, c.Split, c.Method.name, c.Seed)
}

// protocol is the split as mflow knows it.
func protocol(split string) string {
	if split == apart || split == more {
		return "published"
	}
	return split
}

// learns tells whether kernels learn from the validation points. Not where the
// question is what flows, which cannot, are worth beside them.
func learns(split string) bool { return split != apart && split != "blocked" }

// steps returns those of a plain flow.
func (c cell) steps() int {
	switch {
	case !c.Method.steps:
		return 0
	case torus(c.Data):
		return plainTorus
	case c.Data == "fire" && c.Split == "published":
		return plainFire
	case c.Split == "blocked":
		return plainBlocked
	}
	return plainPublished
}

// nets returns the networks of a plain flow.
func (c cell) nets() int {
	if c.steps() == plainFire {
		return plainFireNets
	}
	return plainNets
}

func (c cell) expect() time.Duration {
	return c.Method.expect + time.Duration(c.nets()*c.steps())*stepTime
}

func torus(data string) bool { return data == "rna" || data == "torsion" }

// train returns the arguments of mflow that fit the cell, but for the model file.
func (c cell) train() []string {
	floor := floorPublished
	if c.Split == "distinct" || c.Split == "blocked" || torus(c.Data) {
		floor = floorOther // angles of tori are given to a tenth of a degree or so
	}
	a := []string{"train", "--data", c.Data, "--split", protocol(c.Split), "--split-seed", strconv.FormatUint(c.Seed, 10), "--floor", floor}
	if !learns(c.Split) && !c.Method.steps && c.Method.name != "vmf" {
		a = append(a, "--refit=false")
	}
	a = append(a, c.Method.args...)
	if n := c.steps(); n > 0 {
		a = append(a, "--nets", strconv.Itoa(c.nets()), "--steps", strconv.Itoa(n))
	}
	return append(a, "--threads", "1")
}

// eval returns the arguments of mflow that score the cell, but for the files.
func (c cell) eval() []string {
	return append(append([]string{"eval"}, c.Method.eval...), "--ode-points", "0", "--threads", "1")
}

// seedPlan says which split seeds are fitted.
type seedPlan struct{ seeds, more, blocked []uint64 }

func (p seedPlan) of(split string) []uint64 {
	switch split {
	case "blocked":
		return p.blocked
	case more:
		return p.more
	}
	return p.seeds
}

// splits returns the protocols a data set is scored in.
func splits(data string) []string {
	if torus(data) {
		return protocols[:1]
	}
	var out []string
	for _, split := range protocols {
		if split != more || data == "volcano" {
			out = append(out, split)
		}
	}
	return out
}

// methodsOf returns the methods that are scored in a protocol. Plain flows without
// copies are those of the published split, where most sets have few. With cells held
// out the default is the kernels.
func methodsOf(split string) []method {
	var out []method
	for _, m := range methods {
		switch {
		case split == "blocked" && m.name == "default", split != "blocked" && m.name == "mixture",
			split == "distinct" && m.steps, (split == apart || split == more) && m.name != "kde" && m.name != "default":
			continue
		}
		out = append(out, m)
	}
	return out
}

// cells returns the cells of the tables in their order.
func cells(p seedPlan) []cell {
	var out []cell
	for _, data := range append(append([]string{}, earth...), tori...) {
		for _, split := range splits(data) {
			for _, seed := range p.of(split) {
				for _, m := range methodsOf(split) {
					out = append(out, cell{data, split, m, seed})
				}
			}
		}
	}
	return out
}

// study returns the fits of the dimension study.
func study() []dimension.Spec { return dimension.Specs(dimensionSteps) }

// parseSeeds reads 0..4, 1,3,7 or a mixture of both.
func parseSeeds(s string) ([]uint64, error) {
	var out []uint64
	for _, part := range strings.Split(s, ",") {
		lo, hi, isRange := strings.Cut(strings.TrimSpace(part), "..")
		a, err := strconv.ParseUint(lo, 10, 63)
		b := a
		if err == nil && isRange {
			b, err = strconv.ParseUint(hi, 10, 63)
		}
		if err != nil || b < a || b-a > 1000 {
			return nil, fmt.Errorf("seeds %q: want numbers and ranges such as 0..4 or 1,3,7", s)
		}
		for ; a <= b; a++ {
			out = append(out, a)
		}
	}
	return out, nil
}
