package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mflow/flow/jamba"
	"mflow/internal/atomicfile"
	"mflow/internal/safetensors"
)

// quantizeOptions are the flags of jamba quantize.
type quantizeOptions struct {
	eight     eightBits
	out       string
	shard     int64
	overwrite bool
}

func (a *app) jambaQuantizeCmd() *cobra.Command {
	o := &quantizeOptions{}
	cmd := &cobra.Command{
		Use:   "quantize DIR -o OUT",
		Short: "Store the experts of a Jamba in eight bits",
		Long: `Store the experts of a Jamba in eight bits, by ExpertsInt8 of Jamba-1.5: integers from
-127 to 127 and one float32 scale for each row of a matrix, without calibration.
All else stays as it is, in bfloat16 or float32 (float16 becomes float32). Matrices
are quantized one by one as they are read. What comes out is read by mflow, and
not by Hugging Face, which quantizes when it loads.`,
		Example: `  mflow jamba quantize book -o book-int8
  mflow jamba quantize Jamba-v0.1 --mlp --shard-size 5 -o Jamba-int8`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return a.jambaQuantize(args[0], o) },
	}
	flags(cmd, "Quantization", o.eight.how)
	flags(cmd, "Output", func(fs *pflag.FlagSet) {
		fs.StringVarP(&o.out, "output", "o", "", "`directory` to write")
		fs.Int64Var(&o.shard, "shard-size", 0, "cut the weights into files of at most so many GiB, 0 for one file")
		fs.BoolVar(&o.overwrite, "overwrite", false, "replace a model that is there")
	})
	return cmd
}

func (a *app) jambaQuantize(dir string, o *quantizeOptions) error {
	if err := freeDir(dir, o.out, o.overwrite); err != nil {
		return err
	}
	if o.shard < 0 {
		return usagef("--shard-size is %d, want 0 or more", o.shard)
	}
	before, err := jamba.Stored(dir)
	if err != nil {
		return err
	}
	m, err := jamba.LoadInt8(dir, o.eight.q)
	if err != nil {
		return err
	}
	bf16 := before[safetensors.BF16] > before[safetensors.F32]
	if err := m.Save(o.out, bf16, o.shard<<30); err != nil {
		return err
	}
	if err := copyTokenizer(dir, o.out); err != nil {
		return err
	}
	after, err := jamba.Stored(o.out)
	if err != nil {
		return err
	}
	q := quantized{Model: o.out, Before: total(before), After: total(after), Int8: after[safetensors.I8]}
	q.Share = float64(q.Int8) / float64(m.Config.Info().Parameters)
	return a.emit(q, func(w io.Writer) {
		fmt.Fprintf(w, "%s: %s instead of %s, %.1f %% of the parameters in eight bits\n", q.Model, size(q.After), size(q.Before), 100*q.Share)
	})
}

// quantized is the result of jamba quantize.
type quantized struct {
	Model  string  `json:"model"`
	Before int64   `json:"bytes_before"` // of all tensors
	After  int64   `json:"bytes"`
	Int8   int64   `json:"int8_bytes"`
	Share  float64 `json:"int8_share"` // of the parameters
}

func total(bytes map[safetensors.DType]int64) (n int64) {
	for _, b := range bytes {
		n += b
	}
	return n
}

// freeDir returns an error unless a model made of the one in dir, if any, may be
// written to out.
func freeDir(dir, out string, overwrite bool) error {
	if out == "" {
		return usagef("no directory to write; give it by -o DIR")
	}
	a, err1 := os.Stat(dir)
	b, err2 := os.Stat(out)
	switch {
	case err2 == nil && !b.IsDir():
		return usagef("-o %s is a file, want a directory", out)
	case err1 == nil && err2 == nil && os.SameFile(a, b):
		return usagef("-o %s is the model itself, want another directory", out)
	case !overwrite && exists(filepath.Join(out, "config.json")):
		return fmt.Errorf("jamba: there is a model in %s; replace it by --overwrite", out)
	case err2 != nil && !exists(filepath.Dir(filepath.Clean(out))):
		return fmt.Errorf("jamba: cannot write %s: there is no directory %s", out, filepath.Dir(filepath.Clean(out)))
	}
	return nil
}

// copyTokenizer copies what belongs to the text and not to the network.
func copyTokenizer(dir, out string) error {
	for _, name := range []string{"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "generation_config.json"} {
		raw, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = writeBytes(filepath.Join(out, name), raw)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// writeBytes writes a file at once or not at all.
func writeBytes(path string, raw []byte) error {
	return atomicfile.Write(path, func(w io.Writer) error {
		_, err := w.Write(raw)
		return err
	})
}
