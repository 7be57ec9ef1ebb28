package sample

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"mflow/divergence"
	"mflow/flow"
	"mflow/flow/nn"
	"mflow/manifold"
)

type flat struct{ m manifold.Measurer }

func (f flat) LogProb([]float64) float64        { return -math.Log(f.m.Volume()) }
func (f flat) Rand(x []float64, rnd *rand.Rand) { f.m.Rand(x, rnd) }
func (flat) IsUniform()                         {}

// random returns an untrained flow whose density varies by some tens of percent
// and is positive everywhere, so that all ways to it must agree.
func random(t testing.TB, spec string) *flow.Flow {
	t.Helper()
	m, err := manifold.Parse(spec)
	if err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(4, 2))
	field, err := flow.NewField(m, flow.FieldSpec{Hidden: []int{16, 16}, Waves: 8, Scales: []float64{1}}, rnd)
	if err != nil {
		t.Fatal(err)
	}
	for i := range field.Params {
		field.Params[i] += float32(0.1 * rnd.NormFloat64())
	}
	vol := m.(manifold.Measurer).Volume()
	f := &flow.Flow{Manifold: m, Prior: flat{m.(manifold.Measurer)}, Nets: []*nn.MLP{field}, Eps: 0.01 / vol, Z: 1}
	// Scale the field so that the least density of many points is 0.3 / vol.
	x := points(f, 20000, rnd)
	mu := make([]float64, 20000)
	divergence.New(f).Mu(mu, x)
	least := math.Inf(1)
	for _, v := range mu {
		least = math.Min(least, v*vol)
	}
	field.ScaleOutput(float32(0.7 / (1 - least)))
	return f
}

func points(f *flow.Flow, b int, rnd *rand.Rand) []float64 {
	_, n := f.Manifold.Dims()
	x := make([]float64, b*n)
	for i := range b {
		f.Prior.Rand(x[i*n:(i+1)*n], rnd)
	}
	return x
}

var manifolds = []string{"sphere", "sphere:3", "torus:2", "revolution:2,0.7", "so3", "box:0..1,-1..1", "sphere*box:0..2"}

// TestLogProb: the change of variables along trajectories gives the closed-form
// density back.
func TestLogProb(t *testing.T) {
	for _, spec := range manifolds {
		t.Run(spec, func(t *testing.T) {
			f := random(t, spec)
			x := points(f, 16, rand.New(rand.NewPCG(1, 1)))
			got, clear, _, err := LogProb(context.Background(), f, x, Solver{Tol: 1e-7})
			if err != nil {
				t.Fatal(err)
			}
			want := make([]float64, len(got))
			divergence.New(f).LogProb(want, x)
			for i := range got {
				if !clear[i] {
					t.Errorf("point %d: a density above 0.3 of the uniform is said to pass the floor", i)
				}
				if math.Abs(got[i]-want[i]) > 1e-4 {
					t.Errorf("point %d: along the trajectory %.6f, closed form %.6f", i, got[i], want[i])
				}
			}
		})
	}
}

// TestRoundTrip: data -> prior -> data ends where it began.
func TestRoundTrip(t *testing.T) {
	for _, spec := range manifolds {
		f := random(t, spec)
		_, n := f.Manifold.Dims()
		x := points(f, 64, rand.New(rand.NewPCG(1, 1)))
		y := append([]float64(nil), x...)
		s := Solver{Tol: 1e-7}
		if _, err := Pull(context.Background(), f, y, s); err != nil {
			t.Fatal(err)
		}
		if _, err := Push(context.Background(), f, y, s); err != nil {
			t.Fatal(err)
		}
		for i := range 64 {
			// float32 fields leave noise of about 1e-6 along the way. Angles are
			// compared as points of the circle.
			var d float64
			for c := i * n; c < (i+1)*n; c++ {
				d = math.Max(d, math.Abs(math.Sin((x[c]-y[c])/2))*2)
			}
			if d > 2e-5 {
				t.Errorf("%s: point %d is %g from where it began", spec, i, d)
			}
		}
	}
}

// TestDrawAgrees: samples by trajectories and by rejection are of one
// distribution, by a permutation test of the energy distance, and rejection is
// of the closed form: its mean of smooth functions is the integral.
func TestDrawAgrees(t *testing.T) {
	const n, permutations = 400, 200
	for _, spec := range manifolds {
		f := random(t, spec)
		rnd := rand.New(rand.NewPCG(7, 7))
		a, _, err := Draw(context.Background(), f, n, Solver{}, rnd)
		if err != nil {
			t.Fatal(err)
		}
		b, _, err := Reject(context.Background(), f, n, rnd)
		if err != nil {
			t.Fatal(err)
		}
		_, dim := f.Manifold.Dims()
		if p := energyTest(append(a, b...), dim, n, permutations, rnd); p < 0.001 {
			t.Errorf("%s: trajectories and rejection differ, p = %g", spec, p)
		}
		prior := points(f, n, rnd)
		if spec == "sphere" {
			if p := energyTest(append(prior, a...), dim, n, permutations, rnd); p > 0.05 {
				t.Errorf("the test has no power: prior and model look alike, p = %g", p)
			}
		}
	}
}

// energyTest returns the permutation p-value of the energy distance (Székely &
// Rizzo 2013) between the first n of the points x and the rest.
func energyTest(x []float64, dim, n, permutations int, rnd *rand.Rand) float64 {
	total := len(x) / dim
	d := make([]float64, total*total)
	for i := range total {
		for j := range i {
			var s float64
			for c := range dim {
				v := x[i*dim+c] - x[j*dim+c]
				s += v * v
			}
			d[i*total+j] = math.Sqrt(s)
			d[j*total+i] = d[i*total+j]
		}
	}
	order := make([]int, total)
	for i := range order {
		order[i] = i
	}
	statistic := func() float64 {
		side := make([]bool, total)
		for _, i := range order[:n] {
			side[i] = true
		}
		var within, across float64
		for i := range total {
			for j := range total {
				if side[i] == side[j] {
					within += d[i*total+j]
				} else {
					across += d[i*total+j]
				}
			}
		}
		return across - within
	}
	observed, above := statistic(), 0
	for range permutations {
		rnd.Shuffle(total, func(i, j int) { order[i], order[j] = order[j], order[i] })
		if statistic() >= observed {
			above++
		}
	}
	return float64(above+1) / float64(permutations+1)
}

// TestRejectExact: rejection draws from μ₊/Z even where μ is negative.
func TestRejectExact(t *testing.T) {
	f := random(t, "sphere")
	f.Nets[0].ScaleOutput(3)
	x, _, err := Reject(context.Background(), f, 20000, rand.New(rand.NewPCG(3, 1)))
	if err != nil {
		t.Fatal(err)
	}
	y := points(f, 200000, rand.New(rand.NewPCG(3, 2)))
	mu := make([]float64, 200000)
	divergence.New(f).Mu(mu, y)
	var z float64
	for i, m := range mu {
		mu[i] = math.Max(f.Eps, m)
		z += mu[i]
	}
	for c := range 3 {
		var got, want, sq float64
		for i := 0; i < len(x); i += 3 {
			got += x[i+c] / 20000
		}
		for i, m := range mu {
			want += m / z * y[3*i+c]
			sq += m / z * y[3*i+c] * y[3*i+c]
		}
		se := math.Sqrt((sq-want*want)/20000) * 1.2 // the integral has an error too
		if math.Abs(got-want) > 4*se {
			t.Errorf("mean of coordinate %d is %.4f, want %.4f ± %.4f", c, got, want, se)
		}
	}
}
