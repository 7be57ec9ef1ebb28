package train

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"mflow/flow"
	"mflow/flow/nn"
	"mflow/internal/kernel"
	"mflow/manifold"
)

// oracle is the Moser loss in float64 with every operation a node of
// Gorgonia's own: values and tangents side by side, no fused layer, no buffer of
// ours. weights are in×out. It shares nothing with the production graph but the
// formula.
func oracle(ls []layer64, act kernel.Activation, m manifold.Manifold, x, nu, fit, pay []float64, eps float64) (loss float64, dw, db [][]float64, err error) {
	defer func() { // the helpers panic
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	g := G.NewGraph()
	mat := func(name string, d []float64, shape ...int) *G.Node {
		return G.NewTensor(g, G.Float64, len(shape), G.WithName(name), G.WithShape(shape...),
			G.WithValue(tensor.New(tensor.WithShape(shape...), tensor.WithBacking(append([]float64(nil), d...)))))
	}
	one := G.NewConstant(1.0)
	d, n := m.Dims()
	b := len(x) / n
	h, frames := make([]float64, b*n), make([][]float64, d)
	E := make([]float64, d*n)
	for i := range b {
		m.Frame(E, x[i*n:(i+1)*n])
		m.MeanCurvature(h[i*n:(i+1)*n], x[i*n:(i+1)*n])
		for j := range d {
			frames[j] = append(frames[j], E[j*n:(j+1)*n]...)
		}
	}
	a := mat("x", x, b, n)
	var ta, te []*G.Node
	for j := range d {
		e := mat(fmt.Sprint("e", j), frames[j], b, n)
		ta, te = append(ta, e), append(te, e)
	}
	var params G.Nodes
	for l, w := range ls {
		W, c := mat(fmt.Sprint("W", l), w.w, w.in, w.out), mat(fmt.Sprint("b", l), w.b, w.out)
		params = append(params, W, c)
		z := G.Must(G.BroadcastAdd(G.Must(G.Mul(a, W)), c, nil, []byte{0}))
		for j := range ta {
			ta[j] = G.Must(G.Mul(ta[j], W))
		}
		if l == len(ls)-1 {
			a = z
			break
		}
		var slope *G.Node
		switch act {
		case kernel.Swish:
			s := G.Must(G.Sigmoid(z))
			a = G.Must(G.HadamardProd(z, s))
			slope = G.Must(G.Add(s, G.Must(G.HadamardProd(a, G.Must(G.Sub(one, s))))))
		case kernel.Tanh:
			a = G.Must(G.Tanh(z))
			slope = G.Must(G.Sub(one, G.Must(G.Square(a))))
		case kernel.Sin:
			a, slope = G.Must(G.Sin(z)), G.Must(G.Cos(z))
		case kernel.Softplus:
			a, slope = G.Must(G.Softplus(z)), G.Must(G.Sigmoid(z))
		}
		for j := range ta {
			ta[j] = G.Must(G.HadamardProd(slope, ta[j]))
		}
	}
	sum := G.Must(G.HadamardProd(mat("h", h, b, n), a))
	for j := range ta {
		sum = G.Must(G.Add(sum, G.Must(G.HadamardProd(te[j], ta[j]))))
	}
	div := G.Must(G.Sum(sum, 1))
	floor := G.NewConstant(eps)
	over := G.Must(G.Sub(G.Must(G.Sub(mat("nu", nu, b), div)), floor))
	ll := G.Must(G.Sum(G.Must(G.HadamardProd(mat("fit", fit, b), G.Must(G.Log(G.Must(G.Add(G.Must(G.Rectify(over)), floor))))))))
	pp := G.Must(G.Sum(G.Must(G.HadamardProd(mat("pay", pay, b), G.Must(G.Rectify(G.Must(G.Neg(over))))))))
	L := G.Must(G.Sub(pp, ll))
	if _, err := G.Grad(L, params...); err != nil {
		return 0, nil, nil, err
	}
	vm := G.NewTapeMachine(g, G.BindDualValues(params...))
	defer vm.Close()
	if err := vm.RunAll(); err != nil {
		return 0, nil, nil, err
	}
	for i, p := range params {
		v, err := p.Grad()
		if err != nil {
			return 0, nil, nil, err
		}
		if i%2 == 0 {
			dw = append(dw, v.Data().([]float64))
		} else {
			db = append(db, v.Data().([]float64))
		}
	}
	return L.Value().Data().(float64), dw, db, nil
}

type layer64 struct {
	in, out int
	w, b    []float64
}

// TestOracleGolden holds the oracle to the golden values in float64, so that
// what the production code is compared with is itself confirmed from outside.
func TestOracleGolden(t *testing.T) {
	g := readGolden(t)
	var ls []layer64
	for i, w := range g.W {
		l := layer64{in: len(w[0]), out: len(w), b: append([]float64(nil), g.B[i]...)}
		l.w = make([]float64, l.in*l.out)
		for o, row := range w {
			for k, v := range row {
				l.w[k*l.out+o] = v
			}
		}
		ls = append(ls, l)
	}
	last := ls[len(ls)-1]
	for i := range last.w {
		last.w[i] *= g.OutScale
	}
	for i := range last.b {
		last.b[i] *= g.OutScale
	}
	b := len(g.X) + len(g.Y)
	nu, fit, pay := make([]float64, b), make([]float64, b), make([]float64, b)
	for i := range b {
		nu[i] = 1 / (4 * math.Pi)
		if i < len(g.X) {
			fit[i] = 1 / float64(len(g.X))
		} else {
			pay[i] = g.Lambda * 4 * math.Pi / float64(len(g.Y))
		}
	}
	loss, dw, db, err := oracle(ls, kernel.Swish, manifold.Sphere{N: 2}, append(flat(g.X), flat(g.Y)...), nu, fit, pay, g.Eps)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "loss", loss, g.Loss, 1e-9)
	for l := range ls {
		s := 1.0
		if l == len(ls)-1 {
			s = g.OutScale
		}
		for o, row := range g.GradW[l] {
			for k, want := range row {
				near(t, fmt.Sprintf("W%d[%d,%d]", l, o, k), dw[l][k*ls[l].out+o]*s, want, 1e-9)
			}
		}
		for o, want := range g.GradB[l] {
			near(t, fmt.Sprintf("b%d[%d]", l, o), db[l][o]*s, want, 1e-9)
		}
	}
}

// TestProgramAgainstOracle compares loss and gradient of the production graph,
// float32 and fused, with the oracle on random networks.
func TestProgramAgainstOracle(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 1))
	for _, act := range []kernel.Activation{kernel.Swish, kernel.Sin, kernel.Tanh, kernel.Softplus} {
		for _, hidden := range [][]int{{5}, {33, 17}, {16, 16, 16, 16}} {
			t.Run(fmt.Sprint(act, hidden), func(t *testing.T) {
				m := manifold.Sphere{N: 2}
				net, err := nn.NewMLP(nn.Linear(3), hidden, 3, act, rnd)
				if err != nil {
					t.Fatal(err)
				}
				for i := range net.Params { // biases and the last layer too
					net.Params[i] += float32(0.1 * rnd.NormFloat64())
				}
				net.ScaleOutput(0.05)
				const data, monte, eps = 13, 29, 1e-3
				f := &flow.Flow{Manifold: m, Prior: uniform{}, Nets: []*nn.MLP{net}, Eps: eps}
				grad := make([]float32, len(net.Params))
				const chunks = 5 // of 8 and 9 points
				p, err := newProgram(f, data, monte, 0, chunks, eps, grad)
				if err != nil {
					t.Fatal(err)
				}
				nu, fit, pay := make([]float64, data+monte), make([]float64, data+monte), make([]float64, data+monte)
				for i := range data + monte {
					m.Rand(p.x[i*3:(i+1)*3], rnd)
					nu[i] = 0.02 + 0.1*rnd.Float64()
					p.loss.nu[i] = float32(nu[i])
					if i < data {
						fit[i] = 1. / data
					} else {
						pay[i] = 50 * rnd.Float64() / monte
						p.loss.pay[i] = float32(pay[i])
					}
				}
				var ls []layer64
				for _, l := range net.Layers() {
					ls = append(ls, layer64{l.In, l.Out, widen(l.W), widen(l.B)})
				}
				want, dw, db, err := oracle(ls, act, m, p.x, nu, fit, pay, eps)
				if err != nil {
					t.Fatal(err)
				}
				for range 2 { // the second run reuses every buffer
					ll, pen := p.run(nil)
					near(t, "loss", pen-ll, want, 1e-4)
					for i, l := range net.WithParams(grad).Layers() {
						close32(t, fmt.Sprint("W", i), l.W, dw[i])
						close32(t, fmt.Sprint("b", i), l.B, db[i])
					}
				}
			})
		}
	}
}

func widen(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// close32 allows 2e-4 of the largest entry: float32 sums over a batch, and
// points near the floor that rounding pushes to its other side.
func close32(t *testing.T, what string, got []float32, want []float64) {
	t.Helper()
	var top float64
	for _, w := range want {
		top = math.Max(top, math.Abs(w))
	}
	for i, w := range want {
		near(t, what, float64(got[i]), w, 2e-4*top)
	}
}
