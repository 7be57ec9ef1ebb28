package jamba

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"mflow/internal/atomicfile"
	"mflow/internal/safetensors"
)

// Load reads a checkpoint in the Hugging Face layout: config.json beside
// model.safetensors or its shards. Older names of tensors and the fused experts
// of later versions are understood. A tensor that is missing, of another shape
// or unknown is an error, and so is a model that does not fit into memory.
func Load(dir string) (*Model, error) {
	cfg, err := ReadConfig(dir)
	if err != nil {
		return nil, err
	}
	if err := fits(4*cfg.Info().Parameters, dir); err != nil {
		return nil, err
	}
	file, err := safetensors.OpenDir(dir)
	if err != nil {
		return nil, fmt.Errorf("jamba: %w", err)
	}
	defer file.Close()
	m := &Model{cfg, NewWeights(cfg)}
	if err := fill(m, file); err != nil {
		return nil, fmt.Errorf("jamba: %s: %w", dir, err)
	}
	return m, nil
}

// fits refuses a model larger than the memory that is free, where the system
// tells how much that is.
func fits(need int64, what string) error {
	raw, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return nil // not Linux
	}
	for _, line := range strings.Split(string(raw), "\n") {
		f := strings.Fields(line)
		if len(f) < 2 || f[0] != "MemAvailable:" {
			continue
		}
		if kb, err := strconv.ParseInt(f[1], 10, 64); err == nil && need > kb*1024 {
			return fmt.Errorf("jamba: %s needs %.1f GiB for its weights in float32, but %.1f GiB are free", what, gib(need), gib(kb*1024))
		}
	}
	return nil
}

func gib(b int64) float64 { return float64(b) / (1 << 30) }

// fill copies the tensors of the file to the weights.
func fill(m *Model, file *safetensors.File) error {
	at := map[string]string{} // today's name -> the file's
	for _, name := range file.Names() {
		at[modern(name, m.Config)] = name
	}
	used := map[string]bool{}
	var first error
	m.Weights.Walk(m.Config, func(name string, shape []int, data []float32) {
		if first != nil {
			return
		}
		stored, ok := at[name]
		if !ok {
			var done bool
			if done, first = fused(file, at, used, name, shape, data); !done && first == nil {
				first = fmt.Errorf("tensor %s is missing", name)
			}
			return
		}
		used[stored] = true
		t, err := file.Tensor(stored)
		if err != nil {
			first = err
			return
		}
		if !slices.Equal(t.Shape, shape) {
			first = fmt.Errorf("tensor %s has shape %v, want %v by config.json", stored, t.Shape, shape)
			return
		}
		x, err := t.Float32s()
		if err != nil {
			first = err
			return
		}
		copy(data, x)
	})
	if first != nil {
		return first
	}
	var extra []string
	for _, name := range file.Names() {
		if !used[name] && !(m.Weights.Tied && name == "lm_head.weight") {
			extra = append(extra, name)
		}
	}
	if len(extra) > 0 {
		return fmt.Errorf("%d tensors are not of this model by config.json: %s", len(extra), strings.Join(extra[:min(3, len(extra))], ", "))
	}
	return nil
}

var denseAsExpert = regexp.MustCompile(`layers\.(\d+)\.feed_forward\.experts\.0\.`)

// modern returns today's name of a tensor.
func modern(name string, c Config) string {
	name = strings.NewReplacer(
		".moe.", ".feed_forward.", "pre_moe_layernorm", "pre_ff_layernorm",
		"B_layernorm", "b_layernorm", "C_layernorm", "c_layernorm",
	).Replace(name)
	// Dense layers were once stored as their only expert.
	if s := denseAsExpert.FindStringSubmatch(name); s != nil {
		if i, err := strconv.Atoi(s[1]); err == nil && !c.IsMoE(i) {
			name = strings.Replace(name, ".experts.0.", ".", 1)
		}
	}
	return name
}

var expertName = regexp.MustCompile(`^(.*\.feed_forward\.experts\.)(\d+)\.(gate|up|down)_proj\.weight$`)

// fused copies one expert's matrix out of the tensors of all experts in one:
// gate_up_proj [E, 2I, H], gate rows first, and down_proj [E, H, I].
func fused(file *safetensors.File, at map[string]string, used map[string]bool, name string, shape []int, data []float32) (bool, error) {
	s := expertName.FindStringSubmatch(name)
	if s == nil {
		return false, nil
	}
	e, _ := strconv.Atoi(s[2])
	whole, parts, part := s[1]+"down_proj", 1, 0
	if s[3] != "down" {
		whole, parts = s[1]+"gate_up_proj", 2
		if s[3] == "up" {
			part = 1
		}
	}
	stored, ok := at[whole]
	if !ok {
		return false, nil
	}
	used[stored] = true
	t, err := file.Tensor(stored)
	if err != nil {
		return false, err
	}
	if len(t.Shape) != 3 || e >= t.Shape[0] || t.Shape[1] != parts*shape[0] || t.Shape[2] != shape[1] {
		return false, fmt.Errorf("tensor %s has shape %v, want [experts %d %d] by config.json", stored, t.Shape, parts*shape[0], shape[1])
	}
	size := len(data) * t.DType.Size()
	view := t
	view.Data = t.Data[(e*parts+part)*size:][:size]
	x, err := view.Float32s()
	if err != nil {
		return false, err
	}
	copy(data, x)
	return true, nil
}

// Save writes a checkpoint in the Hugging Face layout to a directory: config.json
// and model.safetensors, or shards of at most maxShard bytes with their index if
// maxShard is positive. bf16 rounds the weights to bfloat16.
func (m *Model) Save(dir string, bf16 bool, maxShard int64) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("jamba: %w", err)
	}
	dtype := "float32"
	if bf16 {
		dtype = "bfloat16"
	}
	if err := m.saveConfig(dir, dtype); err != nil {
		return err
	}
	var all []safetensors.Tensor
	var shards [][]safetensors.Tensor
	var total, room int64
	m.Weights.Walk(m.Config, func(name string, shape []int, data []float32) {
		t := safetensors.Float32(name, data, shape...)
		if bf16 {
			t = safetensors.BFloat16(name, data, shape...)
		}
		n := int64(len(t.Data))
		if maxShard > 0 && room+n > maxShard && len(all) > 0 {
			shards, all, room = append(shards, all), nil, 0
		}
		all = append(all, t)
		room += n
		total += n
	})
	shards = append(shards, all)
	meta := map[string]string{"format": "pt"} // which Hugging Face's loader asks for
	if len(shards) == 1 {
		return safetensors.Write(filepath.Join(dir, "model.safetensors"), meta, all)
	}
	index := map[string]string{}
	for i, ts := range shards {
		file := fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, len(shards))
		if err := safetensors.Write(filepath.Join(dir, file), meta, ts); err != nil {
			return err
		}
		for _, t := range ts {
			index[t.Name] = file
		}
	}
	return writeJSON(filepath.Join(dir, "model.safetensors.index.json"), map[string]any{
		"metadata": map[string]int64{"total_size": total}, "weight_map": index,
	})
}

func (m *Model) saveConfig(dir, dtype string) error {
	raw, err := json.Marshal(m.Config)
	if err != nil {
		return fmt.Errorf("jamba: %w", err)
	}
	all := map[string]any{}
	if err := json.Unmarshal(raw, &all); err != nil {
		return fmt.Errorf("jamba: %w", err)
	}
	all["model_type"], all["architectures"], all["torch_dtype"] = "jamba", []string{"JambaForCausalLM"}, dtype
	all["mamba_dt_rank"] = m.Config.DtRank()
	all["use_mamba_kernels"] = false
	return writeJSON(filepath.Join(dir, "config.json"), all)
}

func writeJSON(path string, v any) error {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err == nil {
		err = atomicfile.Write(path, func(w io.Writer) error {
			_, err := w.Write(append(raw, '\n'))
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("jamba: %w", err)
	}
	return nil
}
