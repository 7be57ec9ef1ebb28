package main

import (
	"math"
	"math/rand/v2"

	"mflow/datasets"
	"mflow/divergence"
	"mflow/score"
)

// A quadrature is Z by a rule that shares nothing with the Monte Carlo one.
type quadrature struct {
	Rule   string `json:"rule"`
	Points int    `json:"points"`
	Moves  int    `json:"moves"`
	Z      real   `json:"z"` // 1 + ∫ max(0, ε - μ)
	ZSE    real   `json:"z_se"`
	Mass   real   `json:"mass"` // ∫ μ, which is 1
	MassSE real   `json:"mass_se"`
	Plain  *real  `json:"z_plain"` // ∫ μ₊; null where the rule does not resolve the density
	PlainS *real  `json:"z_plain_se"`
	Sigma  real   `json:"sigma"` // difference from z in standard errors
	Agree  bool   `json:"agree"`
}

// quadrature measures Z a second time. The plain form, ∫ μ₊, is given where the
// rule resolves the density, which it shows by ∫ μ = 1.
func (e *evaluation) quadrature(points int, seed uint64) error {
	if points == 0 {
		return nil
	}
	const moves = 8
	r, err := score.NewRule(e.flow.Manifold, points/moves)
	if err != nil {
		return nil // no rule on this manifold: reported as null
	}
	d := divergence.New(e.flow)
	eps := e.flow.Eps
	var mu []float64
	means := r.Integrate(func(dst, x []float64) {
		n := len(dst) / 3
		mu = append(mu[:0], make([]float64, n)...)
		d.Mu(mu, x)
		for i, m := range mu {
			dst[3*i], dst[3*i+1], dst[3*i+2] = math.Max(0, eps-m), m, math.Max(eps, m)
		}
	}, 3, moves, rand.New(rand.NewPCG(seed, quadratureStream)))
	z, mass, plain := means[0], means[1], means[2]
	q := &quadrature{
		Rule: r.Name, Points: r.Points * moves, Moves: moves,
		Z: real(1 + z.Value), ZSE: real(z.SE), Mass: real(mass.Value), MassSE: real(mass.SE),
	}
	// Where a rule misses peaks it misses them at every move, so that its error is
	// no warning; its ∫ μ is. Half a percent of mass is 0.005 nats of any score.
	if off := math.Abs(mass.Value - 1); off < 0.005 && off < 4*mass.SE+1e-3 {
		q.Plain, q.PlainS = ptr(plain.Value), ptr(plain.SE)
	}
	// Both errors have few or rare terms: a ten-thousandth is never a disagreement.
	gap, se := float64(e.Z-q.Z), math.Hypot(float64(e.ZSE), z.SE)
	q.Sigma = real(gap / math.Max(se, 1e-12))
	q.Agree = math.Abs(gap) < 4*se+1e-4
	e.Quad = q
	return nil
}

// A calibration compares predicted masses of cells with test points.
type calibration struct {
	N         int    `json:"n"`
	Cells     int    `json:"cells"`
	Inside    int    `json:"inside"`
	Coverage  real   `json:"coverage"`
	Chi2      real   `json:"chi2"`
	DoF       int    `json:"dof"`
	P         real   `json:"p"`
	Effective real   `json:"effective_draws"`
	Within    *real  `json:"held_out_mass"` // blocked: mass of the cells held out, to which all is conditioned
	Of        []cell `json:"of"`
}

// A cell is one cell of a calibration.
type cell struct {
	Predicted real `json:"predicted"`
	SE        real `json:"se"`
	Observed  int  `json:"observed"`
	Lo        real `json:"lo"`
	Hi        real `json:"hi"`
}

// A pit is a test of one marginal.
type pit struct {
	Name string `json:"name"`
	KS   real   `json:"ks"`
	P    real   `json:"p"`
}

// cloud returns weighted points that stand for the model, and the mass of what
// they stand for: of a blocked split only the cells held out, since test points
// lie nowhere else.
func (e *evaluation) cloud(points int, seed uint64) (*score.Cloud, error) {
	d := divergence.New(e.flow)
	p := score.Density{M: e.flow.Manifold, LogProb: d.LogProb}
	if _, uniform := e.flow.Prior.(interface{ IsUniform() }); !uniform {
		p.Source = e.flow.Prior
	}
	if e.test.group != nil {
		p.LogProb = func(dst, x []float64) {
			d.LogProb(dst, x)
			for i, in := range e.test.heldOut(x) {
				if !in {
					dst[i] = math.Inf(-1)
				}
			}
		}
	}
	return score.NewCloud(p, points, rand.New(rand.NewPCG(seed, cloudStream)))
}

// heldOut tells which points lie in cells that a blocked split holds out for the
// test; without one, all do.
func (t *testPoints) heldOut(x []float64) []bool {
	_, n := t.m.Dims()
	in := make([]bool, len(x)/n)
	held := map[string]bool{}
	for _, b := range t.block {
		held[b] = true
	}
	for i := range in {
		in[i] = true
		if t.group != nil {
			b, err := datasets.Block(t.m, x[i*n:(i+1)*n])
			in[i] = err == nil && held[b]
		}
	}
	return in
}

// calibrate compares predicted masses with the test points.
func (e *evaluation) calibrate(o *evalOptions, seed uint64) error {
	if o.cloud == 0 {
		return nil
	}
	c, err := e.cloud(o.cloud, seed)
	if err != nil {
		return nil // no uniform points on this manifold: reported as null
	}
	const expected, most = 5, 100 // the classical rule of the chi-square test
	k := o.cells
	if k == 0 {
		k = max(2, min(most, e.NTest/expected))
	}
	e.cal = score.Calibrate(e.flow.Manifold, c, e.test.x, k)
	v := e.cal
	e.Coverage = ptr(v.Coverage())
	e.Calibration = &calibration{
		N: v.N, Cells: len(v.Cells), Inside: v.Inside, Coverage: *e.Coverage,
		Chi2: real(v.Chi2), DoF: v.DoF, P: real(v.P), Effective: real(v.Effective),
	}
	for _, b := range v.Cells {
		e.Calibration.Of = append(e.Calibration.Of, cell{real(b.Predicted), real(b.SE), b.Observed, real(b.Lo), real(b.Hi)})
	}
	if e.test.group != nil {
		mass, _ := c.Mass()
		e.Calibration.Within = ptr(mass)
	}
	e.pits = score.PITs(e.flow.Manifold, c, e.test.x)
	for _, p := range e.pits {
		e.PIT = append(e.PIT, pit{p.Name, real(p.KS), real(p.P)})
	}
	return nil
}
