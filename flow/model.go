package flow

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"mflow/flow/nn"
	"mflow/flow/prior"
	"mflow/internal/kernel"
	"mflow/internal/safetensors"
	"mflow/manifold"
)

// Version is the version of this library, which model files record.
const Version = "0.1.0"

// format is the version of the model file. Files of a later version are
// refused, and so are those of the first, which no release wrote.
const format = 2

// A model file is a safetensors file: eight bytes of header length, a JSON
// header with name, type, shape and place of every tensor, then the tensors,
// little-endian. Under the key "mflow" its metadata hold one JSON object, a
// header; the tensors are
//
//	net.j.features.{S,C,Omega}    nn.Features, n×r, r, n×F
//	net.j.layers.i.{W,b}          in×out, out
//	prior.NAME                    what the prior needs
//
// so that any safetensors reader, or ten lines of numpy, opens it.
type header struct {
	Format   int             `json:"format"`
	Library  string          `json:"library"`
	Manifold string          `json:"manifold"`
	Prior    priorHeader     `json:"prior"`
	Nets     []netHeader     `json:"nets"`
	Relative bool            `json:"relative,omitempty"`
	Eps      float64         `json:"eps"`
	Z        float64         `json:"z"`
	ZSE      float64         `json:"z_se"`
	Data     *DataSummary    `json:"data,omitempty"`
	Training json.RawMessage `json:"training,omitempty"`
}

type priorHeader struct {
	Kind string          `json:"kind"`
	Meta json.RawMessage `json:"meta,omitempty"`
}

type netHeader struct {
	Kind       string `json:"kind"` // mlp
	Layers     int    `json:"layers"`
	Activation string `json:"activation"`
}

// A DataSummary says what a model was trained on, well enough to make the same
// split again.
type DataSummary struct {
	Source     string            `json:"source"` // name of a data set, or a path
	SHA256     string            `json:"sha256,omitempty"`
	Options    map[string]string `json:"options,omitempty"` // how the file was read
	Protocol   string            `json:"protocol"`
	SplitSeed  uint64            `json:"split_seed"`
	Fractions  []float64         `json:"fractions,omitempty"` // train, validation, test
	Rows       int               `json:"rows"`
	Train      int               `json:"train"`
	Val        int               `json:"val"`
	Test       int               `json:"test"`
	Duplicates int               `json:"duplicates"` // test points that are copies of training points
}

// Save writes the flow to a model file, replacing an earlier one at once or not
// at all.
func Save(path string, f *Flow) error {
	meta, tensors, err := f.Encode()
	if err != nil {
		return err
	}
	return safetensors.Write(path, meta, tensors)
}

// Load reads a model file.
func Load(path string) (*Flow, error) {
	file, err := safetensors.Open(path)
	if err != nil {
		return nil, fmt.Errorf("flow: %w", err)
	}
	defer file.Close()
	f, err := Decode(file)
	if err != nil {
		return nil, fmt.Errorf("flow: %s: %w", path, err)
	}
	return f, nil
}

// Encode returns the metadata and tensors of a model file, to which a
// checkpoint adds its own.
func (f *Flow) Encode() (map[string]string, []safetensors.Tensor, error) {
	kind, meta, ps, err := prior.Marshal(f.Prior)
	if err != nil {
		return nil, nil, fmt.Errorf("flow: %w", err)
	}
	h := header{
		Format:   format,
		Library:  Version,
		Manifold: f.Manifold.String(),
		Prior:    priorHeader{kind, meta},
		Relative: f.Relative,
		Eps:      f.Eps, Z: f.Z, ZSE: f.ZSE,
		Data: f.Data, Training: f.Training,
	}
	var ts []safetensors.Tensor
	for j, net := range f.Nets {
		h.Nets = append(h.Nets, netHeader{"mlp", len(net.Layers()), net.Activation.String()})
		at, n := fmt.Sprintf("net.%d.", j), net.Features.N
		ts = append(ts,
			safetensors.Float32(at+"features.S", net.Features.S, n, len(net.Features.C)),
			safetensors.Float32(at+"features.C", net.Features.C, len(net.Features.C)),
			safetensors.Float32(at+"features.Omega", net.Features.Omega, n, len(net.Features.Omega)/n))
		for i, l := range net.Layers() {
			at := fmt.Sprintf("%slayers.%d.", at, i)
			ts = append(ts, safetensors.Float32(at+"W", l.W, l.In, l.Out), safetensors.Float32(at+"b", l.B, l.Out))
		}
	}
	raw, err := json.Marshal(h)
	if err != nil {
		return nil, nil, fmt.Errorf("flow: %w", err)
	}
	for name, p := range ps {
		ts = append(ts, safetensors.Float64("prior."+name, p.Data, p.Shape...))
	}
	return map[string]string{"format": "mflow", "mflow": string(raw)}, ts, nil
}

// Decode builds the flow of an open model file or checkpoint.
func Decode(file *safetensors.File) (*Flow, error) {
	raw, ok := file.Metadata["mflow"]
	if !ok {
		return nil, errors.New("not a model file: a safetensors file without the metadata key mflow")
	}
	var h header
	if err := json.Unmarshal([]byte(raw), &h); err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	if h.Format != format {
		return nil, fmt.Errorf("format %d, but this is mflow %s, which reads format %d; mflow %s wrote it",
			h.Format, Version, format, h.Library)
	}
	m, err := manifold.Parse(h.Manifold)
	if err != nil {
		return nil, err
	}
	p, err := decodePrior(file, h.Prior, m)
	if err != nil {
		return nil, err
	}
	if _, ok := p.(Gradient); h.Relative && !ok {
		return nil, fmt.Errorf("a relative field on a prior of kind %q, which has no gradient", h.Prior.Kind)
	}
	var nets []*nn.MLP
	_, n := m.Dims()
	for j, nh := range h.Nets {
		net, err := decodeNet(file, nh, fmt.Sprintf("net.%d.", j))
		if err != nil {
			return nil, err
		}
		if in, out := net.Dims(); in != n || out != n {
			return nil, fmt.Errorf("a field of R%d to R%d on %s in R%d", in, out, m, n)
		}
		nets = append(nets, net)
	}
	return &Flow{Manifold: m, Prior: p, Relative: h.Relative, Nets: nets, Eps: h.Eps, Z: h.Z, ZSE: h.ZSE, Data: h.Data, Training: h.Training}, nil
}

func decodePrior(file *safetensors.File, h priorHeader, m manifold.Manifold) (Prior, error) {
	ts := prior.Tensors{}
	for _, name := range file.Names() {
		key, ok := strings.CutPrefix(name, "prior.")
		if !ok {
			continue
		}
		t, err := file.Tensor(name)
		if err != nil {
			return nil, err
		}
		data, err := t.Float64s()
		if err != nil {
			return nil, err
		}
		ts[key] = prior.Tensor{Shape: t.Shape, Data: data}
	}
	return prior.Unmarshal(h.Kind, h.Meta, ts, m)
}

func decodeNet(file *safetensors.File, h netHeader, at string) (*nn.MLP, error) {
	if h.Kind != "mlp" {
		return nil, fmt.Errorf("network of kind %q, want mlp", h.Kind)
	}
	act, err := kernel.ParseActivation(h.Activation)
	if err != nil {
		return nil, err
	}
	var f nn.Features
	r := reader{file: file}
	f.S, _ = r.get(at + "features.S")
	f.C, _ = r.get(at + "features.C")
	var shape []int
	if f.Omega, shape = r.get(at + "features.Omega"); r.err == nil {
		f.N = shape[0]
	}
	var ls []nn.Layer
	for i := range h.Layers {
		at := at + "layers." + strconv.Itoa(i) + "."
		w, shape := r.get(at + "W")
		b, _ := r.get(at + "b")
		if r.err != nil {
			return nil, r.err
		}
		if len(shape) != 2 {
			return nil, fmt.Errorf("tensor %sW has shape %v, want two dimensions", at, shape)
		}
		ls = append(ls, nn.Layer{In: shape[0], Out: shape[1], W: w, B: b})
	}
	if r.err != nil {
		return nil, r.err
	}
	return nn.FromLayers(f, act, ls)
}

// reader reads float32 tensors; the first error sticks.
type reader struct {
	file *safetensors.File
	err  error
}

func (r *reader) get(name string) ([]float32, []int) {
	if r.err != nil {
		return nil, nil
	}
	t, err := r.file.Tensor(name)
	if err != nil {
		r.err = err
		return nil, nil
	}
	x, err := t.Float32s()
	if err != nil {
		r.err = err
	}
	if len(t.Shape) == 0 {
		r.err = fmt.Errorf("tensor %s is a single number, want a vector or matrix", name)
	}
	return x, t.Shape
}
