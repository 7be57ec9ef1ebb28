package divergence

import (
	"math"
	"math/rand/v2"

	"mflow/flow"
	"mflow/manifold"
)

// A Proposal draws the points of an importance-sampled integral: from the
// uniform density, and, where the prior is not uniform, from the prior by
// halves, so that both broad and sharp parts are seen.
type Proposal struct {
	prior  flow.Prior
	m      manifold.Measurer
	logVol float64
	mixed  bool
}

// NewProposal returns the proposal of f, or an error if neither its volume is
// known nor uniform points can be drawn.
func NewProposal(f *flow.Flow) (*Proposal, error) {
	m, ok := f.Manifold.(manifold.Measurer)
	if !ok {
		return nil, errNoVolume{f.Manifold}
	}
	p := &Proposal{prior: f.Prior, m: m, logVol: math.Log(m.Volume())}
	_, uniform := f.Prior.(interface{ IsUniform() })
	p.mixed = !uniform
	return p, nil
}

type errNoVolume struct{ m manifold.Manifold }

func (e errNoVolume) Error() string {
	return "divergence: " + e.m.String() + " has no uniform sampler, which the normaliser needs"
}

// Rand fills x, B×n, with points, nu with the prior at them and w with 1/(B η),
// so that Σ wᵢ f(xᵢ) estimates the integral of f without bias.
func (p *Proposal) Rand(x, nu, w []float64, rnd *rand.Rand) {
	n := len(x) / len(w)
	vol := math.Exp(p.logVol)
	for i := range w {
		xi := x[i*n : (i+1)*n]
		if p.mixed && i%2 == 1 {
			p.prior.Rand(xi, rnd)
		} else {
			p.m.Rand(xi, rnd)
		}
		nu[i] = math.Exp(p.prior.LogProb(xi))
		eta := 1 / vol
		if p.mixed {
			eta = (eta + nu[i]) / 2
		}
		w[i] = 1 / (eta * float64(len(w)))
	}
}

// An Integral is a Monte Carlo estimate with its standard error.
type Integral struct {
	Value, SE float64
}

// Normaliser measures, with about n fresh points,
//
//	Z = ∫ μ₊ = 1 + ∫ max(0, ε - μ) ,
//
// in the second form, which the divergence theorem makes exact and whose
// integrand is bounded, and the integral of μ, which must be one. Of a flow without
// networks μ is the prior: Z is one, and fewer points are taken for the mass.
func Normaliser(f *flow.Flow, n int, rnd *rand.Rand) (z, mass Integral, err error) {
	p, err := NewProposal(f)
	if err != nil {
		return z, mass, err
	}
	if len(f.Nets) == 0 {
		n = min(n, 20_000)
	}
	const chunk = 1 << 14
	_, dim := f.Manifold.Dims()
	x := make([]float64, chunk*dim)
	nu, w, mu := make([]float64, chunk), make([]float64, chunk), make([]float64, chunk)
	d := New(f)
	var neg, all moments
	for done := 0; done < n; {
		b := min(chunk, n-done)
		b += b & 1 // the two halves of a mixed proposal stay balanced
		b = min(b, chunk)
		p.Rand(x[:b*dim], nu[:b], w[:b], rnd)
		d.Mu(mu[:b], x[:b*dim])
		for i, m := range mu[:b] {
			wi := w[i] * float64(b)
			neg.add(wi * math.Max(0, f.Eps-m))
			all.add(wi * m)
		}
		done += b
	}
	z, mass = neg.mean(), all.mean()
	z.Value++
	return z, mass, nil
}

// moments accumulates a mean and its standard error (Welford 1962).
type moments struct {
	n        int
	m, scale float64
}

func (a *moments) add(v float64) {
	a.n++
	d := v - a.m
	a.m += d / float64(a.n)
	a.scale += d * (v - a.m)
}

func (a *moments) mean() Integral {
	if a.n < 2 {
		return Integral{a.m, math.Inf(1)}
	}
	return Integral{a.m, math.Sqrt(a.scale / float64(a.n-1) / float64(a.n))}
}
