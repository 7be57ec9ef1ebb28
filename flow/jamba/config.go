package jamba

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Config is the shape of a model, as config.json of a Hugging Face checkpoint
// gives it. Keys that do not change what is computed are ignored, as they are
// there.
type Config struct {
	VocabSize         int     `json:"vocab_size"`
	TieWordEmbeddings bool    `json:"tie_word_embeddings"`
	HiddenSize        int     `json:"hidden_size"`
	IntermediateSize  int     `json:"intermediate_size"`
	NumHiddenLayers   int     `json:"num_hidden_layers"`
	NumAttentionHeads int     `json:"num_attention_heads"`
	NumKeyValueHeads  int     `json:"num_key_value_heads"`
	HiddenAct         string  `json:"hidden_act"`
	InitializerRange  float64 `json:"initializer_range"`
	RMSNormEps        float64 `json:"rms_norm_eps"`
	RouterAuxLossCoef float64 `json:"router_aux_loss_coef"`
	PadTokenID        int     `json:"pad_token_id"` // -1 for none, null in a file
	BOSTokenID        int     `json:"bos_token_id"` // -1 for none
	EOSTokenID        Tokens  `json:"eos_token_id"`
	NumExpertsPerTok  int     `json:"num_experts_per_tok"`
	NumExperts        int     `json:"num_experts"`
	ExpertLayerPeriod int     `json:"expert_layer_period"`
	ExpertLayerOffset int     `json:"expert_layer_offset"`
	AttnLayerPeriod   int     `json:"attn_layer_period"`
	AttnLayerOffset   int     `json:"attn_layer_offset"`
	MambaDState       int     `json:"mamba_d_state"`
	MambaDConv        int     `json:"mamba_d_conv"`
	MambaExpand       int     `json:"mamba_expand"`
	MambaDtRank       Rank    `json:"mamba_dt_rank"`
	MambaConvBias     bool    `json:"mamba_conv_bias"`
	MambaProjBias     bool    `json:"mamba_proj_bias"`
}

// Tokens is one token or a list of them: Jamba-1.5 ends at either of two.
type Tokens []int

// UnmarshalJSON reads a number, a list of numbers or null.
func (t *Tokens) UnmarshalJSON(b []byte) error {
	var one int
	if err := json.Unmarshal(b, &one); err == nil && !bytes.Equal(b, []byte("null")) {
		*t = Tokens{one}
		return nil
	}
	var many []int
	err := json.Unmarshal(b, &many)
	*t = many
	return err
}

// Rank is the rank of Mamba's Δ; 0, in a file "auto", is the hidden size over
// 16, rounded up.
type Rank int

// UnmarshalJSON reads a number or "auto".
func (r *Rank) UnmarshalJSON(b []byte) error {
	if string(b) == `"auto"` || string(b) == "null" {
		*r = 0
		return nil
	}
	return json.Unmarshal(b, (*int)(r))
}

// DefaultConfig returns the shape of Jamba v0.1, which is that of Jamba-1.5-Mini,
// the defaults of config.json.
func DefaultConfig() Config {
	return Config{
		VocabSize: 65536, HiddenSize: 4096, IntermediateSize: 14336, NumHiddenLayers: 32,
		NumAttentionHeads: 32, NumKeyValueHeads: 8, HiddenAct: "silu", InitializerRange: 0.02, RMSNormEps: 1e-6,
		RouterAuxLossCoef: 0.001, BOSTokenID: 1, EOSTokenID: Tokens{2}, NumExpertsPerTok: 2, NumExperts: 16,
		ExpertLayerPeriod: 2, ExpertLayerOffset: 1, AttnLayerPeriod: 8, AttnLayerOffset: 4,
		MambaDState: 16, MambaDConv: 4, MambaExpand: 2, MambaConvBias: true,
	}
}

// ReadConfig reads config.json, or the one in a directory. Keys left out have
// the defaults of DefaultConfig.
func ReadConfig(path string) (Config, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, "config.json")
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("jamba: %w", err)
	}
	c, err := ParseConfig(raw)
	if err != nil {
		return Config{}, fmt.Errorf("jamba: %s: %w", path, err)
	}
	return c, nil
}

// ParseConfig reads the text of config.json.
func ParseConfig(raw []byte) (Config, error) {
	c := DefaultConfig()
	var odd struct {
		ModelType           string `json:"model_type"`
		MambaInnerLayernorm *bool  `json:"mamba_inner_layernorms"`
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(raw, &c); err != nil {
		return c, err
	}
	if err := json.Unmarshal(raw, &odd); err != nil {
		return c, err
	}
	if err := json.Unmarshal(raw, &keys); err != nil {
		return c, err
	}
	switch {
	case odd.ModelType != "" && odd.ModelType != "jamba":
		return c, fmt.Errorf("model_type is %q, want jamba", odd.ModelType)
	case odd.MambaInnerLayernorm != nil && !*odd.MambaInnerLayernorm:
		return c, fmt.Errorf("mamba_inner_layernorms is false: not a Jamba")
	}
	// What null means is not what leaving the key out means.
	if string(keys["num_key_value_heads"]) == "null" {
		c.NumKeyValueHeads = c.NumAttentionHeads
	}
	if string(keys["pad_token_id"]) == "null" {
		c.PadTokenID = -1
	}
	if string(keys["bos_token_id"]) == "null" {
		c.BOSTokenID = -1
	}
	return c, c.Validate()
}

// Validate returns an error that names the first value that makes no model.
func (c Config) Validate() error {
	for _, v := range []struct {
		name  string
		value int
	}{
		{"vocab_size", c.VocabSize},
		{"hidden_size", c.HiddenSize},
		{"intermediate_size", c.IntermediateSize},
		{"num_hidden_layers", c.NumHiddenLayers},
		{"num_attention_heads", c.NumAttentionHeads},
		{"num_key_value_heads", c.NumKeyValueHeads},
		{"num_experts", c.NumExperts},
		{"num_experts_per_tok", c.NumExpertsPerTok},
		{"expert_layer_period", c.ExpertLayerPeriod},
		{"attn_layer_period", c.AttnLayerPeriod},
		{"mamba_d_state", c.MambaDState},
		{"mamba_d_conv", c.MambaDConv},
		{"mamba_expand", c.MambaExpand},
	} {
		if v.value < 1 || v.value > 1<<26 {
			return fmt.Errorf("%s is %d, want a number from 1 to %d", v.name, v.value, 1<<26)
		}
	}
	switch {
	case c.HiddenAct != "" && c.HiddenAct != "silu":
		return fmt.Errorf("hidden_act is %q, want silu", c.HiddenAct)
	case c.HiddenSize%c.NumAttentionHeads != 0:
		return fmt.Errorf("hidden_size %d is no multiple of num_attention_heads %d", c.HiddenSize, c.NumAttentionHeads)
	case c.NumAttentionHeads%c.NumKeyValueHeads != 0:
		return fmt.Errorf("num_attention_heads %d is no multiple of num_key_value_heads %d", c.NumAttentionHeads, c.NumKeyValueHeads)
	case c.NumExperts > 1 && c.NumExpertsPerTok > c.NumExperts:
		return fmt.Errorf("num_experts_per_tok is %d of %d experts", c.NumExpertsPerTok, c.NumExperts)
	case c.AttnLayerOffset < 0 || c.AttnLayerOffset >= c.AttnLayerPeriod:
		return fmt.Errorf("attn_layer_offset is %d, want 0 to %d, below attn_layer_period", c.AttnLayerOffset, c.AttnLayerPeriod-1)
	case c.ExpertLayerOffset < 0 || c.ExpertLayerOffset >= c.ExpertLayerPeriod:
		return fmt.Errorf("expert_layer_offset is %d, want 0 to %d, below expert_layer_period", c.ExpertLayerOffset, c.ExpertLayerPeriod-1)
	case c.MambaDtRank < 0:
		return fmt.Errorf("mamba_dt_rank is %d, want a positive number or auto", c.MambaDtRank)
	case c.MambaDtRank > 1<<26:
		return fmt.Errorf("mamba_dt_rank is %d, want at most %d", c.MambaDtRank, 1<<26)
	case c.NumHiddenLayers*c.NumExperts > 1<<20:
		return fmt.Errorf("num_hidden_layers %d times num_experts %d is more than %d", c.NumHiddenLayers, c.NumExperts, 1<<20)
	case c.roughSize() > maxParameters:
		return fmt.Errorf("the sizes make some %.0e parameters, want at most %.0e", c.roughSize(), float64(maxParameters))
	case !(c.RMSNormEps > 0):
		return fmt.Errorf("rms_norm_eps is %g, want a positive number", c.RMSNormEps)
	}
	return nil
}

// maxParameters is what no model comes near, and small enough that counting its bytes
// does not overflow.
const maxParameters = 1e15

// roughSize returns a number of parameters that is no less than the true one.
func (c Config) roughSize() float64 {
	H, I, D := float64(c.HiddenSize), float64(c.IntermediateSize), float64(c.MambaExpand)*float64(c.HiddenSize)
	R, N, W := float64(c.DtRank()), float64(c.MambaDState), float64(c.MambaDConv)
	layer := 3*I*H*float64(c.NumExperts) + H*float64(c.NumExperts) + 4*H*H + 3*D*H + D*(2*R+3*N+W+6) + 4*H + R + 2*N
	return float64(c.NumHiddenLayers)*layer + 2*float64(c.VocabSize)*H
}

// IsAttention reports whether layer i mixes by attention; the others are Mamba.
func (c Config) IsAttention(i int) bool { return i%c.AttnLayerPeriod == c.AttnLayerOffset }

// IsMoE reports whether layer i has a mixture of experts; the others are dense.
func (c Config) IsMoE(i int) bool {
	return c.NumExperts > 1 && i%c.ExpertLayerPeriod == c.ExpertLayerOffset
}

// HeadDim returns the size of an attention head.
func (c Config) HeadDim() int { return c.HiddenSize / c.NumAttentionHeads }

// InnerSize returns the number of Mamba's channels.
func (c Config) InnerSize() int { return c.MambaExpand * c.HiddenSize }

// DtRank returns the rank of Mamba's Δ.
func (c Config) DtRank() int {
	if c.MambaDtRank > 0 {
		return int(c.MambaDtRank)
	}
	return (c.HiddenSize + 15) / 16
}
