package score

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"mflow/manifold"
)

// Level is the confidence of all intervals.
const Level = 0.95

// z95 is the quantile of the normal distribution that goes with Level.
const z95 = 1.959963984540054

// ClopperPearson returns the exact interval, of confidence Level, of the
// probability of an event that was seen k times in n.
func ClopperPearson(k, n int) (lo, hi float64) {
	const tail = (1 - Level) / 2
	hi = 1
	if k > 0 {
		lo = mathext.InvRegIncBeta(float64(k), float64(n-k+1), tail)
	}
	if k < n {
		hi = mathext.InvRegIncBeta(float64(k+1), float64(n-k), 1-tail)
	}
	return lo, hi
}

// A Cell is a part of the space: the mass that a model gives it, with the Monte
// Carlo error of that, and the test points found in it. Lo and Hi are the exact
// interval of the observed share, widened by the error of the predicted one.
type Cell struct {
	Predicted, SE float64
	Observed      int
	Lo, Hi        float64
}

// Inside reports whether the interval of the cell contains the predicted mass.
func (c Cell) Inside() bool { return c.Predicted >= c.Lo && c.Predicted <= c.Hi }

// A Calibration compares predicted masses of cells with test points.
type Calibration struct {
	N      int // test points
	Cells  []Cell
	Inside int // cells whose interval contains the predicted mass

	// Chi2 is Σ (O - n m)² / (n m + n² SE²) over the cells, and P its p-value
	// with DoF degrees of freedom.
	Chi2 float64
	DoF  int
	P    float64

	// Effective is the number of independent draws that the predictions are worth.
	Effective float64
}

// Coverage returns the share of the cells whose interval contains the predicted
// mass.
func (c *Calibration) Coverage() float64 { return float64(c.Inside) / float64(len(c.Cells)) }

// Calibrate compares the cloud of a model with the test points x, in k cells of
// about equal predicted mass. One half of the cloud makes the cells, the other
// says what they weigh, so that weights and cells are independent. Masses are
// shares of the cloud's weight.
func Calibrate(m manifold.Manifold, c *Cloud, x []float64, k int) *Calibration {
	making, weighing := c.halves()
	cells := NewCells(making.U, c.d, making.W, k)
	mass := make([]float64, cells.N())
	var total float64
	for i, w := range weighing.W {
		if w > 0 {
			mass[cells.Of(weighing.U[i*c.d:(i+1)*c.d])] += w
			total += w
		}
	}
	for i := range mass {
		mass[i] /= total
	}
	// The error of a ratio of sums: Σ w² (1 - m)² within, Σ w² m² without.
	within := make([]float64, len(mass))
	var all float64
	for i, w := range weighing.W {
		if w > 0 {
			within[cells.Of(weighing.U[i*c.d:(i+1)*c.d])] += w * w
			all += w * w
		}
	}
	seen := make([]int, len(mass))
	u := newCoordinates(m).of(x)
	n := len(u) / c.d
	for i := range n {
		seen[cells.Of(u[i*c.d:(i+1)*c.d])]++
	}
	out := &Calibration{N: n, DoF: len(mass) - 1, Effective: weighing.Effective()}
	for i, p := range mass {
		v := within[i]*(1-p)*(1-p) + (all-within[i])*p*p
		cell := Cell{Predicted: p, SE: math.Sqrt(v) / total, Observed: seen[i]}
		lo, hi := ClopperPearson(seen[i], n)
		share := float64(seen[i]) / float64(n)
		cell.Lo = share - math.Hypot(share-lo, z95*cell.SE)
		cell.Hi = share + math.Hypot(hi-share, z95*cell.SE)
		if cell.Inside() {
			out.Inside++
		}
		d := float64(seen[i]) - float64(n)*p
		out.Chi2 += d * d / (float64(n)*p + float64(n*n)*cell.SE*cell.SE)
		out.Cells = append(out.Cells, cell)
	}
	out.P = 1
	if out.DoF > 0 {
		out.P = distuv.ChiSquared{K: float64(out.DoF)}.Survival(out.Chi2)
	}
	return out
}

// A PIT is the probability integral transform of test points along one
// coordinate: the predicted mass below each, which is uniform if the model's
// marginal is right.
type PIT struct {
	Name   string
	U      []float64 // sorted
	KS     float64   // largest distance from the diagonal
	P      float64   // of the Kolmogorov-Smirnov test
	Around bool      // the coordinate goes around, so that KS depends on where it begins
}

// PITs transforms the test points x along every coordinate of the chart of m, or
// returns nil if there is none. The p-values take the cloud for a sample of its
// effective size.
func PITs(m manifold.Manifold, c *Cloud, x []float64) []PIT {
	at := newCoordinates(m)
	if !at.charted {
		return nil
	}
	u := at.of(x)
	n := len(u) / c.d
	eff := c.Effective()
	var out []PIT
	for j, name := range at.chart.Names {
		test := make([]float64, n)
		for i := range test {
			test[i] = u[i*c.d+j]
		}
		slices.Sort(test)
		var y, w []float64
		for i, v := range c.W {
			if v > 0 {
				y, w = append(y, c.U[i*c.d+j]), append(w, v)
			}
		}
		stat.SortWeighted(y, w)
		p := PIT{Name: name, Around: at.chart.Periodic[j], U: make([]float64, n)}
		p.KS = stat.KolmogorovSmirnov(test, nil, y, w)
		p.P = KolmogorovP(p.KS, float64(n)*eff/(float64(n)+eff))
		var sum, total float64
		for _, v := range w {
			total += v
		}
		k := 0
		for i, v := range test {
			for k < len(y) && y[k] <= v {
				sum += w[k]
				k++
			}
			p.U[i] = sum / total
		}
		out = append(out, p)
	}
	return out
}

// KolmogorovP returns the probability that the Kolmogorov-Smirnov statistic of n
// points exceeds d, by the limiting distribution with Stephens' correction,
// which is right to 3 % of P at n = 10 and to less than 1 % from n = 100 on.
func KolmogorovP(d, n float64) float64 {
	r := math.Sqrt(n)
	t := (r + 0.12 + 0.11/r) * d
	if t < 0.3 { // 1 - P is below 1e-5, and the series is slow
		return 1
	}
	var p float64
	for j := 1.0; j <= 100; j++ {
		term := 2 * math.Exp(-2*j*j*t*t)
		if int(j)%2 == 0 {
			term = -term
		}
		p += term
		if math.Abs(term) < 1e-17 {
			break
		}
	}
	return math.Max(0, math.Min(1, p))
}
