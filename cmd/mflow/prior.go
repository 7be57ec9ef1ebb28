package main

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/spf13/pflag"

	"mflow/datasets"
	"mflow/flow"
	"mflow/flow/prior"
	"mflow/internal/kernel"
	"mflow/manifold"
	"mflow/train"
)

// priorOptions say which density a flow starts from.
type priorOptions struct {
	kind  string
	floor float64
}

func (o *priorOptions) flags(fs *pflag.FlagSet) {
	fs.StringVar(&o.kind, "prior", "auto", "uniform; vmf or kent (mixtures); kde (kernels); gated\n(kernels with learned weights); auto: kde where the\nmanifold has kernels, gated for 500 to 20,000 points,\nelse uniform")
	fs.Float64Var(&o.floor, "floor", 0, "narrowest kernel, radians: on SO(3) half the angle of\nrotation, on a side of a box 1/π of it (1/2π if periodic)\n(default 1e-4 for published splits, 1e-3 for others)")
}

// mixed tells whether the prior is a mixture, fitted by the validation points.
func (o *priorOptions) mixed() bool { return o.kind == "vmf" || o.kind == "kent" }

// fit returns the prior, and its cross-fitted density at the training points if
// it was fitted to them.
func (o *priorOptions) fit(p *points, seed uint64) (flow.Prior, []float64, error) {
	switch o.kind {
	case "uniform":
		m, ok := p.m.(manifold.Measurer)
		if !ok {
			return nil, nil, fmt.Errorf("the volume of %s is not known, so it has no uniform density", p.m)
		}
		return prior.Uniform{M: m}, nil, nil
	case "vmf", "kent":
		floor := o.resolution(p)
		mo := prior.MixtureOptions{MaxKappa: 1 / (floor * floor), Seed: seed}
		if o.kind == "kent" {
			d, err := prior.FitKent(p.m, p.train, p.val, mo)
			return d, nil, err
		}
		d, err := prior.FitMixture(p.m, p.train, p.val, mo)
		return d, nil, err
	case "kde":
		return kernels(p, prior.KernelOptions{Floor: o.resolution(p), Seed: seed})
	}
	return nil, nil, usagef("unknown prior %q, want auto, uniform, vmf, kent, kde or gated", o.kind)
}

// resolution is the floor of the kernels.
func (o *priorOptions) resolution(p *points) float64 {
	if o.floor == 0 {
		return defaultFloor(p.summary.Protocol)
	}
	return o.floor
}

// kernelOptions are those of kernels cross-fitted by cells where the split is.
func (o *priorOptions) kernelOptions(p *points, seed uint64) (prior.KernelOptions, error) {
	return byCells(p, prior.KernelOptions{Floor: o.resolution(p), Seed: seed})
}

// byCells also takes a sample of many points.
func byCells(p *points, o prior.KernelOptions) (prior.KernelOptions, error) {
	if p.rows(p.train) > many && o.Sample == 0 {
		o.Sample = many / 2
	}
	if p.summary.Protocol != datasets.Blocked.String() {
		return o, nil
	}
	var err error
	o.Folds, err = p.set.BlockFolds(p.split.Train, 10, o.Seed)
	return o, err
}

// kernels fits a kernel density, cross-fitted by cells where the split is.
func kernels(p *points, o prior.KernelOptions) (flow.Prior, []float64, error) {
	o, err := byCells(p, o)
	if err != nil {
		return nil, nil, err
	}
	return prior.Fit(p.m, p.train, o)
}

// covered tells whether the kernels of m are those of a manifold that covers it.
func covered(m manifold.Manifold) bool {
	switch m.(type) {
	case manifold.Sphere, manifold.Torus:
		return false
	}
	return true
}

func priorName(p flow.Prior) string {
	switch p := p.(type) {
	case prior.Uniform:
		return "uniform"
	case *prior.Mixture:
		return fmt.Sprintf("mixture of %d kernels", len(p.Weight))
	case *prior.Kent:
		return fmt.Sprintf("mixture of %d Kent densities", len(p.Weight))
	case *prior.Kernels:
		learned := ""
		if p.Gain != nil {
			learned = " with learned weights"
		}
		return fmt.Sprintf("kernel density%s, resolution floor %g rad", learned, p.Floor)
	case *prior.Cover:
		return priorName(p.Of)
	case *prior.Blend:
		var parts []string
		for i, d := range p.Of {
			parts = append(parts, fmt.Sprintf("%.3g %s", p.Weight[i], priorName(d)))
		}
		return strings.Join(parts, " + ")
	}
	return fmt.Sprintf("%T", p)
}

// slow tells whether a density takes time in proportion to the training points.
func slow(p flow.Prior) bool {
	switch p.(type) {
	case *prior.Kernels, *prior.Cover, *prior.Blend:
		return true
	}
	return false
}

// defaultFloor is the resolution at which a protocol is scored: test points of
// published splits are often copies of training points, so a score says little
// without it.
func defaultFloor(protocol string) float64 {
	if protocol == datasets.Published.String() {
		return 1e-4
	}
	return 1e-3
}

// baselineNames are the baselines of eval, in the order of its table.
var baselineNames = []string{"uniform", "vmf_mixture", "kde"}

// baselines fits the baselines, or only the uniform one, to the training points and scores them on the
// test points beside the model's log-densities. Where no kernels are known,
// only the uniform density is left.
func baselines(p *points, model []float64, floor float64, seed uint64, fitted bool) (map[string]*baseline, error) {
	out := map[string]*baseline{}
	score := func(name string, d flow.Prior, rows []int) {
		_, n := p.m.Dims()
		lp := make([]float64, len(rows))
		kernel.Parallel(len(rows), 1, func(lo, hi int) {
			for i := lo; i < hi; i++ {
				r := rows[i]
				lp[i] = d.LogProb(p.test[r*n : (r+1)*n])
			}
		})
		out[name] = newBaseline(rows, lp, len(model))
	}
	all := make([]int, len(model))
	for i := range all {
		all[i] = i
	}
	uniform, _, err := (&priorOptions{kind: "uniform"}).fit(p, seed)
	if err != nil {
		return nil, err
	}
	score("uniform", uniform, all)
	if !fitted {
		return out, nil
	}
	if !prior.HasKernels(p.m) {
		return out, nil
	}
	fit, val := p.train, p.val
	if _, n := p.m.Dims(); len(val) == 0 { // rows were shuffled when they were split
		cut := len(fit) / n * 9 / 10 * n
		fit, val = fit[:cut], fit[cut:]
	}
	if len(val) > 0 && !covered(p.m) {
		d, err := prior.FitMixture(p.m, fit, val, prior.MixtureOptions{MaxKappa: 1 / (floor * floor), Seed: seed})
		if err != nil {
			return nil, err
		}
		score("vmf_mixture", d, all)
	}
	const enough = 10_000 // points to fit the weights on
	d, _, err := kernels(p, prior.KernelOptions{Floor: floor, Seed: seed, Sample: enough})
	if err != nil {
		return nil, err
	}
	// Kernels take time in proportion to the training points at every test point.
	const work = 100_000_000
	some := rand.New(rand.NewPCG(seed, baselineStream)).Perm(len(model))
	score("kde", d, some[:min(len(some), 1+work/len(p.split.Train))])
	return out, nil
}

// saveBest writes the best model of a run so far.
func saveBest(path string, r *train.Run) error { return flow.Save(path, r.Kept()) }
