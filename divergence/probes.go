package divergence

import (
	"math"
	"math/rand/v2"

	G "gorgonia.org/gorgonia"

	"mflow/flow"
	"mflow/internal/op"
	"mflow/manifold"
)

// Probes are the numbers that the geometry contributes to the divergence of B
// points: jets X = [x; w₁; …; w_K] of (1+K)B rows and the vectors H of B rows, in
// the ambient dimension N, so that
//
//	div u = Σⱼ ⟨wⱼ, Dv[wⱼ]⟩ + ⟨H, v⟩ .
//
// Exact probes are the tangent frame, with K = d. At a wall the frame vectors
// are shortened by √b, which gives the tapered field of manifold.Walled; those of
// a relative field are √ν times as long.
type Probes struct {
	B, K, N int
	X       []float32
	H       []float32

	m       manifold.Manifold
	exact   bool
	frame   []float64 // room for one frame, d×n
	x, h, g []float64 // room for one point, mean curvature, taper gradient
	taper   []float64
	xi      []float64

	prior flow.Gradient // of a relative field
	slope []float64
}

// NewProbes returns room for the probes of b points of m: the frame if k is 0,
// else k random probes per point.
func NewProbes(m manifold.Manifold, b, k int) *Probes {
	d, n := m.Dims()
	p := &Probes{B: b, K: k, N: n, m: m, exact: k == 0}
	if p.exact {
		p.K = d
	}
	p.X = make([]float32, (1+p.K)*b*n)
	p.H = make([]float32, b*n)
	p.frame = make([]float64, d*n)
	p.x, p.h, p.g = make([]float64, n), make([]float64, n), make([]float64, n)
	p.taper = make([]float64, d)
	p.xi = make([]float64, d)
	return p
}

// ProbesOf returns room for the probes of b points of a flow's manifold, which
// give the divergence of ν P v if its field is relative.
func ProbesOf(f *flow.Flow, b, k int) *Probes {
	p := NewProbes(f.Manifold, b, k)
	if f.Relative {
		p.prior, p.slope = f.Prior.(flow.Gradient), make([]float64, p.N)
	}
	return p
}

// Set fills the probes at the points x, B×n or fewer rows; it shrinks B to the
// number of rows. rnd is needed by random probes only.
func (p *Probes) Set(x []float64, rnd *rand.Rand) {
	n, b := p.N, len(x)/p.N
	if b*(1+p.K)*n > cap(p.X) {
		panic("divergence: more points than room for probes")
	}
	p.B, p.X, p.H = b, p.X[:(1+p.K)*b*n], p.H[:b*n]
	walls, walled := p.m.(manifold.Walled)
	for i := range b {
		copy(p.x, x[i*n:(i+1)*n])
		p.m.Frame(p.frame, p.x)
		p.m.MeanCurvature(p.h, p.x)
		if walled {
			walls.Taper(p.taper, p.g, p.x)
			for j, t := range p.taper {
				row, s := p.frame[j*n:(j+1)*n], math.Sqrt(t)
				for c := range row {
					row[c] *= s
				}
			}
			for c := range p.h {
				p.h[c] += p.g[c]
			}
		}
		if p.prior != nil {
			weigh(p.prior, p.frame, p.h, p.slope, p.x)
		}
		narrow(p.X[i*n:], p.x)
		narrow(p.H[i*n:], p.h)
		if p.exact {
			for j := range p.K {
				narrow(p.X[((1+j)*b+i)*n:], p.frame[j*n:(j+1)*n])
			}
			continue
		}
		for j := range p.K {
			p.random(p.X[((1+j)*b+i)*n:], rnd)
		}
	}
}

// weigh turns the frame and H of a field u at x into those of ν u,
//
//	div (ν u) = ν (div u + ⟨∇log ν, u⟩) ,
//
// with vectors √ν times as long. The gradient is written to g.
func weigh(prior flow.Gradient, frame, h, g, x []float64) {
	nu := math.Exp(prior.GradLogProb(g, x))
	n, root := len(x), math.Sqrt(nu)
	for at := 0; at < len(frame); at += n {
		row := frame[at : at+n]
		var along float64
		for c, w := range row {
			along += w * g[c]
		}
		for c, w := range row {
			h[c] += along * w
			row[c] *= root
		}
	}
	for c := range h {
		h[c] *= nu
	}
}

// random writes w = Eᵀξ/√K with ξ of independent signs (Rademacher), which has
// E[w wᵀ] = P/K and the least variance of all probes with independent entries.
func (p *Probes) random(w []float32, rnd *rand.Rand) {
	s := 1 / math.Sqrt(float64(p.K))
	bits := uint64(0)
	for j := range p.xi {
		if j%64 == 0 {
			bits = rnd.Uint64()
		}
		p.xi[j] = s
		if bits&1 == 0 {
			p.xi[j] = -s
		}
		bits >>= 1
	}
	for c := range p.N {
		var v float64
		for j, xi := range p.xi {
			v += xi * p.frame[j*p.N+c]
		}
		w[c] = float32(v)
	}
}

func narrow(dst []float32, x []float64) {
	for i, v := range x {
		dst[i] = float32(v)
	}
}

// Contract writes the divergence of the field with jets v, (1+K)B × N, to div.
func (p *Probes) Contract(div, v []float32) {
	n := p.N
	for i := range p.B {
		var s float32
		for c := range n {
			s += p.H[i*n+c] * v[i*n+c]
		}
		for j := 1; j <= p.K; j++ {
			at := (j*p.B + i) * n
			w, dv := p.X[at:at+n], v[at:at+n]
			for c, x := range w {
				s += x * dv[c]
			}
		}
		div[i] = s
	}
}

// contractGrad writes the gradient of Σ gᵢ divᵢ with respect to v: the
// contraction is linear, so it is the probes themselves, scaled.
func (p *Probes) contractGrad(gv, g []float32) {
	n := p.N
	for i, s := range g {
		for c := range n {
			gv[i*n+c] = s * p.H[i*n+c]
		}
		for j := 1; j <= p.K; j++ {
			at := (j*p.B + i) * n
			for c := range n {
				gv[at+c] = s * p.X[at+c]
			}
		}
	}
}

// Tangent writes u = Σⱼ ⟨wⱼ, v⟩ wⱼ, B×n, the tangential (and tapered) part of the
// field with jets v. It needs exact probes.
func (p *Probes) Tangent(u []float64, v []float32) {
	if !p.exact {
		panic("divergence: the tangential part needs exact probes")
	}
	n := p.N
	for i := range p.B {
		ui := u[i*n : (i+1)*n]
		clear(ui)
		for j := 1; j <= p.K; j++ {
			w := p.X[(j*p.B+i)*n : (j*p.B+i+1)*n]
			var s float64
			for c, x := range w {
				s += float64(x) * float64(v[i*n+c])
			}
			for c, x := range w {
				ui[c] += s * float64(x)
			}
		}
	}
}

// Input returns a graph node on the jets X: filling the probes anew changes
// what the next run of the graph sees.
func (p *Probes) Input(g *G.ExprGraph) *G.Node {
	rows := (1 + p.K) * p.B
	return G.NewMatrix(g, G.Float32, G.WithName("X"), G.WithShape(rows, p.N),
		G.WithValue(op.View(p.X, rows, p.N)))
}

// Node adds the contraction of the jets v to their graph: a vector of length B.
func (p *Probes) Node(v *G.Node) (*G.Node, error) {
	div := make([]float32, p.B)
	return op.Op{
		Name:   "divergence",
		Result: op.View(div, p.B),
		Do:     func(in [][]float32) { p.Contract(div, in[0]) },
		Wrt:    []bool{true},
		Grad:   p.grad,
	}.Apply(v)
}

func (p *Probes) grad(in G.Nodes, _, g *G.Node) (G.Nodes, error) {
	rows := (1 + p.K) * p.B
	gv := make([]float32, rows*p.N)
	n, err := op.Op{
		Name:   "divergenceGrad",
		Result: op.View(gv, rows, p.N),
		Do:     func(in [][]float32) { p.contractGrad(gv, in[0]) },
	}.Apply(g)
	return G.Nodes{n}, err
}
