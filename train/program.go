package train

import (
	"fmt"
	"math/rand/v2"

	G "gorgonia.org/gorgonia"

	"mflow/divergence"
	"mflow/flow"
	"mflow/flow/nn"
	"mflow/internal/kernel"
	"mflow/internal/op"
)

// program is the Moser loss of one batch shape, data points first, then Monte
// Carlo points. Filling x and the loss's ν and weights and running it gives the
// loss and the gradient.
//
// The batch is taken in chunks, each a run of a compiled Gorgonia graph, whose
// gradients add up: what one chunk leaves for its way back stays in the cache.
type program struct {
	x     []float64 // points, (data+monte)×n
	loss  moser     // of the whole batch
	parts []*chunk  // in order; chunks of equal size are one
	grad  []float32
	n     int

	active float64 // share of the points that had a gradient in the last run
}

// A chunk is the loss of some points of a batch.
type chunk struct {
	b      int
	probes *divergence.Probes
	loss   moser // those of the program, from the first point of the chunk on
	net    *nn.Graph
	graph  *op.Program
}

// chunkBytes is the most that the activations of a chunk take, a part of the
// third-level cache: with much less, products have too few rows; with more,
// the elementwise passes wait for memory. A large network takes four times what
// its parameters do, for every chunk packs them anew.
const chunkBytes = 4 << 20

// chunks is the number of chunks of a batch of b points with k tangents.
func chunks(f *flow.Flow, b, k int) int {
	room := max(chunkBytes, 4*4*len(f.Nets[0].Params))
	return max(1, (b*f.Nets[0].BatchBytes(k)+room-1)/room)
}

// newProgram compiles the loss of f for a batch of the given shape in count
// chunks. Runs leave the gradient in grad.
func newProgram(f *flow.Flow, data, monte, probes, count int, eps float64, grad []float32) (*program, error) {
	b := data + monte
	_, n := f.Manifold.Dims()
	p := &program{x: make([]float64, b*n), loss: newMoser(b, eps), grad: grad, n: n}
	for i := range data {
		p.loss.fit[i] = 1 / float32(data)
	}
	sizes := map[int]*chunk{}
	for i := range count {
		size := (i+1)*b/count - i*b/count
		if sizes[size] == nil {
			c, err := newChunk(f, size, probes, eps, grad)
			if err != nil {
				return nil, err
			}
			sizes[size] = c
		}
		p.parts = append(p.parts, sizes[size])
	}
	return p, nil
}

func newChunk(f *flow.Flow, b, probes int, eps float64, grad []float32) (*chunk, error) {
	c := &chunk{b: b, probes: divergence.ProbesOf(f, b, probes), loss: newMoser(b, eps)}
	g := G.NewGraph()
	var err error
	if c.net, err = f.Nets[0].Build(g, c.probes.Input(g), b, c.probes.K, grad); err != nil {
		return nil, err
	}
	div, err := c.probes.Node(c.net.V)
	if err != nil {
		return nil, err
	}
	loss, err := c.loss.node(div)
	if err != nil {
		return nil, fmt.Errorf("train: loss: %w", err)
	}
	if _, err := G.Grad(loss, c.net.Params...); err != nil {
		return nil, fmt.Errorf("train: gradient: %w", err)
	}
	if c.graph, err = op.Compile(g); err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	return c, nil
}

// multiply sets the precision of the products.
func (p *program) multiply(in kernel.Precision) {
	for _, c := range p.parts {
		c.net.Multiply(in)
	}
}

// run fills in the probes of the points in p.x and evaluates loss and gradient.
// It returns the mean log μ₊ of the data and the weighted negative part.
func (p *program) run(rnd *rand.Rand) (fit, pay float64) {
	at, live := 0, 0
	for i, c := range p.parts {
		end := at + c.b
		c.loss.nu, c.loss.fit, c.loss.pay = p.loss.nu[at:end], p.loss.fit[at:end], p.loss.pay[at:end]
		c.probes.Set(p.x[at*p.n:end*p.n], rnd)
		c.net.Accumulate(i > 0)
		c.graph.Run()
		fit += c.loss.parts[0]
		pay += c.loss.parts[1]
		live += c.net.Active()
		at = end
	}
	p.active = float64(live) / float64(at)
	return fit, pay
}
