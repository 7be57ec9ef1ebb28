package score

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distuv"
)

// A Mean is the mean of N numbers with its standard error.
type Mean struct {
	Value, SE float64
	N         int
	Groups    int // independent groups that the error rests on: N unless clustered
}

// MeanOf returns the mean m of x. Numbers that share a group are not taken for
// independent (Liang and Zeger 1986):
//
//	SE² = G/(G-1) Σ_g (Σ_{i in g} (xᵢ - m))² / n² ,
//
// which without groups, nil, is the usual s²/n. The error of fewer than two
// groups is infinite.
func MeanOf(x []float64, group []int) Mean {
	var m float64
	for _, v := range x {
		m += v
	}
	m /= float64(len(x))
	sums := groupSums(x, group, m)
	var ss float64
	for _, s := range sums {
		ss += s * s
	}
	g, n := float64(len(sums)), float64(len(x))
	se := math.Inf(1)
	if g > 1 {
		se = math.Sqrt(g / (g - 1) * ss / (n * n))
	}
	return Mean{m, se, len(x), len(sums)}
}

// groupSums returns Σ (xᵢ - m) over each group, groups in the order of their
// first member.
func groupSums(x []float64, group []int, m float64) []float64 {
	if group == nil {
		out := make([]float64, len(x))
		for i, v := range x {
			out[i] = v - m
		}
		return out
	}
	var out []float64
	place := map[int]int{}
	for i, v := range x {
		k, seen := place[group[i]]
		if !seen {
			k = len(out)
			place[group[i]] = k
			out = append(out, 0)
		}
		out[k] += v - m
	}
	return out
}

// A Paired is a mean difference with two tests of whether it is zero.
type Paired struct {
	Mean
	T, P  float64 // Student's t of the mean over its error, and its p-value
	PFlip float64 // p-value by flipping the signs of differences, whole groups together
}

// PairedOf tests whether differences have mean zero, two-sided. P is that of
// Student's t with G-1 degrees of freedom; PFlip is the share of sign changes
// of groups whose sum is at least as far from zero, over all of them up to 14
// groups and 9,999 random ones beyond.
func PairedOf(diff []float64, group []int, rnd *rand.Rand) Paired {
	p := Paired{Mean: MeanOf(diff, group), P: 1, PFlip: 1}
	if p.Groups < 2 {
		p.T, p.P, p.PFlip = math.NaN(), math.NaN(), math.NaN()
		return p
	}
	if p.SE > 0 {
		p.T = p.Value / p.SE
		t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(p.Groups - 1)}
		p.P = 2 * t.CDF(-math.Abs(p.T))
	} else if p.Value != 0 {
		p.T, p.P = math.Inf(int(math.Copysign(1, p.Value))), 0
	}
	p.PFlip = flip(groupSums(diff, group, 0), rnd)
	return p
}

func flip(sums []float64, rnd *rand.Rand) float64 {
	const exact, draws = 14, 9999
	var total, size float64
	for _, s := range sums {
		total += s
		size += math.Abs(s)
	}
	far := math.Abs(total) - 1e-12*size // sums of the same numbers in another order tie
	hits := 0
	if len(sums) <= exact {
		all := 1 << len(sums)
		for mask := range all {
			var t float64
			for i, s := range sums {
				if mask>>i&1 == 1 {
					s = -s
				}
				t += s
			}
			if math.Abs(t) >= far {
				hits++
			}
		}
		return float64(hits) / float64(all)
	}
	for range draws {
		var t float64
		var bits uint64
		for i, s := range sums {
			if i%64 == 0 {
				bits = rnd.Uint64()
			}
			if bits&1 == 1 {
				s = -s
			}
			bits >>= 1
			t += s
		}
		if math.Abs(t) >= far {
			hits++
		}
	}
	return float64(hits+1) / (draws + 1)
}
