package sample

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/floats"

	"mflow/divergence"
)

// envelope bounds the ratio μ₊/ν: everywhere by top, and in cells of the ambient
// space, cubes of one width, by what was seen there with a wide margin. Both are
// learned from points and may be too low somewhere; who uses them must look.
type envelope struct {
	top   float64
	lo    []float64 // a corner of the box that holds the points seen
	scale float64   // cells per unit of length
	cells map[uint64]*cell
}

type cell struct {
	bound float64
	seen  int
}

const (
	topMargin  = 1.1  // over the largest ratio that a search finds
	cellMargin = 3    // over the largest of some dozens of draws in a cell
	cellLeast  = 0.02 // of top: no cell's bound is lower
	cellSeen   = 12   // a cell with fewer draws has no bound of its own
	cellMean   = 48   // draws a cell that the width of cells is chosen for
)

// newEnvelope learns for n points to be drawn: from 32768 draws of the prior, and
// from more where top alone would make the drawing cost many times as much.
func newEnvelope(d *divergence.Density, n int, rnd *rand.Rand) (e *envelope, evals int, err error) {
	const least, most = 1 << 15, 1 << 18
	x, r, err := draws(d, least, rnd)
	if err != nil {
		return nil, 0, err
	}
	top, evals, err := climb(d, x, r, rnd)
	if err != nil {
		return nil, 0, err
	}
	e = &envelope{top: topMargin * top}
	alone := float64(n) * e.top / (floats.Sum(r) / least)
	if more := int(min(8*float64(n), alone/8, most)) - least; more > 0 {
		y, s, err := draws(d, more, rnd)
		if err != nil {
			return nil, 0, err
		}
		x, r = append(x, y...), append(r, s...)
		e.top = max(e.top, topMargin*slices.Max(s))
	}
	_, dim := d.Flow().Manifold.Dims()
	e.divide(x, r, dim)
	return e, evals + len(r), nil
}

// draws returns points of the prior and their ratios.
func draws(d *divergence.Density, n int, rnd *rand.Rand) (x, r []float64, err error) {
	_, dim := d.Flow().Manifold.Dims()
	x, r = make([]float64, n*dim), make([]float64, n)
	for i := range n {
		d.Flow().Prior.Rand(x[i*dim:(i+1)*dim], rnd)
	}
	return x, r, ratios(d, r, x)
}

// divide makes cells as small as the points x allow.
func (e *envelope) divide(x, r []float64, n int) {
	hi := slices.Clone(x[:n])
	e.lo = slices.Clone(x[:n])
	for i := 0; i < len(x); i += n {
		for c, v := range x[i : i+n] {
			e.lo[c], hi[c] = math.Min(e.lo[c], v), math.Max(hi[c], v)
		}
	}
	edge := 0.0
	for c := range hi {
		edge = math.Max(edge, hi[c]-e.lo[c])
	}
	for across := 2.0; edge > 0 && across < 1e4; across *= 1.4 {
		few := &envelope{lo: e.lo, scale: across / edge, cells: map[uint64]*cell{}}
		for i := 0; i < len(r) && len(few.cells) <= len(r)/cellMean; i++ {
			few.see(x[i*n:(i+1)*n], r[i])
		}
		if len(few.cells) > len(r)/cellMean {
			break
		}
		e.scale, e.cells = few.scale, few.cells
	}
	for key, c := range e.cells {
		if c.seen < cellSeen {
			delete(e.cells, key)
		}
		c.bound = math.Max(cellMargin*c.bound, cellLeast*e.top)
	}
}

func (e *envelope) see(x []float64, r float64) {
	key := e.key(x)
	c := e.cells[key]
	if c == nil {
		c = new(cell)
		e.cells[key] = c
	}
	c.bound = math.Max(c.bound, r)
	c.seen++
}

// key numbers the cell of a point. Cells that share a number share a bound.
func (e *envelope) key(x []float64) (h uint64) {
	for c, v := range x {
		h = (h ^ uint64(int64(math.Floor((v-e.lo[c])*e.scale)))) * 0x9e3779b97f4a7c15
		h ^= h >> 29
	}
	return h
}

// at is the bound at x.
func (e *envelope) at(x []float64) float64 {
	if c := e.cells[e.key(x)]; c != nil {
		return math.Min(c.bound, e.top)
	}
	return e.top
}

// raise mends the bound at x, where the ratio is r, and tells whether it had to.
func (e *envelope) raise(x []float64, r float64) bool {
	if !(r > e.at(x)) {
		return false
	}
	if c := e.cells[e.key(x)]; c != nil {
		c.bound = cellMargin * r
	}
	if r > e.top {
		e.top = topMargin * r
	}
	return true
}

// climb searches for the largest ratio, by random steps of shrinking size uphill
// from the best of the points x, whose ratios are r.
func climb(d *divergence.Density, x, r []float64, rnd *rand.Rand) (top float64, evals int, err error) {
	const climbers, rounds = 64, 60
	f := d.Flow()
	_, n := f.Manifold.Dims()
	order := make([]int, len(r))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(r[j], r[i]) })
	best, val := make([]float64, climbers*n), make([]float64, climbers)
	for i, o := range order[:climbers] {
		copy(best[i*n:(i+1)*n], x[o*n:(o+1)*n])
		val[i] = r[o]
	}
	try, got := make([]float64, climbers*n), make([]float64, climbers)
	step := 0.1
	for range rounds {
		for i := range climbers {
			for c := range n {
				try[i*n+c] = best[i*n+c] + step*rnd.NormFloat64()
			}
			f.Manifold.Project(try[i*n : (i+1)*n])
		}
		if err := ratios(d, got, try); err != nil {
			return 0, 0, err
		}
		for i, g := range got {
			if g > val[i] {
				val[i] = g
				copy(best[i*n:(i+1)*n], try[i*n:(i+1)*n])
			}
		}
		step *= 0.9
	}
	return slices.Max(val), rounds * climbers, nil
}
