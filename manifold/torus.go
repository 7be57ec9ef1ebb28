package manifold

import (
	"fmt"
	"math"
	"math/rand/v2"
)

var (
	_ Measurer = Torus{}
	_ Geodesic = Torus{}
)

// Torus is the flat torus T^N: N angles in [0, 2π). It is its own chart, so the
// ambient space is that of the angles, the frame is the identity and nothing is
// curved; what a network sees of the angles must be periodic.
type Torus struct{ N int }

// Dims returns N and N.
func (t Torus) Dims() (d, n int) { return t.N, t.N }

// String returns "circle" for one angle, "torus" for two and "torus:N" else.
func (t Torus) String() string {
	switch t.N {
	case 1:
		return "circle"
	case 2:
		return "torus"
	}
	return fmt.Sprintf("torus:%d", t.N)
}

// Project wraps every angle to [0, 2π).
func (t Torus) Project(x []float64) {
	for i := range x {
		x[i] = wrap(x[i], 2*math.Pi)
	}
}

// wrap returns x modulo period, in [0, period).
func wrap(x, period float64) float64 {
	if x >= 0 && x < period {
		return x
	}
	x = math.Mod(x, period)
	if x < 0 {
		x += period
	}
	if x >= period { // a tiny negative number, rounded up
		return 0
	}
	return x
}

// shortest returns the representative of x modulo period in [-period/2, period/2].
func shortest(x, period float64) float64 { return math.Remainder(x, period) }

// Frame writes the identity.
func (t Torus) Frame(E, _ []float64) { identity(E, t.N) }

func identity(E []float64, n int) {
	clear(E)
	for i := range n {
		E[i*n+i] = 1
	}
}

// MeanCurvature writes zero.
func (t Torus) MeanCurvature(h, _ []float64) { clear(h) }

// Volume returns (2π)^N.
func (t Torus) Volume() float64 { return math.Pow(2*math.Pi, float64(t.N)) }

// Rand writes independent uniform angles.
func (t Torus) Rand(x []float64, rnd *rand.Rand) {
	for i := range x {
		x[i] = 2 * math.Pi * rnd.Float64()
	}
}

// Exp writes x + v, wrapped.
func (t Torus) Exp(dst, x, v []float64) {
	for i := range x {
		dst[i] = x[i] + v[i]
	}
	t.Project(dst)
}

// Log writes y - x, every angle in [-π, π].
func (t Torus) Log(dst, x, y []float64) {
	for i := range x {
		dst[i] = shortest(y[i]-x[i], 2*math.Pi)
	}
}
