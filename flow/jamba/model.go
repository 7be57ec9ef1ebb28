package jamba

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Model is a Jamba network: a shape and its weights.
type Model struct {
	Config  Config
	Weights *Weights
}

// New returns a model with weights drawn for training from scratch; see Init.
func New(cfg Config, rnd *rand.Rand) (*Model, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("jamba: %w", err)
	}
	if err := Fits(4 * cfg.Info().Parameters); err != nil {
		return nil, fmt.Errorf("jamba: %w", err)
	}
	m := &Model{cfg, NewWeights(cfg)}
	m.Init(rnd)
	return m, nil
}

// Init draws all weights: matrices and embeddings from N(0, σ²) with σ =
// initializer_range, the embedding of the padding token zero, norms 1, biases 0,
// A_log = log(1..N) and D = 1, as Hugging Face does. Unlike there, two things start
// as in Mamba. The projection of Δ has weights U(±R^-½) and a bias such that
// softplus(bias) is log-uniform in [0.001, 0.1]: left at zero, every channel would
// begin with a memory of a token or two. The convolution is U(±W^-½): at σ it would
// all but close the block.
func (m *Model) Init(rnd *rand.Rand) {
	cfg, w := m.Config, m.Weights
	sigma := cfg.InitializerRange
	if sigma == 0 {
		sigma = 0.02
	}
	w.Walk(cfg, func(name string, shape []int, x []float32) {
		for i := range x {
			if len(shape) > 1 {
				x[i] = float32(sigma * rnd.NormFloat64())
			} else {
				x[i] = 0
			}
		}
	})
	fill := func(x []float32, v float32) {
		for i := range x {
			x[i] = v
		}
	}
	if p := cfg.PadTokenID; p >= 0 && p < cfg.VocabSize {
		clear(w.EmbedTokens[p*cfg.HiddenSize : (p+1)*cfg.HiddenSize])
	}
	fill(w.FinalLayernorm, 1)
	for i := range w.Layers {
		l := &w.Layers[i]
		fill(l.InputLayernorm, 1)
		fill(l.PreFFLayernorm, 1)
		s := l.Mamba
		if s == nil {
			continue
		}
		fill(s.DtLayernorm, 1)
		fill(s.BLayernorm, 1)
		fill(s.CLayernorm, 1)
		fill(s.D, 1)
		for j := range s.ALog {
			s.ALog[j] = float32(math.Log(float64(1 + j%cfg.MambaDState)))
		}
		r := 1 / math.Sqrt(float64(cfg.MambaDConv))
		for j := range s.Conv1d {
			s.Conv1d[j] = float32(r * (2*rnd.Float64() - 1))
		}
		r = 1 / math.Sqrt(float64(cfg.DtRank()))
		for j := range s.DtProj {
			s.DtProj[j] = float32(r * (2*rnd.Float64() - 1))
		}
		for j := range s.DtProjBias {
			dt := math.Exp(math.Log(1e-3) + rnd.Float64()*(math.Log(1e-1)-math.Log(1e-3)))
			s.DtProjBias[j] = float32(dt + math.Log(-math.Expm1(-dt))) // inverse of softplus
		}
	}
}

func (m *Model) heads() heads {
	return heads{m.Config.NumAttentionHeads, m.Config.NumKeyValueHeads, m.Config.HeadDim()}
}

func (m *Model) mambaDims() mambaDims {
	c := m.Config
	return mambaDims{c.InnerSize(), c.MambaDState, c.DtRank(), c.MambaDConv, float32(c.RMSNormEps)}
}

// Input is a batch of sequences packed one after another, without padding: token
// ids, or continuous inputs in place of their embeddings.
type Input struct {
	IDs  []int     // [T]
	X    []float32 // [T, H], used when IDs is nil
	Lens []int     // lengths of the sequences, summing to T; nil is one sequence
}

// Unpad returns the tokens of a padded batch for which mask is not zero, as a packed
// batch. Left and right padding are alike to it: a sequence sees no padding either way.
func Unpad(ids, mask [][]int) (Input, error) {
	var in Input
	for i, row := range ids {
		if len(mask[i]) != len(row) {
			return in, fmt.Errorf("jamba: sequence %d has %d ids and %d mask values", i, len(row), len(mask[i]))
		}
		n := len(in.IDs)
		for j, id := range row {
			if mask[i][j] != 0 {
				in.IDs = append(in.IDs, id)
			}
		}
		if len(in.IDs) == n {
			return in, fmt.Errorf("jamba: sequence %d is all padding", i)
		}
		in.Lens = append(in.Lens, len(in.IDs)-n)
	}
	return in, nil
}

// span is the rows of a sequence.
type span struct{ lo, hi int }

// batch is what the layers need to know of an input.
type batch struct {
	rows   int
	seqs   []span
	states []*State // nil when sequences start afresh
	kv     []pages
	tasks  []attnTask
	starts []int
	ones   []int
}

// attnTask is a tile of queries of one key-value head.
type attnTask struct{ seq, row, head int }

func (b *batch) attnTasks(heads, tile int) {
	b.tasks = b.tasks[:0]
	for i, s := range b.seqs {
		for row := 0; row < s.hi-s.lo; row += tile {
			for h := range heads {
				b.tasks = append(b.tasks, attnTask{i, row, h})
			}
		}
	}
}

// set prepares b for an input and checks it.
func (b *batch) set(in Input, cfg Config) error {
	b.rows, b.seqs = len(in.IDs), b.seqs[:0]
	if in.IDs == nil {
		b.rows = len(in.X) / cfg.HiddenSize
		if len(in.X) != b.rows*cfg.HiddenSize {
			return fmt.Errorf("jamba: %d inputs are no multiple of the hidden size %d", len(in.X), cfg.HiddenSize)
		}
	}
	if b.rows == 0 {
		return fmt.Errorf("jamba: empty input")
	}
	for i, id := range in.IDs {
		if id < 0 || id >= cfg.VocabSize {
			return fmt.Errorf("jamba: token %d at position %d outside [0, %d)", id, i, cfg.VocabSize)
		}
	}
	if in.Lens == nil {
		b.seqs = append(b.seqs, span{0, b.rows})
		return nil
	}
	n := 0
	for i, l := range in.Lens {
		if l <= 0 {
			return fmt.Errorf("jamba: sequence %d has length %d", i, l)
		}
		b.seqs = append(b.seqs, span{n, n + l})
		n += l
	}
	if n != b.rows {
		return fmt.Errorf("jamba: sequence lengths sum to %d, input has %d rows", n, b.rows)
	}
	return nil
}

// embed sets x [T, H] to the input's rows.
func (m *Model) embed(x []float32, in Input) {
	if in.IDs == nil {
		copy(x, in.X)
		return
	}
	H := m.Config.HiddenSize
	for t, id := range in.IDs {
		copy(x[t*H:(t+1)*H], m.Weights.EmbedTokens[id*H:])
	}
}

// layerTape is what the backward pass of a layer needs.
type layerTape struct {
	x, n1, inv1 []float32 // input, its norm and 1/rms
	mid         []float32 // after the mixer
	n2, inv2    []float32
	attn        attnTape
	mamba       mambaTape
	ff          moeTape
}

// forward writes the output of layer i on tp.x to out.
func (m *Model) forward(i int, out []float32, tp *layerTape, prep *mambaPrep, b *batch, a *arena) {
	l, T, n := &m.Weights.Layers[i], b.rows, len(out)
	eps := float32(m.Config.RMSNormEps)
	tp.n1, tp.inv1, tp.mid, tp.n2, tp.inv2 = a.take(n), a.take(T), a.take(n), a.take(n), a.take(T)
	H := n / T
	rmsNorm(tp.n1, tp.inv1, tp.x, H, l.InputLayernorm, T, eps)
	copy(tp.mid, tp.x)
	if l.SelfAttn != nil {
		l.SelfAttn.forward(tp.mid, tp.n1, m.heads(), b, i, &tp.attn, a)
	} else {
		l.Mamba.forward(tp.mid, tp.n1, m.mambaDims(), prep, b, i, &tp.mamba, a)
	}
	rmsNorm(tp.n2, tp.inv2, tp.mid, H, l.PreFFLayernorm, T, eps)
	copy(out, tp.mid)
	l.FeedForward.forward(out, tp.n2, T, m.Config.NumExpertsPerTok, &tp.ff, a)
}

// backward turns d, the gradient of the layer's output out, into that of its input.
// act, when not zero, adds act·o to the gradient of each block output o.
func (m *Model) backward(i int, d, out []float32, tp *layerTape, prep *mambaPrep, b *batch, aux []float32, act float32, grad *Weights, a *arena) {
	defer a.release(a.mark())
	l, g, T := &m.Weights.Layers[i], &grad.Layers[i], b.rows
	H := len(d) / T
	dn := a.zeros(len(d))
	dy := blockGrad(d, out, tp.mid, act, a)
	l.FeedForward.backward(dn, dy, tp.n2, T, m.Config.NumExpertsPerTok, &tp.ff, aux, &g.FeedForward, a)
	rmsNormBack(d, g.PreFFLayernorm, dn, tp.inv2, tp.mid, H, l.PreFFLayernorm, T)

	dy = blockGrad(d, tp.mid, tp.x, act, a)
	if l.SelfAttn != nil {
		l.SelfAttn.backward(dn, dy, tp.n1, m.heads(), b, &tp.attn, g.SelfAttn, a)
	} else {
		l.Mamba.backward(dn, dy, tp.n1, m.mambaDims(), prep, b, &tp.mamba, g.Mamba, a)
	}
	rmsNormBack(d, g.InputLayernorm, dn, tp.inv1, tp.x, H, l.InputLayernorm, T)
}

// blockGrad returns d + act (after - before), where the bracket is the output of a
// residual block.
func blockGrad(d, after, before []float32, act float32, a *arena) []float32 {
	if act == 0 {
		return d
	}
	dy := a.take(len(d))
	copy(dy, d)
	axpy(dy, after, act)
	axpy(dy, before, -act)
	return dy
}

// logits sets dst [rows, V] from hidden states after the final norm.
func (m *Model) logits(dst, hidden []float32, rows int) {
	matmulT(dst, hidden, m.Weights.LMHead, rows, m.Config.VocabSize, m.Config.HiddenSize)
}

// Params returns the number of parameters, counting a tied head once.
func (m *Model) Params() int {
	n := len(m.Weights.Flat())
	for i := range m.Weights.Layers {
		for _, e := range m.Weights.Layers[i].FeedForward.Experts {
			for _, l := range []Linear{e.GateProj, e.UpProj, e.DownProj} {
				if _, dense := l.(*Dense); !dense {
					out, in := l.Dims()
					n += out * in
				}
			}
		}
	}
	return n
}
