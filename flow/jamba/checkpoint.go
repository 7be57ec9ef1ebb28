package jamba

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"mflow/internal/safetensors"
)

// Load reads a checkpoint in the Hugging Face layout: config.json beside
// model.safetensors or its shards. Older names of tensors and the fused experts
// of later versions are understood, and so are matrices that Save has stored in
// eight bits. A tensor that is missing, of another shape or unknown is an error, and
// so is a model that does not fit into memory.
func Load(dir string) (*Model, error) { return load(dir, nil) }

// LoadInt8 reads a checkpoint as Load does and quantizes matrices one by one as they
// are read, so that they are never in memory as float32 together. The model is that
// of Load and Quantize.
func LoadInt8(dir string, q Quantization) (*Model, error) { return load(dir, &q) }

func load(dir string, q *Quantization) (*Model, error) {
	cfg, err := ReadConfig(dir)
	if err != nil {
		return nil, err
	}
	file, err := safetensors.OpenDir(dir)
	if err != nil {
		return nil, fmt.Errorf("jamba: %w", err)
	}
	defer file.Close()
	m, err := build(file, cfg, q)
	if err != nil {
		return nil, fmt.Errorf("jamba: %s: %w", dir, err)
	}
	return m, nil
}

// Stored returns how many bytes of every type the tensors of a checkpoint take.
// Without safetensors in the directory there are none.
func Stored(dir string) (map[safetensors.DType]int64, error) {
	names, err := filepath.Glob(filepath.Join(dir, "model.safetensors*"))
	if err != nil || len(names) == 0 {
		return nil, err
	}
	file, err := safetensors.OpenDir(dir)
	if err != nil {
		return nil, fmt.Errorf("jamba: %w", err)
	}
	defer file.Close()
	bytes := map[safetensors.DType]int64{}
	for _, name := range file.Names() {
		t, err := file.Tensor(name)
		if err != nil {
			return nil, fmt.Errorf("jamba: %s: %w", dir, err)
		}
		bytes[t.DType] += int64(len(t.Data))
	}
	return bytes, nil
}

// build makes a model of an open file.
func build(file *safetensors.File, cfg Config, q *Quantization) (*Model, error) {
	src := newSource(file, cfg)
	// eight tells which matrices will be in eight bits.
	eight := func(name string, moe bool) bool {
		return src.has(name+".int8") || q != nil && (moe || q.MLP)
	}
	if err := Fits(src.memory(cfg, eight)); err != nil {
		return nil, err
	}
	m := &Model{cfg, skeleton(cfg, eight)}
	return m, src.fill(m, q != nil && q.BF16)
}

// memory returns the bytes of a model of which some matrices are in eight bits.
func (s *source) memory(cfg Config, eight func(name string, moe bool) bool) int64 {
	need := 4 * cfg.Info().Parameters
	probe := &Weights{Layers: make([]Layer, cfg.NumHiddenLayers)}
	for i := range probe.Layers {
		probe.Layers[i].FeedForward.Experts = make([]MLP, experts(cfg, i))
	}
	probe.projections(cfg, func(name string, moe bool, out, in int, _ *Linear) {
		if eight(name, moe) {
			need -= 3*int64(out)*int64(in) - 4*int64(out)
		}
	})
	return need
}

// skeleton returns zero weights of which some matrices are in eight bits.
func skeleton(cfg Config, eight func(name string, moe bool) bool) *Weights {
	any := false
	w := NewWeightsWithoutExperts(cfg)
	w.projections(cfg, func(name string, moe bool, out, in int, l *Linear) {
		if eight(name, moe) {
			*l, any = newInt8(out, in), true
		} else if *l == nil {
			*l = &Dense{Out: out, In: in}
		}
	})
	if !any {
		return NewWeights(cfg)
	}
	// What NewWeightsWithoutExperts has cut is zero: forget it, rather than copy it.
	w.tensors(cfg, func(_ string, p *[]float32, _ ...int) { *p = nil })
	w.recut(cfg)
	return w
}

// experts returns the number of MLPs of layer i.
func experts(cfg Config, i int) int {
	if cfg.IsMoE(i) {
		return cfg.NumExperts
	}
	return 1
}

// Fits returns an error if so many bytes are more than the memory that is free, where the
// system tells how much that is.
func Fits(need int64) error {
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
			return fmt.Errorf("%.1f GiB of memory are needed, but %.1f GiB are free", gib(need), gib(kb*1024))
		}
	}
	return nil
}

func gib(b int64) float64 { return float64(b) / (1 << 30) }
