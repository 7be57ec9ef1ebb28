package directional

import (
	"math"
	"math/rand/v2"
	"testing"
)

// integral of f over [0, π] by composite Gauss-Legendre panels that shrink
// towards 0, where sharp kernels live.
func integral(f func(x float64) float64) float64 {
	nodes := []float64{-0.9602898564975363, -0.7966664774136267, -0.5255324099163290, -0.1834346424956498, 0.1834346424956498, 0.5255324099163290, 0.7966664774136267, 0.9602898564975363}
	weights := []float64{0.1012285362903763, 0.2223810344533745, 0.3137066458778873, 0.3626837833783620, 0.3626837833783620, 0.3137066458778873, 0.2223810344533745, 0.1012285362903763}
	var s float64
	hi := math.Pi
	for range 130 {
		lo := hi * 0.78
		for i, x := range nodes {
			s += weights[i] * (hi - lo) / 2 * f((lo+hi)/2+(hi-lo)/2*x)
		}
		hi = lo
	}
	return s
}

func TestSphereLogNorm(t *testing.T) {
	for _, n := range []int{1, 2, 3, 7, 10} {
		lg, _ := math.Lgamma(float64(n) / 2)
		ring := math.Log(2) + float64(n)/2*math.Log(math.Pi) - lg // volume of S^(n-1)
		for _, kappa := range []float64{1e-13, 1e-3, 0.5, 3, 59, 61, 100, 700, 1e4, 1e8} {
			want := ring + math.Log(integral(func(a float64) float64 {
				s := math.Sin(a / 2)
				return math.Exp(-2*kappa*s*s) * math.Pow(math.Sin(a), float64(n-1))
			}))
			if got := SphereLogNorm(n, kappa); math.Abs(got-want) > 1e-9 {
				t.Errorf("n = %d, κ = %g: got %.12g, by quadrature %.12g", n, kappa, got, want)
			}
		}
	}
}

// TestRand compares the mean of t and of t² with quadrature, at 4 standard
// errors.
func TestRand(t *testing.T) {
	const draws = 20000
	for _, n := range []int{1, 2, 3, 9} {
		for _, kappa := range []float64{0, 0.3, 5, 200, 1e9} {
			rnd := rand.New(rand.NewPCG(uint64(n), 1))
			weight := func(a float64) float64 {
				s := math.Sin(a / 2)
				return math.Exp(-2*kappa*s*s) * math.Pow(math.Sin(a), float64(n-1))
			}
			z := integral(weight)
			moment := func(p float64) float64 {
				return integral(func(a float64) float64 {
					s := math.Sin(a / 2)
					return weight(a) * math.Pow(2*s*s, p)
				}) / z
			}
			m1, m2 := moment(1), moment(2)
			var sum float64
			m, x := make([]float64, n+1), make([]float64, n+1)
			m[0], m[n] = 0.6, 0.8
			for range draws {
				if n == 1 {
					s := math.Sin(CircleRand(1, kappa, rnd)/2 - 0.5)
					sum += 2 * s * s
					continue
				}
				SphereRand(x, m, kappa, rnd)
				var c float64
				for i := range x {
					c += (x[i] - m[i]) * (x[i] - m[i]) / 2
				}
				sum += c
			}
			se := math.Sqrt((m2 - m1*m1) / draws)
			if got := sum / draws; math.Abs(got-m1) > 4*se+1e-12*m1 {
				t.Errorf("n = %d, κ = %g: mean of t %g, want %g ± %g", n, kappa, got, m1, se)
			}
		}
	}
}
