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

// gradients runs the network on the jets x under the loss Σ c ∘ V, on Gorgonia's
// own machine or as a Program, and returns a function that evaluates the gradient
// for the c at hand, and the graph.
func gradients(t *testing.T, net *MLP, b, k int, x, c []float32, tape bool) (func() []float32, *Graph) {
	t.Helper()
	n, m := net.Dims()
	rows := (1 + k) * b
	g := G.NewGraph()
	in := G.NewMatrix(g, G.Float32, G.WithName("x"), G.WithShape(rows, n), G.WithValue(op.View(x, rows, n)))
	grad := make([]float32, len(net.Params))
	gr, err := net.Build(g, in, b, k, grad)
	if err != nil {
		t.Fatal(err)
	}
	cn := G.NewMatrix(g, G.Float32, G.WithName("c"), G.WithShape(rows, m), G.WithValue(op.View(c, rows, m)))
	sum := make([]float32, 1)
	work := make([]float32, len(c))
	loss, err := op.Op{
		Name:   "dot",
		Result: op.View(sum),
		Do: func(in [][]float32) {
			sum[0] = 0
			for i, v := range in[0] {
				sum[0] += v * in[1][i]
			}
		},
		Wrt: []bool{true, false},
		Grad: func(in G.Nodes, _, g *G.Node) (G.Nodes, error) {
			d, err := op.Op{
				Name:   "dotGrad",
				Result: op.View(work, rows, m),
				Do:     func(in [][]float32) { copy(work, in[0]) },
			}.Apply(in[1], g)
			return G.Nodes{d, nil}, err
		},
	}.Apply(gr.V, cn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := G.Grad(loss, gr.Params...); err != nil {
		t.Fatal(err)
	}
	if !tape {
		p, err := op.Compile(g)
		if err != nil {
			t.Fatal(err)
		}
		return func() []float32 { p.Run(); return grad }, gr
	}
	vm := G.NewTapeMachine(g)
	t.Cleanup(func() { vm.Close() })
	return func() []float32 {
		if err := vm.RunAll(); err != nil {
			t.Fatal(err)
		}
		vm.Reset()
		return grad
	}, gr
}

// TestActive: with a gradient at some points only, the backward pass confined to
// them gives what a batch of them alone gives, from none active to all, run after
// run, on Gorgonia's machine and on ours.
func TestActive(t *testing.T) {
	const b, k, n, m = 37, 2, 3, 3
	for _, threads := range []int{1, 3} {
		kernel.SetThreads(threads)
		defer kernel.SetThreads(0)
		rnd := rand.New(rand.NewPCG(7, 7))
		net := network(t, kernel.Swish, n, []int{130, 9}, m, 4)
		x, c := make([]float32, (1+k)*b*n), make([]float32, (1+k)*b*m)
		ours, gr := gradients(t, net, b, k, x, c, false)
		tape, _ := gradients(t, net, b, k, x, c, true)
		for _, set := range [][]int{
			{}, {0}, {b - 1}, {0, 1, 2, 3, 4, 5, 6, 7}, {3, 4, 9, 20, 21, 22, 36}, rnd.Perm(b)[:20], rnd.Perm(b)[:b-1], rnd.Perm(b),
		} {
			t.Run(fmt.Sprint(threads, " threads, ", len(set), " points"), func(t *testing.T) {
				few := len(set)
				sx, sc := make([]float32, (1+k)*few*n), make([]float32, (1+k)*few*m)
				clear(c)
				for i := range x {
					x[i] = float32(rnd.NormFloat64())
				}
				for j := range 1 + k {
					for to, from := range set {
						row := c[(j*b+from)*m : (j*b+from+1)*m]
						for i := range row {
							row[i] = float32(rnd.NormFloat64())
						}
						if j == 0 && len(set) > 10 { // a point may have a gradient in its tangents alone
							clear(row)
						}
						copy(sc[(j*few+to)*m:], row)
						copy(sx[(j*few+to)*n:(j*few+to+1)*n], x[(j*b+from)*n:])
					}
				}
				want := make([]float32, len(net.Params))
				if few > 0 {
					alone, _ := gradients(t, net, few, k, sx, sc, false)
					want = alone()
				}
				got := ours()
				if a := gr.Active(); a != few && (a != b || few < b*9/10) {
					t.Errorf("%d points active, want %d", a, few)
				}
				for i, v := range tape() {
					if got[i] != v {
						t.Fatalf("parameter %d: %g by the program, %g by Gorgonia's machine", i, got[i], v)
					}
				}
				for i, w := range want { // sums of at most 111 terms of size one, in another order
					if !(math.Abs(float64(got[i]-w)) <= 2e-5*(1+math.Abs(float64(w)))) {
						t.Fatalf("parameter %d: gradient %g, of the active points alone %g", i, got[i], w)
					}
				}
			})
		}
	}
}
