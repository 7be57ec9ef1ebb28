package jamba

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mflow/internal/safetensors"
)

func tiny(t *testing.T) *Model {
	t.Helper()
	m, err := Load("testdata/tiny")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// sameInt8 compares two models matrix by matrix.
func sameInt8(t *testing.T, a, b *Model) {
	t.Helper()
	same(t, a, b)
	var want []Linear
	b.Weights.projections(b.Config, func(_ string, _ bool, _, _ int, l *Linear) { want = append(want, *l) })
	a.Weights.projections(a.Config, func(name string, _ bool, _, _ int, l *Linear) {
		y, eight := want[0].(*Int8)
		want = want[1:]
		x, ok := (*l).(*Int8)
		if ok != eight {
			t.Fatalf("%s is %T", name, *l)
		}
		if ok && (!slices.Equal(x.Q, y.Q) || !slices.Equal(x.Scale, y.Scale)) {
			t.Fatalf("%s differs", name)
		}
	})
}

// Every type of number is read, each exactly.
func TestLoadTypes(t *testing.T) {
	src := tiny(t)
	for i, v := range src.Weights.Flat() { // numbers that all types hold
		src.Weights.Flat()[i] = safetensors.FromBF16(safetensors.ToBF16(v))
		if h := safetensors.FromF16(safetensors.ToF16(v)); h != src.Weights.Flat()[i] {
			src.Weights.Flat()[i] = float32(i%64) / 64
		}
	}
	for name, write := range map[string]func(string, []float32, ...int) safetensors.Tensor{
		"F32": safetensors.Float32, "BF16": safetensors.BFloat16, "F16": safetensors.Float16,
		"F64": func(name string, x []float32, shape ...int) safetensors.Tensor {
			wide := make([]float64, len(x))
			for i, v := range x {
				wide[i] = float64(v)
			}
			return safetensors.Float64(name, wide, shape...)
		},
	} {
		dir := t.TempDir()
		if err := src.saveConfig(dir, "float32"); err != nil {
			t.Fatal(err)
		}
		var ts []safetensors.Tensor
		src.Weights.Walk(src.Config, func(tensor string, shape []int, x []float32) { ts = append(ts, write(tensor, x, shape...)) })
		if err := safetensors.Write(filepath.Join(dir, "model.safetensors"), nil, ts); err != nil {
			t.Fatal(err)
		}
		m, err := Load(dir)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		same(t, m, src)
	}
}

// A quantized model is saved and loaded whole, in one file and in shards, and
// quantizing while loading gives the same as quantizing afterwards.
func TestInt8Checkpoint(t *testing.T) {
	for _, dir := range []string{"testdata/tiny", "testdata/tiny_bf16_sharded"} {
		for _, q := range []Quantization{{}, {MLP: true}, {BF16: true}, {MLP: true, BF16: true}} {
			m, err := Load(dir)
			if err != nil {
				t.Fatal(err)
			}
			want, err := m.Quantize(q)
			if err != nil {
				t.Fatal(err)
			}
			got, err := LoadInt8(dir, q)
			if err != nil {
				t.Fatal(err)
			}
			sameInt8(t, got, want)
			for _, shard := range []int64{0, 30_000} {
				out := t.TempDir()
				if err := want.Save(out, false, shard); err != nil {
					t.Fatal(err)
				}
				got, err := Load(out)
				if err != nil {
					t.Fatal(err)
				}
				sameInt8(t, got, want)
				if got, err = LoadInt8(out, q); err != nil { // nothing left to do
					t.Fatal(err)
				}
				sameInt8(t, got, want)
			}
		}
	}
}

// The matrices of a saved model take a quarter of the bytes, and their scales.
func TestInt8FileSize(t *testing.T) {
	m := tiny(t)
	q, err := m.Quantize(Quantization{MLP: true})
	if err != nil {
		t.Fatal(err)
	}
	bytes := func(m *Model) (n int64) {
		dir := t.TempDir()
		if err := m.Save(dir, false, 0); err != nil {
			t.Fatal(err)
		}
		f, err := safetensors.Open(filepath.Join(dir, "model.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for _, name := range f.Names() {
			if x, _ := f.Tensor(name); strings.Contains(name, "_proj.weight") && strings.Contains(name, "feed_forward") {
				n += int64(len(x.Data))
			}
		}
		return n
	}
	cfg := m.Config
	i, rows := cfg.Info(), int64(2*cfg.IntermediateSize+cfg.HiddenSize) // of one MLP
	rows *= int64(cfg.NumHiddenLayers - i.MoE + i.MoE*cfg.NumExperts)
	full, eight := bytes(m), bytes(q)
	if full != 4*(i.Experts+i.MLP) || eight != full/4+4*rows {
		t.Errorf("%d bytes became %d, want a quarter and %d for scales", full, eight, 4*rows)
	}
}

// A checkpoint saved over another one is the one that is loaded, whichever of them
// was in shards, and no file is left behind unfinished.
func TestSaveOver(t *testing.T) {
	m, dir := tiny(t), t.TempDir()
	for i, shard := range []int64{100_000, 0, 50_000, 100_000, 0} {
		m.Weights.FinalLayernorm[0] = float32(i)
		if err := m.Save(dir, false, shard); err != nil {
			t.Fatal(err)
		}
		got, err := Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		same(t, got, m)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	// The same model gives the same bytes.
	again := t.TempDir()
	if err := m.Save(again, false, 0); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"config.json", "model.safetensors"} {
		a, _ := os.ReadFile(filepath.Join(dir, name))
		b, _ := os.ReadFile(filepath.Join(again, name))
		if len(a) == 0 || !bytes.Equal(a, b) {
			t.Errorf("%s differs between two saves", name)
		}
	}
}

// Damaged eight-bit tensors are refused with one line.
func TestInt8LoadErrors(t *testing.T) {
	q, err := tiny(t).Quantize(Quantization{})
	if err != nil {
		t.Fatal(err)
	}
	const name = "model.layers.1.feed_forward.experts.0.up_proj.weight"
	for want, change := range map[string]func(x safetensors.Tensor) []safetensors.Tensor{
		name + ".scale is missing": func(x safetensors.Tensor) []safetensors.Tensor {
			if x.Name == name+".scale" {
				return nil
			}
			return []safetensors.Tensor{x}
		},
		"weight is missing": func(x safetensors.Tensor) []safetensors.Tensor {
			if strings.HasPrefix(x.Name, name) {
				return nil
			}
			return []safetensors.Tensor{x}
		},
		name + ".scale has NaN in row 2": func(x safetensors.Tensor) []safetensors.Tensor {
			if x.Name == name+".scale" {
				s, _ := x.Float32s()
				s[2] = float32(math.NaN())
				x = safetensors.Float32(x.Name, s, x.Shape...)
			}
			return []safetensors.Tensor{x}
		},
		"is of type F32, want I8": func(x safetensors.Tensor) []safetensors.Tensor {
			if x.Name == name+".int8" {
				x = safetensors.Float32(x.Name, make([]float32, len(x.Data)), x.Shape...)
			}
			return []safetensors.Tensor{x}
		},
		"has shape [48], want [48 32]": func(x safetensors.Tensor) []safetensors.Tensor {
			if x.Name == name+".int8" {
				x = safetensors.Int8(x.Name, make([]int8, 48), 48)
			}
			return []safetensors.Tensor{x}
		},
		"1 tensors are not of this model": func(x safetensors.Tensor) []safetensors.Tensor {
			if x.Name == name+".int8" {
				return []safetensors.Tensor{x, safetensors.Int8("model.layers.0.mamba.D.int8", []int8{1}, 1)}
			}
			return []safetensors.Tensor{x}
		},
	} {
		dir := t.TempDir()
		if err := q.saveConfig(dir, "float32"); err != nil {
			t.Fatal(err)
		}
		var ts []safetensors.Tensor
		for _, x := range q.tensors(false) {
			ts = append(ts, change(x.make())...)
		}
		if err := safetensors.Write(filepath.Join(dir, "model.safetensors"), nil, ts); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), dir) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want %q and %s", err, want, dir)
		}
	}
}

// A model in eight bits is counted in eight bits when memory is looked at.
func TestMemory(t *testing.T) {
	cfg, err := ReadConfig("testdata/published/jamba-v0.1.json")
	if err != nil {
		t.Fatal(err)
	}
	i, s := cfg.Info(), &source{}
	none := s.memory(cfg, func(string, bool) bool { return false })
	some := s.memory(cfg, func(_ string, moe bool) bool { return moe })
	if none != 4*i.Parameters {
		t.Errorf("%d bytes, want %d", none, 4*i.Parameters)
	}
	if want := i.Int8Bytes + 2*(i.Parameters-i.Experts); some != want { // the rest in 32 bits, not 16
		t.Errorf("%d bytes, want %d", some, want)
	}
}
