package jamba

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"mflow/internal/safetensors"
)

// source finds the tensors of a model in a file by today's names, whatever the names
// and the layout of the file.
type source struct {
	file *safetensors.File
	at   map[string]string // today's name -> the file's
	used map[string]bool   // by the file's name

	experts int // in a mixture
}

func newSource(file *safetensors.File, cfg Config) *source {
	s := &source{file, map[string]string{}, map[string]bool{}, cfg.NumExperts}
	for _, name := range file.Names() {
		s.at[modern(name, cfg)] = name
	}
	return s
}

func (s *source) has(name string) bool {
	_, ok := s.at[name]
	return ok
}

// fill copies the tensors of the file to the weights, and quantizes those that are
// wanted in eight bits and are not so in the file.
func (s *source) fill(m *Model, bf16 bool) error {
	var first error
	m.Weights.Walk(m.Config, func(name string, shape []int, data []float32) {
		if first == nil {
			first = s.floats(data, name, shape)
		}
	})
	var buf []float32
	m.Weights.projections(m.Config, func(name string, _ bool, out, in int, l *Linear) {
		w, ok := (*l).(*Int8)
		if first != nil || !ok {
			return
		}
		if s.has(name + ".int8") {
			first = s.eight(w, name)
			return
		}
		buf = grow(buf, out*in)
		if first = s.floats(buf, name, []int{out, in}); first == nil {
			first = w.set(name, buf, bf16)
		}
	})
	if first != nil {
		return first
	}
	var extra []string
	for _, name := range s.file.Names() {
		if !s.used[name] && !(m.Weights.Tied && name == "lm_head.weight") {
			extra = append(extra, name)
		}
	}
	if len(extra) > 0 {
		return fmt.Errorf("%d tensors are not of this model by config.json: %s", len(extra), strings.Join(extra[:min(3, len(extra))], ", "))
	}
	return nil
}

// tensor returns a tensor of the given shape.
func (s *source) tensor(name string, shape []int) (t safetensors.Tensor, err error) {
	stored, ok := s.at[name]
	if !ok {
		return s.expert(name, shape)
	}
	s.used[stored] = true
	if t, err = s.file.Tensor(stored); err != nil {
		return t, err
	}
	if !slices.Equal(t.Shape, shape) {
		return t, fmt.Errorf("tensor %s has shape %v, want %v by config.json", stored, t.Shape, shape)
	}
	return t, nil
}

// floats copies a tensor to dst.
func (s *source) floats(dst []float32, name string, shape []int) error {
	t, err := s.tensor(name, shape)
	if err != nil {
		return err
	}
	return t.CopyFloat32s(dst)
}

// eight copies a matrix that is stored in eight bits, with its scales.
func (s *source) eight(w *Int8, name string) error {
	if err := s.floats(w.Scale, name+".scale", []int{w.Out}); err != nil {
		return err
	}
	for o, v := range w.Scale {
		if !finite(v) || v < 0 {
			return fmt.Errorf("tensor %s.scale has %g in row %d", name, v, o)
		}
	}
	t, err := s.tensor(name+".int8", []int{w.Out, w.In})
	if err != nil {
		return err
	}
	if t.DType != safetensors.I8 {
		return fmt.Errorf("tensor %s.int8 is of type %s, want I8", name, t.DType)
	}
	for i, b := range t.Data {
		w.Q[i] = int8(b)
	}
	return nil
}

func finite(v float32) bool { return v-v == 0 }

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

// expert returns one expert's matrix out of the tensors of all experts in one:
// gate_up_proj [E, 2I, H], gate rows first, and down_proj [E, H, I].
func (s *source) expert(name string, shape []int) (t safetensors.Tensor, err error) {
	missing := fmt.Errorf("tensor %s is missing", name)
	part := expertName.FindStringSubmatch(name)
	if part == nil {
		return t, missing
	}
	e, _ := strconv.Atoi(part[2])
	whole, parts, at := part[1]+"down_proj", 1, 0
	if part[3] != "down" {
		whole, parts = part[1]+"gate_up_proj", 2
		if part[3] == "up" {
			at = 1
		}
	}
	stored, ok := s.at[whole]
	if !ok {
		return t, missing
	}
	s.used[stored] = true
	if t, err = s.file.Tensor(stored); err != nil {
		return t, err
	}
	if len(t.Shape) != 3 || t.Shape[0] != s.experts || t.Shape[1] != parts*shape[0] || t.Shape[2] != shape[1] {
		return t, fmt.Errorf("tensor %s has shape %v, want %v by config.json", stored, t.Shape, []int{s.experts, parts * shape[0], shape[1]})
	}
	n := size(shape) * t.DType.Size()
	t.Name, t.Shape, t.Data = name, shape, t.Data[(e*parts+at)*n:][:n]
	return t, nil
}
