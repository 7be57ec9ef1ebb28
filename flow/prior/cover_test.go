package prior

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"mflow/manifold"
)

// covered is manifolds with kernels on a covering one.
var covered = func() []manifold.Manifold {
	var ms []manifold.Manifold
	for _, spec := range []string{"so3", "revolution:2,1", "box:-1..3", "box:0..1,0..24p", "circle*box:0..5,-2..0", "torus*circle", "revolution:3,0.5*circle"} {
		m, err := manifold.Parse(spec)
		if err != nil {
			panic(err)
		}
		ms = append(ms, m)
	}
	return ms
}()

// lumps returns points about two others, and some strewn, near walls too.
func lumps(m manifold.Manifold, points int, seed uint64) []float64 {
	u := m.(manifold.Measurer)
	_, n := m.Dims()
	rnd := rand.New(rand.NewPCG(seed, 3))
	fixed := rand.New(rand.NewPCG(1, 3))
	centres := make([]float64, 2*n)
	u.Rand(centres[:n], fixed)
	u.Rand(centres[n:], fixed)
	x := make([]float64, points*n)
	for i := range points {
		xi := x[i*n : (i+1)*n]
		if c := rnd.IntN(3); c < 2 {
			for j := range xi {
				xi[j] = centres[c*n+j] + 0.15*rnd.NormFloat64()
			}
			m.Project(xi)
		} else {
			u.Rand(xi, rnd)
		}
	}
	return x
}

// TestCover: on every covered manifold the density integrates to one, the
// sampler's means are the density's, fresh points are likelier than under the
// uniform density and as likely as cross-fitting said, and a file gives the same.
func TestCover(t *testing.T) {
	for _, m := range covered {
		p, nu, err := Fit(m, lumps(m, 400, 1), KernelOptions{Floor: 0.02})
		if err != nil {
			t.Fatal(err)
		}
		u := m.(manifold.Measurer)
		_, n := m.Dims()
		rnd := rand.New(rand.NewPCG(9, 9))
		f := func(x []float64) float64 { return math.Cos(x[0]) + math.Sin(2*x[n-1]) }
		x := make([]float64, n)
		const draws = 20000
		var sum, sq, got, gsq, want, wsq float64
		for i := range draws {
			if i%2 == 0 {
				u.Rand(x, rnd)
			} else {
				p.Rand(x, rnd)
				v := f(x)
				got += v / draws * 2
				gsq += v * v / draws * 2
			}
			w := 2 / (1 + math.Exp(-p.LogProb(x))/u.Volume())
			sum += w / draws
			sq += w * w / draws
			want += w * f(x) / draws
			wsq += w * w * f(x) * f(x) / draws
		}
		if se := math.Sqrt((sq - sum*sum) / draws); math.Abs(sum-1) > 4*se {
			t.Errorf("%s: integral %.4f ± %.4f", m, sum, se)
		}
		if se := math.Sqrt((2*(gsq-got*got) + wsq - want*want) / draws); math.Abs(got-want) > 4*se {
			t.Errorf("%s: mean of samples %.4f, by the density %.4f ± %.4f", m, got, want, se)
		}
		var crossed, square, fresh float64
		for _, v := range nu {
			crossed += math.Log(v) / float64(len(nu))
			square += math.Log(v) * math.Log(v) / float64(len(nu))
		}
		se := math.Sqrt((square - crossed*crossed) / float64(len(nu)))
		test := lumps(m, 2000, 2)
		for i := 0; i < len(test); i += n {
			fresh += p.LogProb(test[i:i+n]) / 2000
		}
		if fresh < 0.3-math.Log(u.Volume()) {
			t.Errorf("%s: %.3f on fresh points, uniform %.3f", m, fresh, -math.Log(u.Volume()))
		}
		if crossed > fresh+3*se || crossed < fresh-0.2-4*se { // with fewer points it is less
			t.Errorf("%s: cross-fitted %.3f ± %.3f, on fresh points %.3f", m, crossed, se, fresh)
		}
		kind, meta, ts, err := Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		q, err := Unmarshal(kind, meta, ts, m)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := p.LogProb(test[:n]), q.LogProb(test[:n]); a != b {
			t.Errorf("%s: %g became %g", m, a, b)
		}
	}
}

// TestCovering: what is above a point lies above it, no two points above one are
// the same, and volumes agree.
func TestCovering(t *testing.T) {
	for _, m := range covered {
		by, err := coveringOf(m)
		if err != nil {
			t.Fatal(err)
		}
		u, over := m.(manifold.Measurer), by.over.(manifold.Measurer)
		_, n := m.Dims()
		rnd := rand.New(rand.NewPCG(2, 2))
		x, y, above := make([]float64, n), make([]float64, n), make([]float64, by.sheets()*by.n)
		const draws = 20000
		var volume, sq float64
		for range draws {
			over.Rand(above[:by.n], rnd)
			by.drop(x, above[:by.n])
			logJ := by.lift(above, x)
			v := math.Exp(logJ) * over.Volume() / float64(by.sheets())
			volume += v / draws
			sq += v * v / draws
			for s := range by.sheets() {
				c := above[s*by.n : (s+1)*by.n]
				by.drop(y, c)
				for i := range y {
					if math.Abs(y[i]-x[i]) > 1e-12*(1+math.Abs(x[i])) {
						t.Fatalf("%s: sheet %d of %v is above %v", m, s, x, y)
					}
				}
				for r := range s {
					if b := above[r*by.n : (r+1)*by.n]; dot(b, b)+dot(c, c)-2*dot(b, c) == 0 {
						t.Fatalf("%s: sheets %d and %d of %v are one", m, r, s, x)
					}
				}
			}
		}
		if se := math.Sqrt(math.Max(0, sq-volume*volume) / draws); math.Abs(volume-u.Volume()) > 4*se+1e-9*volume {
			t.Errorf("%s: volume %.6g ± %.2g by what covers it, want %.6g", m, volume, se, u.Volume())
		}
	}
}

// TestCoverFolds: with all copies of a position in one fold, cross-fitting does
// not see a point by way of another sheet.
func TestCoverFolds(t *testing.T) {
	m := manifold.SO3{}
	x, folds := lumps(m, 200, 1), make([]int, 200)
	for i := range folds {
		folds[i] = i % 4
	}
	_, nu, err := Fit(m, x, KernelOptions{Floor: 1e-3, Folds: folds})
	if err != nil {
		t.Fatal(err)
	}
	_, some, err := Fit(m, x, KernelOptions{Floor: 1e-3, Folds: folds, Sample: 100})
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range append(nu, some...) {
		// A kernel of 1e-3 at the point itself would give 1e9/16.
		if !(v > 0) || v > 1e4 {
			t.Errorf("cross-fitted density %g at point %d", v, i%200)
		}
	}
}

func TestCoverErrors(t *testing.T) {
	walls := make([]float64, 5)
	box, err := manifold.NewBox(walls, []float64{1, 1, 1, 1, 1}, make([]bool, 5))
	if err != nil {
		t.Fatal(err)
	}
	mixed, err := manifold.Parse("sphere*circle")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []manifold.Manifold{box, mixed} {
		if _, _, err := Fit(m, make([]float64, 500), KernelOptions{}); err == nil || HasKernels(m) {
			t.Errorf("kernels on %s", m)
		}
	}
	if _, err := Unmarshal("cover", []byte(`{"of":{"kind":"cover"}}`), nil, manifold.SO3{}); err == nil {
		t.Error("a cover of a cover was read")
	}
}

func ExampleNewCover() {
	// A von Mises-Fisher density of unit quaternions, dropped to the rotations: its
	// mode is the turn by a right angle about z.
	s := math.Sqrt2 / 2
	f, err := NewMixture(manifold.Sphere{N: 3}, []float64{1}, []float64{s, 0, 0, s}, []float64{30}, 0)
	if err != nil {
		panic(err)
	}
	p, err := NewCover(manifold.SO3{}, f)
	if err != nil {
		panic(err)
	}
	fmt.Printf("%.3f there, %.3f without a turn\n",
		p.LogProb([]float64{0, -1, 0, 1, 0, 0, 0, 0, 1}), p.LogProb([]float64{1, 0, 0, 0, 1, 0, 0, 0, 1}))
	// Output: -0.761 there, -9.548 without a turn
}
