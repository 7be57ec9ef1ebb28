package datasets

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sort"

	"mflow/manifold"
)

// A Protocol is a way to hold points out.
type Protocol int

const (
	// Published splits rows at random, as the literature does. Where positions
	// repeat, test points are copies of training points.
	Published Protocol = iota
	// Distinct drops repeated positions first.
	Distinct
	// Blocked holds out whole cells of 10 degrees, so that test points lie where
	// the model has seen nothing.
	Blocked
)

var protocolNames = [...]string{"published", "distinct", "blocked"}

// String returns the name that ParseProtocol reads.
func (p Protocol) String() string { return protocolNames[p] }

// ParseProtocol reads published, distinct or blocked.
func ParseProtocol(s string) (Protocol, error) {
	for p, n := range protocolNames {
		if n == s {
			return Protocol(p), nil
		}
	}
	return 0, fmt.Errorf("datasets: unknown split %q, want published, distinct or blocked", s)
}

// A Split is rows of a set for training, validation and test. No row is in two.
type Split struct {
	Train, Val, Test []int
	Duplicates       int // test rows at the position of a training row
}

// Fractions are the shares of the rows; they sum to one.
type Fractions struct{ Train, Val, Test float64 }

// Common is the usual 80/10/10.
var Common = Fractions{0.8, 0.1, 0.1}

// Split splits the set. The rows (or, blocked, the cells) are shuffled by
// Fisher and Yates with a PCG generator seeded by (seed, 80); test rows are
// taken first, then validation rows, each rounded down to a whole number but
// not to none; the rest is for training. The same seed gives the same split in
// every version.
func (s *Set) Split(p Protocol, seed uint64, f Fractions) (Split, error) {
	if !(f.Train > 0 && f.Val >= 0 && f.Test >= 0) || math.Abs(f.Train+f.Val+f.Test-1) > 1e-9 {
		return Split{}, fmt.Errorf("datasets: fractions %g, %g, %g; want shares that sum to one, the first above zero", f.Train, f.Val, f.Test)
	}
	rows := make([]int, s.N())
	for i := range rows {
		rows[i] = i
	}
	if p == Distinct {
		rows = s.Distinct()
	}
	groups := make([][]int, len(rows))
	for i, r := range rows {
		groups[i] = []int{r}
	}
	if p == Blocked {
		var err error
		if groups, err = s.cells(rows); err != nil {
			return Split{}, err
		}
	}
	rnd := rand.New(rand.NewPCG(seed, 80))
	rnd.Shuffle(len(groups), func(i, j int) { groups[i], groups[j] = groups[j], groups[i] })
	test, val := share(f.Test, len(groups)), share(f.Val, len(groups))
	if test+val >= len(groups) {
		return Split{}, fmt.Errorf("datasets: %s: %d %s are too few to split", s.Name, len(groups), map[bool]string{true: "cells", false: "points"}[p == Blocked])
	}
	var out Split
	for i, g := range groups {
		switch {
		case i < test:
			out.Test = append(out.Test, g...)
		case i < test+val:
			out.Val = append(out.Val, g...)
		default:
			out.Train = append(out.Train, g...)
		}
	}
	out.Duplicates = len(out.Test) - len(s.Novel(out.Test, s, out.Train))
	return out, nil
}

func share(f float64, n int) int {
	if f == 0 {
		return 0
	}
	return max(1, int(f*float64(n)))
}

// cells groups the rows by cells of 10 degrees, in the order of the cells.
func (s *Set) cells(rows []int) ([][]int, error) {
	of := map[string][]int{}
	for _, r := range rows {
		c, err := s.cell(r)
		if err != nil {
			return nil, err
		}
		of[c] = append(of[c], r)
	}
	names := make([]string, 0, len(of))
	for c := range of {
		names = append(names, c)
	}
	sort.Strings(names)
	groups := make([][]int, len(names))
	for i, c := range names {
		groups[i] = of[c]
	}
	return groups, nil
}

func (s *Set) cell(i int) (string, error) { return Block(s.Manifold, s.At(i)) }

// Block names the cell of 10 degrees that a point of the sphere or of a flat
// torus lies in: what a blocked split holds out as a whole, and what its errors
// are clustered by.
func Block(m manifold.Manifold, x []float64) (string, error) {
	const degrees = 10
	switch t := m.(type) {
	case manifold.Sphere:
		if t.N == 2 {
			lat, lon := manifold.LatLon(x)
			return fmt.Sprint(math.Floor(lat/degrees), math.Floor(lon/degrees)), nil
		}
	case manifold.Torus:
		c := make([]float64, len(x))
		for j, v := range x {
			c[j] = math.Floor(v * 180 / math.Pi / degrees)
		}
		return fmt.Sprint(c), nil
	}
	return "", fmt.Errorf("datasets: a blocked split needs cells of 10 degrees, which %s has not; only the sphere and flat tori have", m)
}

// Folds deals n rows to k folds at random, evenly, and returns the fold of each.
func Folds(n, k int, seed uint64) []int {
	rnd := rand.New(rand.NewPCG(seed, uint64(k)))
	f := make([]int, n)
	for i, r := range rnd.Perm(n) {
		f[i] = r % k
	}
	return f
}

// BlockFolds deals whole cells of the given rows to k folds and returns the fold
// of each row: what cross-fitting needs when the question is about places never
// seen.
func (s *Set) BlockFolds(rows []int, k int, seed uint64) ([]int, error) {
	groups, err := s.cells(rows)
	if err != nil {
		return nil, err
	}
	of := map[int]int{}
	for i, f := range Folds(len(groups), k, seed) {
		for _, r := range groups[i] {
			of[r] = f
		}
	}
	out := make([]int, len(rows))
	for i, r := range rows {
		out[i] = of[r]
	}
	return out, nil
}

// Cells returns the number of the cell of 10 degrees of every row.
func (s *Set) Cells(rows []int) ([]int, error) {
	groups, err := s.cells(rows)
	if err != nil {
		return nil, err
	}
	of := map[int]int{}
	for c, g := range groups {
		for _, r := range g {
			of[r] = c
		}
	}
	out := make([]int, len(rows))
	for i, r := range rows {
		out[i] = of[r]
	}
	return out, nil
}
