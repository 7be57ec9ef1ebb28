package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// A sumsCase is a block of points near x, at distances from 1e-9 to 3, and kernels.
type sumsCase struct {
	d, n             int // dimension, coordinates
	sphere           bool
	x, m             []float64
	k, own, w, shape []float64
}

const sumsParts = 5

func newSumsCase(d int, sphere bool, rnd *rand.Rand) sumsCase {
	c := sumsCase{d: d, n: 2 * d, sphere: sphere}
	if sphere {
		c.n = d + 1
	}
	point := func(from []float64, off float64) []float64 {
		p := make([]float64, c.n)
		for i := range p {
			p[i] = rnd.NormFloat64() * off
			if from != nil {
				p[i] += from[i]
			}
		}
		each := 2
		if sphere {
			each = c.n
		}
		for i := 0; i < c.n; i += each {
			var sq float64
			for _, v := range p[i : i+each] {
				sq += v * v
			}
			for j := i; j < i+each; j++ {
				p[j] /= math.Sqrt(sq)
			}
		}
		return p
	}
	c.x = point(nil, 1)
	c.m = make([]float64, c.n*SumBlock)
	for i := range SumBlock {
		for j, v := range point(c.x, math.Exp(-rnd.Float64()*20)) {
			c.m[j*SumBlock+i] = v
		}
	}
	for range sumsParts {
		c.k = append(c.k, math.Exp(rnd.Float64()*18))
	}
	for range sumsParts * SumBlock {
		c.own = append(c.own, math.Exp(rnd.Float64()*18))
		c.w = append(c.w, math.Exp(rnd.NormFloat64()*10))
	}
	for range (d + d*(d+1)/2) * SumBlock {
		c.shape = append(c.shape, rnd.NormFloat64()*math.Exp(rnd.Float64()*3))
	}
	return c
}

// run returns what the functions write.
func (c *sumsCase) run() map[string][]float64 {
	t, v, jac := make([]float64, SumBlock), make([]float64, c.d*SumBlock), make([]float64, SumBlock)
	out := map[string][]float64{"half chord": t, "chart": v, "Jacobian": jac}
	HalfChords(t, c.x, c.m)
	if c.sphere {
		SphereChart(v, jac, c.x, c.m, t)
	} else {
		TorusChart(v, jac, c.x, c.m)
	}
	for _, stride := range []int{0, SumBlock} {
		fixed, own := make([]float64, sumsParts*SumBlock), make([]float64, sumsParts*SumBlock)
		fixed[3], own[3] = 7, 7 // is added to
		AddDecays(fixed, stride, c.k, t, c.w)
		AddOwnDecays(own, stride, c.own, t, c.w)
		out[fmt.Sprint("decay ", stride)], out[fmt.Sprint("own decay ", stride)] = fixed, own
	}
	normal := make([]float64, SumBlock)
	normal[3] = 7
	AddNormals(normal, c.d, v, jac, c.shape, c.w)
	out["normal"] = normal
	return out
}

// TestSums compares every set of instructions with plain Go. An exponent e is off
// by e times the rounding of its factors, so a result may be off by (1 + e) of it.
func TestSums(t *testing.T) {
	best := active
	defer func() { active = best }()
	for _, sphere := range []bool{true, false} {
		for d := 1; d <= 11; d++ {
			rnd := rand.New(rand.NewPCG(uint64(d), 3))
			for range 20 {
				c := newSumsCase(d, sphere, rnd)
				active = &plain
				want := c.run()
				for _, active = range supported[1:] {
					for name, got := range c.run() {
						for i, v := range got {
							w := want[name][i]
							far := 1.0 // towards the antipode charts lose digits
							for r := range d {
								far += sq(want["chart"][r*SumBlock+i%SumBlock])
							}
							scale := math.Abs(w)
							switch name {
							case "half chord":
							case "Jacobian":
								scale *= far
							case "chart":
								scale = far // differences of coordinates of size one
							case "normal":
								scale *= 800 * far
							default:
								scale *= 800
							}
							if math.Abs(v-w) > 1e-15*float64(4+d)*scale && math.Abs(v-w) > 1e-290 {
								t.Fatalf("%s, dimension %d, sphere %v: %s[%d] = %.17g, plain %.17g", Features(), d, sphere, name, i, v, w)
							}
						}
					}
				}
			}
		}
	}
}

func sq(x float64) float64 { return x * x }

// TestSumsExp: exponentials to two units in the last place.
func TestSumsExp(t *testing.T) {
	eachPath(t, func(t *testing.T) {
		x, w, y := make([]float64, SumBlock), make([]float64, SumBlock), make([]float64, SumBlock)
		worst := 0.0
		for from := 0.0; from < 708; from += 0.0317 * SumBlock {
			for i := range x {
				x[i], w[i], y[i] = math.Min(708, from+0.0317*float64(i)), 1, 0
			}
			AddDecays(y, 0, []float64{1}, x, w)
			for i, v := range y {
				want := math.Exp(-x[i])
				worst = max(worst, math.Abs(v-want)/(math.Nextafter(want, 1)-want))
			}
		}
		if worst > 2 {
			t.Errorf("%.2f units in the last place, want at most 2", worst)
		}
		clear(y)
		x[0], x[1], x[2] = 0, 1e9, math.Inf(1)
		AddDecays(y, 0, []float64{1}, x, w)
		if y[0] != 1 || !(y[1] < 1e-300) || !(y[2] < 1e-300) {
			t.Errorf("at 0, 1e9 and +Inf %g, want 1 and nothing", y[:3])
		}
	})
}

func BenchmarkSums(b *testing.B) {
	best := active
	defer func() { active = best }()
	for _, active = range supported {
		for _, sphere := range []bool{true, false} {
			d := 2
			if !sphere {
				d = 7
			}
			c := newSumsCase(d, sphere, rand.New(rand.NewPCG(1, 1)))
			t, v, jac, dst := make([]float64, SumBlock), make([]float64, c.d*SumBlock), make([]float64, SumBlock), make([]float64, SumBlock)
			for _, f := range []struct {
				name string
				each int
				run  func()
			}{
				{"half chords", 1, func() { HalfChords(t, c.x, c.m) }},
				{"chart", 1, func() {
					if c.sphere {
						SphereChart(v, jac, c.x, c.m, t)
					} else {
						TorusChart(v, jac, c.x, c.m)
					}
				}},
				{"decays", sumsParts, func() { AddDecays(dst, 0, c.k, t, c.w) }},
				{"own decays", sumsParts, func() { AddOwnDecays(dst, 0, c.own, t, c.w) }},
				{"normals", 1, func() { AddNormals(dst, c.d, v, jac, c.shape, c.w) }},
			} {
				b.Run(fmt.Sprintf("%s/d=%d/%s", f.name, d, Features()), func(b *testing.B) {
					timed(b, float64(f.each*SumBlock), "G/s", f.run)
				})
			}
		}
	}
}
