package prior

import (
	"cmp"
	"math"
	"slices"

	"mflow/internal/kernel"
)

// A tree holds embedded points in blocks of kernel.SumBlock that lie together, and
// boxes around these. The last block may not be full.
type tree struct {
	n      int       // coordinates of an embedded point
	order  []int     // rows of the points of the blocks, -1 for what is missing
	at     []float64 // per block n rows of coordinates; what is missing is a copy
	boxes  []box
	bounds []float64 // per box, lowest and highest coordinates
}

// A box holds the points from:to, and is split into two unless right is zero;
// the left one comes next.
type box struct{ from, to, right int }

// newTree builds a tree of the rows of at.
func newTree(at []float64, n int) *tree {
	points := len(at) / n
	t := &tree{n: n}
	for i := range points {
		t.order = append(t.order, i)
	}
	t.build(at, 0, points)
	for len(t.order)%kernel.SumBlock != 0 {
		t.order = append(t.order, -1)
	}
	t.at = make([]float64, len(t.order)*n)
	for i, r := range t.order {
		b, j := i/kernel.SumBlock, i%kernel.SumBlock
		for c := range n {
			t.at[(b*n+c)*kernel.SumBlock+j] = at[max(0, r)*n+c]
		}
	}
	return t
}

func (t *tree) build(at []float64, from, to int) {
	id, n := len(t.boxes), t.n
	lo, hi := make([]float64, n), make([]float64, n)
	for c := range n {
		lo[c], hi[c] = math.Inf(1), math.Inf(-1)
	}
	for _, r := range t.order[from:to] {
		for c, v := range at[r*n : (r+1)*n] {
			lo[c], hi[c] = min(lo[c], v), max(hi[c], v)
		}
	}
	t.boxes = append(t.boxes, box{from: from, to: to})
	t.bounds = append(append(t.bounds, lo...), hi...)
	if to-from <= kernel.SumBlock {
		return
	}
	wide := 0
	for c := range n {
		if hi[c]-lo[c] > hi[wide]-lo[wide] {
			wide = c
		}
	}
	slices.SortFunc(t.order[from:to], func(a, b int) int {
		return cmp.Or(cmp.Compare(at[a*n+wide], at[b*n+wide]), a-b)
	})
	blocks := (to - from + kernel.SumBlock - 1) / kernel.SumBlock
	mid := from + (blocks+1)/2*kernel.SumBlock // blocks are full but for the last
	t.build(at, from, mid)
	t.boxes[id].right = len(t.boxes)
	t.build(at, mid, to)
}

// rows returns the rows of the points of a block.
func (t *tree) rows(block int) []int {
	return t.order[block*kernel.SumBlock : (block+1)*kernel.SumBlock]
}

// reaches returns the reach of every box from those of the blocks.
func (t *tree) reaches(blocks []float64) []float64 {
	out := make([]float64, len(t.boxes))
	for id := len(t.boxes) - 1; id >= 0; id-- {
		if b := t.boxes[id]; b.right == 0 {
			out[id] = blocks[b.from/kernel.SumBlock]
		} else {
			out[id] = max(out[id+1], out[b.right])
		}
	}
	return out
}

// walk calls f with the blocks that are within reach of x, a squared chord for each
// box, and the squared chord from x to the box around the block.
func (t *tree) walk(x, reach []float64, f func(block int, gap float64)) {
	var stack [64]int
	n := t.n
	for top := 1; top > 0; {
		top--
		id := stack[top]
		lo, hi := t.bounds[2*id*n:(2*id+1)*n], t.bounds[(2*id+1)*n:(2*id+2)*n]
		var gap float64
		for c, v := range x {
			if d := max(lo[c]-v, v-hi[c]); d > 0 {
				gap += d * d
			}
		}
		if gap > reach[id] {
			continue
		}
		if b := &t.boxes[id]; b.right > 0 {
			stack[top], stack[top+1] = b.right, id+1
			top += 2
		} else {
			f(b.from/kernel.SumBlock, gap)
		}
	}
}
