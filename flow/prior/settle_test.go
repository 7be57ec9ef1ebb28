package prior

import (
	"math/rand/v2"
	"testing"

	"mflow/manifold"
)

// TestFewCopies: two of a thousand points share their position. However the
// classes change when nothing is held out any longer, they stand for two points
// in a thousand, not for a class of the others.
func TestFewCopies(t *testing.T) {
	m := manifold.Torus{N: 2}
	rnd := rand.New(rand.NewPCG(1, 1))
	x := make([]float64, 2*1000)
	for i := range x {
		x[i] = rnd.NormFloat64()
	}
	copy(x, []float64{3, 3, 3, 3}) // far from all others
	f, err := newFitter(m, x, KernelOptions{})
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := f.fit()
	if err != nil {
		t.Fatal(err)
	}
	parts, n := p.parts(), len(p.Points)/2
	for c, rows := range p.members {
		if len(rows) == 0 {
			continue
		}
		var w float64
		for _, v := range p.Weight[c*parts : (c+1)*parts] {
			w += v
		}
		if each := w * float64(n) / float64(len(rows)); each > 3 {
			t.Errorf("each of the %d points of class %d has %.1f times the weight of a point", len(rows), c, each)
		}
	}
}
