package directional

import (
	"math"
	"math/rand/v2"
	"testing"
)

// kentPairs covers round, elliptical and ribbon-like densities from nearly
// uniform to the narrowest.
var kentPairs = [][2]float64{
	{0, 0},
	{1e-9, 4e-10},
	{0.1, 0.05},
	{1, 0},
	{2, 0.9},
	{10, 5},
	{10, 4.99},
	{60, 20},
	{300, 150},
	{1e3, 1},
	{1e4, 5e3},
	{1e5, 4.99e4},
	{1e6, 2e5},
	{1e8, 0},
	{1e8, 3e7},
	{1e8, 5e7},
	{1e8, 4.9999999e7},
}

// byGrid is N by the sum over the areas of a chart that keeps them, x = sin(θ/2)
// times the cosine and sine of the azimuth, in steps of sinh u that follow the
// narrow parts. It knows nothing of Bessel functions.
func byGrid(kappa, beta float64) float64 {
	axis := func(precision float64) (x, w []float64) {
		scale := 1 / math.Sqrt(1+precision)
		const steps = 400
		top := math.Asinh(1 / scale)
		h := 2 * top / steps
		for i := range steps + 1 {
			u := -top + h*float64(i)
			x = append(x, scale*math.Sinh(u))
			w = append(w, h*scale*math.Cosh(u))
		}
		return x, w
	}
	xs, wx := axis(kappa - 2*beta + math.Sqrt(beta))
	ys, wy := axis(kappa + 2*beta)
	var n float64
	for i, x := range xs {
		for j, y := range ys {
			if sq := x*x + y*y; sq < 1 {
				n += 4 * wx[i] * wy[j] * math.Exp(-2*kappa*sq+4*beta*(x*x-y*y)*(1-sq))
			}
		}
	}
	return n
}

// TestKentNormGrid: the trapezoid rule converges exponentially where the density
// is negligible on the rim, κ above 20.
func TestKentNormGrid(t *testing.T) {
	for _, p := range kentPairs {
		if p[0] < 20 {
			continue
		}
		want := math.Log(byGrid(p[0], p[1]))
		if got := KentLogNorm(p[0], p[1]); math.Abs(got-want) > 1e-12*math.Max(1, math.Abs(want)) {
			t.Errorf("κ = %g, β = %g: %.15g, by a grid %.15g", p[0], p[1], got, want)
		}
	}
}

// TestKentNormSeries is the series of Kent (1982),
//
//	c = 2π Σⱼ Γ(j+½)/Γ(j+1) β²ʲ (κ/2)^(-2j-½) I_{2j+½}(κ) .
func TestKentNormSeries(t *testing.T) {
	for _, p := range [][2]float64{{1e-6, 1e-7}, {0.1, 0.05}, {1, 0}, {1, 0.3}, {2, 0.9}, {10, 5}, {10, 1}, {60, 20}, {300, 10}} {
		kappa, beta := p[0], p[1]
		var sum float64
		for j := 0.0; j < 400; j++ {
			if j > 0 && beta == 0 {
				break
			}
			a, _ := math.Lgamma(j + 0.5)
			b, _ := math.Lgamma(j + 1)
			power := 0.0
			if j > 0 {
				power = 2 * j * math.Log(beta)
			}
			sum += math.Exp(a - b + power - (2*j+0.5)*math.Log(kappa/2) + LogI(2*j+0.5, kappa))
		}
		want := math.Log(2 * math.Pi * sum)
		// LogI is good to 1e-12.
		if got := KentLogNorm(kappa, beta); math.Abs(got-want) > 3e-12 {
			t.Errorf("κ = %g, β = %g: %.15g, by the series %.15g", kappa, beta, got, want)
		}
	}
}

// TestKentNormLimits: 4π without concentration, von Mises-Fisher without
// ellipticity, and normal where both precisions are large.
func TestKentNormLimits(t *testing.T) {
	if got, want := KentLogNorm(0, 0), math.Log(4*math.Pi); math.Abs(got-want) > 1e-15 {
		t.Errorf("uniform: %.16g, want %.16g", got, want)
	}
	for kappa := 1e-6; kappa < 1e9; kappa *= 7 {
		if got, want := KentLogNorm(kappa, 0), SphereLogNorm(2, kappa); math.Abs(got-want) > 1e-14*math.Max(1, math.Abs(want)) {
			t.Errorf("κ = %g: %.16g, von Mises-Fisher %.16g", kappa, got, want)
		}
	}
	kappa, beta := 1e8, 2e7
	want := math.Log(2*math.Pi) - math.Log((kappa-2*beta)*(kappa+2*beta))/2
	if got := KentLogNorm(kappa, beta); math.Abs(got-want) > 1e-7 { // relative corrections are 1/κ
		t.Errorf("κ = %g: %.12g, normal %.12g", kappa, got, want)
	}
}

// TestKentMoments: they are the derivatives of log N.
func TestKentMoments(t *testing.T) {
	for _, p := range kentPairs {
		kappa, beta := p[0], p[1]
		if kappa < 1e-3 || 2*beta > 0.99*kappa {
			continue
		}
		m := KentMoments(kappa, beta)
		h := 1e-4 * kappa
		b := math.Max(beta, h) // β as low as zero has no left
		if beta < h {
			m = KentMoments(kappa, b)
		}
		for _, c := range []struct {
			name      string
			got, want float64
		}{
			{"w", -m.W, (KentLogNorm(kappa+h, b) - KentLogNorm(kappa-h, b)) / (2 * h)},
			{"q", m.Q, (KentLogNorm(kappa, b+h) - KentLogNorm(kappa, b-h)) / (2 * h)},
			{"ww", -m.VarW, (KentMoments(kappa+h, b).W - KentMoments(kappa-h, b).W) / (2 * h)},
			{"qq", m.VarQ, (KentMoments(kappa, b+h).Q - KentMoments(kappa, b-h).Q) / (2 * h)},
			{"wq", -m.CovWQ, (KentMoments(kappa+h, b).Q - KentMoments(kappa-h, b).Q) / (2 * h)},
		} {
			scale := m.W // of the first derivatives, and its square of the second
			if len(c.name) == 2 {
				scale *= m.W
			}
			// The difference has errors of 1e-8 by curvature and 1e-10 by rounding.
			if math.Abs(c.got-c.want) > 1e-5*math.Abs(c.want)+1e-8*scale {
				t.Errorf("κ = %g, β = %g: %s is %.9g, by differences %.9g", kappa, beta, c.name, c.got, c.want)
			}
		}
	}
}

// TestKentRand: means and variances of w and q of draws are those of KentMoments.
func TestKentRand(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 1))
	axes := []float64{0.6, 0, 0.8, 0, 1, 0, -0.8, 0, 0.6}
	for _, p := range kentPairs {
		kappa, beta := p[0], p[1]
		m := KentMoments(kappa, beta)
		const draws = 40000
		var w1, q1, w2, q2, wq float64
		x := make([]float64, 3)
		for range draws {
			KentRand(x, axes, kappa, beta, rnd)
			var w, a, b float64
			for i, v := range x {
				d := v - axes[i]
				w += d * d / 2
				a += d * axes[3+i]
				b += d * axes[6+i]
			}
			q := a*a - b*b
			w1, w2 = w1+w/draws, w2+(w-m.W)*(w-m.W)/draws
			q1, q2 = q1+q/draws, q2+(q-m.Q)*(q-m.Q)/draws
			wq += (w - m.W) * (q - m.Q) / draws
		}
		if math.Abs(w1-m.W) > 4.5*math.Sqrt(m.VarW/draws) || math.Abs(q1-m.Q) > 4.5*math.Sqrt(m.VarQ/draws) {
			t.Errorf("κ = %g, β = %g: means %g, %g, want %g, %g", kappa, beta, w1, q1, m.W, m.Q)
		}
		// The kurtosis of an exponential is 9: relative errors of 0.014.
		if math.Abs(w2/m.VarW-1) > 0.1 || math.Abs(q2/m.VarQ-1) > 0.15 || math.Abs(wq-m.CovWQ) > 0.1*math.Sqrt(m.VarW*m.VarQ) {
			t.Errorf("κ = %g, β = %g: variances %g, %g, %g, want %g, %g, %g", kappa, beta, w2, q2, wq, m.VarW, m.VarQ, m.CovWQ)
		}
	}
}

func BenchmarkKentMoments(b *testing.B) {
	for b.Loop() {
		KentMoments(1e4, 4e3)
	}
}
