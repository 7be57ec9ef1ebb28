package divergence

import (
	"math"

	"mflow/flow"
	"mflow/manifold"
)

// Eval64 is Eval in float64 throughout, on one thread and slowly: the oracle of
// Eval, and smooth enough to be differenced, which the change-of-variables
// density of package sample needs.
func (d *Density) Eval64(x, nu, mu, u []float64) {
	m := d.flow.Manifold
	dim, n := m.Dims()
	b := len(x) / n
	jets := make([]float64, (1+dim)*b*n)
	copy(jets, x)
	h, g, taper := make([]float64, b*n), make([]float64, n), make([]float64, dim)
	frame := make([]float64, dim*n)
	walls, walled := m.(manifold.Walled)
	for i := range b {
		xi := x[i*n : (i+1)*n]
		m.Frame(frame, xi)
		m.MeanCurvature(h[i*n:(i+1)*n], xi)
		if walled {
			walls.Taper(taper, g, xi)
			for c, v := range g {
				h[i*n+c] += v
			}
			for j, t := range taper {
				for c := range n {
					frame[j*n+c] *= math.Sqrt(t)
				}
			}
		}
		if d.flow.Relative {
			weigh(d.flow.Prior.(flow.Gradient), frame, h[i*n:(i+1)*n], g, xi)
		}
		for j := range dim {
			copy(jets[((1+j)*b+i)*n:], frame[j*n:(j+1)*n])
		}
	}
	v := make([]float64, len(jets))
	for _, net := range d.flow.Nets {
		for i, w := range net.Eval64(b, dim, jets) {
			v[i] += w
		}
	}
	for i := range b {
		var div float64
		for c := range n {
			div += h[i*n+c] * v[i*n+c]
		}
		if u != nil {
			clear(u[i*n : (i+1)*n])
		}
		for j := 1; j <= dim; j++ {
			at := (j*b + i) * n
			var along float64
			for c, w := range jets[at : at+n] {
				div += w * v[at+c]
				along += w * v[i*n+c]
			}
			if u == nil {
				continue
			}
			for c, w := range jets[at : at+n] {
				u[i*n+c] += along * w
			}
		}
		p := math.Exp(d.flow.Prior.LogProb(x[i*n : (i+1)*n]))
		if nu != nil {
			nu[i] = p
		}
		if mu != nil {
			mu[i] = p - div
		}
	}
}
