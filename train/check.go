package train

import (
	"fmt"
	"math"
	"math/rand/v2"

	"mflow/divergence"
	"mflow/flow"
	"mflow/flow/nn"
	"mflow/manifold"
)

func volume(f *flow.Flow) (float64, error) {
	m, ok := f.Manifold.(manifold.Measurer)
	if !ok {
		return 0, fmt.Errorf("train: the volume of %s is not known", f.Manifold)
	}
	return m.Volume(), nil
}

// average returns the flow with the averaged weights, which is what is scored
// and kept.
func (r *Run) average() *flow.Flow {
	f := *r.flow
	if r.settings.Adam.Average > 0 {
		f.Nets = []*nn.MLP{r.net.WithParams(r.opt.Mean)}
	}
	return &f
}

// check scores the averaged weights and keeps them if they are the best so far.
// Without validation points the training score decides. The Monte Carlo points
// of Z are the same at every check, so that checks compare; none of them is
// ever trained on.
func (r *Run) check() (Score, bool, error) {
	f := r.average()
	rnd := rand.New(rand.NewPCG(r.settings.Seed^probe, 0))
	z, _, err := divergence.Normaliser(f, r.settings.Check.Points, rnd)
	if err != nil {
		return Score{}, false, err
	}
	f.Z = z.Value
	s := Score{Step: r.step, Z: z.Value, ZSE: z.SE}
	rows := r.size
	if len(r.data.Val) > 0 {
		rows = min(rows, len(r.data.Val)/r.n)
		s.ValNLL, s.ValSE = nll(f, r.data.Val)
	}
	s.TrainNLL, _ = nllAt(f, r.data.Train[:rows*r.n], r.data.Nu[:rows])
	decides := s.ValNLL
	if len(r.data.Val) == 0 {
		decides = s.TrainNLL
	}
	if math.IsNaN(decides) {
		return s, false, fmt.Errorf("train: step %d: %w: the score is not a number", r.step, ErrDiverged)
	}
	const rounding = 1e-6 // nats; a smaller gain is none
	if decides < r.decisive()-rounding {
		r.best.check = s
		copy(r.best.params, f.Nets[0].Params)
		r.stale = 0
		return s, true, nil
	}
	r.stale++
	return s, false, nil
}

func (r *Run) decisive() float64 {
	if len(r.data.Val) == 0 && r.best.check.Step > 0 {
		return r.best.check.TrainNLL
	}
	return r.best.check.ValNLL
}

// nll returns the mean and standard error of -log p at the points x.
func nll(f *flow.Flow, x []float64) (mean, se float64) {
	lp := make([]float64, rowsOf(f, x))
	divergence.New(f).LogProb(lp, x)
	return meanSE(lp)
}

// NLL returns the mean and standard error of -log p at training points x. Densities
// nu, unless nil, take the place of the prior's own there, which may have been
// fitted to the points.
func NLL(f *flow.Flow, x, nu []float64) (mean, se float64) {
	if nu == nil {
		return nll(f, x)
	}
	return nllAt(f, x, nu)
}

func nllAt(f *flow.Flow, x, nu []float64) (mean, se float64) {
	mu, own := make([]float64, len(nu)), make([]float64, len(nu))
	divergence.New(f).Eval(x, own, mu, nil)
	for i, m := range mu {
		mu[i] = math.Log(math.Max(f.Eps, m-own[i]+nu[i]) / f.Z)
	}
	return meanSE(mu)
}

func rowsOf(f *flow.Flow, x []float64) int {
	_, n := f.Manifold.Dims()
	return len(x) / n
}

// meanSE returns minus the mean of x and its standard error.
func meanSE(x []float64) (mean, se float64) {
	for _, v := range x {
		mean -= v
	}
	mean /= float64(len(x))
	for _, v := range x {
		se += (v + mean) * (v + mean)
	}
	n := float64(len(x))
	return mean, math.Sqrt(se / max(1, n-1) / n)
}

// Flow returns the best flow so far. Its field is multiplied by the factor s in
// [0, 1.25] that gives the best normalised score on validation: μ = ν - s div u
// is linear in s, so the search costs one evaluation. Z is then measured on
// points not seen before, `points` of them.
func (r *Run) Flow(points int) (*flow.Flow, Score, error) {
	f := *r.flow
	f.Nets = []*nn.MLP{r.net.WithParams(append([]float32(nil), r.best.params...))}
	if len(r.data.Val) > 0 && r.best.check.Step > 0 {
		s, err := r.scale(&f)
		if err != nil {
			return nil, Score{}, err
		}
		f.Nets[0].ScaleOutput(float32(s))
	}
	z, _, err := divergence.Normaliser(&f, points, rand.New(rand.NewPCG(r.settings.Seed^probe, 1)))
	if err != nil {
		return nil, Score{}, err
	}
	f.Z, f.ZSE = z.Value, z.SE
	s := Score{Step: r.best.check.Step, Z: f.Z, ZSE: f.ZSE}
	s.TrainNLL, _ = nllAt(&f, r.data.Train, r.data.Nu)
	if len(r.data.Val) > 0 {
		s.ValNLL, s.ValSE = nll(&f, r.data.Val)
	}
	return &f, s, nil
}

// scale finds the factor of the field.
func (r *Run) scale(f *flow.Flow) (float64, error) {
	d := divergence.New(f)
	split := func(x []float64) (nu, div []float64) {
		nu, div = make([]float64, len(x)/r.n), make([]float64, len(x)/r.n)
		d.Eval(x, nu, div, nil)
		for i := range div {
			div[i] = nu[i] - div[i]
		}
		return nu, div
	}
	vnu, vdiv := split(r.data.Val)
	x := make([]float64, r.settings.Check.Points*r.n)
	nu, w := make([]float64, r.settings.Check.Points), make([]float64, r.settings.Check.Points)
	r.proposal.Rand(x, nu, w, rand.New(rand.NewPCG(r.settings.Seed^probe, 2)))
	znu, zdiv := split(x)
	score := func(s float64) float64 {
		z, ll := 1.0, 0.0
		for i, d := range zdiv {
			z += w[i] * math.Max(0, f.Eps-znu[i]+s*d)
		}
		for i, d := range vdiv {
			ll += math.Log(math.Max(f.Eps, vnu[i]-s*d))
		}
		return math.Log(z) - ll/float64(len(vdiv))
	}
	return maximise(0, 1.25, func(s float64) float64 { return -score(s) }), nil
}
