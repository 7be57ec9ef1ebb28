package score

import (
	"math"
	"slices"
)

// Cells is a partition of space into boxes by cuts along single coordinates,
// which weighted points have in equal shares.
type Cells struct {
	dim  int
	tree []cut
	lo   []float64 // of the boxes, cell by cell, within the space of NewCells
	hi   []float64
}

// A cut sends points below at to the left. A leaf has axis -1 and its number in
// left.
type cut struct {
	axis        int
	at          float64
	left, right int
}

// NewCells cuts the points u, rows of dim coordinates with weights w, into k
// cells of equal weight, along the coordinate in which the points of a cell
// spread most. Cells are fewer where points coincide.
func NewCells(u []float64, dim int, w []float64, k int) *Cells {
	c := &Cells{dim: dim}
	rows := make([]int, 0, len(w))
	for i, v := range w {
		if v > 0 {
			rows = append(rows, i)
		}
	}
	lo, hi := make([]float64, dim), make([]float64, dim)
	for i := range hi {
		hi[i] = 1
	}
	c.split(u, w, rows, max(1, k), lo, hi)
	return c
}

// N returns the number of cells.
func (c *Cells) N() int { return len(c.lo) / c.dim }

func (c *Cells) split(u, w []float64, rows []int, k int, lo, hi []float64) int {
	at := len(c.tree)
	c.tree = append(c.tree, cut{axis: -1})
	axis, place, below := -1, 0.0, 0
	if k > 1 {
		axis, place, below = c.halve(u, w, rows, float64(k/2)/float64(k))
	}
	if axis < 0 {
		c.tree[at].left = c.N()
		c.lo, c.hi = append(c.lo, lo...), append(c.hi, hi...)
		return at
	}
	mid := slices.Clone(hi)
	mid[axis] = place
	left := c.split(u, w, rows[:below], k/2, lo, mid)
	mid = slices.Clone(lo)
	mid[axis] = place
	right := c.split(u, w, rows[below:], k-k/2, mid, hi)
	c.tree[at] = cut{axis, place, left, right}
	return at
}

// halve sorts rows along the coordinate of largest variance and returns where to
// cut so that about the given share of the weight is below, or axis -1 if no
// coordinate tells the points apart.
func (c *Cells) halve(u, w []float64, rows []int, share float64) (axis int, place float64, below int) {
	var total float64
	mean, sq := make([]float64, c.dim), make([]float64, c.dim)
	for _, r := range rows {
		total += w[r]
		for j := range c.dim {
			d := u[r*c.dim+j] - mean[j]
			mean[j] += d * w[r] / total
			sq[j] += w[r] * d * (u[r*c.dim+j] - mean[j])
		}
	}
	axis = 0
	for j, s := range sq {
		if s > sq[axis] {
			axis = j
		}
	}
	if len(rows) < 2 || !(sq[axis] > 0) {
		return -1, 0, 0
	}
	of := func(r int) float64 { return u[r*c.dim+axis] }
	slices.SortFunc(rows, func(a, b int) int {
		switch d := of(a) - of(b); {
		case d < 0:
			return -1
		case d > 0:
			return 1
		}
		return a - b
	})
	best := math.Inf(1)
	var sum float64
	for i := range len(rows) - 1 {
		sum += w[rows[i]]
		a, b := of(rows[i]), of(rows[i+1])
		if off := math.Abs(sum/total - share); a < b && off < best {
			mid := a + (b-a)/2
			if mid == a { // neighbours in floating point
				mid = b
			}
			best, place, below = off, mid, i+1
		}
	}
	if below == 0 {
		return -1, 0, 0
	}
	return axis, place, below
}

// Of returns the cell of a point.
func (c *Cells) Of(u []float64) int {
	n := c.tree[0]
	for n.axis >= 0 {
		if u[n.axis] < n.at {
			n = c.tree[n.left]
		} else {
			n = c.tree[n.right]
		}
	}
	return n.left
}

// volume returns the volume of a cell as a share of the unit cube.
func (c *Cells) volume(i int) float64 {
	v := 1.0
	for j := range c.dim {
		v *= c.hi[i*c.dim+j] - c.lo[i*c.dim+j]
	}
	return v
}
