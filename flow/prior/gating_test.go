package prior

import (
	"math"
	"math/rand/v2"
	"testing"

	"mflow/manifold"
)

// gating returns a gating of clustered points with some copies, and weights
// drawn at random for its kernels.
func gating(t testing.TB, m manifold.Manifold) (*Gating, []float64) {
	t.Helper()
	x := clusters(m, 200, 100, 6)
	_, n := m.Dims()
	x = append(x, x[:20*n]...)
	g, err := FitGating(m, x, KernelOptions{Floor: 0.02})
	if err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(5, 5))
	w := make([]float64, len(g.Whole.Weight))
	for i, v := range g.Whole.Weight {
		w[i] = v * math.Exp(2*rnd.NormFloat64())
	}
	return g, w
}

// TestGatedDensity: whatever the weights, the search finds the density that the
// plain sum has, it integrates to one, and samples follow it.
func TestGatedDensity(t *testing.T) {
	for _, m := range []manifold.Manifold{manifold.Sphere{N: 2}, manifold.Torus{N: 2}} {
		g, w := gating(t, m)
		p, err := g.Kernels(w)
		if err != nil {
			t.Fatal(err)
		}
		rnd := rand.New(rand.NewPCG(4, 4))
		_, n := m.Dims()
		x := make([]float64, n)
		for range 50 {
			p.Rand(x, rnd)
			if got, want := p.LogProb(x), plain(p, x); math.Abs(got-want) > 1e-5 { // as in TestSearch
				t.Fatalf("%s: %.9f by search, %.9f plainly", m, got, want)
			}
		}
		// ∫ over the volume, by points of the density itself: the mean of
		// 1/(vol p) is one if both p is normalised and Rand draws from it.
		const draws = 20000
		vol := m.(manifold.Measurer).Volume()
		var sum, sq float64
		for range draws {
			p.Rand(x, rnd)
			v := 1 / (vol*math.Exp(p.LogProb(x)) + 0.3) // bounded, with the same expectation as under the uniform
			sum += v
			sq += v * v
		}
		mean := sum / draws
		se := math.Sqrt((sq/draws - mean*mean) / draws)
		var want, wantSq float64
		for range draws {
			m.(manifold.Measurer).Rand(x, rnd)
			q := vol * math.Exp(p.LogProb(x))
			want += q / (q + 0.3) / draws
			wantSq += square(q/(q+0.3)) / draws
		}
		se = math.Hypot(se, math.Sqrt((wantSq-want*want)/draws))
		if math.Abs(mean-want) > 4*se {
			t.Errorf("%s: %.4f from samples, %.4f by the integral, standard error %.4f", m, mean, want, se)
		}
	}
}

// TestHeld: what a fold says of a held-out point is the density of the kernels
// of the other folds.
func TestHeld(t *testing.T) {
	g, _ := gating(t, manifold.Sphere{N: 2})
	points := 0
	for _, f := range g.Folds {
		own := map[int]bool{}
		for _, r := range f.Rows {
			own[r] = true
		}
		for _, h := range f.Held {
			points++
			if own[h.Row] {
				t.Fatalf("point %d is held out from kernels of its own", h.Row)
			}
			p := h.Rest
			for k, i := range h.At {
				for s, v := range h.Value[k*g.Parts : (k+1)*g.Parts] {
					p += f.Weight[int(i)*g.Parts+s] * float64(v)
				}
			}
			// Rest is as fitted, and a thousandth of the weight is spread over all parts.
			if d := math.Log(p / g.Nu[h.Row]); math.Abs(d) > 0.05 {
				t.Errorf("point %d: %.4f from the fold, %.4f cross-fitted", h.Row, p, g.Nu[h.Row])
			}
		}
	}
	if points != len(g.Nu) {
		t.Errorf("%d points are held out, want each of %d once", points, len(g.Nu))
	}
}

// TestGainErrors: gains that are not those of a density are refused.
func TestGainErrors(t *testing.T) {
	g, w := gating(t, manifold.Sphere{N: 2})
	p, err := g.Kernels(w)
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range []func(){
		func() { p.Gain = p.Gain[1:] },
		func() { p.Gain[0] = -1 },
		func() { p.Gain[0] = math.NaN() },
		func() { p.Gain[0] += 1e9 },
	} {
		was := append([]float64(nil), p.Gain...)
		change()
		if p.prepare() == nil {
			t.Error("wrong gains were taken")
		}
		p.Gain = was
	}
}

// TestBlend: the density is the weighted sum, and a stored blend is the same.
func TestBlend(t *testing.T) {
	m := manifold.Sphere{N: 2}
	g, w := gating(t, m)
	p, err := g.Kernels(w)
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewBlend([]float64{0.7, 0.3}, p, Uniform{m})
	if err != nil {
		t.Fatal(err)
	}
	kind, meta, ts, err := Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	back, err := Unmarshal(kind, meta, ts, m)
	if err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(1, 1))
	x := make([]float64, 3)
	for range 20 {
		b.Rand(x, rnd)
		want := math.Log(0.7*math.Exp(p.LogProb(x)) + 0.3*math.Exp(Uniform{m}.LogProb(x)))
		if got := b.LogProb(x); math.Abs(got-want) > 1e-12 || back.LogProb(x) != got {
			t.Errorf("%.15f and %.15f when read back, want %.15f", got, back.LogProb(x), want)
		}
	}
	for _, bad := range [][]float64{{0.5, 0.6}, {1, 0}, {1}} {
		if _, err := NewBlend(bad, p, Uniform{m}); err == nil {
			t.Errorf("weights %v were taken", bad)
		}
	}
}
