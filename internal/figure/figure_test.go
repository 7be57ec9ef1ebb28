package figure

import (
	"bytes"
	"image"
	"image/color"
	_ "image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
	vgdraw "gonum.org/v1/plot/vg/draw"
)

// north is a map whose northern hemisphere is at the top of the scale.
func north() *Globe {
	p, _ := ParseProjection("equirectangular", 0, 0)
	return &Globe{
		Title: "North", Projection: p, Unit: "sr⁻¹", Scale: &Scale{0, 1, false}, Width: 3 * vg.Inch,
		Density: func(at [][2]float64) []float64 {
			v := make([]float64, len(at))
			for i, q := range at {
				if q[0] > 0 {
					v[i] = 1
				}
			}
			return v
		},
	}
}

// rendered returns the pixels of a figure in a format, as a common viewer of it
// draws them, or skips.
func rendered(t *testing.T, f Figure, format string) image.Image {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "f."+format)
	if err := Save(path, f); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out.png")
	var cmd *exec.Cmd
	switch format {
	case "png":
		out = path
	case "pdf":
		cmd = exec.Command("pdftoppm", "-r", "150", "-png", "-singlefile", path, strings.TrimSuffix(out, ".png"))
	case "svg":
		cmd = exec.Command("rsvg-convert", "-z", "1.5", path, "-o", out)
	}
	if cmd != nil {
		if _, err := exec.LookPath(cmd.Path); err != nil {
			t.Skipf("%s is not installed, so the %s is not looked at", filepath.Base(cmd.Path), format)
		}
		if msg, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, msg)
		}
	}
	r, err := os.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	img, _, err := image.Decode(r)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// box returns the bounds of the pixels of a colour, within some tolerance.
func box(img image.Image, want color.RGBA) (r image.Rectangle, n int) {
	r = image.Rectangle{Min: image.Point{1 << 20, 1 << 20}}
	b := img.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			p := color.RGBAModel.Convert(img.At(x, y)).(color.RGBA)
			d := func(a, b uint8) int { return max(int(a)-int(b), int(b)-int(a)) }
			if d(p.R, want.R) < 12 && d(p.G, want.G) < 12 && d(p.B, want.B) < 12 {
				n++
				r.Min.X, r.Min.Y = min(r.Min.X, x), min(r.Min.Y, y)
				r.Max.X, r.Max.Y = max(r.Max.X, x+1), max(r.Max.Y, y+1)
			}
		}
	}
	return r, n
}

// TestRightWayUp: in every format the north is above the south, over the same
// width, and half as high as wide. gonum's PDF canvas turns images over.
func TestRightWayUp(t *testing.T) {
	for _, format := range Formats {
		t.Run(format, func(t *testing.T) {
			img := rendered(t, north(), format)
			m := Colormaps[0]
			up, n := box(img, m.At(1))
			down, k := box(img, m.At(0))
			if n < 1000 || k < 1000 {
				t.Fatalf("%d and %d pixels of the two hemispheres", n, k)
			}
			// The colour bar's ends lie below both.
			if up.Min.Y > down.Min.Y {
				t.Errorf("the north spans %v, the south %v", up, down)
			}
			half := float64(down.Min.Y - up.Min.Y)
			if ratio := float64(up.Dx()) / (2 * half); math.Abs(ratio-2) > 0.1 {
				t.Errorf("the map is %.2f times as wide as high, want 2", ratio)
			}
		})
	}
}

// TestSVGImages: viewers must fill the rectangle, and be told the right type.
func TestSVGImages(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, north(), "svg"); err != nil {
		t.Fatal(err)
	}
	images := regexp.MustCompile(`<image [^>]{0,200}`).FindAllString(b.String(), -1)
	if len(images) == 0 {
		t.Fatal("no image")
	}
	for _, s := range images {
		if !strings.Contains(s, `preserveAspectRatio="none"`) || !strings.Contains(s, "data:image/png;") {
			t.Errorf("image begins %.150s", s)
		}
	}
}

// swatch is a translucent red square on white.
type swatch struct{}

func (swatch) Size() (w, h vg.Length) { return 100, 100 }
func (swatch) Draw(c vgdraw.Canvas) {
	c.SetColor(color.White)
	c.Fill(rectPath(c.Rectangle))
	c.SetColor(color.NRGBA{255, 0, 0, 128})
	c.Fill(rectPath(c.Rectangle))
}

func TestTranslucent(t *testing.T) {
	for _, format := range Formats {
		img := rendered(t, swatch{}, format)
		b := img.Bounds()
		p := color.RGBAModel.Convert(img.At(b.Dx()/2, b.Dy()/2)).(color.RGBA)
		if p.R < 250 || p.G < 120 || p.G > 135 {
			t.Errorf("%s: half of red on white is %v, want about {255 127 127}", format, p)
		}
	}
}

// words is a text that is not ASCII.
type words struct{}

func (words) Size() (w, h vg.Length) { return 200, 100 }
func (words) Draw(c vgdraw.Canvas) {
	c.SetColor(color.White)
	c.Fill(rectPath(c.Rectangle))
	c.FillText(label(40, left, center), vg.Point{X: 20, Y: 50}, "−φ°")
}

// TestText: text that is not ASCII takes the same room in PDF as in PNG; written
// byte by byte it would be twice as wide.
func TestText(t *testing.T) {
	a, _ := box(rendered(t, words{}, "png"), ink)
	b, _ := box(rendered(t, words{}, "pdf"), ink)
	if x, y := float64(a.Dx())/dpi, float64(b.Dx())/150; math.Abs(x/y-1) > 0.05 {
		t.Errorf("the text is %.2f in wide in PNG, %.2f in in PDF", x, y)
	}
}

func TestProjections(t *testing.T) {
	for _, name := range []string{"mollweide", "orthographic", "equirectangular"} {
		p, err := ParseProjection(name, 30, 100)
		if err != nil {
			t.Fatal(err)
		}
		w, h := p.Extent()
		for lat := -89.0; lat < 90; lat += 7 {
			for lon := -179.0; lon < 180; lon += 11 {
				x, y, ok := p.Forward(lat*math.Pi/180, lon*math.Pi/180)
				if !ok {
					continue
				}
				if math.Abs(x) > w+1e-9 || math.Abs(y) > h+1e-9 {
					t.Fatalf("%s: %g, %g lies at %g, %g, off the map", name, lat, lon, x, y)
				}
				a, b, ok := p.Inverse(x*(1-1e-12), y*(1-1e-12))
				if !ok || math.Abs(a*180/math.Pi-lat) > 1e-4 || math.Abs(math.Remainder(b*180/math.Pi-lon, 360)) > 1e-3 {
					t.Fatalf("%s: %g, %g became %g, %g", name, lat, lon, a*180/math.Pi, b*180/math.Pi)
				}
			}
		}
	}
	if _, err := ParseProjection("mercator", 0, 0); err == nil || !strings.Contains(err.Error(), "mollweide") {
		t.Errorf("mercator: %v", err)
	}
}

// TestMollweideArea: equal areas stay equal.
func TestMollweideArea(t *testing.T) {
	p := mollweide{}
	cell := func(lat float64) float64 {
		const d = 1e-4
		x0, y0, _ := p.Forward(lat, 0.3)
		x1, _, _ := p.Forward(lat, 0.3+d)
		_, y1, _ := p.Forward(lat+d, 0.3)
		return (x1 - x0) * (y1 - y0) / math.Cos(lat)
	}
	for _, lat := range []float64{-1.4, -0.5, 0.7, 1.2} {
		if r := cell(lat) / cell(0); math.Abs(r-1) > 1e-3 {
			t.Errorf("an area at latitude %g is %.4f of one at the equator", lat, r)
		}
	}
}

// TestCut: no line crosses the map from edge to edge.
func TestCut(t *testing.T) {
	for _, name := range []string{"mollweide", "orthographic", "equirectangular"} {
		for lon := -180.0; lon < 180; lon += 40 {
			p, _ := ParseProjection(name, 20, lon)
			w, _ := p.Extent()
			for _, line := range append(coast(), graticule()...) {
				for _, piece := range cut(p, line) {
					for i := 1; i < len(piece); i++ {
						if d := math.Abs(piece[i][0] - piece[i-1][0]); d > w/2 {
							t.Fatalf("%s about %g: a step of %g across the map", name, lon, d)
						}
					}
				}
			}
		}
	}
}

func TestScale(t *testing.T) {
	var v []float64
	for i := range 1000 {
		v = append(v, math.Pow(10, float64(i)/200))
	}
	s := RobustScale(append(v, math.NaN(), 1e30))
	if !s.Log || s.Hi > 2e5 || s.Unit(s.Hi) != 1 || s.Unit(s.Lo) != 0 {
		t.Errorf("%+v", s)
	}
	if s := RobustScale([]float64{3, 3, 3}); !(s.Hi > s.Lo) {
		t.Errorf("constant values: %+v", s)
	}
	if s := RobustScale(nil); !(s.Hi > s.Lo) {
		t.Errorf("no values: %+v", s)
	}
	for _, s := range []Scale{{0, 1, false}, {1e-4, 10, true}, {0.2, 0.9, true}, {-3, 5, false}} {
		ticks, labels := s.Ticks()
		if len(ticks) < 2 || len(labels) != len(ticks) {
			t.Errorf("%+v has ticks %v", s, ticks)
		}
	}
}

func TestColormaps(t *testing.T) {
	for _, m := range Colormaps {
		last := -1.0
		for i := range 100 {
			c := m.At(float64(i) / 99)
			l := 0.2126*float64(c.R) + 0.7152*float64(c.G) + 0.0722*float64(c.B)
			if l < last-0.6 {
				t.Errorf("%s darkens at %d", m.Name, i)
			}
			last = l
		}
	}
	if _, err := ParseColormap("jet"); err == nil {
		t.Error("jet was taken")
	}
}

func TestWilson(t *testing.T) {
	// Of 10 in 100 the interval is 0.0552 to 0.1744 (Brown, Cai & DasGupta 2001).
	if lo, hi := Wilson(10, 100); math.Abs(lo-0.0552) > 1e-4 || math.Abs(hi-0.1744) > 1e-4 {
		t.Errorf("%g to %g", lo, hi)
	}
}

func TestSaveErrors(t *testing.T) {
	dir := t.TempDir()
	if err := Save(filepath.Join(dir, "a.gif"), swatch{}); err == nil || !strings.Contains(err.Error(), "png, svg, pdf") {
		t.Errorf("%v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestOthers draws the other figures: what they are drawn with must not fail,
// even with nothing to show.
func TestOthers(t *testing.T) {
	one := func(n int) []float64 {
		v := make([]float64, n)
		for i := range v {
			v[i] = 1
		}
		return v
	}
	for _, f := range []Figure{
		&Plane{X: "φ", Y: "ψ", Density: func(x [][2]float64) []float64 { return one(len(x)) }, Width: vg.Inch * 2, Points: []Points{{At: [][2]float64{{1, 2}}}}},
		&Ring{Major: 2, Minor: 1, Density: func(x [][3]float64) []float64 { return one(len(x)) }, Width: vg.Inch * 2, Points: [][3]float64{{3, 0, 0}}},
		&Curves{}, &Curves{Step: []float64{1, 2}, Train: []float64{1, math.NaN()}, Z: []float64{1, 1}, Best: 1},
		&Reliability{Total: 10}, &Reliability{Total: 10, Cells: []Cell{{0, 3}, {0.5, 5}}},
	} {
		for _, format := range Formats {
			var b bytes.Buffer
			if err := Write(&b, f, format); err != nil || b.Len() < 500 {
				t.Errorf("%T as %s: %v, %d bytes", f, format, err, b.Len())
			}
		}
	}
}
