// Package tokenizer turns text into the tokens of a language model and back.
//
// Load reads tokenizer.json, the file in which Hugging Face keeps a tokenizer beside
// a checkpoint, for byte-pair encoders of both schools: byte-level ones (GPT-2 and
// after) and those in the manner of SentencePiece (Llama, Jamba), with their added
// tokens. Text passes
//
//	added tokens -> normalizer -> pre-tokenizer -> model -> post-processor
//
// and tokens come back through the decoder. A part that is not understood is an error
// when the file is read, never another encoding. Bytes is the tokenizer that needs no
// file: a token per byte.
package tokenizer
