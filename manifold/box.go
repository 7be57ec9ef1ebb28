package manifold

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
)

var (
	_ Measurer = Box{}
	_ Walled   = Box{}
)

// Box is a box in R^N with sides [Lo, Hi], each periodic or between walls. At
// the walls of bounded sides fields are tapered (see Walled); a box of periodic
// sides only has none, and tapers nothing.
type Box struct {
	Lo, Hi   []float64
	Periodic []bool
}

// NewBox returns the box, or an error naming the side that is empty.
func NewBox(lo, hi []float64, periodic []bool) (Box, error) {
	b := Box{lo, hi, periodic}
	if err := b.check(); err != nil {
		return Box{}, fmt.Errorf("manifold: %w", err)
	}
	return b, nil
}

func (b Box) check() error {
	if len(b.Lo) == 0 {
		return errors.New("a box needs at least one side")
	}
	if len(b.Lo) != len(b.Hi) || len(b.Lo) != len(b.Periodic) {
		return fmt.Errorf("a box with %d lower and %d upper ends and %d periodic flags", len(b.Lo), len(b.Hi), len(b.Periodic))
	}
	for i, lo := range b.Lo {
		if w := b.Hi[i] - lo; !(w > 0) || math.IsInf(w, 0) {
			return fmt.Errorf("side %d of the box is %g..%g, want finite ends in rising order", i+1, lo, b.Hi[i])
		}
	}
	return nil
}

// Dims returns N and N.
func (b Box) Dims() (d, n int) { return len(b.Lo), len(b.Lo) }

// String returns "box:0..1,0..24p", with p after periodic sides.
func (b Box) String() string {
	var sides []string
	for i := range b.Lo {
		s := fmt.Sprintf("%g..%g", b.Lo[i], b.Hi[i])
		if b.Periodic[i] {
			s += "p"
		}
		sides = append(sides, s)
	}
	return "box:" + strings.Join(sides, ",")
}

// Project wraps periodic coordinates and clamps the others.
func (b Box) Project(x []float64) {
	for i := range x {
		if b.Periodic[i] {
			x[i] = b.Lo[i] + wrap(x[i]-b.Lo[i], b.Hi[i]-b.Lo[i])
			if x[i] >= b.Hi[i] { // the sum was rounded up
				x[i] = b.Lo[i]
			}
		} else {
			x[i] = math.Min(b.Hi[i], math.Max(b.Lo[i], x[i]))
		}
	}
}

// Frame writes the identity.
func (b Box) Frame(E, _ []float64) { identity(E, len(b.Lo)) }

// MeanCurvature writes zero.
func (b Box) MeanCurvature(h, _ []float64) { clear(h) }

// Volume returns the product of the sides.
func (b Box) Volume() float64 {
	v := 1.0
	for i := range b.Lo {
		v *= b.Hi[i] - b.Lo[i]
	}
	return v
}

// Rand writes independent uniform coordinates.
func (b Box) Rand(x []float64, rnd *rand.Rand) {
	for i := range x {
		x[i] = b.Lo[i] + (b.Hi[i]-b.Lo[i])*rnd.Float64()
	}
}

// Taper writes bᵢ = 4 s (1-s) on bounded axes, with s from 0 to 1 across the
// box, and 1 on periodic ones. It vanishes to first order at a wall, which is
// enough for no mass to cross and leaves the density at the wall free.
func (b Box) Taper(taper, g, x []float64) {
	for i := range x {
		if b.Periodic[i] {
			taper[i], g[i] = 1, 0
			continue
		}
		w := b.Hi[i] - b.Lo[i]
		s := math.Min(1, math.Max(0, (x[i]-b.Lo[i])/w))
		taper[i], g[i] = 4*s*(1-s), 4*(1-2*s)/w
	}
}
