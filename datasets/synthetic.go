package datasets

import (
	"fmt"
	"math"
	"math/rand/v2"

	"mflow/internal/directional"
	"mflow/manifold"
)

// A Synthetic is a density known in closed form, to test against.
type Synthetic struct {
	Name     string
	Manifold manifold.Measurer
	LogProb  func(x []float64) float64 // with respect to the Riemannian volume
	Rand     func(x []float64, rnd *rand.Rand)
}

// Entropy estimates -∫ p log p from n draws, with its standard error.
func (s *Synthetic) Entropy(n int, rnd *rand.Rand) (h, se float64) {
	_, dim := s.Manifold.Dims()
	x := make([]float64, dim)
	var sq float64
	for range n {
		s.Rand(x, rnd)
		v := -s.LogProb(x)
		h += v
		sq += v * v
	}
	h /= float64(n)
	return h, math.Sqrt((sq/float64(n) - h*h) / float64(n))
}

// Draw returns n points as a set.
func (s *Synthetic) Draw(n int, seed uint64) *Set {
	_, dim := s.Manifold.Dims()
	rnd := rand.New(rand.NewPCG(seed, 5))
	x := make([]float64, n*dim)
	for i := range n {
		s.Rand(x[i*dim:(i+1)*dim], rnd)
	}
	return &Set{Name: s.Name, Manifold: s.Manifold, X: x, Truth: s}
}

// synthetics lists the synthetic sets by name. new is given the manifold asked
// for, or nil, and returns nil for one it is not made for.
var synthetics = []struct {
	name, about string
	new         func(m manifold.Manifold) *Synthetic
}{
	{"plates", "an earthquake-like set on the sphere: kernels along arcs, and some anywhere", plates},
	{"bumps", "a few kernels on a sphere, flat torus, torus of revolution or SO(3)", bumps},
	{"swells", "four kernels on a sphere or flat torus, as far from uniform in every dimension", swells},
	{"checkerboard", "every other square of the sphere or the flat torus T²", checkerboard},
	{"spirals", "two spirals on the flat torus T²", spirals},
}

// SyntheticNames returns the names of the synthetic sets and what they are.
func SyntheticNames() [][2]string {
	var out [][2]string
	for _, s := range synthetics {
		out = append(out, [2]string{s.name, s.about})
	}
	return out
}

// NewSynthetic returns the named density on m, or on its usual manifold if m is
// nil.
func NewSynthetic(name string, m manifold.Manifold) (*Synthetic, error) {
	for _, s := range synthetics {
		if s.name != name {
			continue
		}
		if d := s.new(m); d != nil {
			d.Name = name
			return d, nil
		}
		return nil, fmt.Errorf("datasets: %s is %s; there is none on %s", name, s.about, m)
	}
	return nil, fmt.Errorf("datasets: there is no synthetic set %q", name)
}

func synthesize(name string, m manifold.Manifold, o Options) (*Set, bool, error) {
	for _, s := range synthetics {
		if s.name != name {
			continue
		}
		d, err := NewSynthetic(name, m)
		if err != nil {
			return nil, true, err
		}
		n := o.N
		if n == 0 {
			n = 5000
		}
		return d.Draw(n, o.Seed), true, nil
	}
	return nil, false, nil
}

// mix is a mixture of densities given by their logarithms and samplers, and of
// the uniform density with the rest of the weight.
type part struct {
	weight  float64
	logProb func(x []float64) float64
	rand    func(x []float64, rnd *rand.Rand)
}

func mix(m manifold.Measurer, parts []part) *Synthetic {
	rest := 1.0
	for _, p := range parts {
		rest -= p.weight
	}
	return &Synthetic{
		Manifold: m,
		LogProb: func(x []float64) float64 {
			f := math.Max(0, rest) / m.Volume()
			for _, p := range parts {
				f += p.weight * math.Exp(p.logProb(x))
			}
			return math.Log(f)
		},
		Rand: func(x []float64, rnd *rand.Rand) {
			u := rnd.Float64()
			for _, p := range parts {
				if u -= p.weight; u < 0 {
					p.rand(x, rnd)
					return
				}
			}
			m.Rand(x, rnd)
		},
	}
}

// vmf is the von Mises-Fisher density on a sphere.
func vmf(mean []float64, kappa, weight float64) part {
	norm := directional.SphereLogNorm(len(mean)-1, kappa)
	return part{weight, func(x []float64) float64 {
		var s float64
		for i, v := range x {
			s += (v - mean[i]) * (v - mean[i])
		}
		return -kappa*s/2 - norm
	}, func(x []float64, rnd *rand.Rand) { directional.SphereRand(x, mean, kappa, rnd) }}
}

// vonMises is a product of von Mises densities of the angles.
func vonMises(mean []float64, kappa, weight float64) part {
	norm := float64(len(mean)) * directional.CircleLogNorm(kappa)
	return part{weight, func(x []float64) float64 {
		var s float64
		for i, v := range x {
			q := math.Sin((v - mean[i]) / 2)
			s += 2 * q * q
		}
		return -kappa*s - norm
	}, func(x []float64, rnd *rand.Rand) {
		for i, v := range mean {
			x[i] = directional.CircleRand(v, kappa, rnd)
		}
		manifold.Torus{N: len(mean)}.Project(x)
	}}
}

// plates is 240 kernels of 2 to 8 degrees strung along eight arcs of great
// circles, with a tenth of the mass anywhere. The arcs are drawn from a fixed
// seed.
func plates(m manifold.Manifold) *Synthetic {
	s := manifold.Sphere{N: 2}
	if m != nil && m != manifold.Manifold(s) {
		return nil
	}
	rnd := rand.New(rand.NewPCG(42, 1))
	var parts []part
	for range 8 {
		at, pole := make([]float64, 3), make([]float64, 3)
		s.Rand(at, rnd)
		E := make([]float64, 6)
		s.Frame(E, at)
		length, share := 0.8+1.4*rnd.Float64(), 0.5+rnd.Float64()
		a := 2 * math.Pi * rnd.Float64()
		for i := range pole {
			pole[i] = math.Cos(a)*E[i] + math.Sin(a)*E[3+i]
		}
		for k := range 30 {
			v, x := make([]float64, 3), make([]float64, 3)
			for i := range v {
				v[i] = pole[i] * length * (float64(k)/29 - 0.5)
			}
			s.Exp(x, at, v)
			width := (2 + 6*rnd.Float64()) * math.Pi / 180
			parts = append(parts, vmf(x, 1/(width*width), share))
		}
	}
	var sum float64
	for _, p := range parts {
		sum += p.weight
	}
	for i := range parts {
		parts[i].weight *= 0.9 / sum
	}
	return mix(s, parts)
}

// bumps is four kernels at fixed random places, of unequal weight, with a tenth
// of the mass anywhere.
func bumps(m manifold.Manifold) *Synthetic {
	if m == nil {
		m = manifold.Sphere{N: 2}
	}
	u, ok := m.(manifold.Measurer)
	if !ok {
		return nil
	}
	rnd := rand.New(rand.NewPCG(17, 1))
	_, n := m.Dims()
	weights := []float64{0.35, 0.25, 0.2, 0.1}
	var parts []part
	for i, w := range weights {
		mean := make([]float64, n)
		u.Rand(mean, rnd)
		kappa := 4 * float64(i+1)
		switch m := m.(type) {
		case manifold.Sphere:
			parts = append(parts, vmf(mean, kappa, w))
		case manifold.Torus:
			parts = append(parts, vonMises(mean, kappa/2, w))
		case manifold.Revolution:
			parts = append(parts, ring(m, mean, kappa/2, w))
		case manifold.SO3:
			parts = append(parts, fisher(mean, kappa/2, w))
		default:
			return nil
		}
	}
	return mix(u, parts)
}

// swells is bumps for a study of the dimension: each of its four kernels is two
// nats from the uniform density, by relative entropy, whatever the dimension.
func swells(m manifold.Manifold) *Synthetic {
	if m == nil {
		m = manifold.Sphere{N: 2}
	}
	u, ok := m.(manifold.Measurer)
	kappa := Concentration(m, 2)
	if !ok || math.IsNaN(kappa) {
		return nil
	}
	rnd := rand.New(rand.NewPCG(23, 1))
	_, n := m.Dims()
	var parts []part
	for _, w := range []float64{0.35, 0.25, 0.2, 0.1} {
		mean := make([]float64, n)
		u.Rand(mean, rnd)
		if _, ok := m.(manifold.Torus); ok {
			parts = append(parts, vonMises(mean, kappa, w))
		} else {
			parts = append(parts, vmf(mean, kappa, w))
		}
	}
	return mix(u, parts)
}

// Concentration returns the concentration κ at which a von Mises-Fisher density
// on a sphere, or a product of von Mises densities on a flat torus, has the given
// relative entropy to the uniform density, in nats; NaN on other manifolds.
func Concentration(m manifold.Manifold, nats float64) float64 {
	var norm func(kappa float64) float64 // log N(κ) of f = exp(-κ t) / N
	var vol float64
	switch m := m.(type) {
	case manifold.Sphere:
		norm = func(k float64) float64 { return directional.SphereLogNorm(m.N, k) }
		vol = m.Volume()
	case manifold.Torus:
		norm = func(k float64) float64 { return float64(m.N) * directional.CircleLogNorm(k) }
		vol = m.Volume()
	default:
		return math.NaN()
	}
	// ∫ f log(f vol) = κ (log N)' - log N + log vol, which rises with κ.
	entropy := func(k float64) float64 {
		const h = 1e-4 // of a central difference, relative: an error of 1e-8
		slope := (norm(k*(1+h)) - norm(k*(1-h))) / (2 * h)
		return slope - norm(k) + math.Log(vol)
	}
	lo, hi := math.Log(1e-3), math.Log(1e9)
	for range 60 {
		if mid := (lo + hi) / 2; entropy(math.Exp(mid)) < nats {
			lo = mid
		} else {
			hi = mid
		}
	}
	return math.Exp((lo + hi) / 2)
}

// ring is a product of von Mises densities of the angles of a torus of
// revolution, divided by the area element r (R + r cos φ).
func ring(m manifold.Revolution, mean []float64, kappa, weight float64) part {
	theta, phi := m.Angles(mean)
	flat := vonMises([]float64{theta, phi}, kappa, weight)
	return part{weight, func(x []float64) float64 {
		a, b := m.Angles(x)
		return flat.logProb([]float64{a, b}) - math.Log(m.Minor*(m.Major+m.Minor*math.Cos(b)))
	}, func(x []float64, rnd *rand.Rand) {
		var a [2]float64
		flat.rand(a[:], rnd)
		p := m.Point(a[0], a[1])
		copy(x, p[:])
	}}
}

// fisher is the isotropic matrix Fisher density exp(κ (tr MᵀR - 3)/2)/N on
// SO(3). With the unit quaternion q of MᵀR, tr = 4q₀² - 1, so with respect to the
// volume of the Frobenius metric N = 8√2 π · 2π e^{-κ} (I₀(κ) - I₁(κ)): the
// rotation angle t has density proportional to (1 - cos t) e^{κ cos t}.
func fisher(mean []float64, kappa, weight float64) part {
	i0, i1 := math.Exp(directional.LogI(0, kappa)), math.Exp(directional.LogI(1, kappa))
	// ∫ over SO(3) of f(t) is 2√2 ∫₀^π f(t) · 4π · 2(1 - cos t) dt, and
	// ∫₀^π (1 - cos t) e^{κ (cos t - 1)} dt = π e^{-κ} (I₀ - I₁).
	norm := math.Log(2 * math.Sqrt2 * 8 * math.Pi * math.Pi * (i0 - i1))
	m := append([]float64(nil), mean...)
	return part{weight, func(x []float64) float64 {
		var tr float64
		for i, v := range x {
			tr += v * m[i]
		}
		return kappa*(tr-3)/2 - norm
	}, func(x []float64, rnd *rand.Rand) {
		// The angle by rejection from a von Mises angle; the axis is uniform.
		for {
			t := directional.CircleRand(0, kappa, rnd)
			if 2*rnd.Float64() > 1-math.Cos(t) {
				continue
			}
			var axis [3]float64
			manifold.Sphere{N: 2}.Rand(axis[:], rnd)
			s, c := math.Sincos(t / 2)
			r := manifold.FromQuaternion([4]float64{c, s * axis[0], s * axis[1], s * axis[2]})
			for i := range 3 {
				for j := range 3 {
					x[3*i+j] = m[3*i]*r[j] + m[3*i+1]*r[3+j] + m[3*i+2]*r[6+j]
				}
			}
			return
		}
	}}
}

// checkerboard is uniform on every other square: of 4×8 cells of equal area in
// sin latitude and longitude on the sphere, of 4×4 on T², with a twentieth of
// the mass anywhere.
func checkerboard(m manifold.Manifold) *Synthetic {
	var u manifold.Measurer
	var black func(x []float64) bool
	switch m := m.(type) {
	case nil:
		return checkerboard(manifold.Torus{N: 2})
	case manifold.Sphere:
		if m.N != 2 {
			return nil
		}
		u = m
		black = func(x []float64) bool {
			lon := math.Atan2(x[1], x[0]) + math.Pi
			return (int(math.Floor((x[2]+1)*2))+int(math.Floor(lon*4/math.Pi)))%2 == 0
		}
	case manifold.Torus:
		if m.N != 2 {
			return nil
		}
		u = m
		black = func(x []float64) bool {
			return (int(math.Floor(x[0]*2/math.Pi))+int(math.Floor(x[1]*2/math.Pi)))%2 == 0
		}
	default:
		return nil
	}
	return mix(u, []part{{0.95, func(x []float64) float64 {
		if black(x) {
			return math.Log(2 / u.Volume())
		}
		return math.Inf(-1)
	}, func(x []float64, rnd *rand.Rand) {
		for u.Rand(x, rnd); !black(x); u.Rand(x, rnd) {
		}
	}}})
}

// spirals is 60 kernels along each of two spirals, with a twentieth of the mass
// anywhere.
func spirals(m manifold.Manifold) *Synthetic {
	t := manifold.Torus{N: 2}
	if m != nil && m != manifold.Manifold(t) {
		return nil
	}
	var parts []part
	for arm := range 2 {
		for k := range 60 {
			a := 0.4 + float64(k)/59*3*math.Pi
			s, c := math.Sincos(a + math.Pi*float64(arm))
			r := 0.27 * a
			parts = append(parts, vonMises([]float64{math.Pi + r*c, math.Pi + r*s}, 60, 0.95/120))
		}
	}
	return mix(t, parts)
}
