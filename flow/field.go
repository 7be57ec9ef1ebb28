package flow

import (
	"fmt"
	"math"
	"math/rand/v2"

	"mflow/flow/nn"
	"mflow/internal/kernel"
	"mflow/manifold"
)

// A FieldSpec describes the network of a field. The zero value is a sensible
// one for every manifold: three layers of 128 units with swish on 128 random
// waves.
type FieldSpec struct {
	Hidden     []int  // widths of the hidden layers: 128, 128, 128
	Activation string // swish, sin, tanh or softplus: swish

	// Waves is the number of frequencies of the input features; 128 if zero,
	// negative for none. Scales are the standard deviations of the random
	// frequencies, taken by equal shares, in radians per unit of length: by
	// default 1, 3, 9, 27. Of more than two angles each has a share of it.
	Waves  int
	Scales []float64
}

// WithDefaults returns s with defaults in place of zeros.
func (s FieldSpec) WithDefaults() FieldSpec {
	if len(s.Hidden) == 0 {
		s.Hidden = []int{128, 128, 128}
	}
	if s.Activation == "" {
		s.Activation = "swish"
	}
	if s.Waves == 0 {
		s.Waves = 128
	}
	if len(s.Scales) == 0 {
		s.Scales = []float64{1, 3, 9, 27}
	}
	return s
}

// NewField returns a network v : Rⁿ → Rⁿ for m whose output is zero, with
// random features drawn from rnd. Coordinates that are angles enter only
// through waves of whole frequencies, so the field is periodic in them; boxes
// are scaled to [-1, 1].
func NewField(m manifold.Manifold, s FieldSpec, rnd *rand.Rand) (*nn.MLP, error) {
	s = s.WithDefaults()
	act, err := kernel.ParseActivation(s.Activation)
	if err != nil {
		return nil, fmt.Errorf("flow: %w", err)
	}
	for _, v := range s.Scales {
		if !(v > 0) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("flow: scale %g of the input frequencies, want positive", v)
		}
	}
	f, err := features(axes(m), s, rnd)
	if err != nil {
		return nil, err
	}
	_, n := m.Dims()
	return nn.NewMLP(f, s.Hidden, n, act, rnd)
}

// An axis is how one ambient coordinate enters the features: as
// (x - mid)/half, or, if period is positive, only by waves of that period.
type axis struct {
	mid, half, period float64
}

func axes(m manifold.Manifold) []axis {
	_, n := m.Dims()
	as := make([]axis, n)
	for i := range as {
		as[i] = axis{half: 1}
	}
	switch m := m.(type) {
	case manifold.Torus:
		for i := range as {
			as[i] = axis{period: 2 * math.Pi}
		}
	case manifold.Box:
		for i := range as {
			lo, hi := m.Lo[i], m.Hi[i]
			if m.Periodic[i] {
				as[i] = axis{period: hi - lo}
			} else {
				as[i] = axis{mid: (lo + hi) / 2, half: (hi - lo) / 2}
			}
		}
	case interface{ Factors() []manifold.Manifold }:
		as = as[:0]
		for _, f := range m.Factors() {
			as = append(as, axes(f)...)
		}
	}
	return as
}

// features draws the frequencies: normal with standard deviation scale/half on
// open axes; on periodic ones the nearest whole multiple of 2π/period. Of more than
// two of these each has a smaller share, so that a wave joins a few of them: a torus
// is the longer the more circles it has, while a sphere stays as it is.
func features(as []axis, s FieldSpec, rnd *rand.Rand) (nn.Features, error) {
	n, waves := len(as), max(0, s.Waves)
	f := nn.Features{N: n, Omega: make([]float32, n*waves)}
	var open []int
	share := 1.0 // of the scale on periodic axes
	for i, a := range as {
		if a.period == 0 {
			open = append(open, i)
		}
	}
	if periodic := n - len(open); periodic > 2 {
		share = 2 / float64(periodic)
	}
	f.S, f.C = make([]float32, n*len(open)), make([]float32, len(open))
	for j, i := range open {
		f.S[i*len(open)+j] = float32(1 / as[i].half)
		f.C[j] = float32(-as[i].mid / as[i].half)
	}
	if len(open) == 0 && waves == 0 {
		return f, fmt.Errorf("flow: a periodic manifold needs waves as input features")
	}
	for w := range waves {
		scale := s.Scales[w*len(s.Scales)/waves]
		for zero := true; zero; {
			for i, a := range as {
				v := scale * rnd.NormFloat64()
				if a.period > 0 {
					v = math.Round(share*v) * 2 * math.Pi / a.period
				} else {
					v /= a.half
				}
				f.Omega[i*waves+w] = float32(v)
				zero = zero && v == 0
			}
		}
	}
	return f, nil
}
