package train

import (
	"bytes"
	"context"
	"errors"
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
	"mflow/internal/kernel"
	"mflow/manifold"
)

// small is a run that takes a second and has everything: an uneven last batch,
// checks, an average.
func small(t testing.TB, seed uint64) (*flow.Flow, Data, Settings) {
	t.Helper()
	d, err := datasets.NewSynthetic("bumps", manifold.Sphere{N: 2})
	if err != nil {
		t.Fatal(err)
	}
	s := d.Draw(500, seed)
	sp, err := s.Split(datasets.Distinct, seed, datasets.Common)
	if err != nil {
		t.Fatal(err)
	}
	field, err := flow.NewField(s.Manifold, flow.FieldSpec{Hidden: []int{24, 24}, Waves: 16, Scales: []float64{1, 3}}, rand.New(rand.NewPCG(seed, 1)))
	if err != nil {
		t.Fatal(err)
	}
	f := &flow.Flow{Manifold: s.Manifold, Prior: prior.Uniform{M: manifold.Sphere{N: 2}}, Nets: []*nn.MLP{field}}
	set := Settings{Seed: seed, Steps: 60, Batch: 64, Monte: 100, Check: Check{Every: 10, Points: 1000}}
	return f, Data{Train: s.Points(sp.Train), Val: s.Points(sp.Val)}, set
}

func run(t testing.TB, r *Run, until int) {
	t.Helper()
	for s, err := range r.Steps(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		if s.N == until {
			return
		}
	}
}

func bytesOf(t testing.TB, r *Run) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.ckpt")
	if err := r.Save(path); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestResume: stopped and resumed at any step, a run ends in the same bytes.
func TestResume(t *testing.T) {
	f, data, set := small(t, 3)
	whole, err := New(f, data, set)
	if err != nil {
		t.Fatal(err)
	}
	run(t, whole, 0)
	want := bytesOf(t, whole)
	for _, at := range []int{1, 7, 10, 33, 59} {
		f, data, set := small(t, 3)
		r, err := New(f, data, set)
		if err != nil {
			t.Fatal(err)
		}
		run(t, r, at)
		path := filepath.Join(t.TempDir(), "last.ckpt")
		if err := r.Save(path); err != nil {
			t.Fatal(err)
		}
		again, err := Resume(path, data)
		if err != nil {
			t.Fatal(err)
		}
		if again.Step() != at {
			t.Fatalf("resumed at step %d, want %d", again.Step(), at)
		}
		run(t, again, 0)
		if !bytes.Equal(bytesOf(t, again), want) {
			t.Errorf("resumed at step %d, the run ends in other bytes", at)
		}
	}
}

// TestLearns: the score falls well below that of the prior, the kept flow is
// normalised, and its score is at most that of the check it was kept for.
func TestLearns(t *testing.T) {
	f, data, set := small(t, 1)
	set.Steps = 300
	r, err := New(f, data, set)
	if err != nil {
		t.Fatal(err)
	}
	run(t, r, 0)
	best, score, err := r.Flow(20000)
	if err != nil {
		t.Fatal(err)
	}
	uniform := math.Log(4 * math.Pi)
	if score.ValNLL > uniform-0.3 {
		t.Errorf("score %.3f, the uniform density's is %.3f", score.ValNLL, uniform)
	}
	if score.ValNLL > r.Best().ValNLL+0.01 {
		t.Errorf("score %.4f after scaling, %.4f before", score.ValNLL, r.Best().ValNLL)
	}
	_, mass, err := divergence.Normaliser(best, 50000, rand.New(rand.NewPCG(9, 9)))
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(mass.Value-1) > 4*mass.SE {
		t.Errorf("integral %.4f ± %.4f", mass.Value, mass.SE)
	}
}

func TestPatience(t *testing.T) {
	f, data, set := small(t, 2)
	set.Adam.LearnRate = 1e-12 // nothing is learned, so nothing gets better
	set.Adam.Decay = -1
	set.Check = Check{Every: 5, Points: 100, Patience: 2}
	r, err := New(f, data, set)
	if err != nil {
		t.Fatal(err)
	}
	run(t, r, 0)
	if r.Step() >= 60 || r.Step() < 10 {
		t.Errorf("stopped after %d steps", r.Step())
	}
}

func TestDiverged(t *testing.T) {
	f, data, set := small(t, 2)
	r, err := New(f, data, set)
	if err != nil {
		t.Fatal(err)
	}
	run(t, r, 20)
	f.Nets[0].Params[0] = float32(math.NaN())
	for _, err := range r.Steps(context.Background()) {
		if !errors.Is(err, ErrDiverged) || !strings.Contains(err.Error(), "step 20") {
			t.Fatalf("got %v, want one that wraps ErrDiverged and names step 20", err)
		}
	}
	if r.Step() != 20 || r.Best().Step == 0 {
		t.Errorf("at step %d, best %+v", r.Step(), r.Best())
	}
}

func TestCancelled(t *testing.T) {
	f, data, set := small(t, 2)
	r, err := New(f, data, set)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for s, err := range r.Steps(ctx) {
		if s.N == 5 {
			cancel()
		}
		if err != nil && (!errors.Is(err, context.Canceled) || s.N != 5) {
			t.Errorf("step %d: %v", s.N, err)
		}
	}
}

func TestBadInput(t *testing.T) {
	for name, change := range map[string]func(f *flow.Flow, d *Data, s *Settings){
		"learn_rate": func(_ *flow.Flow, _ *Data, s *Settings) { s.Adam.LearnRate = -1 },
		"batch":      func(_ *flow.Flow, _ *Data, s *Settings) { s.Batch = -1 },
		"lambda":     func(_ *flow.Flow, _ *Data, s *Settings) { s.Loss.Lambda = math.NaN() },
		"points of":  func(_ *flow.Flow, d *Data, _ *Settings) { d.Train = d.Train[:4] },
		"0 training": func(_ *flow.Flow, d *Data, _ *Settings) { d.Train = nil },
		"densities":  func(_ *flow.Flow, d *Data, _ *Settings) { d.Nu = []float64{1} },
		"positive":   func(_ *flow.Flow, d *Data, _ *Settings) { d.Nu = make([]float64, len(d.Train)/3) },
		"on torus":   func(f *flow.Flow, _ *Data, _ *Settings) { f.Manifold = manifold.Torus{N: 2} },
	} {
		f, data, set := small(t, 1)
		change(f, &data, &set)
		if _, err := New(f, data, set); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, want an error with %q", err, name)
		}
	}
}

func TestResumeErrors(t *testing.T) {
	f, data, set := small(t, 1)
	r, err := New(f, data, set)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "last.ckpt")
	if err := r.Save(path); err != nil {
		t.Fatal(err)
	}
	if _, err := Resume(path, Data{Train: data.Train[:30]}); err == nil || !strings.Contains(err.Error(), "the data and split it was started with") {
		t.Errorf("other data: %v", err)
	}
	model := filepath.Join(dir, "model.mflow")
	if err := flow.Save(model, f); err != nil {
		t.Fatal(err)
	}
	if _, err := Resume(model, data); err == nil || !strings.Contains(err.Error(), "not a checkpoint") {
		t.Errorf("a model: %v", err)
	}
	raw, _ := os.ReadFile(path)
	os.WriteFile(path, raw[:len(raw)/2], 0o644)
	if _, err := Resume(path, data); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("half a checkpoint: %v", err)
	}
}

// TestTruth trains on synthetic sets whose density is known and measures the
// divergence KL(truth ‖ model) on fresh draws: under 0.02 nats.
func TestTruth(t *testing.T) {
	if testing.Short() {
		t.Skip("trains five models, which takes a minute")
	}
	for _, c := range []struct {
		spec  string
		steps int
	}{{"sphere", 1500}, {"sphere:3", 1500}, {"torus", 1500}, {"revolution:2,1", 1500}, {"so3", 1500}} {
		t.Run(c.spec, func(t *testing.T) {
			m, err := manifold.Parse(c.spec)
			if err != nil {
				t.Fatal(err)
			}
			d, err := datasets.NewSynthetic("bumps", m)
			if err != nil {
				t.Fatal(err)
			}
			train, val, test := d.Draw(40000, 1), d.Draw(4000, 2), d.Draw(20000, 3)
			field, err := flow.NewField(m, flow.FieldSpec{Hidden: []int{64, 64}, Waves: 64, Scales: []float64{0.5, 1, 2}}, rand.New(rand.NewPCG(1, 1)))
			if err != nil {
				t.Fatal(err)
			}
			f := &flow.Flow{Manifold: m, Prior: prior.Uniform{M: d.Manifold}, Nets: []*nn.MLP{field}}
			r, err := New(f, Data{Train: train.X, Val: val.X}, Settings{Steps: c.steps, Adam: Adam{Decay: -1}, Check: Check{Every: 250}})
			if err != nil {
				t.Fatal(err)
			}
			run(t, r, 0)
			best, score, err := r.Flow(100000)
			if err != nil {
				t.Fatal(err)
			}
			lp := make([]float64, test.N())
			divergence.New(best).LogProb(lp, test.X)
			var kl, sq float64
			for i, v := range lp {
				g := d.LogProb(test.At(i)) - v
				kl += g / float64(len(lp))
				sq += g * g / float64(len(lp))
			}
			se := math.Sqrt((sq - kl*kl) / float64(len(lp)))
			t.Logf("KL %.4f ± %.4f, Z %.4f", kl, se, score.Z)
			if kl > 0.02 {
				t.Errorf("KL(truth ‖ model) is %.4f ± %.4f nats, want under 0.02", kl, se)
			}
		})
	}
}

func BenchmarkStep(b *testing.B) {
	for _, c := range []struct {
		name, spec string
		hidden     []int
	}{{"sphere/3x128", "sphere", []int{128, 128, 128}}, {"sphere/3x256", "sphere", []int{256, 256, 256}}, {"sphere/5x512", "sphere", []int{512, 512, 512, 512, 512}}, {"torus7/3x256", "torus:7", []int{256, 256, 256}}} {
		b.Run(c.name, func(b *testing.B) {
			m, err := manifold.Parse(c.spec)
			if err != nil {
				b.Fatal(err)
			}
			u := m.(manifold.Measurer)
			waves := -1
			if c.spec != "sphere" {
				waves = 8
			}
			field, err := flow.NewField(m, flow.FieldSpec{Hidden: c.hidden, Waves: waves}, rand.New(rand.NewPCG(1, 1)))
			if err != nil {
				b.Fatal(err)
			}
			_, n := m.Dims()
			x := make([]float64, 512*n)
			rnd := rand.New(rand.NewPCG(1, 2))
			for i := range 512 {
				u.Rand(x[i*n:(i+1)*n], rnd)
			}
			r, err := New(&flow.Flow{Manifold: m, Prior: prior.Uniform{M: u}, Nets: []*nn.MLP{field}}, Data{Train: x},
				Settings{Steps: 1 << 30, Batch: 512, Monte: 512, Check: Check{Every: 1 << 30}})
			if err != nil {
				b.Fatal(err)
			}
			run(b, r, 3) // compile and allocate
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.one(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestStepAllocates: a warm step allocates nothing, on one thread and on two, with
// the exact divergence and with probes, under uniform and other priors.
func TestStepAllocates(t *testing.T) {
	for _, threads := range []int{1, 2} {
		for _, probes := range []int{0, 1} {
			kernel.SetThreads(threads)
			defer kernel.SetThreads(0)
			m := manifold.Sphere{N: 2}
			field, err := flow.NewField(m, flow.FieldSpec{Hidden: []int{64, 64}, Waves: 8}, rand.New(rand.NewPCG(1, 1)))
			if err != nil {
				t.Fatal(err)
			}
			x := make([]float64, 3*1000)
			rnd := rand.New(rand.NewPCG(1, 2))
			for i := range 1000 {
				m.Rand(x[3*i:3*i+3], rnd)
			}
			r, err := New(&flow.Flow{Manifold: m, Prior: prior.Uniform{M: m}, Nets: []*nn.MLP{field}}, Data{Train: x},
				Settings{Steps: 1 << 30, Batch: 128, Probes: probes, Check: Check{Every: 1 << 30}})
			if err != nil {
				t.Fatal(err)
			}
			run(t, r, 20) // both shapes of a batch
			if n := testing.AllocsPerRun(50, func() {
				if _, err := r.one(); err != nil {
					t.Fatal(err)
				}
			}); n != 0 {
				t.Errorf("%d threads, %d probes: %g allocations a step", threads, probes, n)
			}
		}
	}
}
