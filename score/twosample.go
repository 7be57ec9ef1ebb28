package score

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"mflow/internal/kernel"
	"mflow/manifold"
)

// A TwoSample compares two sets of points of a manifold by their distances: those
// in the ambient space, where angles are points of circles.
type TwoSample struct {
	n, m int
	dist []float32 // of all pairs of the n+m points
}

// NewTwoSample returns the comparison of the points x and y, two or more of each.
func NewTwoSample(m manifold.Manifold, x, y []float64) (*TwoSample, error) {
	_, dim := m.Dims()
	s := &TwoSample{n: len(x) / dim, m: len(y) / dim}
	if s.n < 2 || s.m < 2 {
		return nil, fmt.Errorf("score: %d points against %d, want at least two of each", s.n, s.m)
	}
	var e []float64
	for _, set := range [][]float64{x, y} {
		for i := 0; i < len(set); i += dim {
			e = embed(e, m, set[i:i+dim])
		}
	}
	all := s.n + s.m
	w := len(e) / all
	s.dist = make([]float32, all*all)
	kernel.Parallel(all, 16, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			for j := range all {
				var d float64
				for c := range w {
					v := e[i*w+c] - e[j*w+c]
					d += v * v
				}
				s.dist[i*all+j] = float32(math.Sqrt(d))
			}
		}
	})
	return s, nil
}

// embed appends a point to e, with circles for what is periodic.
func embed(e []float64, m manifold.Manifold, x []float64) []float64 {
	circle := func(e []float64, v, period float64) []float64 {
		r := period / (2 * math.Pi)
		sin, cos := math.Sincos(v / r)
		return append(e, r*cos, r*sin)
	}
	switch m := m.(type) {
	case manifold.Torus:
		for _, v := range x {
			e = circle(e, v, 2*math.Pi)
		}
		return e
	case manifold.Box:
		for i, v := range x {
			if m.Periodic[i] {
				e = circle(e, v, m.Hi[i]-m.Lo[i])
			} else {
				e = append(e, v)
			}
		}
		return e
	case interface{ Factors() []manifold.Manifold }:
		for _, f := range m.Factors() {
			_, n := f.Dims()
			e, x = embed(e, f, x[:n]), x[n:]
		}
		return e
	}
	return append(e, x...)
}

// Energy returns the energy distance of the two sets,
//
//	2 E|x - y| - E|x - x'| - E|y - y'| ≥ 0 ,
//
// means over all pairs, a point with itself included (Székely and Rizzo 2013),
// and the p-value of its being zero: the share of random relabellings that have
// as large a distance.
func (s *TwoSample) Energy(relabellings int, rnd *rand.Rand) (value, p float64) {
	all := s.n + s.m
	// With a = 1/n on one set and -1/m on the other the distance is -aᵀ D a.
	label := make([]float64, all)
	for i := range label {
		label[i] = 1 / float64(s.n)
		if i >= s.n {
			label[i] = -1 / float64(s.m)
		}
	}
	value = s.form(label)
	hits := 0
	for range relabellings {
		rnd.Shuffle(all, func(i, j int) { label[i], label[j] = label[j], label[i] })
		if s.form(label) >= value {
			hits++
		}
	}
	return value, float64(hits+1) / float64(relabellings+1)
}

// form returns -aᵀ D a.
func (s *TwoSample) form(a []float64) float64 {
	all := len(a)
	part := make([]float64, all)
	kernel.Parallel(all, 16, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			var sum float64
			for j, d := range s.dist[i*all : i*all+i] {
				sum += a[j] * float64(d)
			}
			part[i] = a[i] * sum
		}
	})
	var sum float64
	for _, v := range part {
		sum += v
	}
	return -2 * sum
}

// A Classification is how well a classifier tells two sets apart: by chance it
// is right about half of the time if they are alike.
type Classification struct {
	K        int     // neighbours that vote
	Accuracy float64 // mean of the two sets' shares that are told rightly
	SE       float64 // of the accuracy, under the hypothesis that the sets are alike
	Chance   float64 // the accuracy then
	P        float64 // share of random relabellings with at least that accuracy
}

// Classify is the two-sample test by a classifier (Lopez-Paz and Oquab 2017):
// every point is left out in turn and told by a vote of its nearest neighbours, an
// odd number near the root of half of the points. Error and p-value come from
// random relabellings, which leave the neighbours as they are and so cost little;
// with one neighbour this is the test of Schilling (1986). The sets should be of
// one size.
func (s *TwoSample) Classify(relabellings int, rnd *rand.Rand) Classification {
	all := s.n + s.m
	k := int(math.Sqrt(float64(all) / 2))
	k = min(k|1, all-1)
	near := make([]int32, all*k)
	kernel.Parallel(all, 16, func(lo, hi int) {
		order := make([]int32, all)
		for i := lo; i < hi; i++ {
			d := s.dist[i*all : (i+1)*all]
			order = order[:0]
			for j := range all {
				if j != i {
					order = append(order, int32(j))
				}
			}
			slices.SortFunc(order, func(a, b int32) int { return cmp.Or(cmp.Compare(d[a], d[b]), cmp.Compare(a, b)) })
			copy(near[i*k:(i+1)*k], order)
		}
	})
	second := make([]bool, all)
	for i := s.n; i < all; i++ {
		second[i] = true
	}
	accuracy := func() float64 {
		var right [2]int
		for i := range all {
			votes := 0
			for _, j := range near[i*k : (i+1)*k] {
				if second[j] {
					votes++
				}
			}
			if is := second[i]; (2*votes > k) == is {
				if is {
					right[1]++
				} else {
					right[0]++
				}
			}
		}
		return (float64(right[0])/float64(s.n) + float64(right[1])/float64(s.m)) / 2
	}
	c := Classification{K: k, Accuracy: accuracy()}
	var null []float64
	hits := 0
	for range relabellings {
		rnd.Shuffle(all, func(i, j int) { second[i], second[j] = second[j], second[i] })
		v := accuracy()
		null = append(null, v)
		if v >= c.Accuracy {
			hits++
		}
	}
	m := MeanOf(null, nil)
	c.Chance, c.SE = m.Value, m.SE*math.Sqrt(float64(relabellings))
	c.P = float64(hits+1) / float64(relabellings+1)
	return c
}
