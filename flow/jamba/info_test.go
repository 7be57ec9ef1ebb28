package jamba

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"mflow/internal/safetensors"
)

// TestInfo reproduces the published sizes from the published shapes.
func TestInfo(t *testing.T) {
	for _, c := range []struct {
		name                     string
		total, active            float64
		share, withMLP           float64
		attn, mamba, moe         int
		cache256K, state, int8GB float64
	}{
		{"jamba-v0.1", 51.57, 12.11, 0.874, 0.929, 4, 28, 16, 4, 17.5, 58},
		{"jamba-1.5-large", 398.6, 94.2, 0.873, 0.927, 9, 63, 36, 9, 78.8, 449},
	} {
		cfg, err := ReadConfig("testdata/published/" + c.name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		if want := DefaultConfig(); c.name == "jamba-v0.1" {
			want.MambaDtRank = 256
			if !reflect.DeepEqual(cfg, want) {
				t.Errorf("the defaults %+v are not those of %+v", want, cfg)
			}
		}
		i := cfg.Info()
		check := func(what string, got, want, tol float64) {
			t.Helper()
			if math.Abs(got-want) > tol {
				t.Errorf("%s: %s is %.4g, want %.4g", c.name, what, got, want)
			}
		}
		check("parameters", float64(i.Parameters)/1e9, c.total, 0.06)
		check("active", float64(i.Active)/1e9, c.active, 0.06)
		check("expert share", i.ExpertShare(), c.share, 0.001)
		check("cache of 256K tokens, GiB", float64(i.CacheBytes)*(256<<10)/(1<<30), c.cache256K, 1e-9)
		check("state, MiB", float64(i.StateBytes)/(1<<20), c.state, 0.06)
		check("share with MLPs", float64(i.Experts+i.MLP)/float64(i.Parameters), c.withMLP, 0.001)
		check("int8 weights, GB", float64(i.Int8Bytes)/1e9, c.int8GB, 1)
		if i.Attention != c.attn || i.Mamba != c.mamba || i.MoE != c.moe {
			t.Errorf("%s: %d, %d, %d layers", c.name, i.Attention, i.Mamba, i.MoE)
		}
	}
}

// TestInfoCounts compares the count with the weights of small models.
func TestInfoCounts(t *testing.T) {
	for _, cfg := range []Config{
		{VocabSize: 11, HiddenSize: 8, IntermediateSize: 12, NumHiddenLayers: 3, NumAttentionHeads: 2, NumKeyValueHeads: 1, RMSNormEps: 1e-6, NumExperts: 3, NumExpertsPerTok: 2, ExpertLayerPeriod: 2, ExpertLayerOffset: 1, AttnLayerPeriod: 3, AttnLayerOffset: 1, MambaDState: 4, MambaDConv: 3, MambaExpand: 2, MambaProjBias: true},
		{VocabSize: 7, HiddenSize: 6, IntermediateSize: 5, NumHiddenLayers: 2, NumAttentionHeads: 3, NumKeyValueHeads: 3, RMSNormEps: 1e-6, NumExperts: 1, NumExpertsPerTok: 1, ExpertLayerPeriod: 1, AttnLayerPeriod: 2, MambaDState: 2, MambaDConv: 2, MambaExpand: 1, MambaConvBias: true, TieWordEmbeddings: true},
	} {
		n := 0
		NewWeights(cfg).Walk(cfg, func(_ string, _ []int, x []float32) { n += len(x) })
		if got := cfg.Info().Parameters; got != int64(n) {
			t.Errorf("counted %d parameters, the weights have %d", got, n)
		}
	}
}

// What a step takes is what is said before it, but for the slack of the arena.
func TestActivationBytes(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for name, shape := range map[string]func(c *Config){
		"eight layers": func(*Config) {},
		"attention":    func(c *Config) { c.AttnLayerPeriod, c.AttnLayerOffset = 1, 0 },
		"dense Mamba":  func(c *Config) { c.AttnLayerPeriod, c.AttnLayerOffset, c.NumExperts = 9, 8, 1 },
		"all mixtures": func(c *Config) { c.ExpertLayerPeriod, c.ExpertLayerOffset, c.NumExpertsPerTok = 1, 0, 3 },
	} {
		cfg := DefaultConfig()
		cfg.VocabSize, cfg.HiddenSize, cfg.IntermediateSize, cfg.NumHiddenLayers = 32, 64, 128, 8
		cfg.NumAttentionHeads, cfg.NumKeyValueHeads, cfg.NumExperts, cfg.MambaDtRank = 4, 2, 4, 4
		shape(&cfg)
		m := randomModel(t, cfg, rnd)
		for _, recompute := range []bool{false, true} {
			tr, err := NewTrainer(m, Training{Checkpoint: recompute})
			if err != nil {
				t.Fatal(err)
			}
			const tokens = 2048
			for range 2 { // until memory has settled
				if _, err := tr.Step(Input{IDs: randomIDs(rnd, tokens, 32)}, nil); err != nil {
					t.Fatal(err)
				}
			}
			got, want := float64(tr.Pass.Bytes()), float64(cfg.ActivationBytes(tokens, recompute))
			if got < want/1.33 || got > want*1.5 {
				t.Errorf("%s, recompute %v: %.1f MiB, said to be %.1f", name, recompute, got/(1<<20), want/(1<<20))
			}
		}
	}
}

func TestConfigErrors(t *testing.T) {
	for _, c := range [][2]string{
		{`{`, "unexpected end"},
		{`[]`, "array"},
		{`{"hidden_size": "big"}`, "hidden_size"},
		{`{"hidden_size": 0}`, "hidden_size is 0"},
		{`{"num_attention_heads": 3}`, "no multiple"},
		{`{"num_key_value_heads": 5}`, "no multiple"},
		{`{"attn_layer_offset": 8}`, "attn_layer_offset is 8"},
		{`{"expert_layer_offset": -1}`, "expert_layer_offset is -1"},
		{`{"num_experts_per_tok": 17}`, "of 16 experts"},
		{`{"hidden_act": "gelu"}`, "silu"},
		{`{"model_type": "llama"}`, "llama"},
		{`{"mamba_inner_layernorms": false}`, "not a Jamba"},
		{`{"mamba_dt_rank": -3}`, "mamba_dt_rank"},
		{`{"rms_norm_eps": 0}`, "rms_norm_eps"},
		{`{"mamba_d_conv": 0}`, "mamba_d_conv"},
		{`{"num_hidden_layers": 60000000, "num_experts": 2}`, "num_hidden_layers"},
		{`{"mamba_dt_rank": 99999999999}`, "mamba_dt_rank"},
		{`{"hidden_size": 67108864, "intermediate_size": 67108864}`, "parameters"},
	} {
		if _, err := ParseConfig([]byte(c[0])); err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%s: %v, want %q", c[0], err, c[1])
		}
	}
	c, err := ParseConfig([]byte(`{"num_key_value_heads": null, "mamba_dt_rank": "auto", "eos_token_id": [2, 518], "n_ctx": 5, "auto_map": {}}`))
	if err != nil || c.PadTokenID != 0 || c.NumKeyValueHeads != 32 || c.DtRank() != 256 || fmt.Sprint(c.EOSTokenID) != "[2 518]" {
		t.Errorf("%+v, %v", c, err)
	}
	c, err = ParseConfig([]byte(`{"pad_token_id": null, "auto_map": {"num_key_value_heads": null}}`))
	if err != nil || c.PadTokenID != -1 || c.NumKeyValueHeads != 8 {
		t.Errorf("%+v, %v", c, err)
	}
}

// TestSaveLoad: every layout of a checkpoint gives the same weights.
func TestSaveLoad(t *testing.T) {
	src, err := Load("testdata/tiny")
	if err != nil {
		t.Fatal(err)
	}
	for _, shard := range []int64{0, 100_000} {
		dir := t.TempDir()
		if err := src.Save(dir, false, shard); err != nil {
			t.Fatal(err)
		}
		got, err := Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		same(t, got, src)
	}
	old, fusedDir := t.TempDir(), t.TempDir()
	var renamed []safetensors.Tensor
	byLayer := map[string][]float32{}
	shapes := map[string][]int{}
	src.Weights.Walk(src.Config, func(name string, shape []int, x []float32) {
		r := strings.NewReplacer(".feed_forward.", ".moe.", "pre_ff_layernorm", "pre_moe_layernorm", "b_layernorm", "B_layernorm", "c_layernorm", "C_layernorm").Replace(name)
		if strings.Contains(r, ".moe.") && !strings.Contains(r, "experts") && !strings.Contains(r, "router") {
			r = strings.Replace(r, ".moe.", ".moe.experts.0.", 1)
		}
		renamed = append(renamed, safetensors.Float32(r, x, shape...))
		s := expertName.FindStringSubmatch(name)
		key := name
		if s != nil {
			key = s[1] + map[string]string{"gate": "gate_up_proj", "up": "gate_up_proj", "down": "down_proj"}[s[3]]
			if s[3] == "gate" || s[3] == "down" {
				n := shape[0]
				if s[3] == "gate" {
					n *= 2
				}
				shapes[key] = []int{src.Config.NumExperts, n, shape[1]}
			}
		} else {
			shapes[key] = shape
		}
		byLayer[key] = append(byLayer[key], x...)
	})
	var together []safetensors.Tensor
	for name, x := range byLayer {
		together = append(together, safetensors.Float32(name, x, shapes[name]...))
	}
	for dir, ts := range map[string][]safetensors.Tensor{old: renamed, fusedDir: together} {
		if err := src.saveConfig(dir, "float32"); err != nil {
			t.Fatal(err)
		}
		if err := safetensors.Write(filepath.Join(dir, "model.safetensors"), nil, ts); err != nil {
			t.Fatal(err)
		}
		got, err := Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		same(t, got, src)
	}
}

func same(t *testing.T, a, b *Model) {
	t.Helper()
	x, y := a.Weights.Flat(), b.Weights.Flat()
	if len(x) != len(y) {
		t.Fatalf("%d and %d parameters", len(x), len(y))
	}
	for i := range x {
		if x[i] != y[i] {
			t.Fatalf("parameter %d: %g and %g", i, x[i], y[i])
		}
	}
}

func TestLoadErrors(t *testing.T) {
	src, err := Load("testdata/tiny")
	if err != nil {
		t.Fatal(err)
	}
	write := func(change func(ts []safetensors.Tensor) []safetensors.Tensor) string {
		dir := t.TempDir()
		var ts []safetensors.Tensor
		src.Weights.Walk(src.Config, func(name string, shape []int, x []float32) {
			ts = append(ts, safetensors.Float32(name, x, shape...))
		})
		if err := src.saveConfig(dir, "float32"); err != nil {
			t.Fatal(err)
		}
		if err := safetensors.Write(filepath.Join(dir, "model.safetensors"), nil, change(ts)); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	for want, dir := range map[string]string{
		"is missing":   write(func(ts []safetensors.Tensor) []safetensors.Tensor { return ts[1:] }),
		"want [64 32]": write(func(ts []safetensors.Tensor) []safetensors.Tensor { ts[0].Shape = []int{32, 64}; return ts }),
		"not of this": write(func(ts []safetensors.Tensor) []safetensors.Tensor {
			return append(ts, safetensors.Float32("more", []float32{1}, 1))
		}),
		"floating-point": write(func(ts []safetensors.Tensor) []safetensors.Tensor {
			ts[1] = safetensors.Int64(ts[1].Name, make([]int64, 32), 32)
			return ts
		}),
		"no such file":    t.TempDir(),
		"GiB are free":    hugeDir(t),
		"unexpected end":  configDir(t, "{"),
		"hidden_size is ": configDir(t, `{"hidden_size": -1}`),
	} {
		if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%v, want %q and %s", err, want, dir)
		}
	}
}

func configDir(t *testing.T, text string) string {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func hugeDir(t *testing.T) string {
	if _, err := os.Stat("/proc/meminfo"); err != nil {
		return t.TempDir() + "/GiB are free" // not Linux: nothing to refuse by
	}
	dir := configDir(t, `{"hidden_size": 65536, "num_attention_heads": 64}`)
	if err := safetensors.Write(filepath.Join(dir, "model.safetensors"), nil, nil); err != nil {
		t.Fatal(err)
	}
	return dir
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(`{"hidden_size": 64, "mamba_dt_rank": "auto", "eos_token_id": [1]}`))
	for _, name := range []string{"tiny", "tiny_bf16_sharded"} {
		raw, err := os.ReadFile(filepath.Join("testdata", name, "config.json"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := ParseConfig(raw)
		if err != nil {
			return
		}
		if err := c.Validate(); err != nil {
			t.Errorf("%s was taken, and is invalid: %v", raw, err)
		}
		if c.NumHiddenLayers > 1<<12 {
			return // sound, and slow to count
		}
		if i := c.Info(); i.Active <= 0 || i.Active > i.Parameters || i.CacheBytes < 0 || i.StateBytes < 0 || i.Int8Bytes < 0 {
			t.Errorf("%s was taken, and comes to %+v", raw, i)
		}
	})
}

// smallest is a model of a few hundred parameters with every kind of layer.
func smallest(t testing.TB) *Model {
	cfg := DefaultConfig()
	cfg.VocabSize, cfg.HiddenSize, cfg.IntermediateSize, cfg.NumHiddenLayers = 3, 2, 2, 2
	cfg.NumAttentionHeads, cfg.NumKeyValueHeads, cfg.AttnLayerPeriod, cfg.AttnLayerOffset = 2, 1, 2, 1
	cfg.NumExperts, cfg.NumExpertsPerTok, cfg.MambaDState, cfg.MambaDtRank = 2, 1, 2, 1
	m, err := New(cfg, rand.New(rand.NewPCG(1, 1)))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// FuzzLoad: a checkpoint that is taken runs, whatever its numbers are.
func FuzzLoad(f *testing.F) {
	m := smallest(f)
	q, err := m.Quantize(Quantization{MLP: true})
	if err != nil {
		f.Fatal(err)
	}
	for _, m := range []*Model{m, q} {
		dir := f.TempDir()
		if err := m.Save(dir, false, 0); err != nil {
			f.Fatal(err)
		}
		config, err1 := os.ReadFile(filepath.Join(dir, "config.json"))
		weights, err2 := os.ReadFile(filepath.Join(dir, "model.safetensors"))
		if err1 != nil || err2 != nil {
			f.Fatal(err1, err2)
		}
		n := 8 + binary.LittleEndian.Uint64(weights)
		f.Add(config, weights[8:n], weights[n:], false, false)
		f.Add(config, weights[8:n], weights[n:], true, true)
	}
	// The length of the header is made to fit, so that what it says is what is tried.
	f.Fuzz(func(t *testing.T, config, header, data []byte, eight, bf16 bool) {
		cfg, err := ParseConfig(config)
		if err != nil || cfg.NumHiddenLayers > 100 || cfg.Info().Parameters > 1<<18 {
			return // large ones are refused by the memory that is free, or take long to fuzz
		}
		weights := append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...)
		file, err := safetensors.Parse(append(weights, data...))
		if err != nil {
			return
		}
		var q *Quantization
		if eight {
			q = &Quantization{MLP: true, BF16: bf16}
		}
		m, err := build(file, cfg, q)
		if err != nil {
			return
		}
		if _, err := NewPass(m).Forward(Input{IDs: []int{0, cfg.VocabSize - 1, 0}}); err != nil {
			t.Fatal(err)
		}
	})
}
