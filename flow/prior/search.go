package prior

import (
	"cmp"
	"math"
	"slices"
)

// A search is a k-d tree of boxes over embedded points, each of which knows how
// far the kernels in it reach. A walk from x sees every point whose kernels are
// not negligible at x, and of the others only neighbours of these.
type search struct {
	n      int       // coordinates of an embedded point
	at     []float64 // points in the order of the tree
	order  []int     // their rows
	reach  []float64 // squared chord beyond which all kernels of a point are negligible
	boxes  []box
	bounds []float64 // per box, lowest and highest coordinates
}

// A box holds the points from:to, and is split into two unless right is zero;
// the left one comes next.
type box struct {
	from, to, right int
	reach           float64
}

const leaf = 8

// newSearch builds a search over the rows of at.
func newSearch(at []float64, n int, reach []float64) *search {
	points := len(at) / n
	s := &search{n: n, at: make([]float64, len(at)), order: make([]int, points), reach: make([]float64, points)}
	for i := range s.order {
		s.order[i] = i
	}
	s.build(at, reach, 0, points)
	for i, r := range s.order {
		copy(s.at[i*n:(i+1)*n], at[r*n:(r+1)*n])
		s.reach[i] = reach[r]
	}
	return s
}

func (s *search) build(at, reach []float64, from, to int) {
	id, n := len(s.boxes), s.n
	b := box{from: from, to: to, reach: math.Inf(-1)}
	lo, hi := make([]float64, n), make([]float64, n)
	for c := range n {
		lo[c], hi[c] = math.Inf(1), math.Inf(-1)
	}
	for _, r := range s.order[from:to] {
		for c, v := range at[r*n : (r+1)*n] {
			lo[c], hi[c] = min(lo[c], v), max(hi[c], v)
		}
		b.reach = max(b.reach, reach[r])
	}
	s.boxes = append(s.boxes, b)
	s.bounds = append(append(s.bounds, lo...), hi...)
	if to-from <= leaf {
		return
	}
	wide := 0
	for c := range n {
		if hi[c]-lo[c] > hi[wide]-lo[wide] {
			wide = c
		}
	}
	slices.SortFunc(s.order[from:to], func(a, b int) int {
		return cmp.Or(cmp.Compare(at[a*n+wide], at[b*n+wide]), a-b)
	})
	mid := (from + to) / 2
	s.build(at, reach, from, mid)
	s.boxes[id].right = len(s.boxes)
	s.build(at, reach, mid, to)
}

// walk calls f with the row of points, their embedded coordinates and their
// squared chord to x.
func (s *search) walk(x []float64, f func(row int, at []float64, chord float64)) {
	var stack [64]int
	n := s.n
	for top := 1; top > 0; {
		top--
		id := stack[top]
		b := &s.boxes[id]
		lo, hi := s.bounds[2*id*n:(2*id+1)*n], s.bounds[(2*id+1)*n:(2*id+2)*n]
		var gap float64
		for c, v := range x {
			if d := max(lo[c]-v, v-hi[c]); d > 0 {
				gap += d * d
			}
		}
		if gap > b.reach {
			continue
		}
		if b.right > 0 {
			stack[top], stack[top+1] = b.right, id+1
			top += 2
			continue
		}
		for i := b.from; i < b.to; i++ {
			at := s.at[i*n : (i+1)*n]
			var chord float64
			for c, v := range x {
				chord += (v - at[c]) * (v - at[c])
			}
			if chord <= s.reach[i] {
				f(s.order[i], at, chord)
			}
		}
	}
}
