package prior

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"mflow/manifold"
)

// A Blend is a weighted sum of densities. The mixture of flows with priors νⱼ and
// fields uⱼ is the flow with the blend of the priors and the field Σ wⱼ uⱼ, since
// the divergence is linear.
type Blend struct {
	Weight []float64
	Of     []Density

	logW []float64
}

// NewBlend returns a blend. Weights are positive and sum to one.
func NewBlend(weight []float64, of ...Density) (*Blend, error) {
	b := &Blend{Weight: weight, Of: of}
	if len(weight) != len(of) || len(of) == 0 {
		return nil, fmt.Errorf("prior: blend of %d densities with %d weights", len(of), len(weight))
	}
	var sum float64
	for i, w := range weight {
		if !(w > 0) {
			return nil, fmt.Errorf("prior: weight %d of a blend is %g, want above 0", i, w)
		}
		sum += w
		b.logW = append(b.logW, math.Log(w))
	}
	if math.Abs(sum-1) > 1e-9 {
		return nil, fmt.Errorf("prior: weights of a blend sum to %g, want 1", sum)
	}
	return b, nil
}

// LogProb returns the log-density at x.
func (b *Blend) LogProb(x []float64) float64 {
	var room [8]float64
	terms := room[:0]
	for i, d := range b.Of {
		terms = append(terms, b.logW[i]+d.LogProb(x))
	}
	return logSumExp(terms)
}

// Rand writes a point of the blend to x.
func (b *Blend) Rand(x []float64, rnd *rand.Rand) { b.Of[pick(b.Weight, rnd)].Rand(x, rnd) }

// blendHeader is what a model file says of a blend; the tensors of part i are
// named "i." and their name.
type blendHeader struct {
	Weight []float64   `json:"weight"`
	Of     []blendPart `json:"of"`
}

type blendPart struct {
	Kind string          `json:"kind"`
	Meta json.RawMessage `json:"meta,omitempty"`
}

func (b *Blend) marshal() (json.RawMessage, Tensors, error) {
	h := blendHeader{Weight: b.Weight}
	all := Tensors{}
	for i, d := range b.Of {
		kind, meta, ts, err := Marshal(d)
		if err != nil {
			return nil, nil, err
		}
		h.Of = append(h.Of, blendPart{kind, meta})
		for name, t := range ts {
			all[strconv.Itoa(i)+"."+name] = t
		}
	}
	meta, err := json.Marshal(h)
	return meta, all, err
}

func unmarshalBlend(meta json.RawMessage, all Tensors, m manifold.Manifold) (Density, error) {
	var h blendHeader
	if err := json.Unmarshal(meta, &h); err != nil {
		return nil, fmt.Errorf("prior: blend: %w", err)
	}
	var of []Density
	for i, part := range h.Of {
		if part.Kind == "blend" {
			return nil, fmt.Errorf("prior: part %d of a blend is a blend", i)
		}
		ts := Tensors{}
		for name, t := range all {
			if name, ok := strings.CutPrefix(name, strconv.Itoa(i)+"."); ok {
				ts[name] = t
			}
		}
		d, err := Unmarshal(part.Kind, part.Meta, ts, m)
		if err != nil {
			return nil, err
		}
		of = append(of, d)
	}
	return NewBlend(h.Weight, of...)
}
