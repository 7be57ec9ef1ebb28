package manifold

import (
	"fmt"
	"math"
	"math/rand/v2"
)

var _ Measurer = Revolution{}

// Revolution is the torus of revolution in R³ about the z axis,
//
//	x = ((R + r cos φ) cos θ, (R + r cos φ) sin θ, r sin φ) ,
//
// with Major radius R greater than Minor radius r.
type Revolution struct{ Major, Minor float64 }

// Dims returns 2 and 3.
func (t Revolution) Dims() (d, n int) { return 2, 3 }

// String returns "revolution:R,r".
func (t Revolution) String() string { return fmt.Sprintf("revolution:%g,%g", t.Major, t.Minor) }

// Point returns the point with the angles θ about the axis and φ about the tube.
func (t Revolution) Point(theta, phi float64) [3]float64 {
	st, ct := math.Sincos(theta)
	sp, cp := math.Sincos(phi)
	rho := t.Major + t.Minor*cp
	return [3]float64{rho * ct, rho * st, t.Minor * sp}
}

// Angles returns θ and φ of the point of the torus nearest to x, in (-π, π].
func (t Revolution) Angles(x []float64) (theta, phi float64) {
	return math.Atan2(x[1], x[0]), math.Atan2(x[2], math.Hypot(x[0], x[1])-t.Major)
}

// at returns the sines and cosines of the angles of x.
func (t Revolution) at(x []float64) (st, ct, sp, cp float64) {
	rho := math.Hypot(x[0], x[1])
	st, ct = direction(x[1], x[0], rho)
	sp, cp = direction(x[2], rho-t.Major, math.Hypot(x[2], rho-t.Major))
	return st, ct, sp, cp
}

// direction returns y/r and x/r, those of the angle zero if r is.
func direction(y, x, r float64) (sin, cos float64) {
	if r == 0 {
		return 0, 1
	}
	return y / r, x / r
}

// Project moves x to the nearest point. Points of the axis and of the tube's
// core, which have several, go to angle zero.
func (t Revolution) Project(x []float64) {
	st, ct, sp, cp := t.at(x)
	rho := t.Major + t.Minor*cp
	x[0], x[1], x[2] = rho*ct, rho*st, t.Minor*sp
}

// Frame writes ∂/∂θ and ∂/∂φ, normalised.
func (t Revolution) Frame(E, x []float64) {
	st, ct, sp, cp := t.at(x)
	E[0], E[1], E[2] = -st, ct, 0
	E[3], E[4], E[5] = -sp*ct, -sp*st, cp
}

// MeanCurvature writes h = -(1/r + cos φ / (R + r cos φ)) N, the sum of the two
// principal curvatures along the inward normal.
func (t Revolution) MeanCurvature(h, x []float64) {
	st, ct, sp, cp := t.at(x)
	k := -(1/t.Minor + cp/(t.Major+t.Minor*cp))
	h[0], h[1], h[2] = k*cp*ct, k*cp*st, k*sp
}

// Volume returns the area 4π² R r.
func (t Revolution) Volume() float64 { return 4 * math.Pi * math.Pi * t.Major * t.Minor }

// Rand writes a point uniform in area: φ has density proportional to
// R + r cos φ, drawn by rejection.
func (t Revolution) Rand(x []float64, rnd *rand.Rand) {
	theta := 2 * math.Pi * rnd.Float64()
	for {
		phi := 2 * math.Pi * rnd.Float64()
		if rnd.Float64()*(t.Major+t.Minor) < t.Major+t.Minor*math.Cos(phi) {
			p := t.Point(theta, phi)
			copy(x, p[:])
			return
		}
	}
}
