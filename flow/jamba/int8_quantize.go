package jamba

import (
	"fmt"
	"math"
	"sync/atomic"

	"mflow/internal/kernel"
	"mflow/internal/safetensors"
)

// Quantization says which matrices are stored in eight bits and how. The zero value
// takes the experts of mixtures, as vLLM does.
type Quantization struct {
	// MLP takes the dense MLPs too, as the paper says.
	MLP bool
	// BF16 rounds weights, scales and quotients to bfloat16, which gives the integers
	// that vLLM gets from a bfloat16 checkpoint: it quantizes in place. The error of
	// the weights is a tenth larger than in float32.
	BF16 bool
}

// Quantize returns a model for inference with weights of its own, in which the
// chosen matrices are Int8. Matrices that are Int8 already stay as they are.
func (m *Model) Quantize(q Quantization) (*Model, error) {
	w := &Weights{Tied: m.Weights.Tied, EmbedTokens: m.Weights.EmbedTokens, LMHead: m.Weights.LMHead, FinalLayernorm: m.Weights.FinalLayernorm}
	for _, l := range m.Weights.Layers {
		c := l
		if l.SelfAttn != nil {
			a := *l.SelfAttn
			c.SelfAttn = &a
		}
		if l.Mamba != nil {
			s := *l.Mamba
			c.Mamba = &s
		}
		c.FeedForward.Experts = append([]MLP(nil), l.FeedForward.Experts...)
		w.Layers = append(w.Layers, c)
	}
	var first error
	w.projections(m.Config, func(name string, moe bool, _, _ int, l *Linear) {
		d, dense := (*l).(*Dense)
		switch {
		case first != nil:
		case dense && (moe || q.MLP):
			eight := newInt8(d.Out, d.In)
			first = eight.set(name, d.W, q.BF16)
			*l = eight
		case dense:
			c := *d
			*l = &c
		}
	})
	if first != nil {
		return nil, fmt.Errorf("jamba: %w", first)
	}
	w.recut(m.Config)
	return &Model{m.Config, w}, nil
}

// projections calls f for the matrices of all MLPs, whatever their type and even if
// they are nil, with their Hugging Face names.
func (w *Weights) projections(cfg Config, f func(name string, moe bool, out, in int, l *Linear)) {
	H, I := cfg.HiddenSize, cfg.IntermediateSize
	for i := range w.Layers {
		for e := range w.Layers[i].FeedForward.Experts {
			m, pre := &w.Layers[i].FeedForward.Experts[e], fmt.Sprintf("model.layers.%d.feed_forward.", i)
			if cfg.IsMoE(i) {
				pre += fmt.Sprintf("experts.%d.", e)
			}
			f(pre+"gate_proj.weight", cfg.IsMoE(i), I, H, &m.GateProj)
			f(pre+"up_proj.weight", cfg.IsMoE(i), I, H, &m.UpProj)
			f(pre+"down_proj.weight", cfg.IsMoE(i), H, I, &m.DownProj)
		}
	}
}

// recut gives the float32 tensors a slab of their own, with the values they have; a
// tensor without memory becomes zero.
func (w *Weights) recut(cfg Config) {
	n := 0
	w.tensors(cfg, func(_ string, _ *[]float32, shape ...int) { n += size(shape) })
	w.slab = make([]float32, n)
	rest := w.slab
	w.tensors(cfg, func(_ string, p *[]float32, shape ...int) {
		k := size(shape)
		copy(rest[:k], *p)
		*p, rest = rest[:k:k], rest[k:]
	})
	if w.Tied {
		w.LMHead = w.EmbedTokens
	}
}

// set quantizes x [Out, In]. The name is for the error.
func (w *Int8) set(name string, x []float32, bf16 bool) error {
	quantize := quantizeRow
	if bf16 {
		quantize = quantizeRowBF16
	}
	var bad atomic.Int64 // a row that has no scale, counted from one
	kernel.Parallel(w.Out, 1+(1<<15)/w.In, func(lo, hi int) {
		for o := lo; o < hi; o++ {
			s := quantize(w.Q[o*w.In:(o+1)*w.In], x[o*w.In:(o+1)*w.In])
			if w.Scale[o] = s; !(s <= math.MaxFloat32) {
				bad.Store(int64(o) + 1)
			}
		}
	})
	if o := bad.Load(); o > 0 {
		return fmt.Errorf("tensor %s has a number that is not finite in row %d", name, o-1)
	}
	return nil
}

// quantizeRow sets q to round(w/s), half to even, and returns s = max|w|/127. A row
// of zeros has scale zero, where 0/0 would make it NaN.
func quantizeRow(q []int8, w []float32) float32 {
	s := largest(w) / 127
	if s == 0 { // also where a row of tiny numbers has a scale that is none
		clear(q)
		return 0
	}
	for i, v := range w {
		q[i] = clamp127(v / s)
	}
	return s
}

// quantizeRowBF16 is quantizeRow with every result rounded to bfloat16.
func quantizeRowBF16(q []int8, w []float32) float32 {
	s := roundBF16(roundBF16(largest(w)) / 127)
	if s == 0 {
		clear(q)
		return 0
	}
	for i, v := range w {
		q[i] = clamp127(roundBF16(roundBF16(v) / s))
	}
	return s
}

// largest returns max |w|, or NaN if there is one.
func largest(w []float32) float32 {
	top := float32(0)
	for _, v := range w {
		top = max(top, v, -v)
	}
	return top
}

func clamp127(v float32) int8 {
	return int8(max(-127, min(127, math.RoundToEven(float64(v)))))
}

func roundBF16(v float32) float32 { return safetensors.FromBF16(safetensors.ToBF16(v)) }
