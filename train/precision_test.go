package train

import (
	"math"
	"math/rand/v2"
	"testing"

	"mflow/flow"
	"mflow/flow/nn"
	"mflow/internal/kernel"
	"mflow/manifold"
)

// TestPrecision: the gradient in each precision against that in float64, as a share
// of its norm. The bounds are what docs/performance.md states; they hold on every
// path of the kernels.
func TestPrecision(t *testing.T) {
	rnd := rand.New(rand.NewPCG(6, 6))
	m := manifold.Sphere{N: 2}
	net, err := nn.NewMLP(nn.Linear(3), []int{64, 64, 64}, 3, kernel.Swish, rnd)
	if err != nil {
		t.Fatal(err)
	}
	for i := range net.Params {
		net.Params[i] += float32(0.1 * rnd.NormFloat64())
	}
	net.ScaleOutput(0.05)
	const data, monte, eps = 100, 200, 1e-3
	f := &flow.Flow{Manifold: m, Prior: uniform{}, Nets: []*nn.MLP{net}, Eps: eps}
	grad := make([]float32, len(net.Params))
	p, err := newProgram(f, data, monte, 0, 2, eps, grad)
	if err != nil {
		t.Fatal(err)
	}
	nu, fit, pay := make([]float64, data+monte), make([]float64, data+monte), make([]float64, data+monte)
	for i := range data + monte {
		m.Rand(p.x[i*3:(i+1)*3], rnd)
		nu[i] = 1 / (4 * math.Pi)
		p.loss.nu[i] = float32(nu[i])
		if i < data {
			fit[i] = 1. / data
		} else {
			pay[i] = 4 * 4 * math.Pi / monte
			p.loss.pay[i] = float32(pay[i])
		}
	}
	var ls []layer64
	for _, l := range net.Layers() {
		ls = append(ls, layer64{l.In, l.Out, widen(l.W), widen(l.B)})
	}
	_, dw, db, err := oracle(ls, kernel.Swish, m, p.x, nu, fit, pay, eps)
	if err != nil {
		t.Fatal(err)
	}
	for in, most := range map[kernel.Precision]float64{kernel.F32: 2e-6, kernel.BF16x6: 2e-6, kernel.BF16x3: 3e-5, kernel.BF16: 3e-2} {
		p.multiply(in)
		p.run(nil)
		var off, norm float64
		for i, l := range net.WithParams(grad).Layers() {
			for j, v := range l.W {
				off += math.Pow(float64(v)-dw[i][j], 2)
				norm += dw[i][j] * dw[i][j]
			}
			for j, v := range l.B {
				off += math.Pow(float64(v)-db[i][j], 2)
				norm += db[i][j] * db[i][j]
			}
		}
		e := math.Sqrt(off / norm)
		t.Logf("%v: relative error of the gradient %.2g", in, e)
		if !(e < most) {
			t.Errorf("%v: relative error of the gradient %g, want below %g", in, e, most)
		}
	}
}
