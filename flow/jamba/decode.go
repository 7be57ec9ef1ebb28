package jamba

import (
	"fmt"
	"slices"
)

// State is the past of one sequence: keys and values in attention layers, which grow
// by a fixed number of bytes per token, and in Mamba layers the last inputs of the
// convolution and the state of the scan, which do not grow.
type State struct {
	layers []layerState
	tokens int
}

type layerState struct {
	kv   pages
	tail []float32 // [W-1, D], oldest first
	ssm  []float32 // [⌈D/16⌉, N, 16]
}

// Tokens returns the number of tokens seen.
func (s *State) Tokens() int { return s.tokens }

// Clone returns a copy, from which the sequence can be continued in another way.
func (s *State) Clone() *State {
	c := &State{slices.Clone(s.layers), s.tokens}
	for i := range c.layers {
		l := &c.layers[i]
		l.tail, l.ssm = slices.Clone(l.tail), slices.Clone(l.ssm)
		l.kv.k, l.kv.v = slices.Clone(l.kv.k), slices.Clone(l.kv.v)
		// Full pages do not change any more and are shared.
		if n := len(l.kv.k); l.kv.n%page != 0 {
			l.kv.k[n-1], l.kv.v[n-1] = slices.Clone(l.kv.k[n-1]), slices.Clone(l.kv.v[n-1])
		}
	}
	return c
}

// Bytes returns the memory of the state: that of keys and values, which are allocated
// 256 tokens at a time, and that of Mamba layers.
func (s *State) Bytes() (kv, mamba int) {
	for i := range s.layers {
		l := &s.layers[i]
		for j := range l.kv.k {
			kv += 4 * (len(l.kv.k[j]) + len(l.kv.v[j]))
		}
		mamba += 4 * (len(l.tail) + len(l.ssm))
	}
	return kv, mamba
}

// Decoder runs a model token by token, or chunk by chunk, on any number of sequences.
// Chunks of any size give what one forward pass over the whole would. It must be
// made anew when the weights change and is not safe for concurrent use.
type Decoder struct {
	m      *Model
	b      batch
	a      arena
	tape   layerTape
	prep   []mambaPrep
	logits []float32
}

// NewDecoder returns a decoder for m.
func NewDecoder(m *Model) *Decoder {
	d := &Decoder{m: m, prep: make([]mambaPrep, m.Config.NumHiddenLayers)}
	for i := range m.Weights.Layers {
		if s := m.Weights.Layers[i].Mamba; s != nil {
			s.prepare(&d.prep[i], m.mambaDims())
		}
	}
	return d
}

// NewState returns the state of a sequence that has not begun.
func (d *Decoder) NewState() *State {
	dm := d.m.mambaDims()
	s := &State{layers: make([]layerState, len(d.m.Weights.Layers))}
	for i := range s.layers {
		if d.m.Weights.Layers[i].Mamba != nil {
			s.layers[i].tail = make([]float32, (dm.W-1)*dm.D)
			s.layers[i].ssm = make([]float32, blocks(dm.D)*dm.N*lanes)
		}
	}
	return s
}

// Extend feeds each state the next rows of in, Lens[i] of them to states[i], and
// returns the hidden states [T, H] after the final norm, valid until the next call.
func (d *Decoder) Extend(states []*State, in Input) ([]float32, error) {
	m, cfg := d.m, d.m.Config
	if err := d.b.set(in, cfg); err != nil {
		return nil, err
	}
	if len(states) != len(d.b.seqs) {
		return nil, fmt.Errorf("jamba: %d states for %d sequences", len(states), len(d.b.seqs))
	}
	d.b.states = states
	d.a.reset()
	T, H := d.b.rows, cfg.HiddenSize
	x, y := d.a.take(T*H), d.a.take(T*H)
	m.embed(x, in)
	for i := range m.Weights.Layers {
		at := d.a.mark()
		d.tape.x = x
		m.forward(i, y, &d.tape, &d.prep[i], &d.b, &d.a)
		d.a.release(at)
		x, y = y, x
	}
	for i, s := range d.b.seqs {
		states[i].tokens += s.hi - s.lo
	}
	rmsNorm(y, d.a.take(T), x, H, m.Weights.FinalLayernorm, T, float32(cfg.RMSNormEps))
	return y, nil
}

// prefillRows bounds the rows of a chunk and so the memory of a long prompt.
const prefillRows = 1024

// Prefill feeds a whole prompt to a state and returns the logits [V] after its last
// token, valid until the next call.
func (d *Decoder) Prefill(s *State, ids []int) ([]float32, error) {
	for len(ids) > 0 {
		n := min(prefillRows, len(ids))
		h, err := d.Extend([]*State{s}, Input{IDs: ids[:n]})
		if err != nil {
			return nil, err
		}
		if ids = ids[n:]; len(ids) == 0 {
			return d.head(h, n-1, 1), nil
		}
	}
	return nil, fmt.Errorf("jamba: empty prompt")
}

// Step feeds one token to every state and returns the logits [len(states), V], valid
// until the next call.
func (d *Decoder) Step(states []*State, ids []int) ([]float32, error) {
	if len(ids) != len(states) {
		return nil, fmt.Errorf("jamba: %d tokens for %d states", len(ids), len(states))
	}
	d.b.ones = grow(d.b.ones, len(ids))
	for i := range d.b.ones {
		d.b.ones[i] = 1
	}
	h, err := d.Extend(states, Input{IDs: ids, Lens: d.b.ones})
	if err != nil {
		return nil, err
	}
	return d.head(h, 0, len(ids)), nil
}

// head returns the logits of some rows.
func (d *Decoder) head(hidden []float32, row, rows int) []float32 {
	H := d.m.Config.HiddenSize
	d.logits = grow(d.logits, rows*d.m.Config.VocabSize)
	d.m.logits(d.logits, hidden[row*H:(row+rows)*H], rows)
	return d.logits
}
