package jamba

import "fmt"

// Pass is a workspace for forward and backward passes of a model. It owns the
// memory of their results, which stay valid until the next Forward.
type Pass struct {
	// Checkpoint keeps only the input of every layer and computes the rest again
	// in Backward, for a third more time and a fraction of the memory.
	Checkpoint bool
	// RouterAux and Activation are the coefficients of the router's balancing loss
	// and of the activation loss in Backward.
	RouterAux, Activation float64
	// Grads are added to by Backward. They are allocated by the first call that
	// needs them.
	Grads *Weights

	m      *Model
	b      batch
	in     Input
	a      arena
	tapes  []layerTape
	prep   []mambaPrep
	x      [][]float32 // [L+1], input of every layer and the last output
	hidden []float32   // [T, H], after the final norm
	inv    []float32
	counts []int     // router's choices over all layers and tokens
	mass   []float64 // router's probabilities
	moe    int       // number of mixtures
}

// NewPass returns a workspace for m.
func NewPass(m *Model) *Pass {
	L := m.Config.NumHiddenLayers
	return &Pass{
		m: m, tapes: make([]layerTape, L), prep: make([]mambaPrep, L), x: make([][]float32, L+1),
		counts: make([]int, m.Config.NumExperts), mass: make([]float64, m.Config.NumExperts),
	}
}

// Forward runs the network and returns the hidden states [T, H] after the final
// norm.
func (p *Pass) Forward(in Input) ([]float32, error) {
	m, cfg := p.m, p.m.Config
	if err := p.b.set(in, cfg); err != nil {
		return nil, err
	}
	p.in = in
	p.a.reset()
	T, H := p.b.rows, cfg.HiddenSize
	for i := range p.x {
		p.x[i] = p.a.take(T * H)
	}
	p.hidden, p.inv = p.a.take(T*H), p.a.take(T)
	clear(p.counts)
	clear(p.mass)
	p.moe = 0
	m.embed(p.x[0], in)
	for i := range m.Weights.Layers {
		if s := m.Weights.Layers[i].Mamba; s != nil {
			s.prepare(&p.prep[i], m.mambaDims())
		}
		at := p.a.mark()
		tp := &p.tapes[i]
		tp.x = p.x[i]
		m.forward(i, p.x[i+1], tp, &p.prep[i], &p.b, &p.a)
		if cfg.IsMoE(i) {
			tp.ff.balance(p.counts, p.mass)
			p.moe++
		}
		if p.Checkpoint {
			p.a.release(at)
		}
	}
	rmsNorm(p.hidden, p.inv, p.x[len(p.x)-1], H, m.Weights.FinalLayernorm, T, float32(cfg.RMSNormEps))
	return p.hidden, nil
}

// Hidden returns hidden states [T, H] in the numbering of Hugging Face: 0 is the
// embedding, j the input of layer j, and the last the output of the final norm.
func (p *Pass) Hidden(j int) []float32 {
	if j == len(p.m.Weights.Layers) {
		return p.hidden
	}
	return p.x[j]
}

// Logits returns next-token logits [T, V]. They are written to dst if it is long enough.
func (p *Pass) Logits(dst []float32) []float32 {
	dst = grow(dst, p.b.rows*p.m.Config.VocabSize)
	p.m.logits(dst, p.hidden, p.b.rows)
	return dst
}

// Router returns, for layer i, which must be a mixture, the logits [T, E] and the
// chosen experts [T, k]. With Checkpoint set the logits are gone.
func (p *Pass) Router(i int) (logits []float32, chosen []int32) {
	return p.tapes[i].ff.logits, p.tapes[i].ff.chosen
}

// Load returns how often each expert was chosen, over all layers and tokens.
func (p *Pass) Load() []int { return p.counts }

// AuxLoss returns the balancing loss of the router (Fedus et al. 2021) over all
// mixtures and tokens together,
//
//	E Σ_e f_e P_e
//
// where f_e is the number of choices of expert e per token and P_e its mean
// probability. It is k when the load is balanced.
func (p *Pass) AuxLoss() float64 {
	n := float64(p.b.rows * p.moe)
	if n == 0 {
		return 0
	}
	s := 0.0
	for e, c := range p.counts {
		s += float64(c) / n * p.mass[e] / n
	}
	return s * float64(len(p.counts))
}

// ActivationLoss returns the mean square of what the blocks, two per layer, add to
// the residual stream. It is small when no block works with outsized numbers, which
// eight-bit and 16-bit inference needs (Jamba-1.5, section 3.2). Not for Checkpoint.
func (p *Pass) ActivationLoss() float64 {
	s := 0.0
	for i := range p.tapes {
		mid := p.tapes[i].mid
		for j, x := range p.x[i] {
			o1, o2 := float64(mid[j]-x), float64(p.x[i+1][j]-mid[j])
			s += o1*o1 + o2*o2
		}
	}
	return s / float64(2*len(p.tapes)*len(p.x[0]))
}

// Backward adds to Grads the gradient of
//
//	⟨dHidden, hidden⟩ + RouterAux · AuxLoss + Activation · ActivationLoss
//
// and returns the gradient of the inputs' rows [T, H]. For token inputs that is
// added to the gradient of the embedding, except for the padding token. dHidden is
// overwritten.
func (p *Pass) Backward(dHidden []float32) ([]float32, error) {
	m, cfg := p.m, p.m.Config
	if err := p.needGrads(); err != nil {
		return nil, err
	}
	T, H, last := p.b.rows, cfg.HiddenSize, len(p.tapes)
	d := p.a.zeros(T * H)
	rmsNormBack(d, p.Grads.FinalLayernorm, dHidden, p.inv, p.x[last], H, m.Weights.FinalLayernorm, T)

	var aux []float32
	if n := float64(T * p.moe); p.RouterAux != 0 && n > 0 {
		aux = p.a.take(len(p.counts))
		for e, c := range p.counts {
			aux[e] = float32(p.RouterAux * float64(len(p.counts)) * float64(c) / n / n)
		}
	}
	act := float32(p.Activation * 2 / float64(2*last*T*H))
	for i := last - 1; i >= 0; i-- {
		at := p.a.mark()
		if p.Checkpoint {
			m.forward(i, p.a.take(T*H), &p.tapes[i], &p.prep[i], &p.b, &p.a)
		}
		m.backward(i, d, p.x[i+1], &p.tapes[i], &p.prep[i], &p.b, aux, act, p.Grads, &p.a)
		p.a.release(at)
	}
	for t, id := range p.in.IDs {
		if id != cfg.PadTokenID {
			add(p.Grads.EmbedTokens[id*H:(id+1)*H], d[t*H:])
		}
	}
	return d, nil
}

// needGrads allocates the gradients.
func (p *Pass) needGrads() error {
	if p.Grads != nil {
		return nil
	}
	for i := range p.m.Weights.Layers {
		for j := range p.m.Weights.Layers[i].FeedForward.Experts {
			if err := p.m.Weights.Layers[i].FeedForward.Experts[j].trainable(); err != nil {
				return fmt.Errorf("%w (layer %d, expert %d)", err, i, j)
			}
		}
	}
	p.Grads = NewWeights(p.m.Config)
	return nil
}

// Bytes returns the memory held by activations.
func (p *Pass) Bytes() int { return p.a.bytes() }
