package score

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"mflow/manifold"
)

func near(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol) {
		t.Errorf("%s: got %.6g, want %.6g ± %.2g", what, got, want, tol)
	}
}

func TestMeanOf(t *testing.T) {
	x := []float64{1, 2, 4, 9}
	m := MeanOf(x, nil)
	near(t, "mean", m.Value, 4, 1e-15)
	near(t, "s/√n", m.SE, math.Sqrt(38.0/3/4), 1e-14)

	// Every number twice, the copies in one group: the error is that of the four.
	twice, group := append(x, x...), []int{7, 3, 5, 1, 7, 3, 5, 1}
	g := MeanOf(twice, group)
	near(t, "clustered mean", g.Value, 4, 1e-15)
	near(t, "clustered error", g.SE, m.SE, 1e-14)
	if g.Groups != 4 || g.N != 8 {
		t.Errorf("got %d groups of %d, want 4 of 8", g.Groups, g.N)
	}
	if one := MeanOf(x, []int{0, 0, 0, 0}); !math.IsInf(one.SE, 1) {
		t.Errorf("one group: error %g, want infinite", one.SE)
	}
}

// TestClusteredErrorIsRight: over repetitions the clustered error agrees with
// the spread of the mean, where the error of independent points is far too small.
func TestClusteredErrorIsRight(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 0))
	const reps, groups, each = 400, 30, 20
	var spread, clustered, plain float64
	for range reps {
		var x []float64
		var group []int
		for g := range groups {
			shift := rnd.NormFloat64()
			for range each {
				x, group = append(x, shift+rnd.NormFloat64()), append(group, g)
			}
		}
		m := MeanOf(x, group)
		spread += m.Value * m.Value / reps
		clustered += m.SE * m.SE / reps
		p := MeanOf(x, nil)
		plain += p.SE * p.SE / reps
	}
	near(t, "clustered variance over true", clustered/spread, 1, 0.25) // 400 repetitions: 3.5 standard errors
	if plain > spread/4 {
		t.Errorf("taking points for independent gives variance %g of a true %g: the example shows nothing", plain, spread)
	}
}

func TestPairedOf(t *testing.T) {
	rnd := rand.New(rand.NewPCG(2, 0))
	// Student (1908), the sleep data: t = -4.0621 with 9 degrees, p = 0.002833.
	sleep := []float64{-1.2, -2.4, -1.3, -1.3, 0, -1, -1.8, -0.8, -4.6, -1.4}
	p := PairedOf(sleep, nil, rnd)
	near(t, "t", p.T, -4.062127683, 1e-8)
	near(t, "p", p.P, 0.002832890, 1e-8)
	// All nine other differences have one sign: 2 and, for the zero, twice 2 of 1024.
	near(t, "sign changes", p.PFlip, 4.0/1024, 1e-15)

	// Under the null hypothesis both p-values are uniform, also for clusters.
	const reps = 500
	var t5, f5 int
	for range reps {
		var d []float64
		var group []int
		for g := range 20 {
			shift := rnd.NormFloat64()
			for range 1 + rnd.IntN(5) {
				d, group = append(d, shift+0.3*rnd.NormFloat64()), append(group, g)
			}
		}
		p := PairedOf(d, group, rnd)
		if p.P < 0.05 {
			t5++
		}
		if p.PFlip < 0.05 {
			f5++
		}
	}
	near(t, "share of p < 0.05 by t", float64(t5)/reps, 0.05, 0.04) // small groups of unequal size: t is a little liberal
	near(t, "share of p < 0.05 by sign changes", float64(f5)/reps, 0.05, 0.03)
}

func TestClopperPearson(t *testing.T) {
	for _, c := range []struct {
		k, n   int
		lo, hi float64
	}{ // R: binom.test(k, n)$conf.int
		{0, 20, 0, 0.1684335},
		{1, 20, 0.001265089, 0.2487328},
		{7, 10, 0.3475471, 0.9332605},
		{10, 10, 0.6915029, 1},
	} {
		lo, hi := ClopperPearson(c.k, c.n)
		near(t, "lower end", lo, c.lo, 2e-7)
		near(t, "upper end", hi, c.hi, 2e-7)
	}
	// By definition: 15 or more, and 15 or fewer, are seen with probability 2.5 %.
	lo, hi := ClopperPearson(15, 400)
	near(t, "tail at the lower end", 1-distuv.Binomial{N: 400, P: lo}.CDF(14), 0.025, 1e-9)
	near(t, "tail at the upper end", distuv.Binomial{N: 400, P: hi}.CDF(15), 0.025, 1e-9)
	// The interval covers: summed over the binomial distribution, at least 95 %.
	for _, p := range []float64{0.003, 0.02, 0.4} {
		b := distuv.Binomial{N: 150, P: p}
		covered := 0.0
		for k := range 151 {
			if lo, hi := ClopperPearson(k, 150); p >= lo && p <= hi {
				covered += b.Prob(float64(k))
			}
		}
		if covered < 0.95 {
			t.Errorf("p = %g is covered with probability %g, want at least 0.95", p, covered)
		}
	}
}

func TestKolmogorovP(t *testing.T) {
	// Marsaglia, Tsang and Wang (2003): P(D₁₀ < 0.274) = 0.6284796154565,
	// and the classical 5 % point of D₁₀₀, 0.13403.
	near(t, "n = 10", KolmogorovP(0.274, 10), 1-0.6284796154565, 0.012)
	near(t, "n = 100", KolmogorovP(0.13403, 100), 0.05, 0.0005)
	near(t, "nothing", KolmogorovP(0, 50), 1, 0)
	near(t, "all", KolmogorovP(1, 50), 0, 1e-30)
}

// charts are the manifolds with one.
func charts(t *testing.T) []manifold.Measurer {
	t.Helper()
	box, err := manifold.NewBox([]float64{-1, 0}, []float64{1, 24}, []bool{false, true})
	if err != nil {
		t.Fatal(err)
	}
	product, err := manifold.NewProduct(manifold.Sphere{N: 2}, manifold.Torus{N: 1})
	if err != nil {
		t.Fatal(err)
	}
	return []manifold.Measurer{
		manifold.Sphere{N: 1},
		manifold.Sphere{N: 2},
		manifold.Sphere{N: 3},
		manifold.Sphere{N: 6},
		manifold.Torus{N: 1},
		manifold.Torus{N: 3},
		manifold.Revolution{Major: 2, Minor: 0.9},
		box, product,
	}
}

// TestCharts: From inverts To, and uniform points of the manifold have uniform
// and uncorrelated coordinates.
func TestCharts(t *testing.T) {
	for _, m := range charts(t) {
		c, ok := NewChart(m)
		if !ok {
			t.Fatalf("%s has no chart", m)
		}
		d, n := m.Dims()
		if len(c.Names) != d || len(c.Periodic) != d {
			t.Fatalf("%s: %d names and %d flags of %d coordinates", m, len(c.Names), len(c.Periodic), d)
		}
		rnd := rand.New(rand.NewPCG(3, uint64(n)))
		u, v, x, y := make([]float64, d), make([]float64, d), make([]float64, n), make([]float64, n)
		const points = 4000
		first := make([][]float64, d)
		for range points {
			for j := range u {
				u[j] = rnd.Float64()
			}
			c.To(x, u)
			copy(y, x)
			m.Project(y)
			c.From(v, x)
			for j := range u {
				if math.Abs(u[j]-v[j]) > 1e-7 { // the beta function near its ends
					t.Fatalf("%s: u = %v comes back as %v", m, u, v)
				}
			}
			for i := range x {
				if math.Abs(x[i]-y[i]) > 1e-12 {
					t.Fatalf("%s: %v is not on the manifold", m, x)
				}
			}
			m.Rand(x, rnd)
			c.From(v, x)
			for j, w := range v {
				first[j] = append(first[j], w)
			}
		}
		for j := range d {
			var mean, sq, cross float64
			for i, w := range first[j] {
				mean += (w - 0.5) / points
				sq += (w - 0.5) * (w - 0.5) / points
				cross += (w - 0.5) * (first[(j+1)%d][i] - 0.5) / points
			}
			near(t, m.String()+" mean", mean, 0, 4*math.Sqrt(1.0/12/points))
			near(t, m.String()+" variance", sq, 1.0/12, 4*math.Sqrt(1.0/180/points))
			if d > 1 {
				near(t, m.String()+" covariance", cross, 0, 4.0/12/math.Sqrt(points))
			}
		}
	}
}

// vmf is a von Mises-Fisher density on S² mixed with a uniform one.
type vmf struct{ kappa, uniform float64 }

func (v vmf) LogProb(x []float64) float64 {
	c := v.kappa / (2 * math.Pi * -math.Expm1(-2*v.kappa))
	return math.Log((1-v.uniform)*c*math.Exp(v.kappa*(x[0]-1)) + v.uniform/(4*math.Pi))
}

func (v vmf) Rand(x []float64, rnd *rand.Rand) {
	if rnd.Float64() < v.uniform {
		manifold.Sphere{N: 2}.Rand(x, rnd)
		return
	}
	w := 1 + math.Log(rnd.Float64()*-math.Expm1(-2*v.kappa)+math.Exp(-2*v.kappa))/v.kappa
	r := math.Sqrt(max(0, 1-w*w))
	sin, cos := math.Sincos(2 * math.Pi * rnd.Float64())
	x[0], x[1], x[2] = w, r*cos, r*sin
}

func (v vmf) density() Density {
	return Density{M: manifold.Sphere{N: 2}, LogProb: func(dst, x []float64) {
		for i := range dst {
			dst[i] = v.LogProb(x[3*i : 3*i+3])
		}
	}}
}

func (v vmf) points(n int, rnd *rand.Rand) []float64 {
	x := make([]float64, 3*n)
	for i := range n {
		v.Rand(x[3*i:3*i+3], rnd)
	}
	return x
}

// TestCloud: the weights have the mass of the density within their error, with
// and without a source, and the cells make a sharp density cheap.
func TestCloud(t *testing.T) {
	p := vmf{3000, 0.3}
	for _, source := range []bool{false, true} {
		d := p.density()
		if source {
			d.Source = p
		}
		c, err := NewCloud(d, 20000, rand.New(rand.NewPCG(4, 0)))
		if err != nil {
			t.Fatal(err)
		}
		v, se := c.Mass()
		near(t, "mass", v, 1, 4*se)
		// Uniform points alone would be worth 20000/(4π Σp²) = 60.
		if e := c.Effective(); e < 2000 {
			t.Errorf("source %v: 20000 points are worth %.0f, want at least 2000", source, e)
		}
		var cap, capSE float64
		for i, w := range c.W {
			if c.X[3*i] > 0.999 {
				cap += w
				capSE += w * w
			}
		}
		want := 0.7*-math.Expm1(-3) + 0.3*0.001/2
		near(t, "mass of a cap", cap, want, 4*math.Sqrt(capSE))
	}
}

// TestCalibrate: a true model has its cells covered and a uniform p-value, a
// wrong one is found out.
func TestCalibrate(t *testing.T) {
	truth := vmf{50, 0.3}
	m := manifold.Sphere{N: 2}
	rnd := rand.New(rand.NewPCG(5, 0))
	cloud := func(v vmf) *Cloud {
		c, err := NewCloud(v.density(), 20000, rnd)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	right, wrong := cloud(truth), cloud(vmf{10, 0.3})
	const reps, n, k = 60, 400, 40
	inside, small, ks := 0, 0, 0
	for range reps {
		x := truth.points(n, rnd)
		c := Calibrate(m, right, x, k)
		if len(c.Cells) != k || c.N != n {
			t.Fatalf("got %d cells and %d points, want %d and %d", len(c.Cells), c.N, k, n)
		}
		var mass float64
		seen := 0
		for _, cell := range c.Cells {
			mass += cell.Predicted
			seen += cell.Observed
		}
		near(t, "sum of masses", mass, 1, 1e-12)
		if seen != n {
			t.Fatalf("cells hold %d points, want %d", seen, n)
		}
		inside += c.Inside
		if c.P < 0.05 {
			small++
		}
		for _, p := range PITs(m, right, x) {
			if p.P < 0.05 {
				ks++
			}
		}
	}
	if cover := float64(inside) / (reps * k); cover < 0.95 || cover > 0.99 {
		t.Errorf("intervals of a true model cover %.3f, want 0.95 and a little more", cover)
	}
	near(t, "share of chi-square p < 0.05", float64(small)/reps, 0.05, 0.1) // the errors of the masses are common to all repetitions
	near(t, "share of KS p < 0.05", float64(ks)/(2*reps), 0.05, 0.07)

	x := truth.points(n, rnd)
	c := Calibrate(m, wrong, x, k)
	if c.P > 1e-4 || c.Coverage() > 0.93 {
		t.Errorf("a model a fifth as sharp passes: p = %g, coverage %.2f", c.P, c.Coverage())
	}
	p := PITs(m, wrong, x)
	if p[0].Name != "latitude" || p[0].P > 1e-3 {
		t.Errorf("a model a fifth as sharp passes along %s: %g", p[0].Name, p[0].P)
	}
	for i := 1; i < n; i++ {
		if p[0].U[i] < p[0].U[i-1] || p[0].U[i] > 1 {
			t.Fatalf("PIT %g after %g", p[0].U[i], p[0].U[i-1])
		}
	}
}

// TestCellsOfCopies: copies cannot be cut apart, and there are then fewer cells.
func TestCellsOfCopies(t *testing.T) {
	u := []float64{0.1, 0.5, 0.1, 0.5, 0.1, 0.5, 0.9, 0.5}
	w := []float64{1, 1, 1, 1}
	c := NewCells(u, 2, w, 4)
	if c.N() != 2 || c.Of(u[:2]) == c.Of(u[6:]) {
		t.Errorf("%d cells, of the copies %d, of the other %d", c.N(), c.Of(u[:2]), c.Of(u[6:]))
	}
	var v float64
	for i := range c.N() {
		v += c.volume(i)
	}
	near(t, "volume of all cells", v, 1, 1e-15)
}
