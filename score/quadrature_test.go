package score

import (
	"math"
	"math/rand/v2"
	"testing"

	"mflow/manifold"
)

// TestIntegrate: polynomials and exponentials with known integrals come out
// within their stated errors, far more exactly than by as many random points.
func TestIntegrate(t *testing.T) {
	const kappa = 8.0
	bessel := 0.0 // I₀(2) = Σ 1/(k!)²
	for k, term := 0, 1.0; k < 30; k++ {
		bessel += term
		term /= float64((k + 1) * (k + 1))
	}
	for _, c := range []struct {
		m    manifold.Manifold
		f    func(x []float64) float64
		want float64
		tol  float64
	}{
		{manifold.Sphere{N: 2}, func(x []float64) float64 { return x[0] * x[0] }, 4 * math.Pi / 3, 1e-6},
		{manifold.Sphere{N: 2}, func(x []float64) float64 { return math.Exp(kappa * (x[1] - 1)) }, 2 * math.Pi / kappa * -math.Expm1(-2*kappa), 1e-6},
		{manifold.Torus{N: 2}, func(x []float64) float64 { return math.Exp(2*math.Cos(x[0])) * (1 + math.Sin(x[1])) }, 4 * math.Pi * math.Pi * bessel, 1e-10},
		{manifold.Torus{N: 5}, func(x []float64) float64 { return 1 + math.Cos(x[0]+x[1]-x[4]) }, math.Pow(2*math.Pi, 5), 2},
		{manifold.Sphere{N: 3}, func(x []float64) float64 { return x[2] * x[2] }, math.Pi * math.Pi / 2, 1e-3},
		{manifold.Revolution{Major: 2, Minor: 1}, func(x []float64) float64 { return x[2] * x[2] }, 4 * math.Pi * math.Pi, 1e-2},
	} {
		r, err := NewRule(c.m, 20000)
		if err != nil {
			t.Fatal(err)
		}
		_, n := c.m.Dims()
		got := r.Integrate(func(dst, x []float64) {
			for i := range len(x) / n {
				v := c.f(x[i*n : (i+1)*n])
				dst[2*i], dst[2*i+1] = v, 2*v
			}
		}, 2, 8, rand.New(rand.NewPCG(6, 0)))
		near(t, r.Name+" on "+c.m.String(), got[0].Value, c.want, c.tol)
		near(t, r.Name+" on "+c.m.String()+", in errors", (got[0].Value-c.want)/math.Max(got[0].SE, 1e-11), 0, 6)
		near(t, "the second function", got[1].Value, 2*got[0].Value, 1e-9)
	}
	if _, err := NewRule(manifold.SO3{}, 10); err == nil {
		t.Error("a rule on SO(3), which has no chart")
	}
}
