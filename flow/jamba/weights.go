package jamba

import "fmt"

// Weights are the parameters of a model, named after the tensors of the Hugging
// Face checkpoint. Matrices are stored as there: row-major, [out, in].
//
// All float32 tensors are windows into one slab, in the order of Walk, so
// that an optimiser, a gradient and a norm see a single vector.
type Weights struct {
	EmbedTokens    []float32 // [V, H]
	Layers         []Layer
	FinalLayernorm []float32 // [H]
	LMHead         []float32 // [V, H]; the same memory as EmbedTokens when tied
	Tied           bool

	slab []float32
}

// Layer is one block: a mixer, which is either attention or Mamba, and a
// feed-forward network.
type Layer struct {
	InputLayernorm []float32  // [H]
	SelfAttn       *Attention // nil in a Mamba layer
	Mamba          *Mamba     // nil in an attention layer
	PreFFLayernorm []float32  // [H]
	FeedForward    FeedForward
}

// Attention holds the projections of grouped-query attention.
type Attention struct {
	QProj, KProj, VProj, OProj []float32 // [H, H], [kv·hd, H], [kv·hd, H], [H, H]
}

// Mamba holds the tensors of a Mamba-1 mixer with Jamba's inner norms; D below
// is expand·H, N the state size, R the rank of Δ, W the width of the convolution.
type Mamba struct {
	InProj      []float32 // [2D, H], first D rows for u and the last D for the gate z
	InProjBias  []float32 // [2D] or nil
	Conv1d      []float32 // [D, 1, W], last tap for the current token
	Conv1dBias  []float32 // [D] or nil
	XProj       []float32 // [R+2N, D]
	DtProj      []float32 // [D, R]
	DtProjBias  []float32 // [D]
	ALog        []float32 // [D, N]
	D           []float32 // [D]
	OutProj     []float32 // [H, D]
	OutProjBias []float32 // [H] or nil
	DtLayernorm []float32 // [R]
	BLayernorm  []float32 // [N]
	CLayernorm  []float32 // [N]
}

// FeedForward is a dense MLP, Experts[0], when Router is nil and a mixture of
// experts otherwise.
type FeedForward struct {
	Router  []float32 // [E, H] or nil
	Experts []MLP
}

// MLP is down(silu(gate x) · up x).
type MLP struct {
	GateProj, UpProj, DownProj Linear // [I, H], [I, H], [H, I]
}

// Linear is a matrix [out, in] that is applied to rows. Dense stores float32;
// other implementations (eight-bit experts) serve inference only.
type Linear interface {
	// Dims returns the number of rows and columns of the matrix.
	Dims() (out, in int)
	// Apply sets dst = x Wᵀ, where x is [rows, in] and dst [rows, out].
	Apply(dst, x []float32, rows int)
}

// NewWeights returns zero weights for cfg.
func NewWeights(cfg Config) *Weights { return newWeights(cfg, true) }

// NewWeightsWithoutExperts returns zero weights in which the projections of the
// experts of a mixture are nil, to be filled in by a loader that stores
// them otherwise. Dense MLPs are present.
func NewWeightsWithoutExperts(cfg Config) *Weights { return newWeights(cfg, false) }

func newWeights(cfg Config, experts bool) *Weights {
	w := &Weights{Tied: cfg.TieWordEmbeddings, Layers: make([]Layer, cfg.NumHiddenLayers)}
	for i := range w.Layers {
		l := &w.Layers[i]
		if cfg.IsAttention(i) {
			l.SelfAttn = new(Attention)
		} else {
			l.Mamba = new(Mamba)
		}
		n, moe := 1, cfg.IsMoE(i)
		if moe {
			n = cfg.NumExperts
		}
		l.FeedForward.Experts = make([]MLP, n)
		if !moe || experts {
			for e := range l.FeedForward.Experts {
				l.FeedForward.Experts[e] = newMLP(cfg.HiddenSize, cfg.IntermediateSize)
			}
		}
	}

	// Twice over the same list: once to measure, once to cut the slab.
	n := 0
	w.tensors(cfg, func(name string, p *[]float32, shape ...int) { n += size(shape) })
	w.slab = make([]float32, n)
	rest := w.slab
	w.tensors(cfg, func(name string, p *[]float32, shape ...int) {
		k := size(shape)
		*p, rest = rest[:k:k], rest[k:]
	})
	if w.Tied {
		w.LMHead = w.EmbedTokens
	}
	return w
}

func size(shape []int) int {
	n := 1
	for _, k := range shape {
		n *= k
	}
	return n
}

// tensors calls f for every float32 tensor of a model of this shape, in the
// order of the checkpoint's layers. It is the one list of names and shapes.
func (w *Weights) tensors(cfg Config, f func(name string, p *[]float32, shape ...int)) {
	H, V := cfg.HiddenSize, cfg.VocabSize
	D, N, R, W := cfg.InnerSize(), cfg.MambaDState, cfg.DtRank(), cfg.MambaDConv
	kv := cfg.NumKeyValueHeads * cfg.HeadDim()

	f("model.embed_tokens.weight", &w.EmbedTokens, V, H)
	for i := range w.Layers {
		l := &w.Layers[i]
		pre := fmt.Sprintf("model.layers.%d.", i)
		f(pre+"input_layernorm.weight", &l.InputLayernorm, H)
		if a := l.SelfAttn; a != nil {
			f(pre+"self_attn.q_proj.weight", &a.QProj, H, H)
			f(pre+"self_attn.k_proj.weight", &a.KProj, kv, H)
			f(pre+"self_attn.v_proj.weight", &a.VProj, kv, H)
			f(pre+"self_attn.o_proj.weight", &a.OProj, H, H)
		}
		if m := l.Mamba; m != nil {
			f(pre+"mamba.in_proj.weight", &m.InProj, 2*D, H)
			if cfg.MambaProjBias {
				f(pre+"mamba.in_proj.bias", &m.InProjBias, 2*D)
			}
			f(pre+"mamba.conv1d.weight", &m.Conv1d, D, 1, W)
			if cfg.MambaConvBias {
				f(pre+"mamba.conv1d.bias", &m.Conv1dBias, D)
			}
			f(pre+"mamba.x_proj.weight", &m.XProj, R+2*N, D)
			f(pre+"mamba.dt_proj.weight", &m.DtProj, D, R)
			f(pre+"mamba.dt_proj.bias", &m.DtProjBias, D)
			f(pre+"mamba.A_log", &m.ALog, D, N)
			f(pre+"mamba.D", &m.D, D)
			f(pre+"mamba.out_proj.weight", &m.OutProj, H, D)
			if cfg.MambaProjBias {
				f(pre+"mamba.out_proj.bias", &m.OutProjBias, H)
			}
			f(pre+"mamba.dt_layernorm.weight", &m.DtLayernorm, R)
			f(pre+"mamba.b_layernorm.weight", &m.BLayernorm, N)
			f(pre+"mamba.c_layernorm.weight", &m.CLayernorm, N)
		}
		f(pre+"pre_ff_layernorm.weight", &l.PreFFLayernorm, H)
		ff := &l.FeedForward
		if !cfg.IsMoE(i) {
			ff.Experts[0].tensors(pre+"feed_forward.", f)
			continue
		}
		f(pre+"feed_forward.router.weight", &ff.Router, cfg.NumExperts, H)
		for e := range ff.Experts {
			ff.Experts[e].tensors(fmt.Sprintf("%sfeed_forward.experts.%d.", pre, e), f)
		}
	}
	f("model.final_layernorm.weight", &w.FinalLayernorm, H)
	if !w.Tied {
		f("lm_head.weight", &w.LMHead, V, H)
	}
}

func newMLP(H, I int) MLP {
	return MLP{&Dense{Out: I, In: H}, &Dense{Out: I, In: H}, &Dense{Out: H, In: I}}
}

// tensors lists the projections that are Dense.
func (m *MLP) tensors(pre string, f func(name string, p *[]float32, shape ...int)) {
	for _, t := range []struct {
		name string
		l    Linear
	}{{"gate_proj", m.GateProj}, {"up_proj", m.UpProj}, {"down_proj", m.DownProj}} {
		if d, ok := t.l.(*Dense); ok {
			f(pre+t.name+".weight", &d.W, d.Out, d.In)
		}
	}
}

// Walk calls f for every float32 tensor with its Hugging Face name, shape and
// data; writing to data changes the weights. A tied lm_head is not listed, nor
// are projections that are not Dense.
func (w *Weights) Walk(cfg Config, f func(name string, shape []int, data []float32)) {
	w.tensors(cfg, func(name string, p *[]float32, shape ...int) { f(name, shape, *p) })
}

// Flat returns all float32 parameters as one vector, in the order of Walk.
func (w *Weights) Flat() []float32 { return w.slab }

// Dense is a float32 matrix.
type Dense struct {
	Out, In int
	W       []float32 // [Out, In]
}

var _ Linear = (*Dense)(nil)

// Dims returns the number of rows and columns.
func (d *Dense) Dims() (out, in int) { return d.Out, d.In }

// Apply sets dst = x Wᵀ.
func (d *Dense) Apply(dst, x []float32, rows int) { matmulT(dst, x, d.W, rows, d.Out, d.In) }
