package train

import (
	"fmt"
	"math/rand/v2"

	G "gorgonia.org/gorgonia"

	"mflow/divergence"
	"mflow/flow"
	"mflow/flow/nn"
	"mflow/internal/op"
)

// program is the Moser loss of one batch shape as a compiled Gorgonia graph:
// data points first, then Monte Carlo points. Filling its inputs and running it
// gives the loss and the gradient.
type program struct {
	data, monte int
	probes      *divergence.Probes
	x           []float64 // points, (data+monte)×n

	loss  moser
	grad  []float32
	graph *op.Program
	net   *nn.Graph
}

// newProgram compiles the loss of f for a batch of the given shape. Runs leave
// the gradient in grad.
func newProgram(f *flow.Flow, data, monte, probes int, eps float64, grad []float32) (*program, error) {
	b := data + monte
	_, n := f.Manifold.Dims()
	p := &program{
		data: data, monte: monte,
		probes: divergence.NewProbes(f.Manifold, b, probes),
		x:      make([]float64, b*n),
		loss:   newMoser(b, eps),
		grad:   grad,
	}
	for i := range data {
		p.loss.fit[i] = 1 / float32(data)
	}
	g := G.NewGraph()
	var err error
	if p.net, err = f.Field.Build(g, p.probes.Input(g), b, p.probes.K, grad); err != nil {
		return nil, err
	}
	div, err := p.probes.Node(p.net.V)
	if err != nil {
		return nil, err
	}
	loss, err := p.loss.node(div)
	if err != nil {
		return nil, fmt.Errorf("train: loss: %w", err)
	}
	if _, err := G.Grad(loss, p.net.Params...); err != nil {
		return nil, fmt.Errorf("train: gradient: %w", err)
	}
	if p.graph, err = op.Compile(g); err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	return p, nil
}

// active is the share of the points that had a gradient in the last run.
func (p *program) active() float64 {
	return float64(p.net.Active()) / float64(p.data+p.monte)
}

// run fills in the probes of the points in p.x and evaluates loss and gradient.
// It returns the mean log μ₊ of the data and the weighted negative part.
func (p *program) run(rnd *rand.Rand) (fit, pay float64) {
	p.probes.Set(p.x, rnd)
	p.graph.Run()
	return p.loss.parts[0], p.loss.parts[1]
}
