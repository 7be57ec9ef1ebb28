package datasets

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mflow/manifold"
)

var s2 = manifold.Sphere{N: 2}

// real loads a named set, or skips.
func load(t *testing.T, name string) *Set {
	t.Helper()
	if os.Getenv("MFLOW_DATA") == "" {
		t.Skip("MFLOW_DATA is not set, so the named data sets are not read")
	}
	s, err := Store{Offline: true}.Load(context.Background(), name, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestNamedSets(t *testing.T) {
	distinct := map[string]int{"volcano": 267, "earthquake": 5447, "flood": 4861, "fire": 12802}
	for _, e := range Registry {
		t.Run(e.Name, func(t *testing.T) {
			s := load(t, e.Name)
			if s.N() != e.Rows {
				t.Errorf("%d rows, want %d", s.N(), e.Rows)
			}
			if want, ok := distinct[e.Name]; ok && len(s.Distinct()) != want {
				t.Errorf("%d distinct positions, want %d", len(s.Distinct()), want)
			}
			if s.SHA256 != e.SHA256 {
				t.Errorf("SHA-256 %s", s.SHA256)
			}
		})
	}
}

// TestCopies: what a random split of rows hides.
func TestCopies(t *testing.T) {
	for name, want := range map[string]float64{"volcano": 0.81, "earthquake": 0.15, "flood": 0.004, "fire": 0.001} {
		s := load(t, name)
		var share float64
		for seed := range uint64(5) {
			sp, err := s.Split(Published, seed, Common)
			if err != nil {
				t.Fatal(err)
			}
			share += float64(sp.Duplicates) / float64(len(sp.Test)) / 5
		}
		if math.Abs(share-want) > 0.02+want/10 {
			t.Errorf("%s: %.3f of the test points are copies, want about %g", name, share, want)
		}
	}
}

func TestSplits(t *testing.T) {
	d, err := NewSynthetic("plates", nil)
	if err != nil {
		t.Fatal(err)
	}
	s := d.Draw(1000, 1)
	s.X = append(s.X, s.X[:900]...) // 300 copies
	for _, p := range []Protocol{Published, Distinct, Blocked} {
		for seed := range uint64(3) {
			sp, err := s.Split(p, seed, Common)
			if err != nil {
				t.Fatal(err)
			}
			again, _ := s.Split(p, seed, Common)
			if fmt.Sprint(sp) != fmt.Sprint(again) {
				t.Errorf("%v: the same seed gave two splits", p)
			}
			part := map[int]int{}
			for i, rows := range [][]int{sp.Train, sp.Val, sp.Test} {
				if len(rows) == 0 {
					t.Errorf("%v: part %d is empty", p, i)
				}
				for _, r := range rows {
					if _, twice := part[r]; twice {
						t.Errorf("%v: row %d is in two parts", p, r)
					}
					part[r] = i
				}
			}
			want := map[Protocol]int{Published: 1300, Distinct: 1000, Blocked: 1300}[p]
			if len(part) != want {
				t.Errorf("%v: %d rows, want %d", p, len(part), want)
			}
			if p != Published && sp.Duplicates != 0 {
				t.Errorf("%v: %d test points are copies", p, sp.Duplicates)
			}
			if p != Blocked {
				continue
			}
			cells := map[string]int{}
			for r, i := range part {
				c, _ := s.cell(r)
				if j, ok := cells[c]; ok && i != j {
					t.Errorf("cell %s is in two parts", c)
				}
				cells[c] = i
			}
		}
	}
	for _, f := range []Fractions{{}, {1, 1, 1}, {0, 0.5, 0.5}, {1.2, -0.1, -0.1}} {
		if _, err := s.Split(Published, 0, f); err == nil {
			t.Errorf("fractions %v were taken", f)
		}
	}
	if p, err := ParseProtocol("blocked"); err != nil || p != Blocked {
		t.Errorf("blocked was read as %v, %v", p, err)
	}
	if _, err := ParseProtocol("random"); err == nil {
		t.Error("protocol random was taken")
	}
}

func TestFolds(t *testing.T) {
	d, _ := NewSynthetic("plates", nil)
	s := d.Draw(500, 2)
	rows := []int{}
	for i := range 400 {
		rows = append(rows, i)
	}
	f, err := s.BlockFolds(rows, 5, 1)
	if err != nil {
		t.Fatal(err)
	}
	of := map[string]int{}
	for i, r := range rows {
		c, _ := s.cell(r)
		if g, ok := of[c]; ok && g != f[i] {
			t.Fatalf("cell %s is in folds %d and %d", c, g, f[i])
		}
		of[c] = f[i]
	}
	count := make([]int, 7)
	for _, k := range Folds(100, 7, 3) {
		count[k]++
	}
	for _, c := range count {
		if c != 14 && c != 15 {
			t.Errorf("folds of %v", count)
		}
	}
}

func write(t *testing.T, name, content string) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(p, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestForms: tables as they are found, all of the same two points.
func TestForms(t *testing.T) {
	want := []float64{}
	for _, p := range [][2]float64{{31.1, 35.5}, {-10, -170}} {
		x := manifold.FromLatLon(p[0], p[1])
		want = append(want, x[:]...)
	}
	for name, text := range map[string]string{
		"plain":       "31.1,35.5\n-10,-170\n",
		"header":      "lat,lon\n31.1,35.5\n-10,-170",
		"swapped":     "lon,lat\n35.5,31.1\n-170,-10\n",
		"long names":  "LATITUDE,LONGITUDE\n31.1,35.5\n-10,-170\n",
		"more":        "id,Longitude,Latitude,mag\na,35.5,31.1,5\nb,-170,-10,6\n",
		"comments":    "# source\n#\nlat, long\n31.1, 35.5\n\n# one more\n-10, -170\n",
		"BOM, CRLF":   "\xef\xbb\xbflat,lng\r\n31.1,35.5\r\n-10,-170\r\n",
		"semicolons":  "lat;lon\n31.1;35.5\n-10;-170\n",
		"tabs":        "lat\tlon\n31.1\t35.5\n-10\t-170\n",
		"blanks":      "31.1   35.5\n -10 -170\n",
		"quotes":      "\"lat\",\"lon\"\n\"31.1\",\"35.5\"\n\"-10\",\"-170\"\n",
		"0 to 360":    "lat,lon\n31.1,35.5\n-10,190\n",
		"cartesian":   fmt.Sprintf("x,y,z\n%v,%v,%v\n%v,%v,%v\n", want[0], want[1], want[2], want[3], want[4], want[5]),
		"exponent":    "3.11e1,35.5\n-1E1,-170\n",
		"blank lines": "\n\n31.1,35.5\n\n-10,-170\n\n",
	} {
		s, err := Read(write(t, "x.csv", text), s2, Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(s.X) != len(want) {
			t.Errorf("%s: %d points", name, s.N())
			continue
		}
		for i, v := range s.X {
			if math.Abs(v-want[i]) > 1e-12 {
				t.Errorf("%s: coordinate %d is %g, want %g", name, i, v, want[i])
			}
		}
	}
}

func TestTorusUnits(t *testing.T) {
	m := manifold.Torus{N: 2}
	for _, c := range []struct {
		text string
		o    Options
		want float64
		note bool
	}{
		{"1,2\n3,4\n", Options{}, 1, false},
		{"1,2\n90,180\n", Options{}, math.Pi / 180, true},
		{"phi_deg,psi_deg\n1,2\n3,4\n", Options{}, math.Pi / 180, false},
		{"1,2\n3,4\n", Options{Degrees: true}, math.Pi / 180, false},
		{"-1,2\n3,4\n", Options{}, 2*math.Pi - 1, false},
	} {
		s, err := Read(write(t, "x", c.text), m, c.o)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		if math.Abs(s.X[0]-c.want) > 1e-12 || (len(s.Notes) > 0) != c.note {
			t.Errorf("%q: first angle %g, notes %v; want %g, note %v", c.text, s.X[0], s.Notes, c.want, c.note)
		}
	}
}

// TestMalformed: every bad file gives one line that names it, the place, and
// what would be right.
func TestMalformed(t *testing.T) {
	box, _ := manifold.NewBox([]float64{0, 0}, []float64{1, 1}, []bool{false, false})
	torus := manifold.Torus{N: 2}
	for _, c := range []struct {
		name, text string
		m          manifold.Manifold
		o          Options
		want       []string
	}{
		{"latitude", "lat,lon\n10,20\n91,20\n", s2, Options{}, []string{":3:", "91", "[-90, 90]"}},
		{"latitude below", "-90.5,20\n", s2, Options{}, []string{":1:", "-90.5", "swapped"}},
		{"swapped", "139.7,35.7\n", s2, Options{}, []string{":1:", "139.7", "swapped"}},
		{"longitude", "10,361\n", s2, Options{}, []string{":1:", "361", "[-180, 360]"}},
		{"longitude below", "10,-181\n", s2, Options{}, []string{":1:", "-181"}},
		{"NaN", "10,20\nNaN,20\n", s2, Options{}, []string{":2:", "NaN", "finite"}},
		{"infinity", "10,inf\n", s2, Options{}, []string{":1:", "inf", "finite"}},
		{"word", "10,20\n10,east\n", s2, Options{}, []string{":2:", "east", "number"}},
		{"decimal comma", "lat;lon\n10,5;20\n", s2, Options{}, []string{":2:", "10,5", "comma"}},
		{"empty field", "10,20\n,20\n", s2, Options{}, []string{":2:", "latitude", "number"}},
		{"short line", "10,20\n10\n", s2, Options{}, []string{":2:", "1 columns", "want 2"}},
		{"long line", "10,20\n10,20,30\n", s2, Options{}, []string{":2:", "3 columns", "want 2"}},
		{"mixed separators", "10,20\n10;20\n", s2, Options{}, []string{":2:", "separator"}},
		{"empty", "", s2, Options{}, []string{"empty"}},
		{"blank", "\n \n\n", s2, Options{}, []string{"empty"}},
		{"comments only", "# a\n# b\n", s2, Options{}, []string{"comments"}},
		{"header only", "lat,lon\n", s2, Options{}, []string{":1:", "no points"}},
		{"unknown header", "a,b\n1,2\n", s2, Options{}, []string{"a, b", "lat and lon"}},
		{"one column", "lat\n1\n", s2, Options{}, []string{"1 columns", "coordinates"}},
		{"four columns", "1,2,3,4\n", s2, Options{}, []string{"4 columns", "choose columns"}},
		{"binary", "ab\x00\x01\x02", s2, Options{}, []string{":1:", "byte 3", "text"}},
		{"not UTF-8", "lat,lon\n\xff\xfe1,2\n", s2, Options{}, []string{":2:", "text"}},
		{"UTF-16", "\xff\xfel\x00a\x00", s2, Options{}, []string{"UTF-16", "UTF-8"}},
		{"truncated gzip", "\x1f\x8b\x08\x00\x00", s2, Options{}, []string{"gzip", "again"}},
		{"no such column", "lat,lon\n1,2\n", s2, Options{Columns: []string{"latt", "lon"}}, []string{"latt", "lat, lon"}},
		{"column number", "1,2\n", s2, Options{Columns: []string{"1", "7"}}, []string{`"7"`, "1 to 2"}},
		{"column count", "1,2,3\n", torus, Options{Columns: []string{"1"}}, []string{"1 columns chosen", "2 coordinates"}},
		{"off the sphere", "x,y,z\n1,1,1\n", s2, Options{}, []string{":2:", "not on sphere"}},
		{"angle in degrees", "370,1\n", torus, Options{Degrees: true}, []string{":1:", "370", "degrees"}},
		{"angle in radians", "7,1\n", torus, Options{Radians: true}, []string{":1:", "7", "radians"}},
		{"angle beyond both", "1,1\n5000,1\n", torus, Options{}, []string{":2:", "5000"}},
		{"outside the box", "0.5,0.5\n0.5,1.5\n", box, Options{}, []string{":2:", "1.5", "0..1"}},
		{"rotation", "1,0,0,0,1,0,0,0,2\n", manifold.SO3{}, Options{}, []string{":1:", "not on so3"}},
		{"cut .npy", "\x93NUMPY\x01\x00", s2, Options{}, []string{"numpy"}},
		{"cut .npz", "PK\x03\x04aaaa", s2, Options{}, []string{".npz"}},
		{"npy of another type", npy("|b1", "(1, 3)", "abc"), s2, Options{}, []string{"b1", "float64"}},
		{"npy of another shape", npy("<f8", "(1,)", "12345678"), s2, Options{}, []string{"shape [1]", "N×3"}},
		{"npy not finite", npy("<f8", "(1, 2)", "\x00\x00\x00\x00\x00\x00\xf8\x7f12345678"), s2, Options{}, []string{"row 0", "NaN"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := write(t, "bad.csv", c.text)
			s, err := Read(p, c.m, c.o)
			if err == nil {
				t.Fatalf("was read as %v", s.X)
			}
			msg := err.Error()
			for _, w := range append(c.want, p) {
				if !strings.Contains(msg, w) {
					t.Errorf("%q does not say %q", msg, w)
				}
			}
			if strings.Contains(msg, "\n") {
				t.Errorf("more than one line: %q", msg)
			}
		})
	}
	for _, p := range []string{t.TempDir(), filepath.Join(t.TempDir(), "none.csv")} {
		if _, err := Read(p, s2, Options{}); err == nil || !strings.Contains(err.Error(), p) {
			t.Errorf("%s: %v", p, err)
		}
	}
}

// npy makes a numpy file by hand.
func npy(descr, shape, data string) string {
	h := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': %s, }", descr, shape)
	for (10+len(h)+1)%64 != 0 {
		h += " "
	}
	h += "\n"
	return "\x93NUMPY\x01\x00" + string([]byte{byte(len(h)), byte(len(h) >> 8)}) + h + data
}

func TestNpy(t *testing.T) {
	s, err := Read(write(t, "x.npy", npy("<f8", "(1, 3)", string([]byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f}))), s2, Options{})
	if err != nil || s.N() != 1 || s.X[2] != 1 {
		t.Errorf("%v, %v", s, err)
	}
}

// TestSynthetic: every density integrates to one and its sampler draws from it,
// both at 4 standard errors.
func TestSynthetic(t *testing.T) {
	for _, c := range [][2]string{
		{"plates", "sphere"},
		{"bumps", "sphere"},
		{"bumps", "sphere:3"},
		{"bumps", "torus"},
		{"bumps", "torus:3"},
		{"swells", "sphere:3"},
		{"swells", "torus:3"},
		{"bumps", "revolution:2,1"},
		{"bumps", "so3"},
		{"checkerboard", "sphere"},
		{"checkerboard", "torus"},
		{"spirals", "torus"},
	} {
		t.Run(c[0]+" "+c[1], func(t *testing.T) {
			m, err := manifold.Parse(c[1])
			if err != nil {
				t.Fatal(err)
			}
			d, err := NewSynthetic(c[0], m)
			if err != nil {
				t.Fatal(err)
			}
			_, n := m.Dims()
			rnd := rand.New(rand.NewPCG(6, 1))
			const draws = 20000
			x := make([]float64, n)
			f := func(x []float64) float64 { return math.Sin(x[0]) + math.Cos(2*x[n-1]) }
			var mass, massSq, want, wantSq, got, gotSq float64
			for i := range draws {
				// Half uniform, half from the density, so that sharp ones are seen.
				if i%2 == 0 {
					d.Manifold.Rand(x, rnd)
				} else {
					d.Rand(x, rnd)
				}
				p := math.Exp(d.LogProb(x))
				w := 2 * p / (p + 1/d.Manifold.Volume())
				mass += w
				massSq += w * w
				want += w * f(x)
				wantSq += w * w * f(x) * f(x)
				d.Rand(x, rnd)
				got += f(x)
				gotSq += f(x) * f(x)
			}
			mass, want, got = mass/draws, want/draws, got/draws
			if se := math.Sqrt((massSq/draws - mass*mass) / draws); math.Abs(mass-1) > 4*se {
				t.Errorf("integral %.4f ± %.4f", mass, se)
			}
			se := math.Sqrt((wantSq/draws - want*want + gotSq/draws - got*got) / draws)
			if math.Abs(got-want) > 4*se {
				t.Errorf("mean of draws %.4f, by the density %.4f ± %.4f", got, want, se)
			}
			h, se := d.Entropy(2000, rnd)
			if math.IsNaN(h) || h > math.Log(d.Manifold.Volume())+4*se {
				t.Errorf("entropy %g ± %g is above that of the uniform density", h, se)
			}
		})
	}
	if _, err := NewSynthetic("spirals", s2); err == nil {
		t.Error("spirals on the sphere")
	}
}

func TestLookup(t *testing.T) {
	if _, err := Lookup("earthquakes"); err == nil || !strings.Contains(err.Error(), "did you mean earthquake?") {
		t.Errorf("%v", err)
	}
	if _, err := (Store{}).Load(context.Background(), "earthquake", manifold.Torus{N: 2}, Options{}); err == nil || !strings.Contains(err.Error(), "lies on sphere") {
		t.Errorf("%v", err)
	}
}

// TestFetch: a download is whole and right, or nothing is left of it.
func TestFetch(t *testing.T) {
	const content = "lat,lon\n1,2\n3,4\n"
	for _, c := range []struct {
		name string
		h    http.HandlerFunc
		want string
	}{
		{"right", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, content) }, ""},
		{"missing", http.NotFound, "404"},
		{"changed", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "lat,lon\n1,2\n3,5\n") }, "SHA-256"},
		{"cut off", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, content[:9]) }, "SHA-256"},
		{"endless", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, content, content) }, "more than"},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv := httptest.NewServer(c.h)
			defer srv.Close()
			dir := t.TempDir()
			t.Setenv("MFLOW_CACHE", dir)
			t.Setenv("MFLOW_DATA", "")
			p := write(t, "x", content)
			_, sum, _ := readAll(p)
			e := Entry{Name: "x", Path: "a/x.csv", Bytes: len(content), SHA256: sum, Download: srv.URL, Source: "here"}
			var seen int64
			got, err := Store{Progress: func(done, _ int64) { seen = done }}.Get(context.Background(), e)
			if c.want == "" {
				if err != nil || seen != int64(len(content)) {
					t.Fatalf("%v, progress to %d", err, seen)
				}
				if again, err := (Store{Offline: true}).Get(context.Background(), e); err != nil || again != got {
					t.Errorf("offline after fetching: %v", err)
				}
				os.WriteFile(got, []byte("1,2\n"), 0o644)
				if _, err := (Store{}).Get(context.Background(), e); err == nil || !strings.Contains(err.Error(), "SHA-256") {
					t.Errorf("a damaged file in the cache: %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, "a", "*")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, "a", ".*")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
	t.Run("cancelled", func(t *testing.T) {
		t.Setenv("MFLOW_CACHE", t.TempDir())
		t.Setenv("MFLOW_DATA", "")
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		e := Entry{Name: "x", Path: "x", Download: "http://127.0.0.1:1", Bytes: 1}
		if _, err := (Store{}).Get(ctx, e); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		e.Download = ""
		if _, err := (Store{}).Get(context.Background(), e); err == nil || !strings.Contains(err.Error(), "put it at") {
			t.Errorf("%v", err)
		}
		e.Download = "x"
		if _, err := (Store{Offline: true}).Get(context.Background(), e); err == nil || !strings.Contains(err.Error(), "fetching is off") {
			t.Errorf("%v", err)
		}
	})
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{"lat,lon\n1,2\n", "1;2\n", "\xef\xbb\xbfx\ty\tz\n1\t0\t0\n", npy("<f8", "(1, 3)", strings.Repeat("\x00", 24))} {
		f.Add([]byte(s))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, raw []byte) {
		p := filepath.Join(dir, fmt.Sprint(os.Getpid()))
		if err := os.WriteFile(p, raw, 0o644); err != nil {
			t.Fatal(err)
		}
		for _, m := range []manifold.Manifold{s2, manifold.Torus{N: 2}} {
			s, err := Read(p, m, Options{})
			if err != nil {
				if strings.Contains(err.Error(), "\n") {
					t.Errorf("an error of several lines: %q", err)
				}
				continue
			}
			for _, v := range s.X {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					t.Errorf("a point %v from %q", v, raw)
				}
			}
		}
	})
}

func ExampleNewSynthetic() {
	d, err := NewSynthetic("checkerboard", nil)
	if err != nil {
		panic(err)
	}
	s := d.Draw(1000, 0)
	sp, err := s.Split(Distinct, 0, Common)
	if err != nil {
		panic(err)
	}
	fmt.Println(s.Manifold, len(sp.Train), len(sp.Val), len(sp.Test))
	// Output: torus 800 100 100
}
