package train

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"mflow/divergence"
	"mflow/flow"
	"mflow/flow/nn"
	"mflow/flow/prior"
	"mflow/score"
)

// Mixed is a density mixed with flows that were trained beside it.
type Mixed struct {
	Flow   *flow.Flow
	Weight float64 // of the flows in the mixture; with less than a thousandth there are none

	// Gain is what the flows added to the mean log-density of the points that judge,
	// none by a flow that saw it, and SE its standard error between groups.
	Gain, SE float64
}

// A Partner is a density to mix flows with.
type Partner struct {
	Prior flow.Prior
	Nu    []float64 // its cross-fitted density at the training points x
	X     []float64
	Fold  []int // of every point; flow k of those to mix has not seen fold k
	Group []int // of points that were held out together; nil if by themselves

	// Val are points that none of the flows was trained on or stopped by. If there
	// are any, they judge the mean of the flows, and X, Nu, Fold and Group are not
	// used: folds know each flow by itself, without what averaging adds.
	Val []float64

	// Final takes the place of Prior in the mixture: the same, fitted to more points.
	// Nil for Prior.
	Final flow.Prior
}

// Mix returns the mixture of a density ν with the mean of K flows on a uniform
// prior that has the largest likelihood at the training points, all cross-fitted, or
// at validation points. Since densities mix linearly it is a flow,
//
//	μ = (1-a) ν + a/vol - div (a/K) Σ uₖ .
//
// Z is measured on a tenth of `points` points.
func Mix(p Partner, flows []*flow.Flow, points int, rnd *rand.Rand) (*Mixed, error) {
	if len(flows) == 0 || p.Val == nil && len(p.Fold) != len(p.Nu) {
		return nil, fmt.Errorf("train: mixture with %d flows, of %d folds for %d densities", len(flows), len(p.Fold), len(p.Nu))
	}
	for _, f := range flows {
		if f.Relative { // to a prior that is not the mixture's
			return nil, errors.New("train: flows of relative fields cannot be mixed")
		}
	}
	nu, held, group := p.judged(flows)
	if p.Final == nil {
		p.Final = p.Prior
	}
	m := &Mixed{Flow: &flow.Flow{Manifold: flows[0].Manifold, Prior: p.Final, Z: 1}}
	eps := flows[0].Eps
	mixed := func(a float64, i int) float64 { return math.Max(a*eps, (1-a)*nu[i]+a*held[i]) }
	// What the flows have too much of counts against them, at most: ν may fill some of it.
	over, _, err := divergence.Normaliser(mean(flows), points, rnd)
	if err != nil {
		return nil, err
	}
	m.Weight = maximise(0, 0.9, func(a float64) float64 {
		sum := -float64(len(nu)) * math.Log1p(a*math.Max(0, over.Value-1))
		for i := range nu {
			sum += math.Log(mixed(a, i))
		}
		return sum
	})
	if m.Weight < 1e-3 { // worth less than the time its networks take
		m.Weight = 0
		return m, nil
	}
	blend, err := prior.NewBlend([]float64{1 - m.Weight, m.Weight}, p.Final, flows[0].Prior)
	if err != nil {
		return nil, err
	}
	f := &flow.Flow{Manifold: flows[0].Manifold, Prior: blend, Eps: m.Weight * eps}
	f.Nets = shares(flows, m.Weight)
	// Kernels are slow, and the flows' part of the negative mass is small.
	z, _, err := divergence.Normaliser(f, max(1000, points/10), rnd)
	if err != nil {
		return nil, err
	}
	f.Z, f.ZSE = z.Value, z.SE
	gains := make([]float64, len(nu))
	for i, v := range nu {
		gains[i] = math.Log(mixed(m.Weight, i) / f.Z / v)
	}
	gain := score.MeanOf(gains, group)
	m.Flow, m.Gain, m.SE = f, gain.Value, gain.SE
	return m, nil
}

// judged returns the densities of the prior and of the flows where they are judged,
// and the groups of the points there.
func (p *Partner) judged(flows []*flow.Flow) (nu, held []float64, group []int) {
	_, n := flows[0].Manifold.Dims()
	if p.Val != nil {
		nu, held = make([]float64, len(p.Val)/n), make([]float64, len(p.Val)/n)
		divergence.New(&flow.Flow{Manifold: flows[0].Manifold, Prior: p.Prior}).Mu(nu, p.Val)
		divergence.New(mean(flows)).Mu(held, p.Val)
		return nu, held, nil
	}
	held = make([]float64, len(p.Nu))
	for k, f := range flows {
		var rows []int
		var x []float64
		for i, fold := range p.Fold {
			if fold == k {
				rows = append(rows, i)
				x = append(x, p.X[i*n:(i+1)*n]...)
			}
		}
		mu := make([]float64, len(rows))
		divergence.New(f).Mu(mu, x)
		for j, i := range rows {
			held[i] = mu[j]
		}
	}
	return p.Nu, held, p.Group
}

// Average returns the mixture of flows on one prior in equal parts, which is the
// flow with the mean of their fields. Z is measured on `points` points.
func Average(flows []*flow.Flow, points int, rnd *rand.Rand) (*flow.Flow, error) {
	f := mean(flows)
	z, _, err := divergence.Normaliser(f, points, rnd)
	f.Z, f.ZSE = z.Value, z.SE
	return f, err
}

// mean is the flow with the mean of the fields, its Z not measured.
func mean(flows []*flow.Flow) *flow.Flow {
	f := *flows[0]
	f.Nets = shares(flows, 1)
	return &f
}

// shares returns the networks of the flows with outputs scaled so that their
// fields sum to the mean field times a.
func shares(flows []*flow.Flow, a float64) []*nn.MLP {
	var nets []*nn.MLP
	for _, g := range flows {
		net := g.Nets[0].WithParams(append([]float32(nil), g.Nets[0].Params...))
		net.ScaleOutput(float32(a / float64(len(flows))))
		nets = append(nets, net)
	}
	return nets
}

// maximise finds the largest value of a unimodal function by golden section.
func maximise(lo, hi float64, f func(float64) float64) float64 {
	const golden = 0.6180339887498949
	a, b := hi-golden*(hi-lo), lo+golden*(hi-lo)
	fa, fb := f(a), f(b)
	for hi-lo > 1e-3 {
		if fa > fb {
			hi, b, fb = b, a, fa
			a = hi - golden*(hi-lo)
			fa = f(a)
		} else {
			lo, a, fa = a, b, fb
			b = lo + golden*(hi-lo)
			fb = f(b)
		}
	}
	return (lo + hi) / 2
}
