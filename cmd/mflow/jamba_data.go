package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mflow/flow/jamba"
	"mflow/flow/jamba/lm"
	"mflow/flow/jamba/tokenizer"
)

// jambaData is what a language model is trained on.
type jambaData struct {
	file, tokenizer string
	text            bool
	size            int // of the vocabulary, as asked for

	vocab  int // the size of the vocabulary
	corpus *lm.Corpus
	tok    *tokenizer.Tokenizer // nil for bytes and ids
	bytes  bool
	source string // of the tokenizer
}

func (d *jambaData) flags(cmd *cobra.Command) {
	flags(cmd, "Data", func(fs *pflag.FlagSet) {
		fs.StringVar(&d.file, "data", "", "`file` to train on")
		fs.BoolVar(&d.text, "text", false, "it is a text, whatever its name")
		fs.StringVar(&d.tokenizer, "tokenizer", "", "`tokenizer.json` for a text (default that of --from, or a token per byte)")
		fs.IntVar(&d.size, "vocab", 0, "size of the vocabulary of token ids (default one more than the largest)")
	})
}

// idFiles are the extensions of files of token ids.
var idFiles = []string{".ids", ".csv", ".json", ".jsonl", ".npy"}

// read reads the data. A text is cut by the tokenizer of the directory from, if that
// has one and no other is given.
func (d *jambaData) read(from string) error {
	var seqs [][]int
	var err error
	if !d.text && slices.Contains(idFiles, strings.ToLower(filepath.Ext(d.file))) {
		seqs, err = d.ids()
	} else {
		seqs, err = d.words(from)
	}
	if err != nil {
		return err
	}
	if d.corpus, err = lm.Split(seqs); err != nil {
		return fmt.Errorf("%s: %w", d.file, err)
	}
	return nil
}

func (d *jambaData) ids() ([][]int, error) {
	if d.tokenizer != "" {
		return nil, usagef("--tokenizer is for a text, and %s holds token ids; --text reads it as a text", d.file)
	}
	seqs, err := lm.ReadIDs(d.file)
	if err != nil {
		return nil, err
	}
	top := 0
	for _, s := range seqs {
		for _, id := range s {
			top = max(top, id)
		}
	}
	if d.size != 0 && d.size <= top {
		return nil, usagef("--vocab is %d, and %s has token %d; want at least %d", d.size, d.file, top, top+1)
	}
	d.vocab = max(d.size, top+1)
	return seqs, nil
}

func (d *jambaData) words(from string) ([][]int, error) {
	if d.size != 0 {
		return nil, usagef("--vocab is for token ids; that of a text is its tokenizer's")
	}
	raw, err := os.ReadFile(d.file)
	if err != nil {
		return nil, err
	}
	if d.source = d.tokenizer; d.source == "" && from != "" && exists(filepath.Join(from, "tokenizer.json")) {
		d.source = filepath.Join(from, "tokenizer.json")
	}
	var enc interface {
		Encode(text string, special bool) ([]int, error)
		Size() int
	} = tokenizer.Bytes{}
	if d.bytes = d.source == ""; !d.bytes {
		if d.tok, err = tokenizer.Load(d.source); err != nil {
			return nil, err
		}
		enc = d.tok
	}
	ids, err := enc.Encode(string(raw), true)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.file, err)
	}
	d.vocab = enc.Size()
	return [][]int{ids}, nil
}

// end returns the token that ends a text, by the names it goes by.
func (d *jambaData) end() jamba.Tokens {
	for _, name := range []string{"<|endoftext|>", "</s>", "<eos>"} {
		if d.tok == nil {
			break
		}
		if id, ok := d.tok.ID(name); ok {
			return jamba.Tokens{id}
		}
	}
	return nil
}

// writeTokenizer puts the tokenizer beside a model.
func (d *jambaData) writeTokenizer(dir string) error {
	var raw []byte
	var err error
	switch {
	case d.bytes:
		raw, err = tokenizer.Bytes{}.JSON()
	case d.tok != nil:
		raw, err = os.ReadFile(d.source)
	default:
		return nil
	}
	if err != nil {
		return err
	}
	return writeBytes(filepath.Join(dir, "tokenizer.json"), raw)
}
