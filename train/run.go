package train

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"time"

	"mflow/divergence"
	"mflow/flow"
	"mflow/flow/nn"
	"mflow/internal/kernel"
)

// Data is what a run learns from. Points are row-major, one per row.
type Data struct {
	Train []float64 // N×n
	Val   []float64 // validation points; empty for none

	// Nu is the prior density at the training points, of length N. It is needed
	// when the prior was fitted to them: then it must be cross-fitted, or the
	// flow finds nothing left to learn. Nil means Prior.LogProb.
	Nu []float64
}

// A Run fits one flow. It is used by one goroutine at a time.
type Run struct {
	settings Settings
	flow     *flow.Flow
	data     Data
	net      *nn.MLP // the one of flow
	n, size  int     // ambient dimension, training points

	precision kernel.Precision
	programs  map[int]*program // by data points in the batch
	proposal  *divergence.Proposal
	opt       *Optimiser
	grad      []float32
	monte     struct{ nu, w []float64 }
	source    rand.PCG // of the step under way
	rnd       *rand.Rand
	shuffle   rand.PCG // of the epoch under way
	order     []int    // permutation of the epoch
	epoch     int

	step  int
	best  best
	stale int // checks since the best
}

// best is the best state so far, by the score on validation.
type best struct {
	params []float32
	check  Score
}

// A Score is a normalised negative log-likelihood, in nats.
type Score struct {
	Step     int     `json:"step"`
	TrainNLL float64 `json:"train_nll"` // on up to as many training as validation points
	ValNLL   float64 `json:"val_nll"`
	ValSE    float64 `json:"val_se"`
	Z        float64 `json:"z"`
	ZSE      float64 `json:"z_se"`
}

// A Step reports one step of a run.
type Step struct {
	N        int     // steps done
	Loss     float64 // Moser loss of the batch
	Fit      float64 // its first part: mean log μ₊ of the data
	Penalty  float64 // its second: λ ∫ μ₋
	GradNorm float64 // before clipping
	Rate     float64 // learning rate
	Active   float64 // share of the points that the backward pass was confined to
	Seconds  float64 // of this step, with its check

	Score *Score // at checks
	Best  bool   // whether Score is the best so far
}

// ErrDiverged is wrapped by the error of a run whose loss or gradient ceased to
// be a number. The run's best state is still there.
var ErrDiverged = errors.New("training diverged")

// New returns a run that fits f, whose one network it trains in place, at step 0.
func New(f *flow.Flow, data Data, s Settings) (*Run, error) {
	s, err := s.WithDefaults()
	if err != nil {
		return nil, err
	}
	_, n := f.Manifold.Dims()
	if len(f.Nets) != 1 {
		return nil, fmt.Errorf("train: a flow of %d networks, want one to train", len(f.Nets))
	}
	net := f.Nets[0]
	if in, out := net.Dims(); in != n || out != n {
		return nil, fmt.Errorf("train: a field of R%d to R%d on %s in R%d", in, out, f.Manifold, n)
	}
	if len(data.Train) == 0 || len(data.Train)%n != 0 || len(data.Val)%n != 0 {
		return nil, fmt.Errorf("train: %d training and %d validation coordinates do not divide into points of %d",
			len(data.Train), len(data.Val), n)
	}
	r := &Run{settings: s, flow: f, net: net, data: data, n: n, size: len(data.Train) / n, programs: map[int]*program{}, epoch: -1}
	r.rnd = rand.New(&r.source)
	p, err := kernel.ParsePrecision(s.Precision)
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	r.precision = p.Resolve()
	r.settings.Precision = r.precision.String() // a resumed run keeps it, wherever it goes on
	if r.proposal, err = divergence.NewProposal(f); err != nil {
		return nil, err
	}
	vol, err := volume(f)
	if err != nil {
		return nil, err
	}
	f.Eps = s.Loss.Eps / vol
	if data.Nu == nil {
		r.data.Nu = make([]float64, r.size)
		for i := range r.data.Nu {
			r.data.Nu[i] = math.Exp(f.Prior.LogProb(data.Train[i*n : (i+1)*n]))
		}
	} else if len(data.Nu) != r.size {
		return nil, fmt.Errorf("train: %d prior densities for %d training points", len(data.Nu), r.size)
	}
	for i, nu := range r.data.Nu {
		if !(nu > 0) || math.IsInf(nu, 1) {
			return nil, fmt.Errorf("train: prior density %g at training point %d, want positive and finite", nu, i)
		}
	}
	r.grad = make([]float32, len(net.Params))
	r.opt = NewOptimiser(s.Adam, net.Params)
	r.monte.nu, r.monte.w = make([]float64, s.Monte), make([]float64, s.Monte)
	r.best.params = append([]float32(nil), net.Params...)
	r.best.check.ValNLL = math.Inf(1)
	return r, nil
}

// Settings returns the settings of the run, with defaults filled in.
func (r *Run) Settings() Settings { return r.settings }

// Step returns the number of steps done.
func (r *Run) Step() int { return r.step }

// Best returns the best score so far; its Step is 0 before the first check.
func (r *Run) Best() Score { return r.best.check }

// Steps yields the steps of the run, one at a time, until the planned number is
// done, patience ends, the context is cancelled, or an error occurs. Breaking
// off the loop leaves the run where it is; calling Steps again continues.
func (r *Run) Steps(ctx context.Context) iter.Seq2[Step, error] {
	return func(yield func(Step, error) bool) {
		for r.step < r.settings.Steps && !r.exhausted() {
			if err := ctx.Err(); err != nil {
				yield(Step{N: r.step}, err)
				return
			}
			s, err := r.one()
			if !yield(s, err) || err != nil {
				return
			}
		}
	}
}

func (r *Run) exhausted() bool {
	return r.settings.Check.Patience > 0 && r.stale >= r.settings.Check.Patience
}

// one takes one step.
func (r *Run) one() (Step, error) {
	start := time.Now()
	p, err := r.batch(r.at(r.step))
	if err != nil {
		return Step{N: r.step}, err
	}
	fit, pay := p.run(r.rnd)
	if loss := pay - fit; math.IsNaN(loss) || math.IsInf(loss, 0) {
		return Step{N: r.step}, fmt.Errorf("train: step %d: %w: loss is %g (log-density %g, penalty %g); a lower learning rate than %g may help",
			r.step, ErrDiverged, loss, fit, pay, r.settings.Adam.LearnRate)
	}
	rate := r.settings.Adam.Rate(r.opt.T, r.settings.Steps)
	norm, err := r.opt.Step(r.net.Params, r.grad, r.settings.Steps)
	if err != nil {
		return Step{N: r.step}, fmt.Errorf("train: step %d: %w: %w; a lower learning rate than %g may help",
			r.step, ErrDiverged, err, r.settings.Adam.LearnRate)
	}
	r.step++
	s := Step{N: r.step, Loss: pay - fit, Fit: fit, Penalty: pay, GradNorm: norm, Rate: rate, Active: p.active}
	if r.step%r.settings.Check.Every == 0 || r.step == r.settings.Steps {
		score, better, err := r.check()
		if err != nil {
			return s, err
		}
		s.Score, s.Best = &score, better
	}
	s.Seconds = time.Since(start).Seconds()
	return s, nil
}

// at returns the generator of a step.
func (r *Run) at(step int) *rand.Rand {
	r.source.Seed(r.settings.Seed, uint64(step))
	return r.rnd
}

// permute sets the order of the points in an epoch.
func (r *Run) permute(epoch int) {
	if r.order == nil {
		r.order = make([]int, r.size)
	}
	for i := range r.order {
		r.order[i] = i
	}
	r.shuffle.Seed(r.settings.Seed^shuffle, uint64(epoch))
	rand.New(&r.shuffle).Shuffle(r.size, func(i, j int) {
		r.order[i], r.order[j] = r.order[j], r.order[i]
	})
	r.epoch = epoch
}

// batch fills the program of this step's shape: the next rows of this epoch's
// permutation, the last batch of an epoch being whatever is left, and fresh
// Monte Carlo points.
func (r *Run) batch(rnd *rand.Rand) (*program, error) {
	per := (r.size + r.settings.Batch - 1) / r.settings.Batch
	epoch, at := r.step/per, r.step%per*r.settings.Batch
	if epoch != r.epoch {
		r.permute(epoch)
	}
	rows := r.order[at:min(at+r.settings.Batch, r.size)]
	p, ok := r.programs[len(rows)]
	if !ok {
		var err error
		k := r.settings.Probes
		if k == 0 {
			k, _ = r.flow.Manifold.Dims()
		}
		count := chunks(r.flow, len(rows)+r.settings.Monte, k)
		p, err = newProgram(r.flow, len(rows), r.settings.Monte, r.settings.Probes, count, r.flow.Eps, r.grad)
		if err != nil {
			return nil, err
		}
		p.multiply(r.precision)
		r.programs[len(rows)] = p
	}
	for i, row := range rows {
		copy(p.x[i*r.n:], r.data.Train[row*r.n:(row+1)*r.n])
		p.loss.nu[i] = float32(r.data.Nu[row])
	}
	at = len(rows)
	r.proposal.Rand(p.x[at*r.n:], r.monte.nu, r.monte.w, rnd)
	for i, nu := range r.monte.nu {
		p.loss.nu[at+i] = float32(nu)
		p.loss.pay[at+i] = float32(r.settings.Loss.Lambda * r.monte.w[i])
	}
	return p, nil
}

// shuffle and probe keep the generators of permutations and of checks apart
// from those of steps.
const shuffle, probe = 0x9e3779b97f4a7c15, 0xd1b54a32d192ed03
