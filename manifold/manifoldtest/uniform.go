package manifoldtest

import (
	"fmt"
	"math"
	"math/rand/v2"

	"mflow/manifold"
)

// stokes: ∫ div u = 0 on a closed manifold, and with the taper on one with
// walls, so over uniform points divergences have the mean zero. Since those of
// smooth fields are all the functions of mean zero, that also says that the
// points are uniform. It binds frame, curvature, taper and sampler together:
// where the identity holds, it is the sampler that this law tests.
func stokes(m manifold.Measurer, rnd *rand.Rand) error {
	const points, fields = 8000, 24
	c := measure(m, rnd)
	fs := make([]*field, fields)
	for i := range fs {
		fs[i] = newField(c, []float64{0.5, 1, 2, 4}[i%4], rnd)
	}
	sum, sq := make([]float64, fields), make([]float64, fields)
	for range points {
		p := at(m, point(m, rnd))
		for i, f := range fs {
			d := f.divergence(p)
			sum[i] += d
			sq[i] += d * d
		}
	}
	// Five standard errors: chance goes beyond them once in 70000 runs of the law,
	// if the means were independent, and less often as they are not.
	for i := range sum {
		mean := sum[i] / points
		se := math.Sqrt(math.Max(0, sq[i]/points-mean*mean) / points)
		if !(math.Abs(mean) <= 5*se+1e-12) {
			return fmt.Errorf("the mean of a divergence is %.3g, %.1f times its standard error", mean, math.Abs(mean)/se)
		}
	}
	return nil
}

// density: two uniform points are nearer than r with the probability ω r^d / V,
// ω the volume of the unit ball of R^d, for small r. That is how many near
// pairs a sample has; r is chosen so that there should be 1000, with a standard
// error of about 1/√1000. Curvature and walls add to that where d is large and
// so r is not small, so the law allows a quarter, enough to tell a metric that
// is wrong by √2 in one direction.
func density(m manifold.Measurer, rnd *rand.Rand) error {
	const points, want = 1500, 1000
	d, _ := m.Dims()
	lg, _ := math.Lgamma(float64(d)/2 + 1)
	omega := math.Exp(float64(d)/2*math.Log(math.Pi) - lg)
	r := math.Pow(want*m.Volume()/(omega*points*(points-1)/2), 1/float64(d))
	c := measure(m, rnd)
	var xs [points][]float64
	near := 0
	for i := range xs {
		xs[i] = point(m, rnd)
		for _, y := range xs[:i] {
			if c.apart(xs[i], y) < r {
				near++
			}
		}
	}
	if !(math.Abs(float64(near)/want-1) < 0.25) {
		return fmt.Errorf("%d of the pairs of %d uniform points are nearer than %.3g, the volume %g makes it %d", near, points, r, m.Volume(), want)
	}
	return nil
}
