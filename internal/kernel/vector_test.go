package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestAdam(t *testing.T) {
	c := AdamCoef{LR: 0.01, Beta1: 0.9, Beta2: 0.99, Eps: 1e-8, WeightDecay: 0.1, C1: 0.271, C2: 0.0297, EMA: 0.95}
	eachPath(t, func(t *testing.T) {
		rnd := rand.New(rand.NewPCG(5, 5))
		for _, n := range []int{0, 1, 16, 50, 40001} {
			p, g, m, v, e := random(n, rnd), random(n, rnd), random(n, rnd), random(n, rnd), random(n, rnd)
			for i := range v {
				v[i] *= v[i]
			}
			p0, m0, v0, e0 := append([]float32(nil), p...), append([]float32(nil), m...), append([]float32(nil), v...), append([]float32(nil), e...)
			p1, m1, v1 := append([]float32(nil), p...), append([]float32(nil), m...), append([]float32(nil), v...)
			Adam(p, g, m, v, e, c)
			Adam(p1, g, m1, v1, nil, c)
			for i := range p {
				x := float64(g[i])
				wm := 0.9*float64(m0[i]) + 0.1*x
				wv := 0.99*float64(v0[i]) + 0.01*x*x
				wp := float64(p0[i]) - 0.01*(wm/0.271/(math.Sqrt(wv/0.0297)+1e-8)+0.1*float64(p0[i]))
				// the constants are rounded, each result three or four times more
				near(t, "m", i, m[i], wm, 1e-6)
				near(t, "v", i, v[i], wv, 1e-6*(1+wv))
				near(t, "p", i, p[i], wp, 2e-6*(1+math.Abs(wp)))
				near(t, "ema", i, e[i], 0.95*float64(e0[i])+0.05*wp, 1e-6)
				if p1[i] != p[i] || m1[i] != m[i] || v1[i] != v[i] {
					t.Fatalf("without an average parameter %d of %d is %g, with one %g", i, n, p1[i], p[i])
				}
			}
		}
	})
}

func TestColSum(t *testing.T) {
	eachPath(t, func(t *testing.T) {
		rnd := rand.New(rand.NewPCG(6, 6))
		for _, w := range []int{1, 16, 37, 130} {
			for _, rows := range []int{0, 1, 9, 1000} {
				for _, add := range []bool{true, false} {
					x, dst := random(rows*w, rnd), random(w, rnd)
					start := append([]float32(nil), dst...)
					ColSum(dst, rows, w, x, add)
					for j := range dst {
						var want float64
						if add {
							want = float64(start[j])
						}
						for i := range rows {
							want += float64(x[i*w+j])
						}
						// √rows roundings on average of partial sums of about √rows
						near(t, "sum", j, dst[j], want, 0x1p-24*(32+4*float64(rows)))
					}
				}
			}
		}
	})
}

// TestExp: every 997th float32 number, in units of the last place.
func TestExp(t *testing.T) {
	var x []float32
	for b := uint64(0); b < 1<<32; b += 9973 {
		if v := math.Float32frombits(uint32(b)); math.Abs(float64(v)) < 200 && math.Abs(float64(v)) > 1e-12 {
			x = append(x, v)
		}
	}
	x = append(x, 0, 88.72, 88.73, -87.3, -87.4, -103.9, -104.1, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()))
	eachPath(t, func(t *testing.T) {
		y := make([]float32, len(x))
		Exp(y, x)
		var worst float64
		for i, v := range x {
			want := math.Exp(float64(v))
			w := float32(want)
			got := y[i]
			if w != w || math.IsInf(float64(w), 0) || w == 0 {
				if got != w && !(got != got && w != w) {
					t.Fatalf("exp(%g) = %g, want %g", v, got, w)
				}
				continue
			}
			ulp := float64(math.Nextafter32(w, float32(math.Inf(1))) - w)
			worst = max(worst, math.Abs(float64(got)-want)/ulp)
		}
		t.Logf("%s: %.2f units in the last place", Features(), worst)
		if worst >= 1 {
			t.Errorf("%.2f units in the last place, want below one", worst)
		}
		z := append([]float32(nil), x[:5]...)
		Exp(z, z)
		for i, v := range z {
			if v != y[i] {
				t.Errorf("in place, alone: %g, want %g", v, y[i])
			}
		}
	})
}

func TestScaleSumSq(t *testing.T) {
	eachPath(t, func(t *testing.T) {
		rnd := rand.New(rand.NewPCG(7, 7))
		for _, n := range []int{0, 1, 15, 16, 100} {
			x := random(n, rnd)
			want := 0.0
			for _, v := range x {
				want += float64(v) * float64(v)
			}
			if got := SumSq(x); math.Abs(got-want) > 1e-13*want {
				t.Errorf("sum of %d squares %g, want %g", n, got, want)
			}
			y := append([]float32(nil), x...)
			Scale(y, 3)
			for i := range y {
				if y[i] != 3*x[i] {
					t.Fatalf("3 × %g = %g", x[i], y[i])
				}
			}
		}
	})
}
