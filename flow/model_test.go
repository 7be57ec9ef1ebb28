package flow_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mflow/datasets"
	"mflow/divergence"
	"mflow/flow"
	"mflow/flow/nn"
	"mflow/flow/prior"
	"mflow/internal/safetensors"
	"mflow/manifold"
	"mflow/train"
)

// made returns a flow with random weights on m.
func made(t testing.TB, spec string) *flow.Flow {
	t.Helper()
	m, err := manifold.Parse(spec)
	if err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(1, 1))
	field, err := flow.NewField(m, flow.FieldSpec{Hidden: []int{8, 8}, Waves: 6, Scales: []float64{1}}, rnd)
	if err != nil {
		t.Fatal(err)
	}
	for i := range field.Params {
		field.Params[i] += float32(0.01 * rnd.NormFloat64())
	}
	return &flow.Flow{
		Manifold: m, Prior: prior.Uniform{M: m.(manifold.Measurer)}, Nets: []*nn.MLP{field}, Eps: 1e-3, Z: 1.01, ZSE: 1e-4,
		Data: &flow.DataSummary{Source: "here", Protocol: "distinct", Rows: 5},
	}
}

// TestRelativeFile: a file keeps whether the field is relative, and is refused if
// the prior has no gradient.
func TestRelativeFile(t *testing.T) {
	f := made(t, "sphere")
	kent, err := prior.NewKent([]float64{0.7}, []float64{0, 0, 1, 1, 0, 0, 0, 1, 0}, []float64{50}, []float64{20}, 0.3)
	if err != nil {
		t.Fatal(err)
	}
	f.Prior, f.Relative = kent, true
	path := filepath.Join(t.TempDir(), "m.mflow")
	if err := flow.Save(path, f); err != nil {
		t.Fatal(err)
	}
	g, err := flow.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	x, a, b := []float64{0, 0.6, 0.8}, make([]float64, 1), make([]float64, 1)
	divergence.New(f).Mu(a, x)
	divergence.New(g).Mu(b, x)
	if !g.Relative || a[0] != b[0] {
		t.Errorf("density %g, relative; read back %g, relative %t", a[0], b[0], g.Relative)
	}
	_, mass, err := divergence.Normaliser(f, 40000, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(mass.Value-1) > 4*mass.SE {
		t.Errorf("the density integrates to %.4f ± %.4f", mass.Value, mass.SE)
	}
	if f.Prior, err = prior.NewBlend([]float64{1}, kent); err != nil {
		t.Fatal(err)
	}
	if err := flow.Save(path, f); err != nil {
		t.Fatal(err)
	}
	if _, err := flow.Load(path); err == nil {
		t.Error("a relative field on a prior without gradient was read")
	}
}

func TestModelFile(t *testing.T) {
	for _, spec := range []string{"sphere", "sphere:3", "torus:7", "so3", "revolution:2,1", "sphere*box:0..700", "box:0..1,0..24p"} {
		f := made(t, spec)
		path := filepath.Join(t.TempDir(), "m.mflow")
		if err := flow.Save(path, f); err != nil {
			t.Fatal(err)
		}
		g, err := flow.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		if g.Manifold.String() != spec && spec != "torus:2" || g.Z != f.Z || g.Eps != f.Eps || g.Data.Source != "here" {
			t.Errorf("%s: got %+v", spec, g)
		}
		_, n := f.Manifold.Dims()
		x, a, b := make([]float64, n), make([]float64, 1), make([]float64, 1)
		f.Prior.Rand(x, rand.New(rand.NewPCG(2, 2)))
		divergence.New(f).LogProb(a, x)
		divergence.New(g).LogProb(b, x)
		if a[0] != b[0] {
			t.Errorf("%s: log-density %g became %g", spec, a[0], b[0])
		}
	}
}

func TestModelErrors(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, meta map[string]string, change func(ts []safetensors.Tensor) []safetensors.Tensor) string {
		own, ts, err := made(t, "sphere").Encode()
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range meta {
			own[k] = strings.Replace(own[k], strings.Split(v, "→")[0], strings.Split(v, "→")[1], 1)
		}
		if change != nil {
			ts = change(ts)
		}
		p := filepath.Join(dir, name)
		if err := safetensors.Write(p, own, ts); err != nil {
			t.Fatal(err)
		}
		return p
	}
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("lat,lon\n1,2\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(dir, "other")
	if err := safetensors.Write(other, nil, nil); err != nil {
		t.Fatal(err)
	}
	for want, path := range map[string]string{
		"no such file":            filepath.Join(dir, "none"),
		"not a safetensors file":  text,
		"without the metadata":    other,
		"which reads format 2":    write("newer", map[string]string{"mflow": `"format":2→"format":9`}, nil),
		"valid are":               write("manifold", map[string]string{"mflow": `"sphere"→"ball"`}, nil),
		"unknown kind":            write("prior", map[string]string{"mflow": `"uniform"→"normal"`}, nil),
		"unknown activation":      write("act", map[string]string{"mflow": `"swish"→"relu"`}, nil),
		"of R3 to R3 on sphere:3": write("dims", map[string]string{"mflow": `"sphere"→"sphere:3"`}, nil),
		"no tensor":               write("missing", nil, func(ts []safetensors.Tensor) []safetensors.Tensor { return ts[:len(ts)-1] }),
		"layer 0":                 write("shape", nil, func(ts []safetensors.Tensor) []safetensors.Tensor { ts[3].Shape = []int{8, 15}; return ts }),
	} {
		_, err := flow.Load(path)
		if err == nil {
			t.Errorf("%s was read", path)
			continue
		}
		if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want one line with %q and the file's name", err, want)
		}
	}
}

func TestFieldSpec(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for _, s := range []flow.FieldSpec{{Activation: "relu"}, {Scales: []float64{0}}, {Scales: []float64{math.NaN()}}, {Hidden: []int{-1}}} {
		if _, err := flow.NewField(manifold.Sphere{N: 2}, s, rnd); err == nil {
			t.Errorf("%+v was taken", s)
		}
	}
	if _, err := flow.NewField(manifold.Torus{N: 2}, flow.FieldSpec{Waves: -1}, rnd); err == nil {
		t.Error("a field on a torus without waves was taken")
	}
}

// TestPeriodic: on a torus, and along periodic sides of a box, the field has the
// period of the coordinate.
func TestPeriodic(t *testing.T) {
	for _, c := range []struct {
		spec   string
		period float64
	}{{"torus", 2 * math.Pi}, {"box:0..24p,-1..1", 24}, {"circle*sphere", 2 * math.Pi}} {
		f := made(t, c.spec)
		_, n := f.Manifold.Dims()
		x := make([]float64, n)
		f.Prior.Rand(x, rand.New(rand.NewPCG(1, 1)))
		a := f.Nets[0].Eval64(1, 0, x)
		x[0] += c.period
		for i, v := range f.Nets[0].Eval64(1, 0, x) {
			if math.Abs(v-a[i]) > 1e-6 {
				t.Errorf("%s: component %d is %g, and a period on %g", c.spec, i, a[i], v)
			}
		}
	}
}

// The whole road: points, prior, field, training, density.
func Example() {
	truth, err := datasets.NewSynthetic("bumps", nil)
	if err != nil {
		panic(err)
	}
	set := truth.Draw(2000, 0)
	split, err := set.Split(datasets.Distinct, 0, datasets.Common)
	if err != nil {
		panic(err)
	}
	sphere := manifold.Sphere{N: 2}
	field, err := flow.NewField(sphere, flow.FieldSpec{Hidden: []int{32, 32}, Waves: 16, Scales: []float64{1}}, rand.New(rand.NewPCG(0, 0)))
	if err != nil {
		panic(err)
	}
	f := &flow.Flow{Manifold: sphere, Prior: prior.Uniform{M: sphere}, Nets: []*nn.MLP{field}}
	run, err := train.New(f, train.Data{Train: set.Points(split.Train), Val: set.Points(split.Val)}, train.Settings{Steps: 200})
	if err != nil {
		panic(err)
	}
	for _, err := range run.Steps(context.Background()) {
		if err != nil {
			panic(err)
		}
	}
	model, score, err := run.Flow(20000)
	if err != nil {
		panic(err)
	}
	fmt.Println("better than uniform:", score.ValNLL < math.Log(4*math.Pi)-0.2)
	fmt.Println("normalised:", model.Z >= 1 && model.Z < 1.1)
	// Output:
	// better than uniform: true
	// normalised: true
}
