package main

import (
	"math"
	"strconv"
)

// A value is a mean with its standard error; the error is NaN where one number
// does not tell.
type value struct {
	mean, se float64
	n        int
}

// between is the mean of one number a split with the standard error between
// splits. Splits share most of their training points, so the error is that of
// the test points and of the fit, not of another catalogue.
func between(v []float64) value {
	n := float64(len(v))
	if n == 0 {
		return value{math.NaN(), math.NaN(), 0}
	}
	var m, q float64
	for _, a := range v {
		m += a / n
	}
	for _, a := range v {
		q += (a - m) * (a - m)
	}
	if n < 2 {
		return value{m, math.NaN(), 1}
	}
	return value{m, math.Sqrt(q / (n - 1) / n), len(v)}
}

// clustered is the mean of v and its standard error where the values of a cluster
// are not independent: with d = v - mean and G clusters,
//
//	SE² = G/(G-1) Σ_g (Σ_{i in g} dᵢ)² / N² ,
//
// the usual sandwich. With every value its own cluster it is the standard error of
// a mean.
func clustered(v []float64, cluster []string) value {
	n := float64(len(v))
	if n == 0 {
		return value{math.NaN(), math.NaN(), 0}
	}
	var m float64
	for _, a := range v {
		m += a / n
	}
	sums := map[string]float64{}
	var order []string // sums of floats depend on their order, and maps have none
	for i, a := range v {
		if _, seen := sums[cluster[i]]; !seen {
			order = append(order, cluster[i])
		}
		sums[cluster[i]] += a - m
	}
	g := float64(len(order))
	if g < 2 {
		return value{m, math.NaN(), len(order)}
	}
	var q float64
	for _, c := range order {
		q += sums[c] * sums[c]
	}
	return value{m, math.Sqrt(g/(g-1)*q) / n, len(order)}
}

// A gain is the paired difference of two methods on the same test points, log p of
// one minus log p of the other, in nats: positive where the first is better.
type gain struct {
	pooled value // over the points of all splits; n counts clusters
	splits value // over the means of the splits
	points int
}

// compare pairs the records of two methods, split by split. Points of all splits
// are pooled; those at one position are one cluster, in whatever split they are,
// and so, if blocks is set, is a whole cell of blocked splits. The errors of the
// normalisers are added. With novel set, copies of training points of either are left out.
func compare(a, b []*record, blocks, novel bool) gain {
	var diff, means []float64
	var keys []string
	var counts []int
	var zvar []float64 // of the difference of log Z in each split
	for s := range a {
		other, copied := map[int]float64{}, map[int]bool{}
		for i, row := range b[s].Points.Row {
			other[row], copied[row] = b[s].Points.LogP[i], b[s].Points.Copy[i]
		}
		p := a[s].Points
		var sum float64
		count := 0
		for i, row := range p.Row {
			lb, ok := other[row]
			if !ok || (novel && (p.Copy[i] || copied[row])) {
				continue
			}
			keys = append(keys, p.apartFrom(i, blocks))
			diff = append(diff, p.LogP[i]-lb)
			sum += p.LogP[i] - lb
			count++
		}
		if count > 0 {
			means = append(means, sum/float64(count))
		}
		counts = append(counts, count)
		zvar = append(zvar, relative(a[s].Eval)+relative(b[s].Eval))
	}
	g := gain{pooled: clustered(diff, keys), splits: between(means), points: len(diff)}
	var v float64
	for s, n := range counts {
		share := float64(n) / float64(max(1, len(diff)))
		v += share * share * zvar[s]
	}
	g.pooled.se = math.Sqrt(g.pooled.se*g.pooled.se + v)
	return g
}

// apartFrom returns what tells the points of a record apart: their positions, or if
// blocks is set the cells of blocked splits.
func (p *points) apartFrom(i int, blocks bool) string {
	if blocks && p.Block[i] != "" {
		return p.Block[i]
	}
	return strconv.Itoa(p.Place[i])
}

// over is the standard error of a score over the positions, or cells, of the test
// points of all splits. Splits draw them from the same rows, so positions come again
// and again, and the scores of splits differ less than their mean may be wrong.
func over(records []*record, blocks bool) float64 {
	var lp []float64
	var keys []string
	for _, r := range records {
		if r == nil {
			continue
		}
		for i, v := range r.Points.LogP {
			lp, keys = append(lp, v), append(keys, r.Points.apartFrom(i, blocks))
		}
	}
	return clustered(lp, keys).se
}

// relative is the squared relative error of Z, the variance of its logarithm.
func relative(e evaluation) float64 {
	if e.Z == nil || e.ZSE == nil {
		return 0
	}
	r := *e.ZSE / *e.Z
	return r * r
}
