package manifold

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

func TestVolumes(t *testing.T) {
	for _, c := range []struct {
		spec string
		want float64
	}{
		{"sphere:1", 2 * math.Pi}, {"sphere", 4 * math.Pi}, {"sphere:3", 2 * math.Pi * math.Pi},
		{"sphere:7", math.Pow(math.Pi, 4) / 3}, {"torus", 4 * math.Pi * math.Pi}, {"circle", 2 * math.Pi},
		{"revolution:2,0.5", 4 * math.Pi * math.Pi}, {"so3", 8 * math.Pi * math.Pi * 2 * math.Sqrt2},
		{"box:0..2,-1..2p", 6}, {"sphere*box:0..3", 12 * math.Pi},
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
		{"sphere*circle", true, false}, {"sphere*box:0..1", false, true},
		{"sphere*revolution:2,1", false, false}, {"so3*torus", true, false},
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

func BenchmarkFrame(b *testing.B) {
	for _, spec := range []string{"sphere", "sphere:3", "torus:7", "so3"} {
		b.Run(spec, func(b *testing.B) {
			m, _ := Parse(spec)
			d, n := m.Dims()
			x, E := make([]float64, n), make([]float64, d*n)
			m.(Measurer).Rand(x, rand.New(rand.NewPCG(1, 1)))
			b.ReportAllocs()
			for b.Loop() {
				m.Frame(E, x)
			}
		})
	}
}

func ExampleParse() {
	m, err := Parse("sphere*box:0..700")
	if err != nil {
		panic(err)
	}
	d, n := m.Dims()
	fmt.Println(m, "has dimension", d, "in", n, "coordinates")
	// Output: sphere*box:0..700 has dimension 3 in 4 coordinates
}

func ExampleDist() {
	tokyo, lima := FromLatLon(35.69, 139.69), FromLatLon(-12.05, -77.05)
	fmt.Printf("%.0f km\n", EarthRadius*Dist(Sphere{2}, tokyo[:], lima[:]))
	// Output: 15491 km
}

func ExampleSphere_Frame() {
	// At latitude 0, longitude 0: any two unit vectors that look east and north.
	E := make([]float64, 6)
	Sphere{2}.Frame(E, []float64{1, 0, 0})
	fmt.Printf("%.0f %.0f %.0f\n", math.Abs(dot(E[:3], []float64{1, 0, 0})), norm(E[:3]), norm(E[3:]))
	// Output: 0 1 1
}
