package jamba

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"mflow/internal/kernel"
)

// randomInt8 returns a matrix with all integers from -127 to 127.
func randomInt8(rnd *rand.Rand, out, in int) *Int8 {
	w := newInt8(out, in)
	for i := range w.Q {
		w.Q[i] = int8(rnd.IntN(255) - 127)
	}
	for o := range w.Scale {
		w.Scale[o] = float32(0.5 + rnd.Float64())
	}
	return w
}

// The product is that of the formula in float64, by every kernel, for one row, a few
// and many, and for sizes with and without a remainder. Sums of n products, of some
// 73 √n at the end, are off by √n roundings of 6e-8 of that when they are taken one
// by one: 4e-6 n, of which the tolerance is five times.
func TestInt8Apply(t *testing.T) {
	with(t, func(t *testing.T) {
		rnd := rand.New(rand.NewPCG(5, 6))
		for _, c := range []struct{ rows, out, in int }{
			{1, 1, 1},
			{1, 5, 15},
			{1, 7, 16},
			{1, 300, 48},
			{1, 33, 67},
			{1, 9, 200},
			{1, 70, 4096},
			{2, 5, 16},
			{3, 9, 33},
			{7, 65, 64},
			{15, 12, 130},
			{16, 5, 48},
			{40, 130, 67},
			{17, 200, 8192},
		} {
			w, x := randomInt8(rnd, c.out, c.in), randn(rnd, c.rows*c.in, 1)
			got := randn(rnd, c.rows*c.out, 1) // what dst held before must not matter
			got[0] = float32(math.NaN())
			w.Apply(got, x, c.rows)
			tol := 1e-4 + 2e-5*float64(c.in)
			for r := range c.rows {
				for o := range c.out {
					want := 0.0
					for i := range c.in {
						want += float64(x[r*c.in+i]) * float64(w.Q[o*c.in+i])
					}
					want *= float64(w.Scale[o])
					if d := math.Abs(float64(got[r*c.out+o]) - want); !(d < tol) {
						t.Fatalf("%+v: [%d, %d] = %g, want %g, off by %g", c, r, o, got[r*c.out+o], want, d)
					}
				}
			}
		}
	})
}

// Every integer is widened exactly, and nothing beside is written.
func TestWiden(t *testing.T) {
	with(t, func(t *testing.T) {
		q := make([]int8, 256)
		for i := range q {
			q[i] = int8(i - 128)
		}
		for _, n := range []int{1, 15, 16, 37, 256} {
			dst := make([]float32, n+1)
			dst[n] = 7
			widen(dst[:n], q[256-n:])
			for i, v := range q[256-n:] {
				if dst[i] != float32(v) {
					t.Fatalf("%d became %g", v, dst[i])
				}
			}
			if dst[n] != 7 {
				t.Fatal("wrote beyond the end")
			}
		}
	})
}

// The number of threads does not change a bit.
func TestInt8Threads(t *testing.T) {
	defer kernel.SetThreads(0)
	rnd := rand.New(rand.NewPCG(7, 8))
	w := randomInt8(rnd, 1000, 530)
	for _, rows := range []int{1, 5, 40} {
		x, one, two := randn(rnd, rows*530, 1), make([]float32, rows*1000), make([]float32, rows*1000)
		kernel.SetThreads(1)
		w.Apply(one, x, rows)
		kernel.SetThreads(2)
		w.Apply(two, x, rows)
		if !slices.Equal(one, two) {
			t.Errorf("%d rows: one thread and two differ", rows)
		}
	}
}

// Rows worked out by hand, with ties, zeros and numbers too small for a scale.
func TestQuantizeRow(t *testing.T) {
	tiny := math.Float32frombits(1)
	for _, c := range []struct {
		w     []float32
		scale float32
		q     []int8
	}{
		{[]float32{127, -127, 0.5, 1.5, 2.5, -0.5, -2.5}, 1, []int8{127, -127, 0, 2, 2, 0, -2}},
		{[]float32{0, 0, float32(math.Copysign(0, -1))}, 0, []int8{0, 0, 0}},
		{[]float32{tiny, -tiny}, 0, []int8{0, 0}},
		{[]float32{-254, 3}, 2, []int8{-127, 2}},
		{[]float32{math.MaxFloat32, -1}, math.MaxFloat32 / 127, []int8{127, 0}},
	} {
		q := []int8{9, 9, 9, 9, 9, 9, 9}[:len(c.w)]
		if s := quantizeRow(q, c.w); s != c.scale || !slices.Equal(q, c.q) {
			t.Errorf("%v: %v with scale %g, want %v with %g", c.w, q, s, c.q, c.scale)
		}
	}
	// In bfloat16 the scale 127.5/127 rounds up so far that the largest weight is 126.
	q := make([]int8, 2)
	if s := quantizeRowBF16(q, []float32{127.5, -127.5}); s != 1.0078125 || q[0] != 126 || q[1] != -126 {
		t.Errorf("bfloat16: %v with scale %g", q, s)
	}
}

// No weight moves by more than half a step, give or take the rounding of the quotient.
func TestQuantizeHalfStep(t *testing.T) {
	rnd := rand.New(rand.NewPCG(9, 10))
	for range 200 {
		w := randn(rnd, 1+rnd.IntN(300), math.Exp(10*rnd.NormFloat64()))
		q := make([]int8, len(w))
		s := quantizeRow(q, w)
		for i, v := range w {
			if d := math.Abs(float64(v) - float64(s)*float64(q[i])); d > 0.50002*float64(s) {
				t.Fatalf("%g became %d steps of %g", v, q[i], s)
			}
		}
	}
}

func TestQuantizeErrors(t *testing.T) {
	for _, bad := range []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))} {
		m, err := Load("testdata/tiny")
		if err != nil {
			t.Fatal(err)
		}
		m.Weights.Layers[1].FeedForward.Experts[2].UpProj.(*Dense).W[3*32+5] = bad
		for _, q := range []Quantization{{}, {BF16: true}} {
			_, err = m.Quantize(q)
			if err == nil || !strings.Contains(err.Error(), "layers.1.feed_forward.experts.2.up_proj.weight has a number that is not finite in row 3") {
				t.Errorf("%g: %v", bad, err)
			}
		}
	}
}

// Integers and scales are those of the fixtures, exactly, in both arithmetics.
func TestParityInt8Integers(t *testing.T) {
	for _, c := range []struct {
		file string
		q    Quantization
	}{{"experts_int8.safetensors", Quantization{}}, {"experts_int8_vllm_bf16.safetensors", Quantization{BF16: true}}} {
		t.Run(c.file, func(t *testing.T) {
			fixtures(t, func(t *testing.T, dir string, m *Model) {
				e := open(t, dir, c.file)
				q, err := m.Quantize(c.q)
				if err != nil {
					t.Fatal(err)
				}
				n := 0
				q.Weights.projections(q.Config, func(name string, moe bool, _, _ int, l *Linear) {
					w, ok := (*l).(*Int8)
					if ok != moe {
						t.Fatalf("%s is %T", name, *l)
					}
					if !moe {
						return
					}
					n++
					if got, want := w.Q, e.ints(name+".int8"); !slices.Equal(got, want) {
						t.Errorf("%s: integers differ", name)
					}
					for o, want := range e.floats(name + ".scale") {
						if float64(w.Scale[o]) != want {
							t.Fatalf("%s: scale %d is %g, want %g", name, o, w.Scale[o], want)
						}
					}
				})
				if want := q.Config.Info().MoE * q.Config.NumExperts * 3; n != want {
					t.Errorf("%d matrices, want %d", n, want)
				}
			})
		})
	}
}

// The network with Int8 experts gives the reference's logits, in a pass, and token by
// token in a decoder.
func TestParityInt8Logits(t *testing.T) {
	fixtures(t, func(t *testing.T, dir string, m *Model) {
		e, full := open(t, dir, "experts_int8.safetensors"), open(t, dir, "expected.safetensors")
		q, err := m.Quantize(Quantization{})
		if err != nil {
			t.Fatal(err)
		}
		if q.Params() != m.Params() {
			t.Errorf("%d parameters, want %d", q.Params(), m.Params())
		}
		worst := 0.0
		for _, s := range e.sequences() {
			ids, want := full.ids(s+"input_ids"), e.floats(s+"logits")
			_, logits := forward(t, q, Input{IDs: ids})
			worst = max(worst, near(t, s+"logits", logits, want, absTol, relTol))
			d := NewDecoder(q)
			state, steps := []*State{d.NewState()}, []float32(nil)
			for _, id := range ids {
				l, err := d.Step(state, []int{id})
				if err != nil {
					t.Fatal(err)
				}
				steps = append(steps, l...)
			}
			worst = max(worst, near(t, s+"logits of steps", steps, want, absTol, relTol))
		}
		t.Logf("largest difference: logits %.2g", worst)
	})
}

// A quantized model shares no memory with its source, which stays as it was, cannot
// be trained, and takes the memory that Info says.
func TestQuantize(t *testing.T) {
	m, err := Load("testdata/tiny")
	if err != nil {
		t.Fatal(err)
	}
	before := slices.Clone(m.Weights.Flat())
	for _, mlp := range []bool{false, true} {
		q, err := m.Quantize(Quantization{MLP: mlp})
		if err != nil {
			t.Fatal(err)
		}
		eight, floats := 0, 4*len(q.Weights.Flat())
		q.Weights.projections(q.Config, func(name string, moe bool, _, _ int, l *Linear) {
			w, ok := (*l).(*Int8)
			if ok != (moe || mlp) {
				t.Errorf("MLP %v: %s is %T", mlp, name, *l)
			}
			if ok {
				eight += w.Bytes()
			}
		})
		i := m.Config.Info()
		want := int(4 * (i.Parameters - i.Experts))
		if mlp {
			want -= int(4 * i.MLP)
		}
		if floats != want {
			t.Errorf("MLP %v: %d bytes of float32, want %d", mlp, floats, want)
		}
		if !mlp && int64(eight) != i.Int8Bytes-2*(i.Parameters-i.Experts) {
			t.Errorf("%d bytes of experts, Info says %d", eight, i.Int8Bytes-2*(i.Parameters-i.Experts))
		}
		for j := range q.Weights.Flat() {
			q.Weights.Flat()[j] = 0
		}
		if !slices.Equal(before, m.Weights.Flat()) {
			t.Fatal("the source has changed")
		}
		if _, err := NewTrainer(q, Training{}); err == nil || !strings.Contains(err.Error(), "cannot be trained") {
			t.Errorf("training: %v", err)
		}
	}
}

// A matrix of the size of an expert of Jamba v0.1, and a whole network.
func BenchmarkInt8Apply(b *testing.B) {
	const out, in = 14336, 4096
	rnd := rand.New(rand.NewPCG(1, 1))
	eight := randomInt8(rnd, out, in)
	dense := &Dense{out, in, randn(rnd, out*in, 1)}
	for _, rows := range []int{1, 4, 64} {
		x, y := randn(rnd, rows*in, 1), make([]float32, rows*out)
		for _, c := range []struct {
			name  string
			w     Linear
			bytes int
		}{{"float32", dense, 4 * out * in}, {"int8", eight, eight.Bytes()}} {
			b.Run(fmt.Sprintf("rows=%d/%s", rows, c.name), func(b *testing.B) {
				b.SetBytes(int64(c.bytes))
				b.ReportAllocs()
				for b.Loop() {
					c.w.Apply(y, x, rows)
				}
			})
		}
	}
}

func BenchmarkInt8Decode(b *testing.B) {
	m, rnd := benchModel(b)
	for _, name := range []string{"float32", "experts", "experts and MLPs"} {
		q := m
		if name != "float32" {
			var err error
			if q, err = m.Quantize(Quantization{MLP: name != "experts"}); err != nil {
				b.Fatal(err)
			}
		}
		b.Run(name, func(b *testing.B) {
			d := NewDecoder(q)
			s := d.NewState()
			if _, err := d.Prefill(s, randomIDs(rnd, 64, 128)); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.Step([]*State{s}, randomIDs(rnd, 1, 128)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
