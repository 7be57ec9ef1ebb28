package manifoldtest

import (
	"fmt"
	"math"
	"math/rand/v2"

	"mflow/manifold"
)

// inverse: Log(x, y) is tangent at x, and Exp(x, Log(x, y)) = y.
func inverse(m manifold.Measurer, rnd *rand.Rand) error {
	g, ok := m.(manifold.Geodesic)
	if !ok {
		return nil
	}
	_, n := m.Dims()
	c := measure(m, rnd)
	v, z := make([]float64, n), make([]float64, n)
	for range trials {
		x, y := point(m, rnd), point(m, rnd)
		g.Log(v, x, y)
		if r := norm(normalPart(m, x, v)); !(r < 1e-12) {
			return fmt.Errorf("the logarithm at %v has a normal part of length %g", x, r)
		}
		g.Exp(z, x, v)
		if e := c.apart(z, y); !(e < 1e-12) {
			return fmt.Errorf("Exp(x, Log(x, y)) is %g from y, with x = %v, y = %v", e, x, y)
		}
	}
	return nil
}

// shortest: no geodesic is shorter than the logarithm of its end, and a short
// one is the logarithm of its end.
func shortest(m manifold.Measurer, rnd *rand.Rand) error {
	g, ok := m.(manifold.Geodesic)
	if !ok {
		return nil
	}
	_, n := m.Dims()
	y, back := make([]float64, n), make([]float64, n)
	for k := range trials {
		x := point(m, rnd)
		length := 1e-3
		if k%2 == 0 {
			length = 10 * rnd.Float64()
		}
		v := tangentVector(m, x, length, rnd)
		g.Exp(y, x, v)
		g.Log(back, x, y)
		if got := norm(back); !(got < length+1e-12) {
			return fmt.Errorf("Log(x, Exp(x, v)) at %v has length %.15g, v only %.15g", x, got, length)
		}
		// A difference of points of size one has 1e-16, in products a few.
		if e := norm(along(back, -1, v)); length == 1e-3 && !(e < 1e-14) {
			return fmt.Errorf("Log(x, Exp(x, v)) at %v is %g from v of length %g", x, e, length)
		}
	}
	return nil
}

// speed: a geodesic of length t starts with speed one, and the second half of
// its way is t/2, where that is the shortest. A retraction that only starts
// like a geodesic slows down.
func speed(m manifold.Measurer, rnd *rand.Rand) error {
	g, ok := m.(manifold.Geodesic)
	if !ok {
		return nil
	}
	_, n := m.Dims()
	c := measure(m, rnd)
	y, z := make([]float64, n), make([]float64, n)
	for range trials {
		x := point(m, rnd)
		const short, long = 1e-4, 1.0
		v := tangentVector(m, x, short, rnd)
		g.Exp(y, x, v)
		// A chord is shorter than its arc by a share of order short².
		if got := c.apart(x, y); !(math.Abs(got/short-1) < 1e-7) {
			return fmt.Errorf("the exponential map moves %v by %g for a velocity of %g", x, got, short)
		}
		v = tangentVector(m, x, long, rnd)
		g.Exp(z, x, v)
		g.Exp(y, x, along(make([]float64, n), 0.5, v))
		if got := manifold.Dist(g, y, z); !(math.Abs(got-long/2) < 1e-12) {
			return fmt.Errorf("the second half of a geodesic of length %g from %v has length %g", long, x, got)
		}
	}
	return nil
}
