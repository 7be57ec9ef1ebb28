package nn

import (
	"fmt"
	"math"
	"math/rand/v2"

	"mflow/internal/kernel"
)

// An MLP is the vector field
//
//	v(x) = W_L σ( … σ(W₁ φ(x) + b₁) … ) + b_L ,    v : Rⁿ → Rᵐ ,
//
// with features φ and activation σ. All parameters lie in one slice, so that an
// optimiser, an average or a checkpoint handles one vector.
type MLP struct {
	Features   Features
	Activation kernel.Activation
	Params     []float32
	layers     []dense
}

// dense is one layer: its shape and where its parameters lie in Params.
type dense struct {
	in, out int
	w, b    int // offsets of W (in×out, row-major) and b (out)
	act     kernel.Activation
}

// NewMLP returns a network with the given hidden widths and m outputs. Hidden
// weights are normal with variance 1/in (2/in for half-rectifying activations);
// the last layer is zero, so that a flow starts at its prior.
func NewMLP(f Features, hidden []int, m int, act kernel.Activation, rnd *rand.Rand) (*MLP, error) {
	net, err := shape(f, hidden, m, act)
	if err != nil {
		return nil, err
	}
	gain := 1.0 / 3
	if act == kernel.Swish || act == kernel.Softplus {
		gain = 1.0 / 3
	}
	for _, l := range net.layers[:len(net.layers)-1] {
		sd := math.Sqrt(gain / float64(l.in))
		w := net.Params[l.w : l.w+l.in*l.out]
		for i := range w {
			w[i] = float32(sd * rnd.NormFloat64())
		}
	}
	return net, nil
}

// shape lays out a network with zero parameters.
func shape(f Features, hidden []int, m int, act kernel.Activation) (*MLP, error) {
	if err := f.validate(); err != nil {
		return nil, err
	}
	if m < 1 {
		return nil, fmt.Errorf("nn: %d outputs, want at least 1", m)
	}
	net := &MLP{Features: f, Activation: act}
	in, at := f.Width(), 0
	for i, out := range append(append([]int{}, hidden...), m) {
		if out < 1 {
			return nil, fmt.Errorf("nn: hidden layer %d of width %d, want at least 1", i, out)
		}
		a := act
		if i == len(hidden) {
			a = kernel.Identity
		}
		net.layers = append(net.layers, dense{in: in, out: out, w: at, b: at + in*out, act: a})
		at += (in + 1) * out
		in = out
	}
	net.Params = make([]float32, at)
	return net, nil
}

// Hidden returns the widths of the hidden layers.
func (net *MLP) Hidden() []int {
	var h []int
	for _, l := range net.layers[:len(net.layers)-1] {
		h = append(h, l.out)
	}
	return h
}

// Dims returns the input dimension n and the output dimension m.
func (net *MLP) Dims() (n, m int) { return net.Features.N, net.layers[len(net.layers)-1].out }

// WithParams returns a network of the same shape on other parameters.
func (net *MLP) WithParams(p []float32) *MLP {
	if len(p) != len(net.Params) {
		panic("nn: len(p) != len(Params)")
	}
	c := *net
	c.Params = p
	return &c
}

// ScaleOutput multiplies v by s.
func (net *MLP) ScaleOutput(s float32) {
	l := net.layers[len(net.layers)-1]
	kernel.Scale(net.Params[l.w:l.b+l.out], s)
}

// A Layer names the parameters of one dense layer, for storage.
type Layer struct {
	In, Out int
	W, B    []float32 // in×out row-major, and out; views of Params
}

// Layers returns views of the parameters, layer by layer.
func (net *MLP) Layers() []Layer {
	ls := make([]Layer, len(net.layers))
	for i, l := range net.layers {
		ls[i] = Layer{l.in, l.out, net.Params[l.w : l.w+l.in*l.out], net.Params[l.b : l.b+l.out]}
	}
	return ls
}

// FromLayers returns the network with the given layers, whose parameters it
// copies.
func FromLayers(f Features, act kernel.Activation, ls []Layer) (*MLP, error) {
	if len(ls) == 0 {
		return nil, fmt.Errorf("nn: a network of no layers")
	}
	var hidden []int
	for _, l := range ls[:len(ls)-1] {
		hidden = append(hidden, l.Out)
	}
	net, err := shape(f, hidden, ls[len(ls)-1].Out, act)
	if err != nil {
		return nil, err
	}
	for i, l := range net.Layers() {
		if len(ls[i].W) != len(l.W) || len(ls[i].B) != len(l.B) {
			return nil, fmt.Errorf("nn: layer %d has %d weights and %d biases, want %d and %d",
				i, len(ls[i].W), len(ls[i].B), len(l.W), len(l.B))
		}
		copy(l.W, ls[i].W)
		copy(l.B, ls[i].B)
	}
	return net, nil
}
