package prior

import (
	"fmt"
	"math"
	"math/rand/v2"

	"mflow/internal/directional"
	"mflow/manifold"
)

// A Kent is a mixture on S² of Kent densities (FB5; Kent 1982), whose level sets
// are ellipses, and, with the rest of the weight, the uniform density. A
// component with the axes g₁, g₂, g₃ is
//
//	f(x) ∝ exp(κ ⟨g₁, x⟩ + β (⟨g₂, x⟩² - ⟨g₃, x⟩²)) ,   0 ≤ 2β ≤ κ ,
//
// wide along g₂ and narrow along g₃.
type Kent struct {
	Weight  []float64 // M
	Axes    []float64 // M×3×3, the axes of a component as rows
	Kappa   []float64 // M
	Beta    []float64 // M
	Uniform float64   // weight of the uniform density

	logC []float64 // log weight - log norm
}

// NewKent returns a mixture. Weights and uniform sum to one.
func NewKent(weight, axes, kappa, beta []float64, uniform float64) (*Kent, error) {
	p := &Kent{Weight: weight, Axes: axes, Kappa: kappa, Beta: beta, Uniform: uniform}
	return p, p.prepare()
}

func (p *Kent) prepare() error {
	k := len(p.Weight)
	if len(p.Axes) != 9*k || len(p.Kappa) != k || len(p.Beta) != k {
		return fmt.Errorf("prior: Kent mixture of %d weights with %d numbers of axes, %d of κ and %d of β", k, len(p.Axes), len(p.Kappa), len(p.Beta))
	}
	sum := p.Uniform
	p.logC = make([]float64, k)
	for i, w := range p.Weight {
		kappa, beta := p.Kappa[i], p.Beta[i]
		switch {
		case !(w >= 0):
			return fmt.Errorf("prior: weight %g of component %d", w, i)
		case !(beta >= 0 && 2*beta <= kappa) || math.IsInf(kappa, 0):
			return fmt.Errorf("prior: κ = %g and β = %g of component %d, want 0 ≤ 2β ≤ κ", kappa, beta, i)
		case !orthonormal(p.Axes[9*i : 9*i+9]):
			return fmt.Errorf("prior: axes %v of component %d are not orthonormal", p.Axes[9*i:9*i+9], i)
		}
		sum += w
		p.logC[i] = math.Log(w) - directional.KentLogNorm(kappa, beta)
	}
	if !(p.Uniform >= 0) || math.Abs(sum-1) > 1e-9 {
		return fmt.Errorf("prior: weights sum to %g, want 1", sum)
	}
	return nil
}

func orthonormal(g []float64) bool {
	for i := range 3 {
		for j := range i + 1 {
			want := 0.0
			if i == j {
				want = 1
			}
			if !(math.Abs(dot(g[3*i:3*i+3], g[3*j:3*j+3])-want) < 1e-9) {
				return false
			}
		}
	}
	return true
}

// terms writes the log of every component's part of the density at x, the
// uniform last.
func (p *Kent) terms(dst, x []float64) []float64 {
	dst = dst[:0]
	for i, c := range p.logC {
		g := p.Axes[9*i : 9*i+9]
		// Differences to the mean keep the digits of near points.
		d0, d1, d2 := x[0]-g[0], x[1]-g[1], x[2]-g[2]
		a, b := g[3]*d0+g[4]*d1+g[5]*d2, g[6]*d0+g[7]*d1+g[8]*d2
		dst = append(dst, c-p.Kappa[i]*(d0*d0+d1*d1+d2*d2)/2+p.Beta[i]*(a-b)*(a+b))
	}
	return append(dst, math.Log(p.Uniform)-math.Log(4*math.Pi))
}

// LogProb returns the log-density at x.
func (p *Kent) LogProb(x []float64) float64 {
	var room [65]float64
	return logSumExp(p.terms(room[:0], x))
}

// Rand writes a point of the mixture to x.
func (p *Kent) Rand(x []float64, rnd *rand.Rand) {
	i := pick(append(append([]float64(nil), p.Weight...), p.Uniform), rnd)
	if i == len(p.Weight) {
		manifold.Sphere{N: 2}.Rand(x, rnd)
		return
	}
	directional.KentRand(x, p.Axes[9*i:9*i+9], p.Kappa[i], p.Beta[i], rnd)
}

// FitKent fits a mixture to points on S², as FitMixture does, from the best of a
// few starts. MaxKappa bounds κ + 2β, the precision in the narrowest direction.
func FitKent(m manifold.Manifold, x, val []float64, o MixtureOptions) (*Kent, error) {
	if err := kentOn(m); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	const starts, trial = 8, 10 // steps that tell a good start: ellipses merge early if ever
	return choose(3, x, val, o, func(k int) (best *Kent) {
		rnd := rand.New(rand.NewPCG(o.Seed, uint64(k)))
		top := math.Inf(-1)
		for range starts {
			p := startKent(x, k, o.MaxKappa, rnd)
			var ll float64
			for range trial {
				ll = p.step(x, o.MaxKappa)
			}
			if ll > top {
				best, top = p, ll
			}
		}
		return best
	})
}

func kentOn(m manifold.Manifold) error {
	if m != manifold.Manifold(manifold.Sphere{N: 2}) {
		return fmt.Errorf("prior: no Kent densities on %s, only on the sphere S²", m)
	}
	return nil
}

// startKent places k centres as FitMixture does and gives each the moments of the
// points that are nearest to it.
func startKent(x []float64, k int, maxKappa float64, rnd *rand.Rand) *Kent {
	s := space{m: manifold.Sphere{N: 2}, n: 2}
	round := start(s, x, k, rnd)
	own := make([]moments, k)
	for i := 0; i < len(x); i += 3 {
		best, least := 0, math.Inf(1)
		for j := range k {
			if t := s.t(x[i:i+3], round.Mean[3*j:3*j+3]); t < least {
				best, least = j, t
			}
		}
		own[best].add(1, x[i:i+3])
	}
	p := &Kent{Uniform: 0.05}
	for _, m := range own {
		axes := m.axes()
		w, q := m.about(axes)
		kappa, beta, _ := likeliest(w, q, maxKappa)
		p.Weight = append(p.Weight, 0.95*m.mass/float64(len(x)/3))
		p.Axes = append(p.Axes, axes...)
		p.Kappa, p.Beta = append(p.Kappa, kappa), append(p.Beta, beta)
	}
	if err := p.prepare(); err != nil {
		panic(err) // its own numbers
	}
	return p
}

// step takes one step of expectation-maximisation and returns the
// log-likelihood before it. Axes are those of the moments (Kent 1982), κ and β
// the likeliest given these. A component for which that is no gain stays.
func (p *Kent) step(x []float64, maxKappa float64) float64 {
	k := len(p.Weight)
	own := make([]moments, k)
	mass, ll := shares(x, 3, p.terms, func(j int, r float64, x []float64) { own[j].add(r, x) })
	old := append([]float64(nil), p.logC...)
	for j, w := range p.Weight {
		old[j] = math.Log(w) - old[j] // log N
	}
	p.Uniform = weigh(p.Weight, mass)
	for j := range k {
		if own[j].mass < 1e-9 {
			continue
		}
		m := &own[j]
		now := p.Axes[9*j : 9*j+9]
		w, q := m.about(now)
		before := -p.Kappa[j]*w + p.Beta[j]*q - old[j]
		axes := m.axes()
		w, q = m.about(axes)
		if kappa, beta, value := likeliest(w, q, maxKappa); value > before {
			p.Kappa[j], p.Beta[j] = kappa, beta
			copy(now, axes)
		}
	}
	if err := p.prepare(); err != nil {
		panic(err) // its own numbers
	}
	return ll
}

// moments are the sums of a component's shares of x and of x xᵀ.
type moments struct {
	sum     [3]float64
	scatter [9]float64
	mass    float64
}

func (m *moments) add(share float64, x []float64) {
	m.mass += share
	for a, v := range x {
		m.sum[a] += share * v
		for b, u := range x {
			m.scatter[3*a+b] += share * v * u
		}
	}
}

// axes returns the direction of the mean and, across it, the principal axes of
// the scatter, the longer one first.
func (m *moments) axes() []float64 {
	g := make([]float64, 9)
	copy(g, m.sum[:])
	s := manifold.Sphere{N: 2}
	s.Project(g[:3])
	var E [6]float64
	s.Frame(E[:], g[:3])
	xx, xy, yy := m.along(E[:3], E[:3]), m.along(E[:3], E[3:]), m.along(E[3:], E[3:])
	sin, cos := math.Sincos(math.Atan2(2*xy, xx-yy) / 2)
	for i := range 3 {
		g[3+i] = cos*E[i] + sin*E[3+i]
		g[6+i] = -sin*E[i] + cos*E[3+i]
	}
	return g
}

func (m *moments) along(a, b []float64) float64 {
	var s float64
	for i, v := range a {
		s += v * dot(m.scatter[3*i:3*i+3], b)
	}
	return s / m.mass
}

// about returns the means of w and q of directional.KentLogNorm with these axes.
func (m *moments) about(g []float64) (w, q float64) {
	return 1 - dot(m.sum[:], g[:3])/m.mass, m.along(g[3:6], g[3:6]) - m.along(g[6:9], g[6:9])
}

// likeliest returns κ and β that have the largest mean log-density -κ w + β q - log N,
// for the means w and q ≥ 0, and that mean. The precisions a = κ - 2β and
// b = κ + 2β have the concave likelihood
//
//	-a w' - b q' - log N ,   w' = w/2 + q/4 ,   q' = w/2 - q/4 ,
//
// which is climbed by Newton's steps in the box 0 ≤ a ≤ b ≤ maxKappa, from where
// a normal density would be.
func likeliest(w, q, maxKappa float64) (kappa, beta, value float64) {
	long, short := w/2+q/4, w/2-q/4
	inside := func(a, b float64) (float64, float64) {
		b = math.Min(maxKappa, math.Max(0, b))
		return math.Min(b, math.Max(0, a)), b
	}
	type state struct {
		a, b  float64
		m     directional.KentMoment
		value float64
	}
	at := func(a, b float64) state {
		m := directional.KentMoments((a+b)/2, (b-a)/4)
		return state{a, b, m, -a*long - b*short - m.LogN}
	}
	s := at(inside(0.5/math.Max(long, 1e-300), 0.5/math.Max(short, 1e-300)))
	for range 30 {
		ga, gb := s.m.W/2+s.m.Q/4-long, s.m.W/2-s.m.Q/4-short
		aa := s.m.VarW/4 + s.m.VarQ/16 + s.m.CovWQ/4
		bb := s.m.VarW/4 + s.m.VarQ/16 - s.m.CovWQ/4
		ab := s.m.VarW/4 - s.m.VarQ/16
		var da, db float64
		switch held, flat := s.b >= maxKappa && gb > 0, s.a <= 0 && ga < 0; {
		case held && flat:
		case held:
			da = ga / aa
		case flat:
			db = gb / bb
		default:
			det := aa*bb - ab*ab
			da, db = (bb*ga-ab*gb)/det, (aa*gb-ab*ga)/det
		}
		gained := false
		for t := 1.0; t > 1e-6 && !gained; t /= 2 {
			if next := at(inside(s.a+t*da, s.b+t*db)); next.value > s.value+1e-13*math.Abs(s.value) {
				s, gained = next, true
			}
		}
		if !gained {
			break
		}
	}
	return (s.a + s.b) / 2, (s.b - s.a) / 4, s.value
}

func (p *Kent) tensors() Tensors {
	k := len(p.Weight)
	return Tensors{
		"weight": {[]int{k}, p.Weight},
		"axes":   {[]int{k, 3, 3}, p.Axes},
		"kappa":  {[]int{k}, p.Kappa},
		"beta":   {[]int{k}, p.Beta},
	}
}
