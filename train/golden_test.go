package train

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"mflow/divergence"
	"mflow/flow"
	"mflow/flow/nn"
	"mflow/internal/kernel"
	"mflow/manifold"
)

// golden holds values of an independent float64 implementation (automatic
// differentiation in another framework; divergence and loss re-derived by
// hand): a swish network 3-7-6-3 with weights [out][in], on the sphere with the
// uniform prior. Divergences are those of the unscaled field; loss and gradients
// those of the field times OutScale.
type golden struct {
	W        [][][]float64 `json:"W"`
	B        [][]float64   `json:"b"`
	X        [][]float64   `json:"x"`
	Y        [][]float64   `json:"y"`
	Eps      float64       `json:"eps"`
	Lambda   float64       `json:"lam"`
	OutScale float64       `json:"out_scale"`
	UX       [][]float64   `json:"u_x"`
	DivX     []float64     `json:"div_x"`
	DivY     []float64     `json:"div_y"`
	Loss     float64       `json:"loss"`
	Loss1    float64       `json:"loss_out_scale_1"`
	GradW    [][][]float64 `json:"grad_W"`
	GradB    [][]float64   `json:"grad_b"`
}

func readGolden(t *testing.T) golden {
	t.Helper()
	raw, err := os.ReadFile("testdata/moser_loss.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(raw, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// transpose turns weights [out][in] into in×out, row-major.
func transpose(w [][]float64) []float32 {
	t := make([]float32, len(w)*len(w[0]))
	for o, row := range w {
		for i, v := range row {
			t[i*len(w)+o] = float32(v)
		}
	}
	return t
}

func (g golden) flow(t *testing.T, scale float64) *flow.Flow {
	t.Helper()
	var ls []nn.Layer
	for i, w := range g.W {
		l := nn.Layer{In: len(w[0]), Out: len(w), W: transpose(w)}
		for _, v := range g.B[i] {
			l.B = append(l.B, float32(v))
		}
		ls = append(ls, l)
	}
	net, err := nn.FromLayers(nn.Linear(3), kernel.Swish, ls)
	if err != nil {
		t.Fatal(err)
	}
	net.ScaleOutput(float32(scale))
	return &flow.Flow{Manifold: manifold.Sphere{N: 2}, Prior: uniform{}, Nets: []*nn.MLP{net}, Eps: g.Eps}
}

type uniform struct{}

func (uniform) LogProb([]float64) float64        { return -math.Log(4 * math.Pi) }
func (uniform) Rand(x []float64, rnd *rand.Rand) { manifold.Sphere{N: 2}.Rand(x, rnd) }
func (uniform) IsUniform()                       {}

func flat(x [][]float64) []float64 {
	var out []float64
	for _, r := range x {
		out = append(out, r...)
	}
	return out
}

func near(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol) {
		t.Errorf("%s: got %.9g, want %.9g, off by %.2g, tolerance %g", what, got, want, got-want, tol)
	}
}

func TestGoldenField(t *testing.T) {
	g := readGolden(t)
	d := divergence.New(g.flow(t, 1))
	for _, c := range []struct {
		name string
		x    [][]float64
		div  []float64
		u    [][]float64
	}{{"data", g.X, g.DivX, g.UX}, {"monte carlo", g.Y, g.DivY, nil}} {
		x := flat(c.x)
		for _, path := range []struct {
			name string
			eval func(x, nu, mu, u []float64)
			tol  float64 // weights are stored in float32, so even float64 arithmetic is 1e-6 off
		}{{"float32", d.Eval, 1e-5}, {"float64", d.Eval64, 2e-6}} {
			nu, mu, u := make([]float64, len(c.x)), make([]float64, len(c.x)), make([]float64, len(x))
			path.eval(x, nu, mu, u)
			for i, want := range c.div {
				near(t, path.name+" divergence, "+c.name, nu[i]-mu[i], want, path.tol*10)
			}
			for i, v := range flat(c.u) {
				near(t, path.name+" field, "+c.name, u[i], v, path.tol*2)
			}
		}
	}
}

func TestGoldenLoss(t *testing.T) {
	g := readGolden(t)
	for _, c := range []struct {
		scale, want float64
		grads       bool
	}{{g.OutScale, g.Loss, true}, {1, g.Loss1, false}} {
		f := g.flow(t, c.scale)
		grad := make([]float32, len(f.Nets[0].Params))
		p, err := newProgram(f, len(g.X), len(g.Y), 0, 1, g.Eps, grad)
		if err != nil {
			t.Fatal(err)
		}
		copy(p.x, append(flat(g.X), flat(g.Y)...))
		for i := range p.loss.nu {
			p.loss.nu[i] = float32(1 / (4 * math.Pi))
			if i >= len(g.X) {
				p.loss.pay[i] = float32(g.Lambda * 4 * math.Pi / float64(len(g.Y)))
			}
		}
		fit, pay := p.run(nil)
		near(t, "loss", pay-fit, c.want, 1e-4*math.Max(1, math.Abs(c.want)))
		if !c.grads {
			continue
		}
		// The golden gradient is by the unscaled weights of the last layer.
		for i, l := range f.Nets[0].WithParams(grad).Layers() {
			s := 1.0
			if i == len(g.W)-1 {
				s = g.OutScale
			}
			compare(t, "weights", l.W, transpose(g.GradW[i]), s)
			var b []float32
			for _, v := range g.GradB[i] {
				b = append(b, float32(v))
			}
			compare(t, "biases", l.B, b, s)
		}
	}
}

// compare checks gradients to 1e-4 of the largest of their tensor.
func compare(t *testing.T, what string, got, want []float32, scale float64) {
	t.Helper()
	var top float64
	for _, w := range want {
		top = math.Max(top, math.Abs(float64(w)))
	}
	for i, w := range want {
		near(t, "gradient of "+what, float64(got[i])*scale, float64(w), 1e-4*top)
	}
}
