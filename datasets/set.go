package datasets

import (
	"encoding/binary"
	"math"

	"mflow/manifold"
)

// A Set is points on a manifold.
type Set struct {
	Name     string // of the data set, or the path of the file
	Manifold manifold.Manifold
	X        []float64 // N×n, one point per row

	SHA256 string   // of the file; empty for synthetic sets
	Notes  []string // what a careful reader of the file should know, a sentence each
	Truth  *Synthetic
}

// Dim returns the ambient dimension n.
func (s *Set) Dim() int {
	_, n := s.Manifold.Dims()
	return n
}

// N returns the number of points.
func (s *Set) N() int { return len(s.X) / s.Dim() }

// At returns point i, a view.
func (s *Set) At(i int) []float64 {
	n := s.Dim()
	return s.X[i*n : (i+1)*n]
}

// Points returns a copy of the given rows.
func (s *Set) Points(rows []int) []float64 {
	out := make([]float64, 0, len(rows)*s.Dim())
	for _, r := range rows {
		out = append(out, s.At(r)...)
	}
	return out
}

// key is a position as a map key: the exact coordinates.
func (s *Set) key(i int) string {
	b := make([]byte, 0, 8*s.Dim())
	for _, v := range s.At(i) {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v+0)) // -0 is 0
	}
	return string(b)
}

// Distinct returns the rows of the first point at every position, in order.
func (s *Set) Distinct() []int {
	seen := map[string]bool{}
	var rows []int
	for i := range s.N() {
		if k := s.key(i); !seen[k] {
			seen[k] = true
			rows = append(rows, i)
		}
	}
	return rows
}

// Novel returns those of the test rows whose position is not that of any training
// row, of this or another set. The others are copies, on which a density can be made
// as high as one likes.
func (s *Set) Novel(test []int, of *Set, train []int) []int {
	seen := map[string]bool{}
	for _, i := range train {
		seen[of.key(i)] = true
	}
	var rows []int
	for _, i := range test {
		if !seen[s.key(i)] {
			rows = append(rows, i)
		}
	}
	return rows
}
