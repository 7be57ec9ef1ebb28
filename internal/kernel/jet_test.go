package kernel

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestActJet compares with float64. Values and first derivatives are within
// 3e-7, five roundings; the second adds products of those.
func TestActJet(t *testing.T) {
	eachPath(t, func(t *testing.T) {
		rnd := rand.New(rand.NewPCG(3, 3))
		for act := Identity; act <= Softplus; act++ {
			for _, s := range []struct{ rows, width, k int }{{1, 16, 2}, {3, 37, 1}, {5, 128, 7}, {2, 5, 0}, {300, 64, 2}} {
				for _, biased := range []bool{true, false} {
					size := s.rows * s.width
					z, bias := random((1+s.k)*size, rnd), random(s.width, rnd)
					for i := range size {
						z[i] *= 4
					}
					z[0], z[size-1] = 95, -95 // beyond the range of exp
					if !biased {
						bias = nil
					}
					in := append([]float32(nil), z...)
					a, s1, s2 := make([]float32, len(z)), make([]float32, size), make([]float32, size)
					ActJet(act, s.rows, s.width, s.k, z, bias, a, s1, s2)
					for i := range size {
						x := in[i]
						if biased {
							x += bias[i%s.width]
						}
						if z[i] != x {
							t.Fatalf("%v: z[%d] = %g, want %g with the bias", act, i, z[i], x)
						}
						f, f1, f2 := act.derivatives(float64(x))
						near(t, act.String(), i, a[i], f, 3e-7*(1+math.Abs(f)))
						near(t, act.String()+"'", i, s1[i], f1, 3e-7)
						near(t, act.String()+"″", i, s2[i], f2, 5e-7)
						for j := 1; j <= s.k; j++ {
							d := float64(in[j*size+i])
							near(t, act.String()+" tangent", j*size+i, a[j*size+i], f1*d, 4e-7*math.Abs(d))
						}
					}
					again := append([]float32(nil), in...)
					ActJet(act, s.rows, s.width, s.k, again, bias, again, nil, nil)
					for i, v := range again {
						if v != a[i] {
							t.Fatalf("%v in place: %g, apart %g", act, v, a[i])
						}
					}
					g := random(len(z), rnd)
					before := append([]float32(nil), g...)
					ActJetBack(s.rows, s.width, s.k, g, z, s1, s2)
					for i := range size {
						var sum, scale float64
						for j := 1; j <= s.k; j++ {
							v := float64(before[j*size+i]) * float64(z[j*size+i])
							sum += v
							scale += math.Abs(v)
							near(t, "tangent gradient", i, g[j*size+i], float64(s1[i])*float64(before[j*size+i]), 1e-6)
						}
						near(t, "gradient", i, g[i], float64(s1[i])*float64(before[i])+float64(s2[i])*sum, 1e-6*(1+scale))
					}
				}
			}
		}
	})
}

// TestActSweep takes every 4099th float32 number between -30 and 30. Relative
// errors: the logistic function has no difference of near numbers.
func TestActSweep(t *testing.T) {
	var x []float32
	for b := uint32(0); b < math.Float32bits(30); b += 4099 {
		x = append(x, math.Float32frombits(b), -math.Float32frombits(b))
	}
	n := len(x)
	eachPath(t, func(t *testing.T) {
		y, y1, y2 := make([]float32, n), make([]float32, n), make([]float32, n)
		for act := Swish; act <= Softplus; act++ {
			ActJet(act, 1, n, 0, x, nil, y, y1, y2)
			var worst [3]float64
			for i, v := range x {
				f, f1, f2 := act.derivatives(float64(v))
				// Near a zero of the derivative or the sine the rounding of its terms is what is left.
				for q, e := range []struct{ got, want, scale float64 }{
					{float64(y[i]), f, math.Abs(f)},
					{float64(y1[i]), f1, math.Max(math.Abs(f1), 0.1*math.Exp(-math.Abs(float64(v))))},
					{float64(y2[i]), f2, math.Max(math.Abs(f2), 0.1*math.Exp(-math.Abs(float64(v))))},
				} {
					if act == Sin {
						e.scale = math.Max(e.scale, 1e-3)
					}
					if d := math.Abs(e.got-e.want) / (e.scale + 1e-37); d > worst[q] {
						worst[q] = d
					}
				}
			}
			t.Logf("%v: relative errors of f, f', f″ %.2g", act, worst)
			if worst[0] > 5e-7 || worst[1] > 6e-6 || worst[2] > 6e-6 {
				t.Errorf("%v: relative errors of f, f', f″ %.2g, want below 5e-7, 6e-6, 6e-6", act, worst)
			}
		}
	})
}

// TestActNotFinite: limits at infinity, NaN for NaN.
func TestActNotFinite(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	cases := []struct {
		act        Activation
		x          float64
		f, f1, f2  float64
		tolerances float64
	}{
		{Identity, inf, inf, 1, 0, 0},
		{Swish, inf, inf, 1, 0, 1e-30},
		{Swish, -inf, 0, 0, 0, 1e-30},
		{Tanh, inf, 1, 0, 0, 1e-30},
		{Tanh, -inf, -1, 0, 0, 1e-30},
		{Softplus, inf, inf, 1, 0, 1e-30},
		{Softplus, -inf, 0, 0, 0, 1e-30},
		{Sin, inf, nan, nan, nan, 0},
		{Swish, nan, nan, nan, nan, 0},
		{Sin, nan, nan, nan, nan, 0},
		{Tanh, nan, nan, nan, nan, 0},
		{Softplus, nan, nan, nan, nan, 0},
	}
	same := func(got float32, want, tol float64) bool {
		g := float64(got)
		return g == want || math.IsNaN(g) && math.IsNaN(want) || math.Abs(g-want) <= tol
	}
	eachPath(t, func(t *testing.T) {
		for _, c := range cases {
			for _, n := range []int{1, 16} { // by copy, whole vectors
				z, a, s1, s2 := make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, n)
				for i := range z {
					z[i] = float32(c.x)
				}
				ActJet(c.act, 1, n, 0, z, nil, a, s1, s2)
				if !same(a[0], c.f, c.tolerances) || !same(s1[0], c.f1, c.tolerances) || !same(s2[0], c.f2, c.tolerances) {
					t.Errorf("%v at %g: %g, %g, %g, want %g, %g, %g", c.act, c.x, a[0], s1[0], s2[0], c.f, c.f1, c.f2)
				}
			}
		}
	})
}

func TestActivationNames(t *testing.T) {
	for act := Identity; act <= Softplus; act++ {
		if got, err := ParseActivation(act.String()); err != nil || got != act {
			t.Errorf("%v was read as %v, %v", act, got, err)
		}
	}
	if _, err := ParseActivation("relu"); err == nil || !strings.Contains(err.Error(), "swish") {
		t.Errorf("relu: %v, want the valid names", err)
	}
}

// TestSinCosJet: two roundings, for phases up to 1e4.
func TestSinCosJet(t *testing.T) {
	eachPath(t, func(t *testing.T) {
		rnd := rand.New(rand.NewPCG(4, 4))
		for _, s := range []struct{ rows, n, k, off, pad int }{{1, 16, 2, 0, 0}, {4, 37, 1, 3, 2}, {3, 5, 0, 0, 1}, {2, 128, 7, 3, 0}, {200, 64, 2, 1, 0}} {
			p := random((1+s.k)*s.rows*s.n, rnd)
			for i := range s.rows * s.n {
				p[i] = float32(math.Pow(10, 5*rnd.Float64()-1) * float64(1-2*rnd.IntN(2)))
			}
			ld := s.off + 2*s.n + s.pad
			out := make([]float32, (1+s.k)*s.rows*ld)
			for i := range out {
				out[i] = 77
			}
			SinCosJet(s.rows, s.n, s.k, p, out, ld, s.off)
			for r := range s.rows {
				for i := range s.n {
					sin, cos := math.Sincos(float64(p[r*s.n+i]))
					at := r*ld + s.off + i
					near(t, "sin", i, out[at], sin, 1.2e-7)
					near(t, "cos", i, out[at+s.n], cos, 1.2e-7)
					for j := 1; j <= s.k; j++ {
						d := float64(p[(j*s.rows+r)*s.n+i])
						at := (j*s.rows+r)*ld + s.off + i
						near(t, "sin tangent", i, out[at], cos*d, 2e-7*math.Abs(d))
						near(t, "cos tangent", i, out[at+s.n], -sin*d, 2e-7*math.Abs(d))
					}
				}
			}
			for i, v := range out {
				if c := i % ld; (c < s.off || c >= s.off+2*s.n) != (v == 77) {
					t.Fatalf("column %d is %g: columns [%d, %d) are to be written", c, v, s.off, s.off+2*s.n)
				}
			}
		}
	})
}

// TestSinCosFar: beyond the range of the reduction values stay within [-1, 1].
func TestSinCosFar(t *testing.T) {
	eachPath(t, func(t *testing.T) {
		rnd := rand.New(rand.NewPCG(4, 5))
		p, out := make([]float32, 1024), make([]float32, 2048)
		for i := range p {
			p[i] = float32(math.Pow(10, 5+33*rnd.Float64()))
		}
		SinCosJet(1, len(p), 0, p, out, len(out), 0)
		for i, v := range out {
			if !(math.Abs(float64(v)) <= 1) {
				t.Fatalf("sine or cosine of %g is %g", p[i%len(p)], v)
			}
		}
	})
}
