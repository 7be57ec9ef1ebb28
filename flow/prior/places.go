package prior

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/kdtree"
)

// embed returns coordinates whose squared Euclidean distances are 2t: the point
// itself on a sphere, cosines and sines of the angles on a torus.
func (s space) embed(x []float64) []float64 {
	if !s.torus {
		return x
	}
	y := make([]float64, 0, 2*len(x))
	for _, v := range x {
		sin, cos := math.Sincos(v)
		y = append(y, cos, sin)
	}
	return y
}

// A place is a point in a k-d tree, with its row.
type place struct {
	x     []float64
	index int
}

// Compare implements kdtree.Comparable.
func (p place) Compare(c kdtree.Comparable, d kdtree.Dim) float64 { return p.x[d] - c.(place).x[d] }

// Dims implements kdtree.Comparable.
func (p place) Dims() int { return len(p.x) }

// Distance returns the squared Euclidean distance.
func (p place) Distance(c kdtree.Comparable) float64 {
	var s float64
	for i, v := range c.(place).x {
		s += (p.x[i] - v) * (p.x[i] - v)
	}
	return s
}

// places implements kdtree.Interface.
type places []place

func (p places) Index(i int) kdtree.Comparable         { return p[i] }
func (p places) Len() int                              { return len(p) }
func (p places) Slice(start, end int) kdtree.Interface { return p[start:end] }

// Pivot puts the places in the order of one coordinate, and equal ones in that of
// their rows, so that the tree is the same every time.
func (p places) Pivot(d kdtree.Dim) int {
	slices.SortFunc(p, func(a, b place) int { return cmp.Or(cmp.Compare(a.x[d], b.x[d]), a.index-b.index) })
	return len(p) / 2
}
