package score

import (
	"math"
	"math/rand/v2"
	"testing"

	"mflow/manifold"
)

// TestEnergyByHand: three points of a circle, worked out by hand.
func TestEnergyByHand(t *testing.T) {
	m := manifold.Torus{N: 1}
	s, err := NewTwoSample(m, []float64{0, math.Pi}, []float64{math.Pi / 2, 2*math.Pi - 1e-9})
	if err != nil {
		t.Fatal(err)
	}
	// x = (1,0), (-1,0); y = (0,1), (1,0): |x-y| = √2, 0, √2, 2; |x-x'| = 2; |y-y'| = √2.
	want := 2*(2*math.Sqrt2+2)/4 - 2*2/4.0 - 2*math.Sqrt2/4
	v, p := s.Energy(99, rand.New(rand.NewPCG(7, 0)))
	near(t, "energy distance", v, want, 1e-6) // distances are float32
	if p < 0.1 || p > 1 {
		t.Errorf("p = %g of four points", p)
	}
	if _, err := NewTwoSample(m, []float64{1}, []float64{1, 2}); err == nil {
		t.Error("one point was compared")
	}
}

// TestTwoSample: of like sets p-values are uniform, unlike ones are told apart.
func TestTwoSample(t *testing.T) {
	rnd := rand.New(rand.NewPCG(8, 0))
	m := manifold.Sphere{N: 2}
	one, other := vmf{20, 0.2}, vmf{40, 0.2}
	const reps, n = 200, 60
	var pe, pc []float64
	for range reps {
		s, err := NewTwoSample(m, one.points(n, rnd), one.points(n, rnd))
		if err != nil {
			t.Fatal(err)
		}
		_, p := s.Energy(99, rnd)
		c := s.Classify(99, rnd)
		if c.K%2 != 1 {
			t.Fatalf("%d voters", c.K)
		}
		pe, pc = append(pe, p), append(pc, c.P)
	}
	for name, p := range map[string][]float64{"energy": pe, "classifier": pc} {
		small, mean := 0, 0.0
		for _, v := range p {
			if v <= 0.05 {
				small++
			}
			mean += v / reps
		}
		near(t, name+": share of p ≤ 0.05", float64(small)/reps, 0.05, 0.05)
		near(t, name+": mean of p", mean, 0.5, 0.1) // accuracies tie, which makes p a little large
	}
	s, err := NewTwoSample(m, one.points(500, rnd), other.points(500, rnd))
	if err != nil {
		t.Fatal(err)
	}
	if v, p := s.Energy(199, rnd); p > 0.01 || !(v > 0) {
		t.Errorf("unlike sets: energy distance %g, p = %g", v, p)
	}
	if c := s.Classify(199, rnd); c.P > 0.01 || c.Accuracy < c.Chance+2*c.SE {
		t.Errorf("unlike sets: accuracy %g, by chance %g ± %g, p = %g", c.Accuracy, c.Chance, c.SE, c.P)
	}
}
