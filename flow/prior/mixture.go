package prior

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"mflow/internal/directional"
	"mflow/manifold"
)

// A Mixture is a weighted sum of kernels and, with the rest of the weight, the
// uniform density. On a sphere the kernels are von Mises-Fisher with one
// concentration each; on a torus products of von Mises densities with one
// concentration an angle.
type Mixture struct {
	Weight  []float64 // M
	Mean    []float64 // M×ambient
	Kappa   []float64 // M on spheres, M×N on tori
	Uniform float64   // weight of the uniform density

	space  space
	logC   []float64 // log weight - log norm
	logUni float64
}

// NewMixture returns a mixture on a sphere or torus. Weights and uniform sum to
// one.
func NewMixture(m manifold.Manifold, weight, mean, kappa []float64, uniform float64) (*Mixture, error) {
	s, err := spaceOf(m)
	if err != nil {
		return nil, err
	}
	p := &Mixture{Weight: weight, Mean: mean, Kappa: kappa, Uniform: uniform, space: s}
	return p, p.prepare()
}

func (p *Mixture) dim() int { return p.space.ambient() }

// per returns the number of concentrations of a component.
func (p *Mixture) per() int {
	if p.space.torus {
		return p.space.n
	}
	return 1
}

func (p *Mixture) prepare() error {
	k := len(p.Weight)
	if len(p.Mean) != k*p.dim() || len(p.Kappa) != k*p.per() {
		return fmt.Errorf("prior: mixture of %d weights with %d mean and %d concentration numbers", k, len(p.Mean), len(p.Kappa))
	}
	sum := p.Uniform
	p.logC = make([]float64, k)
	for i, w := range p.Weight {
		if !(w >= 0) {
			return fmt.Errorf("prior: weight %g of component %d", w, i)
		}
		sum += w
		p.logC[i] = math.Log(w)
		for _, kappa := range p.Kappa[i*p.per() : (i+1)*p.per()] {
			if !(kappa >= 0) || math.IsInf(kappa, 0) {
				return fmt.Errorf("prior: concentration %g of component %d", kappa, i)
			}
			if p.space.torus {
				p.logC[i] -= directional.CircleLogNorm(kappa)
			} else {
				p.logC[i] -= directional.SphereLogNorm(p.space.n, kappa)
			}
		}
	}
	if !(p.Uniform >= 0) || math.Abs(sum-1) > 1e-9 {
		return fmt.Errorf("prior: weights sum to %g, want 1", sum)
	}
	p.logUni = math.Log(p.Uniform) - math.Log(p.space.m.Volume())
	return nil
}

// terms writes the log of every component's part of the density at x, the
// uniform last.
func (p *Mixture) terms(dst, x []float64) []float64 {
	n, per := p.dim(), p.per()
	dst = dst[:0]
	for i := range p.Weight {
		m := p.Mean[i*n : (i+1)*n]
		v := p.logC[i]
		if per == 1 && !p.space.torus {
			v -= p.Kappa[i] * p.space.t(x, m)
		} else {
			for c := range m {
				q := math.Sin((x[c] - m[c]) / 2)
				v -= p.Kappa[i*per+c] * 2 * q * q
			}
		}
		dst = append(dst, v)
	}
	return append(dst, p.logUni)
}

// LogProb returns the log-density at x.
func (p *Mixture) LogProb(x []float64) float64 {
	var room [65]float64
	return logSumExp(p.terms(room[:0], x))
}

// Rand writes a point of the mixture to x.
func (p *Mixture) Rand(x []float64, rnd *rand.Rand) {
	i := pick(append(append([]float64(nil), p.Weight...), p.Uniform), rnd)
	if i == len(p.Weight) {
		p.space.m.Rand(x, rnd)
		return
	}
	n := p.dim()
	m := p.Mean[i*n : (i+1)*n]
	if !p.space.torus {
		directional.SphereRand(x, m, p.Kappa[i], rnd)
		return
	}
	for c, v := range m {
		x[c] = directional.CircleRand(v, p.Kappa[i*n+c], rnd)
	}
	p.space.m.Project(x)
}

// MixtureOptions say how a mixture is fitted. Zeros mean the defaults given.
type MixtureOptions struct {
	Components []int   // numbers tried, the best on validation kept: 1, 2, 4, … 64
	Iterations int     // of expectation-maximisation: 100
	MaxKappa   float64 // the resolution floor: 1e8
	Seed       uint64
}

// FitMixture fits a mixture to the points x by expectation-maximisation, with
// centres started far apart, and the number of components chosen by the
// likelihood of the validation points.
func FitMixture(m manifold.Manifold, x, val []float64, o MixtureOptions) (*Mixture, error) {
	s, err := spaceOf(m)
	if err != nil {
		return nil, err
	}
	o = o.withDefaults()
	return choose(s.ambient(), x, val, o, func(k int) *Mixture {
		return start(s, x, k, rand.New(rand.NewPCG(o.Seed, uint64(k))))
	})
}

func (o MixtureOptions) withDefaults() MixtureOptions {
	if o.Components == nil {
		o.Components = []int{1, 2, 4, 8, 16, 32, 64}
	}
	if o.Iterations == 0 {
		o.Iterations = 100
	}
	if o.MaxKappa == 0 {
		o.MaxKappa = 1e8
	}
	return o
}

// A stepper is a mixture that takes steps of expectation-maximisation. A step
// returns the log-likelihood before it.
type stepper interface {
	Density
	step(x []float64, maxKappa float64) float64
}

// choose fits mixtures of every number of components from their starts, and
// returns the one with the largest likelihood of the validation points.
func choose[P stepper](n int, x, val []float64, o MixtureOptions, start func(k int) P) (best P, err error) {
	points := len(x) / n
	if points == 0 || len(val) == 0 {
		return best, errors.New("prior: a mixture needs training and validation points")
	}
	top := math.Inf(-1)
	for _, k := range o.Components {
		if k > points {
			continue
		}
		p := start(k)
		climb(p, x, points, o)
		var score float64
		for i := 0; i < len(val); i += n {
			score += p.LogProb(val[i : i+n])
		}
		if score > top {
			best, top = p, score
		}
	}
	if math.IsInf(top, -1) {
		return best, fmt.Errorf("prior: no mixture of %v components fits %d points", o.Components, points)
	}
	return best, nil
}

// climb takes steps until they gain nothing.
func climb(p stepper, x []float64, points int, o MixtureOptions) {
	last := math.Inf(-1)
	for range o.Iterations {
		ll := p.step(x, o.MaxKappa)
		if ll-last < 1e-6*float64(points) {
			break
		}
		last = ll
	}
}

// start places k centres on points, each new one with probability in proportion
// to its distance from those before (Arthur & Vassilvitskii 2007).
func start(s space, x []float64, k int, rnd *rand.Rand) *Mixture {
	n := s.ambient()
	points := len(x) / n
	p := &Mixture{space: s, Uniform: 0.05}
	far := make([]float64, points)
	for i := range far {
		far[i] = 1
	}
	for range k {
		var sum float64
		for _, v := range far {
			sum += v
		}
		u, at := rnd.Float64()*sum, points-1
		for i, v := range far {
			if u -= v; u < 0 {
				at = i
				break
			}
		}
		c := x[at*n : (at+1)*n]
		p.Mean = append(p.Mean, c...)
		for i := range far {
			far[i] = math.Min(far[i], s.t(x[i*n:(i+1)*n], c))
		}
		p.Weight = append(p.Weight, 0.95/float64(k))
		for range p.per() {
			p.Kappa = append(p.Kappa, math.Max(1, float64(k)))
		}
	}
	if err := p.prepare(); err != nil {
		panic(err) // its own numbers
	}
	return p
}

// step takes one step of expectation-maximisation and returns the
// log-likelihood before it.
func (p *Mixture) step(x []float64, maxKappa float64) float64 {
	n, k, per := p.dim(), len(p.Weight), p.per()
	cs, sn := make([]float64, k*n), make([]float64, k*n) // resultants
	mass, ll := shares(x, n, p.terms, func(j int, r float64, xi []float64) {
		for c, v := range xi {
			if p.space.torus {
				s, co := math.Sincos(v)
				cs[j*n+c] += r * co
				sn[j*n+c] += r * s
			} else {
				cs[j*n+c] += r * v
			}
		}
	})
	p.Uniform = weigh(p.Weight, mass)
	for j := range k {
		m := p.Mean[j*n : (j+1)*n]
		if p.space.torus {
			for c := range m {
				r := math.Hypot(cs[j*n+c], sn[j*n+c]) / math.Max(mass[j], 1e-300)
				m[c] = math.Atan2(sn[j*n+c], cs[j*n+c])
				p.Kappa[j*per+c] = math.Min(maxKappa, concentration(1, r))
			}
			p.space.m.Project(m)
			continue
		}
		var r float64
		for _, v := range cs[j*n : (j+1)*n] {
			r += v * v
		}
		r = math.Sqrt(r) / math.Max(mass[j], 1e-300)
		copy(m, cs[j*n:(j+1)*n])
		p.space.m.Project(m)
		p.Kappa[j] = math.Min(maxKappa, concentration(p.space.n, r))
	}
	if err := p.prepare(); err != nil {
		panic(err) // its own numbers
	}
	return ll
}

// shares calls add with the share that component j has in every point, for all
// but the uniform component, which is the last. It returns the sums of the
// shares, and the log-likelihood.
func shares(x []float64, n int, terms func(dst, x []float64) []float64, add func(j int, r float64, x []float64)) (mass []float64, ll float64) {
	var ts []float64
	for i := 0; i < len(x); i += n {
		ts = terms(ts, x[i:i+n])
		if mass == nil {
			mass = make([]float64, len(ts))
		}
		lp := logSumExp(ts)
		ll += lp
		for j, v := range ts {
			r := math.Exp(v - lp)
			mass[j] += r
			if j < len(ts)-1 && r >= 1e-300 {
				add(j, r, x[i:i+n])
			}
		}
	}
	return mass, ll
}

// weigh writes the weights of components with these shares and returns that of
// the uniform one. A little mass keeps every component alive and ν positive.
func weigh(weight, mass []float64) (uniform float64) {
	const little = 1e-3
	var points float64
	for _, m := range mass {
		points += m
	}
	total := points + little*float64(len(mass))
	for j := range weight {
		weight[j] = (mass[j] + little) / total
	}
	return (mass[len(weight)] + little) / total
}

// concentration inverts the mean resultant length r on S^n: the approximation
// of Banerjee et al. (2005), then two steps of Newton (Sra 2012).
func concentration(n int, r float64) float64 {
	r = math.Min(r, 1-1e-12)
	d := float64(n + 1)
	kappa := r * (d - r*r) / (1 - r*r)
	for range 2 {
		if kappa < 1e-6 || kappa > 1e6 {
			break
		}
		a := math.Exp(directional.LogI(d/2, kappa) - directional.LogI(d/2-1, kappa))
		kappa -= (a - r) / (1 - a*a - (d-1)/kappa*a)
		if !(kappa > 0) {
			return r * (d - r*r) / (1 - r*r)
		}
	}
	return kappa
}
