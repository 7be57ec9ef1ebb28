package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mflow/flow/jamba"
	"mflow/flow/jamba/tokenizer"
)

func (a *app) jambaCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "jamba",
		Short: "Train and run Jamba language models",
		Long: `Train and run Jamba networks (Transformer, Mamba and mixture of experts) as language
models. A model is a directory in the layout of Hugging Face: config.json,
model.safetensors or its shards, and tokenizer.json.`,
		Example: `  mflow jamba train --data book.txt -o book
  mflow jamba generate book --prompt "Once upon a time"
  mflow jamba quantize book -o book-int8
  mflow jamba info book`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return usagef("what shall be done? info, generate, logits, train or quantize")
		},
	}
	cmd.AddCommand(a.jambaInfoCmd(), a.jambaGenerateCmd(), a.jambaLogitsCmd(), a.jambaTrainCmd(), a.jambaQuantizeCmd())
	return cmd
}

// eightBits are the flags of ExpertsInt8.
type eightBits struct {
	on bool
	q  jamba.Quantization
}

// flags adds the flags to a command that quantizes if it is asked to.
func (e *eightBits) flags(cmd *cobra.Command) {
	flags(cmd, "Model", func(fs *pflag.FlagSet) {
		fs.BoolVar(&e.on, "int8", false, "store the experts in eight bits, quantizing them as they are read")
		e.how(fs)
	})
}

// how adds the flags that say how matrices are quantized.
func (e *eightBits) how(fs *pflag.FlagSet) {
	fs.BoolVar(&e.q.MLP, "mlp", false, "quantize the dense MLPs too")
	fs.BoolVar(&e.q.BF16, "vllm", false, "round as vLLM does in bfloat16, to the same integers; a tenth less exact")
}

// load reads a model.
func (e *eightBits) load(dir string) (*jamba.Model, error) {
	switch {
	case e.on:
		return jamba.LoadInt8(dir, e.q)
	case e.q != jamba.Quantization{}:
		return nil, usagef("--mlp and --vllm need --int8")
	}
	return jamba.Load(dir)
}

// loadTokenizer reads the tokenizer beside a model, nil if there is none.
func loadTokenizer(dir string) (*tokenizer.Tokenizer, error) {
	path := filepath.Join(dir, "tokenizer.json")
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return tokenizer.Load(path)
}

// amount writes a number of parameters.
func amount(n int64) string {
	switch v := float64(n); {
	case n >= 100e9:
		return fmt.Sprintf("%.1fB", v/1e9)
	case n >= 1e9:
		return fmt.Sprintf("%.2fB", v/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.2fM", v/1e6)
	}
	return fmt.Sprint(n)
}

// size writes a number of bytes in binary units.
func size(n int64) string {
	v, unit := float64(n), "B"
	for _, u := range []string{"KiB", "MiB", "GiB"} {
		if v < 1024 {
			break
		}
		v, unit = v/1024, u
	}
	if unit == "B" {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.4g %s", v, unit)
}
