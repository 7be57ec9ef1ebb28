package train

import (
	"math"

	G "gorgonia.org/gorgonia"

	"mflow/internal/op"
)

// moser is the Moser loss of one batch as a function of the divergence d of the
// field. With a = ν - d - ε both parts of the density are rectifiers, μ₊ =
// max(0, a) + ε and μ₋ = max(0, -a), and
//
//	L  = Σ pay μ₋ - Σ fit log μ₊ ,
//	L' = fit / μ₊  where a > 0,   pay  where a < 0,   by d.
//
// So L' is zero at data points with μ ≤ ε and at Monte Carlo points with μ > ε,
// which the backward pass of the network leaves out.
type moser struct {
	nu  []float32 // ν(x)
	fit []float32 // weight of -log μ₊: 1/data on data points, else 0
	pay []float32 // weight of μ₋: λ/(monte η) on Monte Carlo points, else 0
	eps float32

	parts [2]float64 // Σ fit log μ₊ and Σ pay μ₋
}

func newMoser(b int, eps float64) moser {
	return moser{nu: make([]float32, b), fit: make([]float32, b), pay: make([]float32, b), eps: float32(eps)}
}

// node adds the loss to the graph of the divergence.
func (m *moser) node(div *G.Node) (*G.Node, error) {
	loss := make([]float32, 1)
	return op.Op{
		Name:   "moser",
		Result: op.View(loss),
		Do:     func(in [][]float32) { loss[0] = m.value(in[0]) },
		Wrt:    []bool{true},
		Grad: func(in G.Nodes, _, g *G.Node) (G.Nodes, error) {
			grad := make([]float32, len(m.nu))
			n, err := op.Op{
				Name:   "moserGrad",
				Result: op.View(grad, len(grad)),
				Do:     func(in [][]float32) { m.gradient(grad, in[0], in[1][0]) },
			}.Apply(in[0], g)
			return G.Nodes{n}, err
		},
	}.Apply(div)
}

func (m *moser) value(div []float32) float32 {
	var fit, pay float64
	for i, d := range div {
		a := m.nu[i] - d - m.eps
		if w := m.fit[i]; w != 0 {
			fit += float64(w) * math.Log(float64(max(0, a)+m.eps))
		}
		if w := m.pay[i]; w != 0 {
			pay += float64(w) * float64(max(0, -a))
		}
	}
	m.parts = [2]float64{fit, pay}
	return float32(pay - fit)
}

// gradient writes s L' to grad.
func (m *moser) gradient(grad, div []float32, s float32) {
	for i, d := range div {
		a := m.nu[i] - d - m.eps
		switch {
		case a > 0:
			grad[i] = s * m.fit[i] / (a + m.eps)
		case a < 0:
			grad[i] = s * m.pay[i]
		default: // at the corner, where Gorgonia's rectifier has slope 0 as well, or NaN
			grad[i] = 0 * a
		}
	}
}
