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
	images := 1 // points in a row that are one
	s, err := spaceOf(m)
	if err != nil {
		by, err := coveringOf(m)
		if err != nil {
			return math.NaN()
		}
		if s, err = spaceOf(by.over); err != nil {
			return math.NaN()
		}
		x, _ = by.above(m, x)
		images = by.sheets()
	}
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
