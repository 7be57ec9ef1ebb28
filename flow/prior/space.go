package prior

import (
	"fmt"
	"math"
	"math/rand/v2"

	"mflow/internal/directional"
	"mflow/manifold"
)

// A space is a manifold with an isotropic kernel exp(-κ t(x, m)) / N(κ): a
// sphere or a flat torus.
type space struct {
	m     manifold.Measurer
	torus bool
	n     int // of S^n or T^n
}

func spaceOf(m manifold.Manifold) (space, error) {
	switch m := m.(type) {
	case manifold.Sphere:
		return space{m, false, m.N}, nil
	case manifold.Torus:
		return space{m, true, m.N}, nil
	}
	return space{}, fmt.Errorf("prior: no kernels on %s, only on spheres and flat tori", m)
}

func (s space) ambient() int {
	_, n := s.m.Dims()
	return n
}

// t returns the kernel's argument: half the squared chord, so that it keeps its
// digits for near points, where 1 - cos would lose them.
func (s space) t(x, m []float64) float64 {
	var sum float64
	if s.torus {
		for i, v := range x {
			q := math.Sin((v - m[i]) / 2)
			sum += q * q
		}
		return 2 * sum
	}
	for i, v := range x {
		d := v - m[i]
		sum += d * d
	}
	return sum / 2
}

// logNorm returns log N(κ).
func (s space) logNorm(kappa float64) float64 {
	if s.torus {
		return float64(s.n) * directional.CircleLogNorm(kappa)
	}
	return directional.SphereLogNorm(s.n, kappa)
}

// rand writes a draw from the kernel about m.
func (s space) rand(x, m []float64, kappa float64, rnd *rand.Rand) {
	if !s.torus {
		directional.SphereRand(x, m, kappa, rnd)
		return
	}
	for i, v := range m {
		x[i] = directional.CircleRand(v, kappa, rnd)
	}
	s.m.Project(x)
}

// pick returns an index drawn with the given probabilities, which sum to one.
func pick(p []float64, rnd *rand.Rand) int {
	u := rnd.Float64()
	for i, v := range p {
		if u -= v; u < 0 {
			return i
		}
	}
	return len(p) - 1
}
