package score

import (
	"fmt"
	"math"
	"math/rand/v2"

	"mflow/internal/kernel"
	"mflow/manifold"
)

// A Density is what the tests of a model need to know of it.
type Density struct {
	M       manifold.Manifold
	LogProb func(dst, x []float64) // log-densities at many points

	// Source is a density of which points can be drawn; nil, or near the model
	// where the model is sharp.
	Source interface {
		LogProb(x []float64) float64
		Rand(x []float64, rnd *rand.Rand)
	}
}

// A Cloud is points with weights that stand for a density: the mass of a set is
// about the weight in it.
type Cloud struct {
	X []float64 // points, one per row
	U []float64 // their coordinates: those of the chart, or ambient if there is none
	W []float64 // weights; their sum is near the mass of the density
	d int       // columns of U
}

// coordinates of points: those of the chart if there is one.
type coordinates struct {
	chart   Chart
	charted bool
	d, n    int
}

func newCoordinates(m manifold.Manifold) coordinates {
	c := coordinates{}
	c.d, c.n = m.Dims()
	if c.chart, c.charted = NewChart(m); !c.charted {
		c.d = c.n
	}
	return c
}

func (c coordinates) of(x []float64) []float64 {
	if !c.charted {
		return x
	}
	rows := len(x) / c.n
	u := make([]float64, rows*c.d)
	kernel.Parallel(rows, 256, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			c.chart.From(u[i*c.d:(i+1)*c.d], x[i*c.n:(i+1)*c.n])
		}
	})
	return u
}

// NewCloud draws n points for p by importance sampling. Four rounds of n/8 come
// first, the first of them from the uniform density and the source by halves.
// Where there is a chart, cells about the points of every round make a proposal
// for the next: constant on each cell, in proportion to the weight found there,
// mixed with the uniform density and the source so that no weight is larger than
// a few times p over the uniform density.
func NewCloud(p Density, n int, rnd *rand.Rand) (*Cloud, error) {
	m, ok := p.M.(manifold.Measurer)
	if !ok {
		return nil, fmt.Errorf("score: %s has no uniform sampler", p.M)
	}
	const rounds, crowd = 4, 16 // points of a cell: its share is then known to a quarter or so
	at := newCoordinates(p.M)
	q := &proposal{m: m, source: p.Source, at: at}
	if at.charted {
		// By number, not by weight: a cell cut off about one heavy point would say
		// nothing on how far the weight goes.
		even := make([]float64, max(1000, n/(2*rounds)))
		for i := range even {
			even[i] = 1
		}
		for range rounds {
			c := q.draw(p, len(even), rnd)
			q.cells = NewCells(c.U, at.d, even, len(even)/crowd)
			q.weight(c)
		}
	}
	return q.draw(p, n, rnd), nil
}

// A proposal is the mixture that points are drawn from.
type proposal struct {
	m      manifold.Measurer
	source interface {
		LogProb(x []float64) float64
		Rand(x []float64, rnd *rand.Rand)
	}
	at    coordinates
	cells *Cells
	share []float64 // cumulative, of the cells
	mass  []float64 // of the cells
}

// weight sets the shares of the cells to the weights found in them, or to a
// tenth of an equal share, so that no cell is left out.
func (q *proposal) weight(c *Cloud) {
	q.mass = make([]float64, q.cells.N())
	var total float64
	for i, w := range c.W {
		if w > 0 {
			q.mass[q.cells.Of(c.U[i*c.d:(i+1)*c.d])] += w
			total += w
		}
	}
	if !(total > 0) {
		q.cells = nil
		return
	}
	floor := 0.1 * total / float64(len(q.mass))
	total = 0
	for i, v := range q.mass {
		q.mass[i] = math.Max(v, floor)
		total += q.mass[i]
	}
	q.share = make([]float64, len(q.mass))
	sum := 0.0
	for i := range q.mass {
		q.mass[i] /= total
		sum += q.mass[i]
		q.share[i] = sum
	}
}

// shares returns how the mixture is made up.
func (q *proposal) shares() (uniform, source, cells float64) {
	switch {
	case q.cells != nil && q.source != nil:
		return 0.2, 0.3, 0.5
	case q.cells != nil:
		return 0.3, 0, 0.7
	case q.source != nil:
		return 0.5, 0.5, 0
	}
	return 1, 0, 0
}

func (q *proposal) draw(p Density, n int, rnd *rand.Rand) *Cloud {
	dim := q.at.n
	uniform, source, cells := q.shares()
	c := &Cloud{X: make([]float64, n*dim), W: make([]float64, n), d: q.at.d}
	u := make([]float64, q.at.d)
	for i := range n {
		x := c.X[i*dim : (i+1)*dim]
		switch t := (float64(i) + 0.5) / float64(n); { // stratified over the parts
		case t < uniform:
			q.m.Rand(x, rnd)
		case t < uniform+source:
			q.source.Rand(x, rnd)
		default:
			k := place(q.share, rnd.Float64())
			for j := range u {
				lo, hi := q.cells.lo[k*q.at.d+j], q.cells.hi[k*q.at.d+j]
				u[j] = lo + (hi-lo)*rnd.Float64()
			}
			q.at.chart.To(x, u)
		}
	}
	c.U = q.at.of(c.X)
	p.LogProb(c.W, c.X)
	vol := q.m.Volume()
	kernel.Parallel(n, 64, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			eta := uniform / vol
			if source > 0 {
				eta += source * math.Exp(q.source.LogProb(c.X[i*dim:(i+1)*dim]))
			}
			if cells > 0 {
				k := q.cells.Of(c.U[i*c.d : (i+1)*c.d])
				eta += cells * q.mass[k] / (q.cells.volume(k) * vol)
			}
			c.W[i] = math.Exp(c.W[i]) / (eta * float64(n))
		}
	})
	return c
}

// place returns the first place whose cumulative share exceeds v.
func place(share []float64, v float64) int {
	lo, hi := 0, len(share)-1
	for lo < hi {
		if mid := (lo + hi) / 2; share[mid] > v {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo
}

// Mass returns the sum of the weights, an unbiased estimate of the mass of the
// density, with its standard error.
func (c *Cloud) Mass() (v, se float64) {
	n := float64(len(c.W))
	for _, w := range c.W {
		v += w
	}
	for _, w := range c.W {
		se += (w - v/n) * (w - v/n)
	}
	return v, math.Sqrt(se * n / (n - 1))
}

// Effective returns the number of independent points of the density that the
// cloud is worth, (Σ w)² / Σ w² (Kong 1992).
func (c *Cloud) Effective() float64 {
	var s, ss float64
	for _, w := range c.W {
		s += w
		ss += w * w
	}
	return s * s / ss
}

// halves returns the even and the odd points, two independent clouds.
func (c *Cloud) halves() (a, b *Cloud) {
	a, b = &Cloud{d: c.d}, &Cloud{d: c.d}
	for i, w := range c.W {
		h := a
		if i%2 == 1 {
			h = b
		}
		h.U, h.W = append(h.U, c.U[i*c.d:(i+1)*c.d]...), append(h.W, w)
	}
	return a, b
}
