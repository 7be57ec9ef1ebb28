package prior

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"mflow/internal/directional"
	"mflow/manifold"
)

// turn returns orthonormal axes from the first two rotations of a frame.
func turn(g1 []float64, angle float64) []float64 {
	s := manifold.Sphere{N: 2}
	g := slices.Clone(g1)
	s.Project(g)
	E := make([]float64, 6)
	s.Frame(E, g)
	sin, cos := math.Sincos(angle)
	for i := range 3 {
		g = append(g, cos*E[i]+sin*E[3+i])
	}
	for i := range 3 {
		g = append(g, -sin*E[i]+cos*E[3+i])
	}
	return g
}

// crossed is three ellipses, two of them across and close to each other.
func crossed(t testing.TB) *Kent {
	axes := slices.Concat(turn([]float64{1, 2, 2}, 0.3), turn([]float64{1, 1.4, 2}, 0.3+math.Pi/2), turn([]float64{-2, 1, 0.5}, 1))
	p, err := NewKent([]float64{0.3, 0.3, 0.3}, axes, []float64{300, 300, 20}, []float64{140, 140, 5}, 0.1)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func draw(p Density, points, n int, seed uint64) []float64 {
	rnd := rand.New(rand.NewPCG(seed, 6))
	x := make([]float64, points*n)
	for i := 0; i < len(x); i += n {
		p.Rand(x[i:i+n], rnd)
	}
	return x
}

// TestKentIntegral: the density integrates to one by the sum over a fine grid.
func TestKentIntegral(t *testing.T) {
	p := crossed(t)
	const steps = 1000
	var sum float64
	for i := range steps {
		for j := range steps {
			z, phi := 2*(float64(i)+0.5)/steps-1, 2*math.Pi*(float64(j)+0.5)/steps
			r := math.Sqrt(1 - z*z)
			sum += math.Exp(p.LogProb([]float64{r * math.Cos(phi), r * math.Sin(phi), z})) * 4 * math.Pi / (steps * steps)
		}
	}
	if math.Abs(sum-1) > 1e-5 { // the midpoint rule at the poles
		t.Errorf("integral %.8f", sum)
	}
}

// TestKentRises: no step lowers the likelihood of the points together with that
// of the little mass, 1e-3 a component, that keeps components alive.
func TestKentRises(t *testing.T) {
	m := manifold.Sphere{N: 2}
	for name, x := range map[string][]float64{
		"ellipses": draw(crossed(t), 500, 3, 1), "clusters": clusters(m, 400, 1e4, 5), "copies": append(clusters(m, 60, 30, 5), clusters(m, 60, 30, 5)...),
	} {
		p := startKent(x, 6, 1e4, rand.New(rand.NewPCG(1, 1)))
		last := math.Inf(-1)
		for i := range 60 {
			kept := 1e-3 * math.Log(p.Uniform)
			for _, w := range p.Weight {
				kept += 1e-3 * math.Log(w)
			}
			ll := p.step(x, 1e4) + kept
			if ll < last-1e-9*math.Abs(last) {
				t.Errorf("%s: step %d lowered the log-likelihood from %.9f to %.9f", name, i, last, ll)
			}
			last = ll
		}
	}
}

// TestKentRecovered: the parameters of a density are found from its draws.
func TestKentRecovered(t *testing.T) {
	truth := crossed(t)
	p, err := FitKent(manifold.Sphere{N: 2}, draw(truth, 6000, 3, 1), draw(truth, 1000, 3, 2), MixtureOptions{Components: []int{1, 2, 3}})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Weight) != 3 {
		t.Fatalf("%d components, want 3", len(p.Weight))
	}
	for i := range 3 {
		g := truth.Axes[9*i : 9*i+9]
		best, at := -1.0, 0
		for j := range 3 { // the one with its mean and long axis nearest
			h := p.Axes[9*j : 9*j+9]
			if v := dot(g[:3], h[:3]) * math.Abs(dot(g[3:6], h[3:6])); v > best {
				best, at = v, j
			}
		}
		// 1,800 draws fix directions to 0.01 and precisions to 5 per cent.
		narrow, want := p.Kappa[at]+2*p.Beta[at], truth.Kappa[i]+2*truth.Beta[i]
		long, wantLong := p.Kappa[at]-2*p.Beta[at], truth.Kappa[i]-2*truth.Beta[i]
		if best < 0.99 || math.Abs(narrow/want-1) > 0.2 || math.Abs(long/wantLong-1) > 0.2 || math.Abs(p.Weight[at]-0.3) > 0.03 {
			t.Errorf("component %d: axes agree to %.4f, precisions %.1f and %.1f, want %.1f and %.1f, weight %.3f",
				i, best, narrow, long, want, wantLong, p.Weight[at])
		}
	}
	x := draw(truth, 4000, 3, 3)
	var lost float64
	for i := 0; i < len(x); i += 3 {
		lost += (truth.LogProb(x[i:i+3]) - p.LogProb(x[i:i+3])) * 3 / float64(len(x))
	}
	if lost > 0.01 { // half a degree of freedom over 6,000 points, 17 times
		t.Errorf("%.4f nats worse than the truth", lost)
	}
}

// TestLikeliest: κ and β have the moments asked for, over all concentrations,
// or lie on the bound that keeps them from it.
func TestLikeliest(t *testing.T) {
	for _, kappa := range []float64{0.01, 1, 30, 1e4, 1e7} {
		for _, ratio := range []float64{0, 0.3, 0.9, 0.999} {
			c, err := NewKent([]float64{1}, []float64{0, 0, 1, 1, 0, 0, 0, 1, 0}, []float64{kappa}, []float64{ratio * kappa / 2}, 0)
			if err != nil {
				t.Fatal(err)
			}
			m := directional.KentMoments(c.Kappa[0], c.Beta[0])
			k, b, _ := likeliest(m.W, m.Q, 1e9)
			if math.Abs(k/kappa-1) > 1e-4 || math.Abs(b-c.Beta[0]) > 1e-4*kappa {
				t.Errorf("κ = %g, β = %g from the moments of %g, %g", k, b, kappa, c.Beta[0])
			}
		}
	}
	if k, b, _ := likeliest(1e-9, 0, 1e4); k != 1e4 || b != 0 {
		t.Errorf("beyond the floor: κ = %g, β = %g, want 1e4 and 0", k, b)
	}
	// A ribbon of 0.3 by 1e-4 radians.
	if k, b, _ := likeliest(0.045, 0.09, 1e4); math.Abs(k+2*b-1e4) > 1e-6 || k-2*b > 100 {
		t.Errorf("narrow beyond the floor: precisions %g and %g, want 1e4 and about 11", k+2*b, k-2*b)
	}
}

// TestKentFloor: neither copies nor points on a line make any component
// narrower than the floor in any direction.
func TestKentFloor(t *testing.T) {
	const floor = 0.01
	m := manifold.Sphere{N: 2}
	x := clusters(m, 100, 60, 4)
	for range 3 {
		x = append(x, x[:30]...)
	}
	for i := range 60 {
		s, c := math.Sincos(float64(i) / 300)
		x = append(x, c, s, 0)
	}
	p, err := FitKent(m, x, clusters(m, 50, 60, 5), MixtureOptions{Components: []int{12}, MaxKappa: narrowest(floor)})
	if err != nil {
		t.Fatal(err)
	}
	line := false
	for i, k := range p.Kappa {
		if k+2*p.Beta[i] > narrowest(floor)*(1+1e-9) {
			t.Errorf("component %d: precision %g beyond the floor's %g", i, k+2*p.Beta[i], narrowest(floor))
		}
		line = line || k+2*p.Beta[i] > narrowest(floor)*0.99 && k-2*p.Beta[i] < narrowest(floor)/10
	}
	if !line {
		t.Errorf("no component lies along the line: κ %.4g, β %.4g", p.Kappa, p.Beta)
	}
}

func ExampleNewKent() {
	// An ellipse about the north pole, four times as long towards x as towards y.
	p, err := NewKent([]float64{1}, []float64{0, 0, 1, 1, 0, 0, 0, 1, 0}, []float64{85}, []float64{37.5}, 0)
	if err != nil {
		panic(err)
	}
	s, c := math.Sincos(0.2)
	fmt.Printf("%.2f at the pole, %.2f at 0.2 radians along x, %.2f along y\n",
		p.LogProb([]float64{0, 0, 1}), p.LogProb([]float64{s, 0, c}), p.LogProb([]float64{0, s, c}))
	// Output: 2.00 at the pole, 1.78 at 0.2 radians along x, -1.18 along y
}
