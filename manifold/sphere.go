package manifold

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mathext"
)

var (
	_ Measurer = Sphere{}
	_ Geodesic = Sphere{}
)

// Sphere is the unit sphere S^N in R^(N+1), N at least 1. On S², with x towards
// latitude 0 longitude 0 and z towards the north pole, FromLatLon and LatLon
// convert degrees.
type Sphere struct{ N int }

// Dims returns N and N+1.
func (s Sphere) Dims() (d, n int) { return s.N, s.N + 1 }

// String returns "sphere" for S² and "sphere:N" else.
func (s Sphere) String() string {
	if s.N == 2 {
		return "sphere"
	}
	return fmt.Sprintf("sphere:%d", s.N)
}

// Project divides x by its length; the origin goes to the last axis.
func (s Sphere) Project(x []float64) {
	r := norm(x)
	if !(r > 1e-140 && r < 1e140) { // where squares lose digits or overflow
		var top float64
		for _, v := range x {
			top = math.Max(top, math.Abs(v))
		}
		if top == 0 {
			x[s.N] = 1
			return
		}
		for i := range x {
			x[i] /= top
		}
		r = norm(x)
	}
	for i := range x {
		x[i] /= r
	}
}

// Frame writes the branch-free frame of Duff et al. (2017) on S². In other
// dimensions it is the first N columns of the Householder reflection that maps
// ∓e_{N+1} to x.
func (s Sphere) Frame(E, x []float64) {
	if s.N == 2 {
		sign := math.Copysign(1, x[2])
		a := -1 / (sign + x[2])
		b := x[0] * x[1] * a
		E[0], E[1], E[2] = 1+sign*x[0]*x[0]*a, sign*b, -sign*x[0]
		E[3], E[4], E[5] = b, sign+x[1]*x[1]*a, -x[1]
		return
	}
	n := s.N + 1
	last := x[n-1]
	sign := math.Copysign(1, last)
	// w = x + sign e_n, and row j is e_j - 2 w wⱼ/|w|² with |w|² = 2 (1 + |x_n|).
	a := 1 / (1 + math.Abs(last))
	for j := range s.N {
		row := E[j*n : (j+1)*n]
		for c := range row {
			row[c] = -a * x[j] * x[c]
		}
		row[j]++
		row[n-1] -= a * x[j] * sign
	}
}

// MeanCurvature writes h = -N x.
func (s Sphere) MeanCurvature(h, x []float64) {
	for i, v := range x {
		h[i] = -float64(s.N) * v
	}
}

// Volume returns 2 π^((N+1)/2) / Γ((N+1)/2).
func (s Sphere) Volume() float64 {
	half := float64(s.N+1) / 2
	lg, _ := math.Lgamma(half)
	return 2 * math.Exp(half*math.Log(math.Pi)-lg)
}

// Rand writes a uniform point: a normalised vector of normal numbers.
func (s Sphere) Rand(x []float64, rnd *rand.Rand) {
	for r := 0.0; r == 0; r = norm(x) {
		for i := range x {
			x[i] = rnd.NormFloat64()
		}
	}
	s.Project(x)
}

// Exp writes cos|v| x + sin|v| v/|v|.
func (s Sphere) Exp(dst, x, v []float64) {
	t := norm(v)
	sin, cos := math.Sincos(t)
	q := sinc(t, sin)
	for i := range x {
		dst[i] = cos*x[i] + q*v[i]
	}
	s.Project(dst)
}

// Log writes the direction of y seen from x, of length the angle between them.
// For y = -x, to rounding, it is one of the shortest.
func (s Sphere) Log(dst, x, y []float64) {
	c := dot(x, y)
	for i := range x {
		dst[i] = y[i] - c*x[i]
	}
	// Close to x and -x that is a difference of equals, whose rounding error has
	// a part along x as large as the rest: it is taken out once more.
	r := dot(dst, x)
	for i := range x {
		dst[i] -= r * x[i]
	}
	sin := norm(dst)
	const rounding = 4e-16 // of y - ⟨x, y⟩ x; less than this has no direction
	switch {
	case c < 0 && sin < rounding:
		E := make([]float64, s.N*(s.N+1))
		s.Frame(E, x)
		for i := range dst {
			dst[i] = math.Pi * E[i]
		}
	case sin > 0:
		q := math.Atan2(sin, c) / sin
		for i := range dst {
			dst[i] *= q
		}
	}
}

// sinc returns sin(t)/t.
func sinc(t, sin float64) float64 {
	if t < 1e-9 {
		return 1
	}
	return sin / t
}

// CapVolume returns the volume of a cap of S^N, N at least 1, all points within
// the angle radius of one,
//
//	Vol(S^(N-1)) ∫ sin^(N-1) t dt = Vol(S^N)/2 · I(sin² radius; N/2, 1/2) ,
//
// for radius up to π/2, with I the regularised incomplete beta function, and the
// rest of the sphere beyond. A small cap keeps its digits.
func CapVolume(N int, radius float64) float64 {
	all := Sphere{N}.Volume()
	switch {
	case radius <= 0:
		return 0
	case radius >= math.Pi:
		return all
	}
	sin, cos := math.Sincos(radius)
	var share float64 // of the cap or, beyond π/2, of the cap opposite
	if math.Abs(cos) > 0.1 {
		share = mathext.RegIncBeta(float64(N)/2, 0.5, sin*sin) / 2
	} else { // sin² has lost the digits of cos
		share = (1 - mathext.RegIncBeta(0.5, float64(N)/2, cos*cos)) / 2
	}
	if cos < 0 {
		share = 1 - share
	}
	return all * share
}

// FromLatLon returns the point of S² at the given latitude and longitude in
// degrees.
func FromLatLon(lat, lon float64) [3]float64 {
	sphi, cphi := math.Sincos(lat * math.Pi / 180)
	slam, clam := math.Sincos(lon * math.Pi / 180)
	return [3]float64{cphi * clam, cphi * slam, sphi}
}

// LatLon returns the latitude, in [-90, 90], and longitude, in (-180, 180], of a
// point of S², in degrees.
func LatLon(x []float64) (lat, lon float64) {
	return math.Atan2(x[2], math.Hypot(x[0], x[1])) * 180 / math.Pi, math.Atan2(x[1], x[0]) * 180 / math.Pi
}

func dot(x, y []float64) float64 {
	var s float64
	for i, v := range x {
		s += v * y[i]
	}
	return s
}

func norm(x []float64) float64 { return math.Sqrt(dot(x, x)) }
