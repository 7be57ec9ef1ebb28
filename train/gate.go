package train

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	G "gorgonia.org/gorgonia"

	"mflow/flow/nn"
	"mflow/flow/prior"
	"mflow/internal/kernel"
	"mflow/internal/op"
	"mflow/score"
)

// GateSettings of networks that learn the weights of kernels. The zero value of
// a field means its default, given with it.
type GateSettings struct {
	Seed      uint64
	Nets      int     // networks, each without a share of the folds: 8
	Hidden    []int   // widths of their hidden layers: 32, 32
	Steps     int     // of each: 400
	Every     int     // steps between checks: 50
	LearnRate float64 // 0.003
	Decay     float64 // 0.001
}

func (s GateSettings) withDefaults() GateSettings {
	for _, f := range []struct {
		v   *int
		def int
	}{{&s.Nets, 8}, {&s.Steps, 400}, {&s.Every, 50}} {
		if *f.v == 0 {
			*f.v = f.def
		}
	}
	if len(s.Hidden) == 0 {
		s.Hidden = []int{32, 32}
	}
	if s.LearnRate == 0 {
		s.LearnRate = 0.003
	}
	if s.Decay == 0 {
		s.Decay = 0.001
	}
	return s
}

// Gated is kernels whose weights were learned.
type Gated struct {
	Kernels *prior.Kernels
	Nu      []float64 // density at the training points, cross-fitted: each by kernels and a network that did not see it

	// Gain is what the networks added to the mean log-density of the training
	// points, each by one that did not see it, and SE its standard error between
	// folds. Unless it exceeds that the weights are left as they were.
	Gain, SE float64
	Accepted bool
}

// proven is how many standard errors a gain must exceed for learned weights to
// stay. It is out of sample, so a small one is more likely there than not: asking
// for two standard errors lost, on floods, half of what was there.
const proven = 1

// Gate trains networks that set the weight of every kernel by what is known
// about the point it stands at, to the likelihood of held-out points, and
// averages the weights they give. Each network is trained on the held-out points
// of some folds and judged by those of the others, which tell when to stop. The
// kernels at these take no part in its training: or else it would learn from the
// pair of a point and its neighbour, where the one is held out, what it is judged
// by where the other is.
func Gate(ctx context.Context, g *prior.Gating, s GateSettings) (*Gated, error) {
	s = s.withDefaults()
	if len(g.Folds) < 2 {
		return nil, fmt.Errorf("train: %d folds to learn the weights of kernels on, want at least 2", len(g.Folds))
	}
	s.Nets = min(s.Nets, len(g.Folds))
	runs := make([]*gateRun, s.Nets)
	for i := range runs {
		var err error
		if runs[i], err = newGateRun(g, s, i); err != nil {
			return nil, err
		}
		if err := runs[i].run(ctx); err != nil {
			return nil, err
		}
	}
	// One step for all networks, chosen on all points, is chosen with less luck
	// than one for each.
	at, top := 0, math.Inf(-1)
	for c := range runs[0].checks {
		var sum float64
		for _, r := range runs {
			sum += r.checks[c].score
		}
		if sum > top {
			at, top = c, sum
		}
	}
	out := &Gated{Nu: make([]float64, len(g.Nu))}
	weight := make([]float64, len(g.Whole.Weight))
	var gains []float64
	var fold []int // of every gain
	folds := 0
	for _, r := range runs {
		params := r.checks[at].params
		for w, v := range r.weights(&g.Whole, params) {
			weight[w] += v / float64(s.Nets)
		}
		for _, f := range r.judge {
			folds++
			own := r.weights(f, params)
			for i := range f.Held {
				h := &f.Held[i]
				p := density(h, own, g.Parts)
				gains, fold = append(gains, math.Log(p/density(h, f.Weight, g.Parts))), append(fold, folds)
				out.Nu[h.Row] = p
			}
		}
	}
	gain := score.MeanOf(gains, fold)
	out.Gain, out.SE = gain.Value, gain.SE
	out.Accepted = out.Gain > proven*out.SE
	if !out.Accepted {
		weight, out.Nu = nil, g.Nu
	}
	var err error
	out.Kernels, err = g.Kernels(weight)
	return out, err
}

// A gateRun trains one network.
type gateRun struct {
	g        *prior.Gating
	settings GateSettings
	rnd      *rand.Rand
	net      *nn.MLP
	graph    *op.Program
	x        []float32
	loss     gateLoss
	grad     []float32
	ws       nn.Workspace

	learn, judge []*prior.Fold
	unseen       map[int]bool // rows of the points that judge
	checks       []gateCheck
}

// A gateCheck is the parameters at a step, and the sum of the log-densities of
// the points that judge.
type gateCheck struct {
	params []float32
	score  float64
}

func newGateRun(g *prior.Gating, s GateSettings, i int) (*gateRun, error) {
	r := &gateRun{g: g, settings: s, rnd: rand.New(rand.NewPCG(s.Seed, uint64(i))), unseen: map[int]bool{}}
	rows := 0
	for k := range g.Folds {
		f := &g.Folds[k]
		rows = max(rows, len(f.Weight)/g.Parts)
		if k%s.Nets == i {
			r.judge = append(r.judge, f)
			for _, h := range f.Held {
				r.unseen[h.Row] = true
			}
		} else {
			r.learn = append(r.learn, f)
		}
	}
	var err error
	if r.net, err = nn.NewMLP(nn.Linear(g.Features), s.Hidden, g.Parts, kernel.Tanh, r.rnd); err != nil {
		return nil, fmt.Errorf("train: gate: %w", err)
	}
	r.grad = make([]float32, len(r.net.Params))
	r.x = make([]float32, rows*g.Features)
	graph := G.NewGraph()
	x := G.NewMatrix(graph, G.Float32, G.WithName("x"), G.WithShape(rows, g.Features), G.WithValue(op.View(r.x, rows, g.Features)))
	net, err := r.net.Build(graph, x, rows, 0, r.grad)
	if err != nil {
		return nil, err
	}
	size := rows * g.Parts
	r.loss = gateLoss{parts: g.Parts, weight: make([]float64, size), own: make([]float64, size), q: make([]float64, size)}
	loss, err := r.loss.node(net.V)
	if err != nil {
		return nil, fmt.Errorf("train: gate: %w", err)
	}
	if _, err := G.Grad(loss, net.Params...); err != nil {
		return nil, fmt.Errorf("train: gate: %w", err)
	}
	if r.graph, err = op.Compile(graph); err != nil {
		return nil, fmt.Errorf("train: gate: %w", err)
	}
	return r, nil
}

// run takes the steps, one fold each.
func (r *gateRun) run(ctx context.Context) error {
	s := r.settings
	opt := NewOptimiser(Adam{LearnRate: s.LearnRate, WarmUp: 10, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, Decay: s.Decay, Clip: 5, Average: 0.98}, r.net.Params)
	r.check(r.net.Params)
	for step := range s.Steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		r.loss.set(r.learn[r.rnd.IntN(len(r.learn))], r.unseen)
		clear(r.x[copy(r.x, r.loss.fold.X):])
		r.graph.Run()
		if _, err := opt.Step(r.net.Params, r.grad, s.Steps); err != nil {
			return fmt.Errorf("train: gate: step %d: %w: %w", step, ErrDiverged, err)
		}
		if (step+1)%s.Every == 0 {
			r.check(opt.Mean)
		}
	}
	return nil
}

func (r *gateRun) check(params []float32) {
	var sum float64
	for _, f := range r.judge {
		own := r.weights(f, params)
		for i := range f.Held {
			sum += math.Log(density(&f.Held[i], own, r.g.Parts))
		}
	}
	r.checks = append(r.checks, gateCheck{slices.Clone(params), sum})
}

// weights returns the weights of a fold's kernels by the network with the given
// parameters.
func (r *gateRun) weights(f *prior.Fold, params []float32) []float64 {
	out := r.net.WithParams(params).Eval(&r.ws, len(f.Weight)/r.g.Parts, 0, f.X)
	own := make([]float64, len(f.Weight))
	gate(own, f.Weight, out)
	return own
}

// gate writes weights w e^g with the sum that w has.
func gate(own, w []float64, g []float32) {
	const most = 8 // e⁸ fold either way is as good as on and off
	var sum, total float64
	for i, v := range w {
		own[i] = v * math.Exp(float64(min(most, max(-most, g[i]))))
		sum += own[i]
		total += v
	}
	for i := range own {
		own[i] *= total / sum
	}
}

// density returns the density at a held-out point under the weights of the
// fold's kernels.
func density(h *prior.Held, own []float64, parts int) float64 {
	f := h.Rest
	for k, i := range h.At {
		w := own[int(i)*parts : (int(i)+1)*parts]
		for s, v := range h.Value[k*parts : (k+1)*parts] {
			f += w[s] * float64(v)
		}
	}
	return f
}

// gateLoss is minus the mean log-density of a fold's held-out points as a
// function of the network's output g: with ω = w e^g / Σ w e^g · Σ w,
//
//	L' = ω (q - Σ ω q / Σ ω) ,   q = ∂L/∂ω = - mean of K / p .
type gateLoss struct {
	parts  int
	fold   *prior.Fold
	weight []float64 // w
	own, q []float64
}

// set takes the fold of the next run, without its kernels at the points unseen.
func (l *gateLoss) set(f *prior.Fold, unseen map[int]bool) {
	l.fold = f
	copy(l.weight, f.Weight)
	for i, row := range f.Rows {
		if unseen[row] {
			clear(l.weight[i*l.parts : (i+1)*l.parts])
		}
	}
}

// node adds the loss to the graph of the network.
func (l *gateLoss) node(v *G.Node) (*G.Node, error) {
	loss := make([]float32, 1)
	return op.Op{
		Name:   "gate",
		Result: op.View(loss),
		Do:     func(in [][]float32) { loss[0] = l.value(in[0]) },
		Wrt:    []bool{true},
		Grad: func(in G.Nodes, _, g *G.Node) (G.Nodes, error) {
			grad := make([]float32, len(l.own))
			n, err := op.Op{
				Name:   "gateGrad",
				Result: op.View(grad, len(grad)/l.parts, l.parts),
				Do:     func(in [][]float32) { l.gradient(grad, in[1][0]) },
			}.Apply(in[0], g)
			return G.Nodes{n}, err
		},
	}.Apply(v)
}

// value also leaves ω and q for gradient.
func (l *gateLoss) value(g []float32) float32 { return float32(l.exact(g)) }

func (l *gateLoss) exact(g []float32) float64 {
	f := l.fold
	own, q := l.own[:len(f.Weight)], l.q[:len(f.Weight)]
	gate(own, l.weight[:len(own)], g)
	clear(q)
	var loss float64
	n := float64(len(f.Held))
	for i := range f.Held {
		h := &f.Held[i]
		p := density(h, own, l.parts)
		loss -= math.Log(p) / n
		for k, c := range h.At {
			to := q[int(c)*l.parts : (int(c)+1)*l.parts]
			for s, v := range h.Value[k*l.parts : (k+1)*l.parts] {
				to[s] -= float64(v) / p / n
			}
		}
	}
	return loss
}

// gradient writes s L' to grad.
func (l *gateLoss) gradient(grad []float32, s float32) {
	n := len(l.fold.Weight)
	var along, sum float64
	for i, w := range l.own[:n] {
		along += w * l.q[i]
		sum += w
	}
	for i, w := range l.own[:n] {
		grad[i] = s * float32(w*(l.q[i]-along/sum))
	}
	clear(grad[n:])
}
