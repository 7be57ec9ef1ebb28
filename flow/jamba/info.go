package jamba

// Info is what a configuration comes to.
type Info struct {
	Parameters int64 `json:"parameters"` // in all
	Active     int64 `json:"active"`     // used by one token
	Experts    int64 `json:"experts"`    // in the experts of mixtures
	MLP        int64 `json:"mlp"`        // in the dense MLPs

	Attention int `json:"attention_layers"`
	Mamba     int `json:"mamba_layers"`
	MoE       int `json:"moe_layers"`

	CacheBytes int64 `json:"cache_bytes_per_token"` // keys and values of a token in 16 bits
	StateBytes int64 `json:"state_bytes"`           // of all Mamba layers in float32
	Int8Bytes  int64 `json:"int8_bytes"`            // of the weights: ExpertsInt8, the rest in 16 bits
	BF16Bytes  int64 `json:"bf16_bytes"`

	Int8MLPBytes int64 `json:"int8_mlp_bytes"` // with the dense MLPs in eight bits too
}

// ExpertShare returns the share of the parameters that ExpertsInt8 stores in
// eight bits.
func (i Info) ExpertShare() float64 { return float64(i.Experts) / float64(i.Parameters) }

// Info counts parameters and bytes, without making the weights.
func (c Config) Info() Info {
	H, I, V := int64(c.HiddenSize), int64(c.IntermediateSize), int64(c.VocabSize)
	D, N, R, W := int64(c.InnerSize()), int64(c.MambaDState), int64(c.DtRank()), int64(c.MambaDConv)
	kv := int64(c.NumKeyValueHeads * c.HeadDim())
	attention := 2*H*H + 2*kv*H
	mamba := 2*D*H + D*W + (R+2*N)*D + D*R + D + D*N + D + H*D + R + 2*N
	if c.MambaConvBias {
		mamba += D
	}
	if c.MambaProjBias {
		mamba += 2*D + H
	}
	expert := 3 * I * H
	rows := int64(0) // of int8 matrices, each with a float32 scale
	n := Info{Parameters: V*H + H}
	if !c.TieWordEmbeddings {
		n.Parameters += V * H
	}
	n.Active = n.Parameters
	both := func(p int64) {
		n.Parameters += p
		n.Active += p
	}
	for i := range c.NumHiddenLayers {
		both(2 * H)
		if c.IsAttention(i) {
			n.Attention++
			both(attention)
		} else {
			n.Mamba++
			both(mamba)
		}
		if !c.IsMoE(i) {
			both(expert)
			n.MLP += expert
			continue
		}
		n.MoE++
		both(int64(c.NumExperts) * H) // the router
		n.Experts += int64(c.NumExperts) * expert
		n.Active += int64(c.NumExpertsPerTok) * expert
		rows += int64(c.NumExperts) * (2*I + H)
	}
	n.Parameters += n.Experts
	n.CacheBytes = int64(n.Attention) * 2 * kv * 2
	n.StateBytes = int64(n.Mamba) * D * (W + N) * 4
	n.BF16Bytes = 2 * n.Parameters
	n.Int8Bytes = n.Experts + 4*rows + 2*(n.Parameters-n.Experts)
	n.Int8MLPBytes = n.Int8Bytes - n.MLP + 4*int64(c.NumHiddenLayers-n.MoE)*(2*I+H)
	return n
}

// ActivationBytes returns about how many bytes a training step on so many tokens takes
// besides weights, gradients and the optimiser; recompute is Checkpoint of Pass.
func (c Config) ActivationBytes(tokens int, recompute bool) int64 {
	H, I, V := int64(c.HiddenSize), int64(c.IntermediateSize), int64(c.VocabSize)
	D, N, S := int64(c.InnerSize()), int64(c.MambaDState), int64(c.DtRank()+2*c.MambaDState)
	kv, k := int64(c.NumKeyValueHeads*c.HeadDim()), int64(c.NumExpertsPerTok)
	var all, most int64 // numbers per token: of every layer, and of the largest with its gradients
	for i := range c.NumHiddenLayers {
		keep, back := 3*H, H
		if c.IsAttention(i) {
			keep, back = keep+2*H+2*kv, back+2*H+2*kv
		} else {
			keep, back = keep+7*D+2*S+D*N/chunk, back+5*D+S
		}
		if c.IsMoE(i) {
			keep, back = keep+k*(H+2*I)+2*int64(c.NumExperts), max(back, H+2*k*(I+H))
		} else {
			keep, back = keep+2*I, max(back, 2*H+2*I)
		}
		if all += keep; recompute {
			all = 0
			back += keep + H
		}
		most = max(most, back)
	}
	inputs := int64(c.NumHiddenLayers+1) * H
	return 4 * (int64(tokens)*(inputs+3*H+all+most) + lossRows*V)
}
