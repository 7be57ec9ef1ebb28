package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	G "gorgonia.org/gorgonia"

	"mflow/internal/kernel"
	"mflow/internal/op"
)

func waves(n, f int, scale float64, rnd *rand.Rand) Features {
	fs := Linear(n)
	for range n * f {
		fs.Omega = append(fs.Omega, float32(scale*rnd.NormFloat64()))
	}
	return fs
}

// network returns a network with random parameters everywhere.
func network(t testing.TB, act kernel.Activation, n int, hidden []int, m, freqs int) *MLP {
	t.Helper()
	rnd := rand.New(rand.NewPCG(uint64(act), uint64(n)))
	net, err := NewMLP(waves(n, freqs, 2, rnd), hidden, m, act, rnd)
	if err != nil {
		t.Fatal(err)
	}
	for i := range net.Params {
		net.Params[i] += float32(0.2 * rnd.NormFloat64())
	}
	return net
}

var activations = []kernel.Activation{kernel.Swish, kernel.Sin, kernel.Tanh, kernel.Softplus}

// TestTangents compares the tangents of Eval64 with central differences of its
// values, and Eval with Eval64.
func TestTangents(t *testing.T) {
	for _, act := range activations {
		for _, shape := range []struct {
			b, k, n, m, freqs int
			hidden            []int
		}{{5, 2, 3, 3, 0, []int{7}}, {9, 1, 2, 2, 5, []int{12, 12}}, {1, 7, 7, 7, 4, []int{33, 16, 8}}, {4, 0, 3, 2, 3, []int{16}}} {
			t.Run(fmt.Sprint(act, shape), func(t *testing.T) {
				net := network(t, act, shape.n, shape.hidden, shape.m, shape.freqs)
				rnd := rand.New(rand.NewPCG(9, 9))
				b, k, n, m := shape.b, shape.k, shape.n, shape.m
				x := make([]float64, (1+k)*b*n)
				for i := range x {
					x[i] = rnd.NormFloat64()
				}
				v := net.Eval64(b, k, x)
				const h = 1e-5
				for j := 1; j <= k; j++ {
					at := func(s float64) []float64 {
						y := append([]float64(nil), x[:b*n]...)
						for i := range y {
							y[i] += s * x[j*b*n+i]
						}
						return net.Eval64(b, 0, y)
					}
					up, down := at(h), at(-h)
					for i := range b * m {
						want, got := (up[i]-down[i])/(2*h), v[j*b*m+i]
						if math.Abs(got-want) > 1e-6*(1+math.Abs(want)) {
							t.Fatalf("tangent %d, entry %d: got %.9g, by differences %.9g", j, i, got, want)
						}
					}
				}
				var ws Workspace
				x32 := make([]float32, len(x))
				for i, c := range x {
					x32[i] = float32(c)
				}
				for i, got := range net.Eval(&ws, b, k, x32) {
					if math.Abs(float64(got)-v[i]) > 2e-5*(1+math.Abs(v[i]))*10 {
						t.Fatalf("entry %d: float32 %g, float64 %g", i, got, v[i])
					}
				}
			})
		}
	}
}

// TestGraphEqualsEval: the operations of the graph compute what Eval does, and
// the gradient of a linear functional of the jets is that of differences.
func TestGraphGradient(t *testing.T) {
	for _, act := range activations {
		const b, k, n, m = 6, 2, 3, 3
		net := network(t, act, n, []int{10, 9}, m, 4)
		rnd := rand.New(rand.NewPCG(4, 4))
		x, c := make([]float32, (1+k)*b*n), make([]float32, (1+k)*b*m)
		for i := range x {
			x[i], c[i] = float32(rnd.NormFloat64()), float32(rnd.NormFloat64())
		}
		g := G.NewGraph()
		in := G.NewMatrix(g, G.Float32, G.WithName("x"), G.WithShape((1+k)*b, n), G.WithValue(op.View(x, (1+k)*b, n)))
		grad := make([]float32, len(net.Params))
		gr, err := net.Build(g, in, b, k, grad)
		if err != nil {
			t.Fatal(err)
		}
		cn := G.NewMatrix(g, G.Float32, G.WithName("c"), G.WithShape((1+k)*b, m), G.WithValue(op.View(c, (1+k)*b, m)))
		loss := G.Must(G.Sum(G.Must(G.HadamardProd(cn, gr.V))))
		if _, err := G.Grad(loss, gr.Params...); err != nil {
			t.Fatal(err)
		}
		vm := G.NewTapeMachine(g)
		if err := vm.RunAll(); err != nil {
			t.Fatal(err)
		}
		var ws Workspace
		value := func(net *MLP) float64 {
			var s float64
			for i, v := range net.Eval64(b, k, wide(x)) {
				s += float64(c[i]) * v
			}
			return s
		}
		v := net.Eval(&ws, b, k, x)
		for i, want := range gr.V.Value().Data().([]float32) {
			if math.Abs(float64(v[i]-want)) > 1e-5*(1+math.Abs(float64(want))) {
				t.Fatalf("%v: jet %d: Eval %g, graph %g", act, i, v[i], want)
			}
		}
		for _, i := range rnd.Perm(len(net.Params))[:40] {
			const h = 1e-3
			p := append([]float32(nil), net.Params...)
			p[i] = net.Params[i] + h
			up, hi := value(net.WithParams(p)), float64(p[i])
			p[i] = net.Params[i] - h
			down, lo := value(net.WithParams(p)), float64(p[i])
			want := (up - down) / (hi - lo)
			if math.Abs(float64(grad[i])-want) > 2e-3*(1+math.Abs(want)) {
				t.Errorf("%v: parameter %d: gradient %g, by differences %g", act, i, grad[i], want)
			}
		}
		vm.Close()
	}
}

// TestLastLayerZero: a new network is the zero field, so a flow starts at its
// prior.
func TestLastLayerZero(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	net, err := NewMLP(waves(3, 8, 5, rnd), []int{16}, 3, kernel.Swish, rnd)
	if err != nil {
		t.Fatal(err)
	}
	var ws Workspace
	for i, v := range net.Eval(&ws, 1, 2, []float32{1, 0, 0, 0, 1, 0, 0, 0, 1}) {
		if v != 0 {
			t.Errorf("jet %d is %g", i, v)
		}
	}
}

func TestBadShapes(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for _, c := range []struct {
		name   string
		f      Features
		hidden []int
		m      int
	}{
		{"no dimension", Features{}, []int{4}, 1},
		{"no features", Features{N: 3}, []int{4}, 1},
		{"ragged frequencies", Features{N: 3, Omega: make([]float32, 4)}, []int{4}, 1},
		{"ragged linear part", Features{N: 3, S: make([]float32, 3), C: make([]float32, 2)}, []int{4}, 1},
		{"frequency not a number", Features{N: 1, Omega: []float32{float32(math.NaN())}}, []int{4}, 1},
		{"width zero", Linear(3), []int{4, 0}, 1},
		{"no outputs", Linear(3), []int{4}, 0},
	} {
		if _, err := NewMLP(c.f, c.hidden, c.m, kernel.Swish, rnd); err == nil {
			t.Errorf("%s: no error", c.name)
		}
	}
}

func TestFromLayers(t *testing.T) {
	net := network(t, kernel.Sin, 3, []int{5, 6}, 3, 2)
	again, err := FromLayers(net.Features, net.Activation, net.Layers())
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range net.Params {
		if again.Params[i] != v {
			t.Fatalf("parameter %d: %g became %g", i, v, again.Params[i])
		}
	}
	bad := net.Layers()
	bad[1].W = bad[1].W[1:]
	if _, err := FromLayers(net.Features, net.Activation, bad); err == nil {
		t.Error("a layer with a weight missing was taken")
	}
}

func ExampleMLP_Eval() {
	// The identity field of the plane and its derivative along (1, 0).
	net, _ := FromLayers(Linear(2), kernel.Swish, []Layer{{In: 2, Out: 2, W: []float32{1, 0, 0, 1}, B: []float32{0, 0}}})
	var ws Workspace
	jets := net.Eval(&ws, 1, 1, []float32{3, 4, 1, 0})
	fmt.Println("value", jets[:2], "tangent", jets[2:])
	// Output: value [3 4] tangent [1 0]
}
