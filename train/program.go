package train

import (
	"fmt"
	"math"
	"math/rand/v2"

	G "gorgonia.org/gorgonia"

	"mflow/divergence"
	"mflow/flow"
	"mflow/internal/op"
)

// program is the Moser loss of one batch shape as a compiled Gorgonia graph:
// data points first, then Monte Carlo points. Filling its inputs and running it
// gives the loss and the gradient.
type program struct {
	data, monte int
	probes      *divergence.Probes
	x           []float64 // points, (data+monte)×n

	nu    []float32 // ν(x)
	fit   []float32 // weight of -log μ₊: 1/data on data points, else 0
	pay   []float32 // weight of μ₋: λ/(monte η) on Monte Carlo points, else 0
	parts [2]*G.Node
	grad  []float32
	vm    G.VM
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
		nu:     make([]float32, b),
		fit:    make([]float32, b),
		pay:    make([]float32, b),
		grad:   grad,
	}
	for i := range data {
		p.fit[i] = 1 / float32(data)
	}
	g := G.NewGraph()
	net, err := f.Field.Build(g, p.probes.Input(g), b, p.probes.K, grad)
	if err != nil {
		return nil, err
	}
	div, err := p.probes.Node(net.V)
	if err != nil {
		return nil, err
	}
	loss, err := p.loss(g, div, float32(eps))
	if err != nil {
		return nil, fmt.Errorf("train: loss: %w", err)
	}
	if _, err := G.Grad(loss, net.Params...); err != nil {
		return nil, fmt.Errorf("train: gradient: %w", err)
	}
	p.vm = G.NewTapeMachine(g)
	return p, nil
}

// loss adds the Moser loss of the divergence to the graph. With a = μ - ε both
// parts of the density are rectifiers: μ₊ = max(0, a) + ε and μ₋ = max(0, -a).
func (p *program) loss(g *G.ExprGraph, div *G.Node, eps float32) (*G.Node, error) {
	e := expr{g: g}
	floor := G.NewConstant(eps)
	a := e.sub(e.sub(e.vector("nu", p.nu), div), floor)
	fit := e.sum(e.mul(e.vector("fit", p.fit), e.log(e.add(e.relu(a), floor))))
	pay := e.sum(e.mul(e.vector("pay", p.pay), e.relu(e.neg(a))))
	loss := e.sub(pay, fit)
	p.parts = [2]*G.Node{fit, pay}
	return loss, e.err
}

// run fills in the probes of the points in p.x and evaluates loss and gradient.
// It returns the mean log μ₊ of the data and the weighted negative part.
func (p *program) run(rnd *rand.Rand) (fit, pay float64, err error) {
	p.probes.Set(p.x, rnd)
	defer p.vm.Reset()
	if err := p.vm.RunAll(); err != nil {
		return 0, 0, fmt.Errorf("train: %w", err)
	}
	return scalar(p.parts[0]), scalar(p.parts[1]), nil
}

func scalar(n *G.Node) float64 {
	switch v := n.Value().Data().(type) {
	case float32:
		return float64(v)
	case []float32:
		return float64(v[0])
	}
	return math.NaN()
}

// expr writes graph expressions without an error check after each: the first
// error sticks.
type expr struct {
	g   *G.ExprGraph
	err error
}

func (e *expr) vector(name string, x []float32) *G.Node {
	return G.NewVector(e.g, G.Float32, G.WithName(name), G.WithShape(len(x)), G.WithValue(op.View(x, len(x))))
}

func (e *expr) do(n *G.Node, err error) *G.Node {
	if e.err == nil {
		e.err = err
	}
	return n
}

func (e *expr) two(f func(a, b *G.Node) (*G.Node, error), a, b *G.Node) *G.Node {
	if e.err != nil {
		return nil
	}
	return e.do(f(a, b))
}

func (e *expr) one(f func(a *G.Node) (*G.Node, error), a *G.Node) *G.Node {
	if e.err != nil {
		return nil
	}
	return e.do(f(a))
}

func (e *expr) add(a, b *G.Node) *G.Node { return e.two(G.Add, a, b) }
func (e *expr) sub(a, b *G.Node) *G.Node { return e.two(G.Sub, a, b) }
func (e *expr) mul(a, b *G.Node) *G.Node { return e.two(G.HadamardProd, a, b) }
func (e *expr) log(a *G.Node) *G.Node    { return e.one(G.Log, a) }
func (e *expr) neg(a *G.Node) *G.Node    { return e.one(G.Neg, a) }
func (e *expr) relu(a *G.Node) *G.Node   { return e.one(G.Rectify, a) }
func (e *expr) sum(a *G.Node) *G.Node {
	return e.one(func(a *G.Node) (*G.Node, error) { return G.Sum(a) }, a)
}
