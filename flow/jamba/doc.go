// Package jamba is the Jamba network (Lieber et al. 2024, arXiv 2403.19887; Jamba-1.5,
// arXiv 2408.12570): blocks of Mamba and of grouped-query attention, with dense MLPs
// and mixtures of experts between them. It computes what JambaForCausalLM of Hugging
// Face computes, reads and writes its checkpoints, and trains.
//
// For a sequence of T rows x [T, H], every layer i does
//
//	x ← x + mixer_i(rms(x)),    x ← x + ff_i(rms(x)),    rms(x) = w x / √(mean x² + ε)
//
// where the mixer is attention in one layer of attn_layer_period and Mamba in the
// others, and ff is a mixture in one layer of expert_layer_period and an MLP in the
// others. Logits are rms(x) times the head. There is no positional encoding.
//
// A Pass runs whole sequences forward and backward, packed one after another: the
// rows of a batch have no padding. A Decoder runs them piece by piece with a State
// each. A Trainer fits a language model, for which package lm has data, validation
// and exact resume, and package tokenizer the tokens of a text; other uses of the network, such as the
// context of a conditional flow, hand in continuous rows by Input.X, take hidden
// states from Pass.Forward and give their gradient to Pass.Backward.
//
// Letters are those of the papers: V vocabulary, H hidden size, I width of an MLP, E
// experts of which k work on a token; in Mamba D inner channels, N states per channel,
// R rank of Δ, W taps of the convolution. All arithmetic is float32, with kernels in
// AVX-512 and AVX2 beside the plain loops that are their oracles.
package jamba
