package prior

import (
	"math"
	"slices"

	"mflow/manifold"
)

// Crowding returns how many times nearer the nearest neighbours of distinct
// points lie, in the median, than they would on a uniform density: one for
// uniform points, a hundred for tight clusters. It is NaN on manifolds without
// kernels.
func Crowding(m manifold.Manifold, x []float64) float64 {
	s, err := spaceOf(m)
	if err != nil {
		by, err := coveringOf(m)
		if err != nil {
			return math.NaN()
		}
		s, err = spaceOf(by.over)
		if err != nil {
			return math.NaN()
		}
		above, _ := by.above(m, x)
		return crowding(s, above, by.sheets())
	}
	return crowding(s, x, 1)
}

// crowding is Crowding of points of which so many images follow each other.
func crowding(s space, x []float64, images int) float64 {
	n := s.ambient()
	var gaps []float64
	near := neighbours(s, x, 19, images)
	for _, nb := range near {
		for _, q := range nb {
			if q.t > 1e-18 { // not a copy
				gaps = append(gaps, math.Sqrt(2*q.t))
				break
			}
		}
	}
	if len(gaps) == 0 {
		return 1
	}
	slices.Sort(gaps)
	d, _ := s.m.Dims()
	points := float64(len(x) / n)
	spacing := math.Pow(s.m.Volume()/points, 1/float64(d)) / 2
	return spacing / gaps[len(gaps)/2]
}
