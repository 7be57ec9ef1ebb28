package prior

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"

	"mflow/manifold"
)

// A Density is what every prior is.
type Density interface {
	// LogProb returns the log-density at x, in nats.
	LogProb(x []float64) float64

	// Rand writes a point drawn from the density to x.
	Rand(x []float64, rnd *rand.Rand)
}

var _, _, _, _, _, _ Density = Uniform{}, (*Mixture)(nil), (*Kent)(nil), (*Kernels)(nil), (*Cover)(nil), (*Blend)(nil)

// Uniform is the uniform density of a manifold.
type Uniform struct{ M manifold.Measurer }

// LogProb returns minus the logarithm of the volume.
func (u Uniform) LogProb([]float64) float64 { return -math.Log(u.M.Volume()) }

// Rand writes a uniform point.
func (u Uniform) Rand(x []float64, rnd *rand.Rand) { u.M.Rand(x, rnd) }

// IsUniform marks the density as constant.
func (Uniform) IsUniform() {}

// A Tensor is an array of numbers in a model file.
type Tensor struct {
	Shape []int
	Data  []float64
}

// Tensors are the arrays of a prior, by name.
type Tensors map[string]Tensor

// Marshal returns what Unmarshal needs to make the prior again.
func Marshal(p Density) (kind string, meta json.RawMessage, ts Tensors, err error) {
	switch p := p.(type) {
	case Uniform:
		return "uniform", nil, nil, nil
	case *Mixture:
		ts = Tensors{
			"weight": {[]int{len(p.Weight)}, p.Weight},
			"mean":   {[]int{len(p.Weight), p.dim()}, p.Mean},
			"kappa":  {[]int{len(p.Weight), len(p.Kappa) / max(1, len(p.Weight))}, p.Kappa},
		}
		meta, err = json.Marshal(mixtureHeader{p.Uniform})
		return "mixture", meta, ts, err
	case *Kent:
		meta, err = json.Marshal(mixtureHeader{p.Uniform})
		return "kent", meta, p.tensors(), err
	case *Kernels:
		n := p.space.ambient()
		ts = Tensors{
			"points": {[]int{len(p.Points) / n, n}, p.Points},
			"kappa":  {[]int{len(p.Fixed)}, p.Fixed},
			"near":   {[]int{len(p.Near), len(p.Points) / n}, flatten(p.Near)},
			"weight": {[]int{len(p.Weight)}, p.Weight},
		}
		if len(p.Shape) > 0 {
			ts["shape"] = Tensor{[]int{len(p.Shape), len(p.Points) / n, p.space.packed()}, flatten(p.Shape)}
		}
		if len(p.Gain) > 0 {
			ts["gain"] = Tensor{[]int{len(p.Points) / n, p.parts()}, p.Gain}
		}
		if len(p.Class) > 0 {
			class := make([]float64, len(p.Class))
			for i, c := range p.Class {
				class[i] = float64(c)
			}
			ts["class"] = Tensor{[]int{len(class)}, class}
		}
		meta, err = json.Marshal(struct {
			Floor float64 `json:"floor"`
		}{p.Floor})
		return "kernels", meta, ts, err
	case *Blend:
		meta, ts, err = p.marshal()
		return "blend", meta, ts, err
	case *Cover:
		meta, ts, err = p.marshal()
		return "cover", meta, ts, err
	}
	return "", nil, nil, fmt.Errorf("prior: a prior of type %T cannot be stored", p)
}

// mixtureHeader is what a model file says of a mixture beside its tensors.
type mixtureHeader struct {
	Uniform float64 `json:"uniform"`
}

// Unmarshal returns the prior of the given kind on m.
func Unmarshal(kind string, meta json.RawMessage, ts Tensors, m manifold.Manifold) (Density, error) {
	switch kind {
	case "uniform":
		u, ok := m.(manifold.Measurer)
		if !ok {
			return nil, fmt.Errorf("prior: the volume of %s is not known", m)
		}
		return Uniform{u}, nil
	case "mixture":
		s, err := spaceOf(m)
		if err != nil {
			return nil, err
		}
		p := &Mixture{space: s, Weight: ts["weight"].Data, Mean: ts["mean"].Data, Kappa: ts["kappa"].Data}
		var h mixtureHeader
		if err := json.Unmarshal(meta, &h); err != nil {
			return nil, fmt.Errorf("prior: mixture: %w", err)
		}
		p.Uniform = h.Uniform
		return p, p.prepare()
	case "kent":
		var h mixtureHeader
		if err := json.Unmarshal(meta, &h); err != nil {
			return nil, fmt.Errorf("prior: Kent mixture: %w", err)
		}
		if err := kentOn(m); err != nil {
			return nil, err
		}
		return NewKent(ts["weight"].Data, ts["axes"].Data, ts["kappa"].Data, ts["beta"].Data, h.Uniform)
	case "kernels":
		s, err := spaceOf(m)
		if err != nil {
			return nil, err
		}
		p := &Kernels{space: s, Points: ts["points"].Data, Fixed: ts["kappa"].Data, Weight: ts["weight"].Data, Gain: ts["gain"].Data}
		p.Near = rows(ts["near"])
		p.Shape = rows(ts["shape"])
		for i, c := range ts["class"].Data {
			if !(c >= 0 && c < 1e6 && c == math.Trunc(c)) {
				return nil, fmt.Errorf("prior: class of point %d of the kernels is %g, want a small whole number", i, c)
			}
			p.Class = append(p.Class, int(c))
		}
		var h struct {
			Floor float64 `json:"floor"`
		}
		if err := json.Unmarshal(meta, &h); err != nil {
			return nil, fmt.Errorf("prior: kernels: %w", err)
		}
		p.Floor = h.Floor
		return p, p.prepare()
	case "blend":
		return unmarshalBlend(meta, ts, m)
	case "cover":
		return unmarshalCover(meta, ts, m)
	}
	return nil, fmt.Errorf("prior: unknown kind %q, want uniform, mixture, kent, kernels, blend or cover", kind)
}

// rows returns the rows of a tensor along its first axis, views.
func rows(t Tensor) [][]float64 {
	var out [][]float64
	if len(t.Shape) < 2 || t.Shape[0] < 1 {
		return nil
	}
	w := len(t.Data) / t.Shape[0]
	for i := range t.Shape[0] {
		out = append(out, t.Data[i*w:(i+1)*w])
	}
	return out
}

func flatten(x [][]float64) []float64 {
	var out []float64
	for _, r := range x {
		out = append(out, r...)
	}
	return out
}

// logSumExp returns log Σ exp xᵢ.
func logSumExp(x []float64) float64 {
	top := math.Inf(-1)
	for _, v := range x {
		top = math.Max(top, v)
	}
	if math.IsInf(top, -1) {
		return top
	}
	var s float64
	for _, v := range x {
		s += math.Exp(v - top)
	}
	return top + math.Log(s)
}
