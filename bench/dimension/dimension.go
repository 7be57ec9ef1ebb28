// Package dimension asks up to which dimension the penalty on the negative part
// of a Moser flow holds: it fits plain flows to densities known in closed form on
// spheres and flat tori of rising dimension, and measures what is left over.
//
// Training is a Monte Carlo integral of the negative part with some thousand
// points a step. In high dimension these points are far apart, negative mass can
// hide between them, and the normaliser
//
//	Z = ∫ μ₊ = 1 + ∫ max(0, ε - μ)
//
// shows it, if it can be measured itself. So Z is measured twice with points that
// have nothing in common: in the form on the right, with points of the uniform
// density and the prior by halves; and in the plain form, with points of the
// uniform density and the truth by halves.
package dimension

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"mflow/datasets"
	"mflow/divergence"
	"mflow/flow"
	"mflow/flow/nn"
	"mflow/flow/prior"
	"mflow/manifold"
	"mflow/train"
)

const (
	points   = 20000 // training points
	held     = 2000  // validation points
	fresh    = 20000 // points of the truth that the divergence from it is a mean over
	integral = 60000 // points of every integral

	// A broad prior has kernels no narrower than those with this relative entropy
	// to the uniform density; the kernels of "swells" have 2 nats.
	broad = 0.7
)

// A Spec is one fit of the study.
type Spec struct {
	Target   string `json:"target"`   // a synthetic density
	Manifold string `json:"manifold"` // as manifold.Parse reads it
	Prior    string `json:"prior"`    // uniform, or mixture: a fitted broad one
	Probes   int    `json:"probes"`   // of Hutchinson's estimator; 0 for the exact divergence
	Steps    int    `json:"steps"`    // of training
	Seed     uint64 `json:"seed"`
}

// String names the fit in one line; equal names are equal fits.
func (s Spec) String() string {
	return fmt.Sprintf("dimension %s on %s, prior %s, %s divergence, %d steps, seed %d", s.Target, s.Manifold, s.Prior, s.Divergence(), s.Steps, s.Seed)
}

// Divergence says how the divergence is taken in training.
func (s Spec) Divergence() string {
	if s.Probes == 0 {
		return "exact"
	}
	return fmt.Sprintf("Hutchinson, %d probe", s.Probes)
}

// Manifolds are those of the study, by kind and rising dimension.
var Manifolds = []string{"sphere:2", "sphere:3", "sphere:5", "sphere:10", "torus:2", "torus:4", "torus:7"}

// Specs returns the fits of the study: "swells", which is as far from uniform in
// every dimension, under both priors and both divergences; and "bumps", whose
// sharpness grows with the dimension, with the exact divergence.
func Specs(steps int) []Spec {
	var out []Spec
	for _, m := range Manifolds {
		for _, p := range []string{"uniform", "mixture"} {
			for probes := range 2 {
				out = append(out, Spec{"swells", m, p, probes, steps, 0})
			}
		}
	}
	for _, m := range Manifolds {
		for _, p := range []string{"uniform", "mixture"} {
			out = append(out, Spec{"bumps", m, p, 0, steps, 0})
		}
	}
	return out
}

// A Row is what one fit came to. Divergences are relative entropies of the truth
// to a density, in nats.
type Row struct {
	Spec
	Dim     int     `json:"dim"`
	Took    float64 `json:"seconds"`
	Uniform Value   `json:"kl_uniform"`
	Start   Value   `json:"kl_prior"`
	KL      Value   `json:"kl"` // of the model, normalised by Z

	Z        Value   `json:"z"`         // 1 + ∫ max(0, ε - μ), points of the proposal
	ESS      float64 `json:"z_ess"`     // effective points of that integral
	ZPlain   Value   `json:"z_plain"`   // ∫ μ₊, points of the truth and uniform ones
	Mass     Value   `json:"mass"`      // ∫ μ by the same points, which is 1
	ZFlat    Value   `json:"z_flat"`    // as Z, uniform points alone
	Negative Value   `json:"negative"`  // ∫ max(0, -μ)
	FlatESS  float64 `json:"flat_ess"`  // effective points of ZFlat
	Points   int     `json:"integrals"` // points of each integral
}

// Limits of what counts as holding.
const (
	MaxZ  = 0.05 // |Z - 1|
	MaxSE = 0.01 // standard error of Z
	Sigma = 3    // between the two normalisers
)

// Faults names what keeps the fit from holding; none if it holds.
func (r *Row) Faults() []string {
	var out []string
	add := func(bad bool, what string) {
		if bad && !slices.Contains(out, what) {
			out = append(out, what)
		}
	}
	for _, z := range []Value{r.Z, r.ZPlain} { // the first is blind where nothing was found below ε
		add(!(math.Abs(z.Mean-1) <= MaxZ), "Z is off")
		add(!(z.SE <= MaxSE), "Z is uncertain")
	}
	add(!(math.Abs(r.Z.Mean-r.ZPlain.Mean) <= Sigma*math.Hypot(r.Z.SE, r.ZPlain.SE)), "the two Z differ")
	add(!(r.KL.Mean < r.Start.Mean-2*math.Hypot(r.KL.SE, r.Start.SE)), "not better than its prior")
	return out
}

// Run fits one flow and measures it.
func Run(ctx context.Context, s Spec) (*Row, error) {
	m, err := manifold.Parse(s.Manifold)
	if err != nil {
		return nil, err
	}
	truth, err := datasets.NewSynthetic(s.Target, m)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	r := &Row{Spec: s, Points: integral}
	r.Dim, _ = m.Dims()
	f, err := fit(ctx, s, truth)
	if err != nil {
		return nil, err
	}
	r.Took = time.Since(start).Seconds()
	return r, r.measure(f, truth)
}

// fit trains the flow of s on points of the truth.
func fit(ctx context.Context, s Spec, truth *datasets.Synthetic) (*flow.Flow, error) {
	x, val := truth.Draw(points, 1+s.Seed).X, truth.Draw(held, 1000+s.Seed).X
	var nu flow.Prior = prior.Uniform{M: truth.Manifold}
	switch s.Prior {
	case "uniform":
	case "mixture":
		mix, err := prior.FitMixture(truth.Manifold, x, val, prior.MixtureOptions{
			Components: []int{1, 2, 4, 8}, MaxKappa: datasets.Concentration(truth.Manifold, broad), Seed: s.Seed,
		})
		if err != nil {
			return nil, err
		}
		nu = mix
	default:
		return nil, fmt.Errorf("dimension: unknown prior %q, want uniform or mixture", s.Prior)
	}
	field, err := flow.NewField(truth.Manifold, flow.FieldSpec{Scales: []float64{1, 2, 4}}, rand.New(rand.NewPCG(s.Seed, 1)))
	if err != nil {
		return nil, err
	}
	run, err := train.New(&flow.Flow{Manifold: truth.Manifold, Prior: nu, Nets: []*nn.MLP{field}}, train.Data{Train: x, Val: val},
		train.Settings{Seed: s.Seed, Steps: s.Steps, Probes: s.Probes, Check: train.Check{Points: 5000}})
	if err != nil {
		return nil, err
	}
	for _, err := range run.Steps(ctx) {
		if err != nil {
			return nil, err
		}
	}
	f, _, err := run.Flow(integral)
	return f, err
}

// measure fills in the divergences and the integrals of f.
func (r *Row) measure(f *flow.Flow, truth *datasets.Synthetic) error {
	d := divergence.New(f)
	_, n := f.Manifold.Dims()

	proposal, err := divergence.NewProposal(f)
	if err != nil {
		return err
	}
	x := make([]float64, integral*n)
	nu, w, mu := make([]float64, integral), make([]float64, integral), make([]float64, integral)
	proposal.Rand(x, nu, w, rand.New(rand.NewPCG(r.Seed, 11)))
	d.Mu(mu, x)
	r.Z, r.ESS = clipped(w, mu, f.Eps)
	r.Negative, _ = clipped(w, mu, 0)
	r.Negative.Mean--

	flat := 1 / truth.Manifold.Volume()
	rnd := rand.New(rand.NewPCG(r.Seed, 12))
	for i := range integral {
		truth.Manifold.Rand(x[i*n:(i+1)*n], rnd)
		w[i] = 1 / (flat * integral)
	}
	d.Mu(mu, x)
	r.ZFlat, r.FlatESS = clipped(w, mu, f.Eps)

	rnd = rand.New(rand.NewPCG(r.Seed, 13))
	plain, mass := make([]float64, integral), make([]float64, integral)
	for i := range integral {
		xi := x[i*n : (i+1)*n]
		if i%2 == 0 {
			truth.Manifold.Rand(xi, rnd)
		} else {
			truth.Rand(xi, rnd)
		}
		w[i] = 1 / ((flat + math.Exp(truth.LogProb(xi))) / 2)
	}
	d.Mu(mu, x)
	for i, m := range mu {
		plain[i], mass[i] = w[i]*math.Max(f.Eps, m), w[i]*m
	}
	r.ZPlain, r.Mass = mean(plain), mean(mass)

	x = make([]float64, fresh*n)
	own, start, uniform := make([]float64, fresh), make([]float64, fresh), make([]float64, fresh)
	rnd = rand.New(rand.NewPCG(r.Seed, 14))
	for i := range fresh {
		truth.Rand(x[i*n:(i+1)*n], rnd)
	}
	d.Eval(x, start, own, nil)
	for i := range fresh {
		p := truth.LogProb(x[i*n : (i+1)*n])
		own[i] = p - math.Log(math.Max(f.Eps, own[i])/r.Z.Mean)
		start[i] = p - math.Log(start[i])
		uniform[i] = p - math.Log(flat)
	}
	r.KL, r.Start, r.Uniform = mean(own), mean(start), mean(uniform)
	r.KL.SE = math.Hypot(r.KL.SE, r.Z.SE/r.Z.Mean)
	return nil
}
