package prior

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"mflow/manifold"
)

// plain is the density of kernels, point by point and part by part without a
// search or a cut-off.
func plain(p *Kernels, x []float64) float64 {
	s, n, d := p.space, p.space.ambient(), p.space.dim()
	f := p.Weight[len(p.Weight)-1] / s.m.Volume()
	v, z := make([]float64, d), make([]float64, d)
	for i := range len(p.Points) / n {
		m := p.Points[i*n : (i+1)*n]
		c := p.class(i)
		w := p.Weight[c*p.parts() : (c+1)*p.parts()]
		of := 0
		for j := range len(p.Points) / n {
			if p.class(j) == c {
				of++
			}
		}
		if p.Gain != nil {
			w = slices.Clone(w)
			for k := range w {
				w[k] *= p.Gain[i*p.parts()+k]
			}
		}
		var g float64
		for k, kappa := range p.Fixed {
			g += w[k] * math.Exp(-kappa*s.t(x, m)-s.logNorm(kappa))
		}
		for k, near := range p.Near {
			g += w[len(p.Fixed)+k] * math.Exp(-near[i]*s.t(x, m)-s.logNorm(near[i]))
		}
		jac := s.chart(v, s.embed(x), s.embed(m))
		for k, shape := range p.Shape {
			mean, a := shape[i*s.packed():][:d], shape[i*s.packed()+d:(i+1)*s.packed()]
			for c := range z {
				z[c] = v[c] - mean[c]
			}
			g += w[len(p.Fixed)+len(p.Near)+k] * math.Exp(logDet(a, d)-float64(d)/2*math.Log(2*math.Pi)+jac-whiten(a, z)/2)
		}
		f += g / float64(of)
	}
	return math.Log(f)
}

// whiten returns |A v|², A a packed lower triangle.
func whiten(a, v []float64) (q float64) {
	for i := range v {
		q += square(dot(a[:i+1], v))
		a = a[i+1:]
	}
	return q
}

// TestSearch: the search leaves out nothing that counts.
func TestSearch(t *testing.T) {
	for _, m := range spaces {
		for _, floor := range []float64{0.3, 1e-3} {
			x := clusters(m, 250, 1000, 6)
			_, n := m.Dims()
			x = append(x, x[:40*n]...) // copies
			p, _, err := FitKernels(m, x, KernelOptions{Floor: floor})
			if err != nil {
				t.Fatal(err)
			}
			rnd := rand.New(rand.NewPCG(4, 4))
			q := make([]float64, n)
			for i := range 60 {
				if p.Rand(q, rnd); i%3 == 0 {
					p.space.m.Rand(q, rnd)
				}
				// e⁻⁴⁰ of a peak of 1e6² is below 1e-5 of the uniform part.
				if got, want := p.LogProb(q), plain(p, q); math.Abs(got-want) > 1e-5 {
					t.Fatalf("%s, floor %g: %.9f by search, %.9f plainly", m, floor, got, want)
				}
			}
		}
	}
}

// TestFloor: neither copies nor points on a line make any kernel narrower than
// the floor in any direction, and the density stays below the narrowest
// kernel's peak.
func TestFloor(t *testing.T) {
	const floor = 0.01
	for _, m := range []manifold.Manifold{manifold.Sphere{N: 2}, manifold.Torus{N: 2}, manifold.Torus{N: 4}} {
		x := clusters(m, 50, 60, 4)
		x = append(x, append(append([]float64(nil), x...), x...)...)
		s, err := spaceOf(m)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 40 { // a line
			p := make([]float64, s.ambient())
			p[0], p[1] = math.Cos(float64(i)/300), math.Sin(float64(i)/300)
			s.m.Project(p)
			x = append(x, p...)
		}
		p, _, err := FitKernels(m, x, KernelOptions{Floor: floor})
		if err != nil {
			t.Fatal(err)
		}
		top := narrowest(floor) * (1 + 1e-9)
		for _, k := range append(flatten(p.Near), p.Fixed...) {
			if k > top {
				t.Fatalf("%s: concentration %g beyond the floor's %g", m, k, top)
			}
		}
		d, rnd := s.dim(), rand.New(rand.NewPCG(1, 2))
		v := make([]float64, d)
		for _, shape := range p.Shape {
			for i := 0; i < len(shape); i += s.packed() {
				for range 20 {
					var sq float64
					for j := range v {
						v[j] = rnd.NormFloat64()
						sq += v[j] * v[j]
					}
					if q := whiten(shape[i+d:i+s.packed()], v) / sq; q > top {
						t.Fatalf("%s: precision %g along %v beyond the floor's %g", m, q, v, top)
					}
				}
			}
		}
		n := s.ambient()
		peak := -s.logNorm(narrowest(floor))
		for i := 0; i < len(x); i += n {
			if lp := p.LogProb(x[i : i+n]); lp > peak {
				t.Fatalf("%s: log-density %g above the peak %g of the narrowest kernel", m, lp, peak)
			}
		}
	}
}

// TestSame: of points at one position, more than are asked for, the same ones are the
// nearest every time, and so is what is fitted.
func TestSame(t *testing.T) {
	m := manifold.Sphere{N: 2}
	s, err := spaceOf(m)
	if err != nil {
		t.Fatal(err)
	}
	var x []float64
	for range 150 {
		x = append(x, clusters(m, 6, 60, 9)...)
	}
	first := neighbours(s, x, 20, 1)
	for range 3 {
		for i, near := range neighbours(s, x, 20, 1) {
			if !slices.Equal(near, first[i]) {
				t.Fatalf("neighbours of point %d are %v, and were %v", i, near, first[i])
			}
		}
	}
}

// TestCopies: where half of the positions are visited again, the copies are
// expected where copies were.
func TestCopies(t *testing.T) {
	m := manifold.Sphere{N: 2}
	x := clusters(m, 300, 60, 9)
	for range 3 {
		x = append(x, x[:3*150]...)
	}
	p, _, err := FitKernels(m, x, KernelOptions{Floor: 1e-3})
	if err != nil {
		t.Fatal(err)
	}
	var often, once float64
	for i := range 150 {
		often += p.LogProb(x[3*i:3*i+3]) / 150
		once += p.LogProb(x[3*(i+150):3*(i+150)+3]) / 150
	}
	// Four points against one are 1.39 nats if all points weigh the same.
	if often-once < 2 {
		t.Errorf("log-density %.2f at positions of four points, %.2f at those of one", often, once)
	}
}

// TestOldFile: a file of fixed and adaptive kernels alone, without classes, is
// read as it was meant.
func TestOldFile(t *testing.T) {
	m := manifold.Sphere{N: 2}
	d, err := Unmarshal("kernels", json.RawMessage(`{"floor":0.1}`), Tensors{
		"points": {[]int{2, 3}, []float64{0, 0, 1, 1, 0, 0}},
		"kappa":  {[]int{1}, []float64{5}},
		"near":   {[]int{1, 2}, []float64{30, 80}},
		"weight": {[]int{3}, []float64{0.5, 0.3, 0.2}},
	}, m)
	if err != nil {
		t.Fatal(err)
	}
	x := []float64{0, 0.6, 0.8}
	vmf := func(k, cos float64) float64 { return k / (2 * math.Pi * (1 - math.Exp(-2*k))) * math.Exp(k*(cos-1)) }
	want := math.Log(0.5*(vmf(5, 0.8)+vmf(5, 0))/2 + 0.3*(vmf(30, 0.8)+vmf(80, 0))/2 + 0.2/(4*math.Pi))
	if got := d.LogProb(x); math.Abs(got-want) > 1e-12 {
		t.Errorf("log-density %.15f, want %.15f", got, want)
	}
}

// TestKernelErrors: files that cannot be kernels are refused.
func TestKernelErrors(t *testing.T) {
	m := manifold.Sphere{N: 2}
	good := func() Tensors {
		return Tensors{
			"points": {[]int{2, 3}, []float64{0, 0, 1, 1, 0, 0}},
			"kappa":  {[]int{1}, []float64{5}},
			"near":   {[]int{1, 2}, []float64{30, 80}},
			"shape":  {[]int{1, 2, 5}, []float64{0, 0, 1, 0, 1, 0.1, 0, 2, 1, 2}},
			"class":  {[]int{2}, []float64{0, 1}},
			"weight": {[]int{7}, []float64{0.1, 0.1, 0.1, 0.2, 0.2, 0.1, 0.2}},
		}
	}
	if _, err := Unmarshal("kernels", json.RawMessage(`{}`), good(), m); err != nil {
		t.Fatalf("good kernels: %v", err)
	}
	for name, bad := range map[string]Tensor{
		"points": {[]int{2, 3}, []float64{0, 0, 1, 1, 0, math.NaN()}},
		"kappa":  {[]int{1}, []float64{-5}},
		"near":   {[]int{1, 2}, []float64{30, math.Inf(1)}},
		"shape":  {[]int{1, 2, 5}, []float64{0, 0, 1, 0, 1, 0, 0, 2, 1, 0}},
		"class":  {[]int{2}, []float64{0, 2}},
		"weight": {[]int{7}, []float64{0.1, 0.1, 0.1, 0.2, 0.2, 0.1, -0.2}},
	} {
		ts := good()
		ts[name] = bad
		if _, err := Unmarshal("kernels", json.RawMessage(`{}`), ts, m); err == nil {
			t.Errorf("%s of %v was read", name, bad.Data)
		}
		delete(ts, name)
		if _, err := Unmarshal("kernels", json.RawMessage(`{}`), ts, m); err == nil {
			t.Errorf("kernels without %s were read", name)
		}
	}
}
