package divergence

import (
	"fmt"
	"math"
	"sync"

	"mflow/flow"
	"mflow/flow/nn"
	"mflow/internal/kernel"
)

// block is the number of points evaluated together: with two tangents and a
// layer of 128 units their jets, 200 kB, stay in the second-level cache. It is a
// multiple of 14, the rows of the largest tile of a matrix product.
const block = 126

// A Density evaluates a flow at many points, on all threads. Results do not
// depend on the number of threads. It may be used concurrently.
type Density struct {
	flow  *flow.Flow
	n     int
	flat  float64 // ν where it is uniform, else 0
	rooms sync.Pool
}

// room is what one block of points needs.
type room struct {
	probes *Probes
	ws     nn.Workspace
	div    []float32
	sum    []float32 // of the jets of several networks
}

// New returns a Density of f.
func New(f *flow.Flow) *Density {
	_, n := f.Manifold.Dims()
	d := &Density{flow: f, n: n}
	if _, uniform := f.Prior.(interface{ IsUniform() }); uniform {
		d.flat = math.Exp(f.Prior.LogProb(nil))
	}
	d.rooms.New = func() any {
		return &room{probes: ProbesOf(f, block, 0), div: make([]float32, block)}
	}
	return d
}

// Flow returns the flow that is evaluated.
func (d *Density) Flow() *flow.Flow { return d.flow }

// Eval evaluates the flow at the points x, B×n: the prior ν and the signed
// density
//
//	μ(x) = ν(x) - div u(x),    u = P v, or ν P v if relative
//
// of Rozen et al. (2021), each of length B, and the field u, B×n. Results that
// are nil are not computed.
func (d *Density) Eval(x, nu, mu, u []float64) {
	points := len(x) / d.n
	if len(x)%d.n != 0 {
		panic(fmt.Sprintf("divergence: %d coordinates do not divide into points of %d", len(x), d.n))
	}
	cut := func(s []float64, lo, hi, w int) []float64 {
		if s == nil {
			return nil
		}
		return s[lo*w : hi*w]
	}
	kernel.Parallel((points+block-1)/block, 1, func(lo, hi int) {
		r := d.rooms.Get().(*room)
		defer d.rooms.Put(r)
		for ; lo < hi; lo++ {
			a, b := lo*block, min(points, (lo+1)*block)
			d.eval(r, cut(x, a, b, d.n), cut(nu, a, b, 1), cut(mu, a, b, 1), cut(u, a, b, d.n))
		}
	})
}

func (d *Density) eval(r *room, x, nu, mu, u []float64) {
	if len(d.flow.Nets) == 0 {
		d.priorAlone(x, nu, mu, u)
		return
	}
	r.probes.Set(x, nil)
	b := r.probes.B
	k := r.probes.K
	jets := r.probes.X
	if mu == nil { // the field alone needs no tangents
		k, jets = 0, jets[:b*d.n]
	}
	v := d.field(r, b, k, jets)
	if u != nil {
		r.probes.Tangent(u, v)
	}
	if mu != nil {
		div := r.div[:b]
		r.probes.Contract(div, v)
		for i := range mu {
			mu[i] = -float64(div[i])
		}
	}
	if nu == nil && mu == nil {
		return
	}
	for i := range b {
		p := d.flat
		if p == 0 {
			p = math.Exp(d.flow.Prior.LogProb(x[i*d.n : (i+1)*d.n]))
		}
		if nu != nil {
			nu[i] = p
		}
		if mu != nil {
			mu[i] += p
		}
	}
}

// priorAlone is eval without networks: μ = ν and u = 0.
func (d *Density) priorAlone(x, nu, mu, u []float64) {
	clear(u)
	if nu == nil && mu == nil {
		return
	}
	for i := range len(x) / d.n {
		p := math.Exp(d.flow.Prior.LogProb(x[i*d.n : (i+1)*d.n]))
		if nu != nil {
			nu[i] = p
		}
		if mu != nil {
			mu[i] = p
		}
	}
}

// field returns the jets of the field, the sum over the networks.
func (d *Density) field(r *room, b, k int, jets []float32) []float32 {
	nets := d.flow.Nets
	if len(nets) == 1 {
		return nets[0].Eval(&r.ws, b, k, jets)
	}
	if cap(r.sum) < len(jets) {
		r.sum = make([]float32, len(jets))
	}
	sum := r.sum[:len(jets)]
	clear(sum)
	for _, net := range nets {
		for i, v := range net.Eval(&r.ws, b, k, jets) {
			sum[i] += v
		}
	}
	return sum
}

// Mu writes the signed density μ at the points x, B×n, to mu. It integrates to
// one over the manifold for every network, and is a density where positive.
func (d *Density) Mu(mu, x []float64) { d.Eval(x, nil, mu, nil) }

// LogProb writes log p = log μ₊ - log Z, in nats, at the points x to dst. If Z
// has not been measured the density is left unnormalised, as the paper does.
func (d *Density) LogProb(dst, x []float64) {
	d.Mu(dst, x)
	logZ := 0.0
	if d.flow.Z > 0 {
		logZ = math.Log(d.flow.Z)
	}
	for i, m := range dst {
		dst[i] = math.Log(math.Max(d.flow.Eps, m)) - logZ
	}
}
