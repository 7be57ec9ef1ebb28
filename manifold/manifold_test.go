package manifold

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestVolumes(t *testing.T) {
	for _, c := range []struct {
		spec string
		want float64
	}{
		{"sphere:1", 2 * math.Pi},
		{"sphere", 4 * math.Pi},
		{"sphere:3", 2 * math.Pi * math.Pi},
		{"sphere:7", math.Pow(math.Pi, 4) / 3},
		{"torus", 4 * math.Pi * math.Pi},
		{"circle", 2 * math.Pi},
		{"revolution:2,0.5", 4 * math.Pi * math.Pi},
		{"so3", 8 * math.Pi * math.Pi * 2 * math.Sqrt2},
		{"box:0..2,-1..2p", 6},
		{"sphere*box:0..3", 12 * math.Pi},
	} {
		m, err := Parse(c.spec)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.(Measurer).Volume(); math.Abs(got/c.want-1) > 1e-14 {
			t.Errorf("volume of %s is %.15g, want %.15g", c.spec, got, c.want)
		}
	}
}

// TestRevolutionVolume measures the area by the Jacobian of Point.
func TestRevolutionVolume(t *testing.T) {
	m := Revolution{3, 1.2}
	const n, h = 400, 1e-6
	var area float64
	for i := range n {
		phi := 2 * math.Pi * float64(i) / n
		a, b := m.Point(h, phi), m.Point(-h, phi)
		c, d := m.Point(0, phi+h), m.Point(0, phi-h)
		area += chord(a, b) * chord(c, d) / (4 * h * h) * 2 * math.Pi * 2 * math.Pi / n
	}
	if math.Abs(area/m.Volume()-1) > 1e-8 {
		t.Errorf("area by the Jacobian %g, Volume %g", area, m.Volume())
	}
}

func TestParseErrors(t *testing.T) {
	for _, spec := range []string{
		"", "ball", "sphere:0", "sphere:x", "sphere:1e9", "torus:-1", "so3:2", "circle:2", "revolution:1,2",
		"revolution:2", "revolution:nan,1", "box", "box:1..0", "box:0..inf", "box:0-1", "sphere*", "sphere*ball",
	} {
		if m, err := Parse(spec); err == nil {
			t.Errorf("%q was read as %v", spec, m)
		} else if !strings.Contains(err.Error(), "valid are") || strings.Count(err.Error(), "manifold: ") > 1 {
			t.Errorf("%q: the error does not say what is valid, or stutters: %v", spec, err)
		}
	}
}

// TestProductInterfaces: a product is a Geodesic or Walled only if it should be.
func TestProductInterfaces(t *testing.T) {
	for _, c := range []struct {
		spec             string
		geodesic, walled bool
	}{
		{"sphere*circle", true, false},
		{"sphere*box:0..1", false, true},
		{"sphere*revolution:2,1", false, false},
		{"so3*torus", true, false},
	} {
		m, err := Parse(c.spec)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := m.(Geodesic); ok != c.geodesic {
			t.Errorf("%s: geodesic %v, want %v", c.spec, ok, c.geodesic)
		}
		if _, ok := m.(Walled); ok != c.walled {
			t.Errorf("%s: walled %v, want %v", c.spec, ok, c.walled)
		}
	}
}

// FuzzParse: every name is an error or that of a manifold, whose own name is
// read as the same manifold again.
func FuzzParse(f *testing.F) {
	for _, spec := range []string{"sphere", "torus:3", "revolution:2,1", "so3", "circle", "box:0..1,-1..2p", "sphere*box:0..1e3*torus", "box:0x1p-2..1", "*"} {
		f.Add(spec)
	}
	f.Fuzz(func(t *testing.T, spec string) {
		m, err := Parse(spec)
		if err != nil {
			return
		}
		again, err := Parse(m.String())
		if err != nil || !reflect.DeepEqual(again, m) {
			t.Errorf("%q is %#v, whose name %q is %#v, %v", spec, m, m, again, err)
		}
	})
}

// TestParse: names of every form, and the names that the results give
// themselves.
func TestParse(t *testing.T) {
	for _, c := range []struct {
		spec string
		want Manifold
		name string
	}{
		{"sphere", Sphere{2}, "sphere"},
		{"sphere:2", Sphere{2}, "sphere"},
		{"sphere:3", Sphere{3}, "sphere:3"},
		{"circle", Torus{1}, "circle"},
		{"torus:1", Torus{1}, "circle"},
		{"torus", Torus{2}, "torus"},
		{"torus:7", Torus{7}, "torus:7"},
		{"revolution", Revolution{2, 1}, "revolution:2,1"},
		{"revolution:3, 0.25", Revolution{3, 0.25}, "revolution:3,0.25"},
		{"so3", SO3{}, "so3"},
		{"box:-1..2.5,0..24p", Box{[]float64{-1, 0}, []float64{2.5, 24}, []bool{false, true}}, "box:-1..2.5,0..24p"},
		{"box:1e-7..1e6", Box{[]float64{1e-7}, []float64{1e6}, []bool{false}}, "box:1e-07..1e+06"},
		{" sphere * circle ", geodesicProduct{Product{[]Manifold{Sphere{2}, Torus{1}}}}, "sphere*circle"},
		{"sphere*revolution:2,1", Product{[]Manifold{Sphere{2}, Revolution{2, 1}}}, "sphere*revolution:2,1"},
	} {
		m, err := Parse(c.spec)
		if err != nil || !reflect.DeepEqual(m, c.want) {
			t.Errorf("%q is read as %#v, %v; want %#v", c.spec, m, err, c.want)
			continue
		}
		if m.String() != c.name {
			t.Errorf("%q calls itself %q, want %q", c.spec, m, c.name)
		}
		if again, err := Parse(c.name); err != nil || !reflect.DeepEqual(again, m) {
			t.Errorf("%q is read as %#v, %v; want %#v", c.name, again, err, m)
		}
	}
}

// TestProductBlocks: frames are diagonal blocks, all else is side by side.
func TestProductBlocks(t *testing.T) {
	a, b := Sphere{2}, Revolution{2, 1}
	m, err := NewProduct(a, b)
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float64, 6)
	m.Rand(x, rand.New(rand.NewPCG(6, 6)))
	E, h := make([]float64, 24), make([]float64, 6)
	for i := range E {
		E[i] = math.NaN() // what is not written shows
	}
	m.Frame(E, x)
	m.MeanCurvature(h, x)
	Ea, Eb, want := make([]float64, 6), make([]float64, 6), make([]float64, 24)
	a.Frame(Ea, x[:3])
	b.Frame(Eb, x[3:])
	for j := range 2 {
		copy(want[6*j:], Ea[3*j:3*j+3])
		copy(want[6*(2+j)+3:], Eb[3*j:3*j+3])
	}
	if !slices.Equal(E, want) {
		t.Errorf("frame %v, want %v", E, want)
	}
	ha := make([]float64, 6)
	a.MeanCurvature(ha[:3], x[:3])
	b.MeanCurvature(ha[3:], x[3:])
	if !slices.Equal(h, ha) {
		t.Errorf("mean curvature %v, want %v", h, ha)
	}
	if _, err := NewProduct(a); err == nil {
		t.Error("a product of one factor was made")
	}
}

func TestRevolutionAngles(t *testing.T) {
	m := Revolution{3, 1}
	for theta := -3.1; theta < 3.14; theta += 0.31 {
		for phi := -3.1; phi < 3.14; phi += 0.31 {
			p := m.Point(theta, phi)
			if a, b := m.Angles(p[:]); math.Abs(a-theta) > 1e-14 || math.Abs(b-phi) > 1e-14 {
				t.Errorf("angles %g, %g came back as %g, %g", theta, phi, a, b)
			}
		}
	}
}

// TestRevolutionDegenerate: the axis and the core of the tube go somewhere.
func TestRevolutionDegenerate(t *testing.T) {
	for _, x := range [][]float64{{0, 0, 0}, {0, 0, 5}, {3, 0, 0}, {0, -3, 0}} {
		y := slices.Clone(x)
		m := Revolution{3, 1}
		m.Project(y)
		rho := math.Hypot(y[0], y[1])
		if r := math.Hypot(rho-3, y[2]); math.Abs(r-1) > 1e-15 {
			t.Errorf("%v goes to %v, %g from the core", x, y, r)
		}
	}
}

// batch has the points of one training step.
const batch = 1280

func points(m Measurer) []float64 {
	_, n := m.Dims()
	rnd := rand.New(rand.NewPCG(1, 1))
	x := make([]float64, batch*n)
	for i := range batch {
		m.Rand(x[i*n:(i+1)*n], rnd)
	}
	return x
}

// TestNoAllocation: what the training loop calls makes no garbage.
func TestNoAllocation(t *testing.T) {
	for _, spec := range []string{"sphere", "sphere:7", "torus:7", "revolution", "so3", "box:0..1,0..2p", "sphere*circle", "sphere*box:0..700"} {
		p, err := Parse(spec)
		if err != nil {
			t.Fatal(err)
		}
		m := p.(Measurer)
		d, n := m.Dims()
		x, E, h, b := points(m)[:n], make([]float64, d*n), make([]float64, n), make([]float64, d)
		rnd := rand.New(rand.NewPCG(1, 1))
		if a := testing.AllocsPerRun(100, func() {
			m.Rand(x, rnd)
			m.Project(x)
			m.Frame(E, x)
			m.MeanCurvature(h, x)
			if w, ok := m.(Walled); ok {
				w.Taper(b, h, x)
			}
		}); a > 0 {
			t.Errorf("%s: %g allocations a point", spec, a)
		}
	}
}

// BenchmarkGeometry times the frames and mean curvatures of one training step.
func BenchmarkGeometry(b *testing.B) {
	for _, spec := range []string{"sphere", "sphere:3", "torus:7", "revolution", "so3", "sphere*box:0..700"} {
		b.Run(fmt.Sprintf("%s/%d", spec, batch), func(b *testing.B) {
			p, err := Parse(spec)
			if err != nil {
				b.Fatal(err)
			}
			m := p.(Measurer)
			d, n := m.Dims()
			x, E, h := points(m), make([]float64, batch*d*n), make([]float64, batch*n)
			b.ReportAllocs()
			for b.Loop() {
				for i := range batch {
					xi := x[i*n : (i+1)*n]
					m.Frame(E[i*d*n:(i+1)*d*n], xi)
					m.MeanCurvature(h[i*n:(i+1)*n], xi)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch), "ns/point")
		})
	}
}
