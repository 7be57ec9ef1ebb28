package nn

import (
	"fmt"

	G "gorgonia.org/gorgonia"

	"mflow/internal/kernel"
	"mflow/internal/op"
)

// A Graph is a network inside a Gorgonia graph. Params are the nodes to
// differentiate by, V the jets of the field.
type Graph struct {
	Params G.Nodes
	V      *G.Node
	net    *builder
}

// Active returns how many points of the last run had a gradient other than zero,
// which the backward pass was confined to; all points where nearly all had.
func (gr *Graph) Active() int { return gr.net.live.n }

// Accumulate tells whether the next runs add to the gradient or overwrite it.
func (gr *Graph) Accumulate(add bool) { gr.net.add = add }

// Build adds the network to g, applied to the node x of jets, (1+k)B × n. The
// parameter nodes are views of net.Params, so a step of an optimiser on that
// slice is seen by the next run. When G.Grad has been applied to a loss on V
// and Params, every run leaves the gradient in grad, laid out as net.Params.
func (net *MLP) Build(g *G.ExprGraph, x *G.Node, b, k int, grad []float32) (*Graph, error) {
	if len(grad) != len(net.Params) {
		panic("nn: len(grad) != len(Params)")
	}
	n := &builder{net: net, ws: new(Workspace), b: b, k: k, grad: grad}
	gr := &Graph{net: n}
	n.ws.layers(len(net.layers))
	room(&n.ws.a, n.rows()*n.widest())
	a, err := n.features(x)
	if err != nil {
		return nil, fmt.Errorf("nn: %w", err)
	}
	for i, l := range net.layers {
		w := G.NewMatrix(g, G.Float32, G.WithName(fmt.Sprintf("W%d", i)), G.WithShape(l.in, l.out),
			G.WithValue(op.View(net.Params[l.w:l.w+l.in*l.out], l.in, l.out)))
		c := G.NewVector(g, G.Float32, G.WithName(fmt.Sprintf("b%d", i)), G.WithShape(l.out),
			G.WithValue(op.View(net.Params[l.b:l.b+l.out], l.out)))
		if a, err = n.dense(i, a, w, c); err != nil {
			return nil, fmt.Errorf("nn: %w", err)
		}
		gr.Params = append(gr.Params, w, c)
	}
	gr.V = a
	return gr, nil
}

// Multiply sets the precision of the products of the next runs, forward and
// backward; it is float32 at first. Features, biases, activations and the sums of
// products stay in float32.
func (gr *Graph) Multiply(in kernel.Precision) { gr.net.in = in }

// builder turns the layers of one network into operations on one workspace.
type builder struct {
	net  *MLP
	ws   *Workspace
	b, k int
	grad []float32
	add  bool // to the gradient
	in   kernel.Precision
	live active
}

func (n *builder) rows() int { return (1 + n.k) * n.b }

// features is φ. It has no gradient: neither points nor frequencies are learned.
func (n *builder) features(x *G.Node) (*G.Node, error) {
	f := &n.net.Features
	w := f.Width()
	room(&n.ws.feat, n.rows()*w)
	return op.Op{
		Name:   "features",
		Result: op.View(n.ws.feat, n.rows(), w),
		Do:     func(in [][]float32) { n.net.features(n.ws, n.b, n.k, in[0]) },
		Wrt:    []bool{false},
	}.Apply(x)
}

// dense is layer i: one matrix product and one pass of the activation.
func (n *builder) dense(i int, a, w, c *G.Node) (*G.Node, error) {
	l := n.net.layers[i]
	width := l.out
	if i > 0 {
		width = max(l.in, l.out) // for ∂A, see denseGrad
	}
	z := room(&n.ws.z[i], n.rows()*width)[:n.rows()*l.out]
	out := z
	if l.act != kernel.Identity {
		out = n.ws.a[:n.rows()*l.out]
	}
	return op.Op{
		Name:   fmt.Sprintf("dense%d", i),
		Result: op.View(out, n.rows(), l.out),
		Do: func(in [][]float32) {
			l.forward(n.in, n.b, n.k, n.net.Params, in[0], z, out)
		},
		Wrt:  []bool{i > 0, true, true},
		Grad: func(in G.Nodes, _, g *G.Node) (G.Nodes, error) { return n.denseGrad(i, in, g) },
	}.Apply(a, w, c)
}

// denseGrad is one operation for all three gradients of layer i, since they
// share the overwritten g: its value is ∂A, and ∂W, ∂b are views of what it
// left in grad. ∂A takes the place of Z, which is of no more use by then; the Z of
// the last layer is the network's result and stays. Gradients hold the rows of the
// active points only, which the last layer finds; what the forward pass left of
// the others is gone afterwards. What entered the layer is computed once more for
// the active points.
func (n *builder) denseGrad(i int, in G.Nodes, g *G.Node) (G.Nodes, error) {
	l := n.net.layers[i]
	var dx []float32
	result := op.View(n.grad[l.w:l.w+l.in*l.out], l.in, l.out)
	if i > 0 {
		dx = n.ws.z[i][:n.rows()*l.in]
		if l.act == kernel.Identity {
			dx = room(&n.ws.g, n.rows()*l.in)
		}
		result = op.View(dx, n.rows(), l.in)
	}
	back, err := op.Op{
		Name:   fmt.Sprintf("denseGrad%d", i),
		Result: result,
		Do: func(x [][]float32) {
			g := x[2]
			if i == len(n.net.layers)-1 {
				n.live.find(g, n.b, n.k, l.out)
				n.live.gather(g, 1+n.k, l.out)
			}
			l.deactivate(n.ws, n.live.n, n.k, g, n.ws.z[i])
			l.backward(n.in, n.live.n, n.k, n.net.Params, n.entered(i), g, n.grad, n.add, dx)
		},
	}.Apply(in[0], in[1], g)
	if err != nil {
		return nil, err
	}
	dw, err := n.slice(back, l.w, l.in, l.out)
	if err != nil {
		return nil, err
	}
	db, err := n.slice(back, l.b, l.out)
	if err != nil {
		return nil, err
	}
	if i == 0 {
		back = nil
	}
	return G.Nodes{back, dw, db}, nil
}

// entered returns what entered layer i at the active points: features, or the
// activations of the layer before, with whose σ' and σ″ it leaves the workspace.
func (n *builder) entered(i int) []float32 {
	if i == 0 {
		n.live.gather(n.ws.feat, 1+n.k, n.net.layers[0].in)
		return n.ws.feat
	}
	l, z := n.net.layers[i-1], n.ws.z[i-1]
	n.live.gather(z, 1+n.k, l.out)
	l.activate(n.ws, n.live.n, n.k, z, n.ws.a)
	return n.ws.a
}

func (n *builder) slice(after *G.Node, at int, shape ...int) (*G.Node, error) {
	size := 1
	for _, s := range shape {
		size *= s
	}
	return op.Op{
		Name:   "gradient",
		Result: op.View(n.grad[at:at+size], shape...),
		Do:     func([][]float32) {},
	}.Apply(after)
}

// BatchBytes is about the memory that a graph takes for each point of its batch,
// with k tangents.
func (net *MLP) BatchBytes(k int) int {
	w := 0
	for _, l := range net.layers {
		w += l.in
	}
	return 4 * (1 + k) * w
}

func (n *builder) widest() int {
	w := 0
	for _, l := range n.net.layers {
		w = max(w, l.in)
	}
	return w
}
