package manifoldtest

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"mflow/manifold"
)

func TestLaws(t *testing.T) {
	for _, spec := range []string{
		"sphere:1", "sphere", "sphere:3", "sphere:7", "circle", "torus", "torus:7",
		"revolution:2,1", "revolution:3,0.5", "so3", "box:0..1", "box:-1..2,0..24p,5..6", "box:0.1..0.7p",
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

// Each of these manifolds has one mistake.

type wrongSign struct{ manifold.Sphere }

func (s wrongSign) MeanCurvature(h, x []float64) {
	s.Sphere.MeanCurvature(h, x)
	for i := range h {
		h[i] = -h[i]
	}
}

type meanNotSum struct{ manifold.Sphere }

func (s meanNotSum) MeanCurvature(h, x []float64) {
	for i := range h {
		h[i] = -x[i]
	}
}

type slantedCurvature struct{ manifold.Sphere }

func (s slantedCurvature) MeanCurvature(h, x []float64) {
	s.Sphere.MeanCurvature(h, x)
	h[0] += 1e-6
}

type skewFrame struct{ manifold.Sphere }

func (s skewFrame) Frame(E, x []float64) {
	s.Sphere.Frame(E, x)
	for i := range 3 {
		E[3+i] += 0.01 * E[i]
	}
}

type constantFrame struct{ manifold.Sphere }

func (s constantFrame) Frame(E, _ []float64) { copy(E, []float64{1, 0, 0, 0, 1, 0}) }

type lazyProjection struct{ manifold.Sphere }

func (s lazyProjection) Project(x []float64) {
	y := slices.Clone(x)
	s.Sphere.Project(y)
	for i := range x {
		x[i] += 0.9 * (y[i] - x[i])
	}
}

// radial projects along rays from the origin, not to the nearest point.
type radial struct{ manifold.Revolution }

func (t radial) Project(x []float64) {
	theta, _ := t.Angles(x)
	p := t.Point(theta, math.Atan2(x[2], math.Hypot(x[0], x[1])-0.9*t.Major))
	copy(x, p[:])
}

type poleForNaN struct{ manifold.Sphere }

func (s poleForNaN) Project(x []float64) {
	if s.Sphere.Project(x); math.IsNaN(x[0]) {
		copy(x, []float64{0, 0, 1})
	}
}

type northern struct{ manifold.Sphere }

func (s northern) Rand(x []float64, rnd *rand.Rand) {
	s.Sphere.Rand(x, rnd)
	if x[2] < 0 && rnd.Float64() < 0.2 {
		x[2] = -x[2]
	}
}

// cubic normalises a point of the cube, which is denser at the corners.
type cubic struct{ manifold.Sphere }

func (s cubic) Rand(x []float64, rnd *rand.Rand) {
	for i := range x {
		x[i] = 2*rnd.Float64() - 1
	}
	s.Project(x)
}

// uniformAngles is uniform in angle, not in area.
type uniformAngles struct{ manifold.Revolution }

func (t uniformAngles) Rand(x []float64, rnd *rand.Rand) {
	p := t.Point(2*math.Pi*rnd.Float64(), 2*math.Pi*rnd.Float64())
	copy(x, p[:])
}

// uniformTurns draws the angle of a rotation uniformly about a uniform axis.
type uniformTurns struct{ manifold.SO3 }

func (so uniformTurns) Rand(x []float64, rnd *rand.Rand) {
	a := make([]float64, 3)
	manifold.Sphere{N: 2}.Rand(a, rnd)
	sin, cos := math.Sincos(math.Pi / 2 * rnd.Float64())
	r := manifold.FromQuaternion([4]float64{cos, sin * a[0], sin * a[1], sin * a[2]})
	copy(x, r[:])
}

// angleVolume is the volume of the metric in which a turn by t is t long.
type angleVolume struct{ manifold.SO3 }

func (angleVolume) Volume() float64 { return 8 * math.Pi * math.Pi }

type noGradient struct{ manifold.Box }

func (b noGradient) Taper(taper, g, x []float64) {
	b.Box.Taper(taper, g, x)
	clear(g)
}

type leaky struct{ manifold.Box }

func (b leaky) Taper(taper, g, _ []float64) {
	for j := range taper {
		taper[j] = 1
	}
	clear(g)
}

type shortLog struct{ manifold.Sphere }

func (s shortLog) Log(dst, x, y []float64) {
	s.Sphere.Log(dst, x, y)
	for i := range dst {
		dst[i] *= 0.999
	}
}

// unwrapped goes the long way round where the angles say so.
type unwrapped struct{ manifold.Torus }

func (unwrapped) Log(dst, x, y []float64) {
	for i := range dst {
		dst[i] = y[i] - x[i]
	}
}

// retraction projects x + v, which agrees with Exp to second order only.
type retraction struct{ manifold.Sphere }

func (s retraction) Exp(dst, x, v []float64) {
	for i := range dst {
		dst[i] = x[i] + v[i]
	}
	s.Project(dst)
}

// renamed is a manifold that Parse would not return.
type renamed struct{ manifold.Sphere }

func (renamed) String() string { return "torus" }

// TestLawsCatchMistakes: each mistake breaks the law that it is about.
func TestLawsCatchMistakes(t *testing.T) {
	s := manifold.Sphere{N: 2}
	revolution := manifold.Revolution{Major: 2, Minor: 1}
	box := manifold.Box{Lo: []float64{0, 0}, Hi: []float64{1, 300}, Periodic: []bool{false, false}}
	for _, c := range []struct {
		m    manifold.Measurer
		laws []string
	}{
		{wrongSign{s}, []string{"divergence identity", "divergences have mean zero over uniform points"}},
		{meanNotSum{s}, []string{"divergence identity"}},
		{slantedCurvature{s}, []string{"mean curvature is normal"}},
		{skewFrame{s}, []string{"frame is orthonormal"}},
		{constantFrame{s}, []string{"frame is tangent"}},
		{lazyProjection{s}, []string{"projection is idempotent"}},
		{radial{revolution}, []string{"projection undoes a step along a normal"}},
		{poleForNaN{s}, []string{"projection does not hide a NaN"}},
		{northern{s}, []string{"divergences have mean zero over uniform points"}},
		{cubic{s}, []string{"divergences have mean zero over uniform points"}},
		{uniformAngles{revolution}, []string{"divergences have mean zero over uniform points"}},
		{uniformTurns{}, []string{"divergences have mean zero over uniform points"}},
		{angleVolume{}, []string{"uniform points are as dense as the volume says"}},
		{noGradient{box}, []string{"divergence identity"}},
		{leaky{box}, []string{"taper lies in [0, 1] and vanishes on the walls", "divergences have mean zero over uniform points"}},
		{shortLog{s}, []string{"Log is tangent and Exp undoes it"}},
		{unwrapped{manifold.Torus{N: 2}}, []string{"Log is shortest"}},
		{retraction{s}, []string{"geodesics have constant speed"}},
		{renamed{s}, []string{"Parse(String) is the manifold"}},
	} {
		var broken []string
		for _, l := range Laws {
			if err := l.Check(c.m, rand.New(rand.NewPCG(1, 2))); err != nil {
				broken = append(broken, l.Name)
			}
		}
		t.Logf("%T breaks %q", c.m, broken)
		for _, l := range c.laws {
			if !slices.Contains(broken, l) {
				t.Errorf("%T does not break %q, only %q", c.m, l, broken)
			}
		}
	}
}

// TestDivergenceOracle compares the oracle with closed forms: on S² the field
// of constant direction k has div (Pk) = -2 ⟨x, k⟩, and every rotation
// k × x has none.
func TestDivergenceOracle(t *testing.T) {
	s := manifold.Sphere{N: 2}
	rnd := rand.New(rand.NewPCG(2, 2))
	k := []float64{0.3, -1, 2}
	for range 100 {
		x := point(s, rnd)
		got := Divergence(s, func(dst, _ []float64) { copy(dst, k) }, x)
		if want := -2 * dot(x, k); math.Abs(got-want) > 1e-10 {
			t.Errorf("constant field at %v: %.12g, want %.12g", x, got, want)
		}
		got = Divergence(s, func(dst, x []float64) {
			dst[0], dst[1], dst[2] = k[1]*x[2]-k[2]*x[1], k[2]*x[0]-k[0]*x[2], k[0]*x[1]-k[1]*x[0]
		}, x)
		if math.Abs(got) > 1e-10 {
			t.Errorf("rotation at %v: %g, want 0", x, got)
		}
	}
}

func TestLawNamesDiffer(t *testing.T) {
	seen := map[string]bool{}
	for _, l := range Laws {
		if seen[l.Name] || strings.Contains(l.Name, "/") {
			t.Errorf("law %q: the name is taken, or cannot name a subtest", l.Name)
		}
		seen[l.Name] = true
	}
}
