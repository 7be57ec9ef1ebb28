package manifoldtest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"mflow/manifold"
)

func TestLaws(t *testing.T) {
	for _, spec := range []string{
		"sphere:1", "sphere", "sphere:3", "sphere:7", "circle", "torus", "torus:7",
		"revolution:2,1", "revolution:3,0.5", "so3", "box:0..1", "box:-1..2,0..24p,5..6",
		"sphere*circle", "sphere*box:0..700", "sphere*torus*so3", "revolution:2,1*circle",
	} {
		t.Run(spec, func(t *testing.T) {
			m, err := manifold.Parse(spec)
			if err != nil {
				t.Fatal(err)
			}
			Check(t, m.(manifold.Measurer))
		})
	}
}

// recorder is a TB that keeps the errors.
type recorder struct{ errs []string }

func (*recorder) Helper() {}
func (r *recorder) Errorf(format string, args ...any) {
	r.errs = append(r.errs, fmt.Sprintf(format, args...))
}

// The laws must catch mistakes: each of these spheres has one.
type wrongSign struct{ manifold.Sphere }

func (s wrongSign) MeanCurvature(h, x []float64) {
	s.Sphere.MeanCurvature(h, x)
	for i := range h {
		h[i] = -h[i]
	}
}

type skewFrame struct{ manifold.Sphere }

func (s skewFrame) Frame(E, x []float64) {
	s.Sphere.Frame(E, x)
	for i := range 3 {
		E[3+i] += 0.01 * E[i]
	}
}

type poleSampler struct{ manifold.Sphere }

func (s poleSampler) Rand(x []float64, rnd *rand.Rand) {
	s.Sphere.Rand(x, rnd)
	if x[2] < 0 && rnd.Float64() < 0.2 {
		x[2] = -x[2]
	}
}

type lazyProjection struct{ manifold.Sphere }

func (s lazyProjection) Project(x []float64) {
	y := append([]float64(nil), x...)
	s.Sphere.Project(y)
	for i := range x {
		x[i] += 0.9 * (y[i] - x[i])
	}
}

type shortLog struct{ manifold.Sphere }

func (s shortLog) Log(dst, x, y []float64) {
	s.Sphere.Log(dst, x, y)
	for i := range dst {
		dst[i] *= 0.999
	}
}

func TestLawsCatchMistakes(t *testing.T) {
	s := manifold.Sphere{N: 2}
	for _, c := range []struct {
		m   manifold.Measurer
		law string
	}{
		{wrongSign{s}, "divergence identity"},
		{skewFrame{s}, "orthonormal"},
		{poleSampler{s}, "fill equal volumes"},
		{lazyProjection{s}, "idempotent"},
		{shortLog{s}, "Exp(x, Log(x, y)) = y"},
	} {
		var r recorder
		Check(&r, c.m)
		if !strings.Contains(strings.Join(r.errs, "\n"), c.law) {
			t.Errorf("%T: no law about %q failed; failures: %q", c.m, c.law, r.errs)
		}
	}
}
