package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mflow/flow/jamba"
	"mflow/flow/jamba/lm"
	"mflow/flow/jamba/tokenizer"
)

// generateOptions are the flags of jamba generate.
type generateOptions struct {
	eight        eightBits
	prompt, file string
	ids          string
	samples      int
	endless      bool
	jamba.Generation
}

func (a *app) jambaGenerateCmd() *cobra.Command {
	o := &generateOptions{}
	cmd := &cobra.Command{
		Use:   "generate DIR --prompt TEXT",
		Short: "Continue a text with a Jamba",
		Long: `Continue a text, token by token, and print the whole as it grows. A model without
tokenizer.json continues token ids (--ids), and so can the others.

The state of a sequence is the keys and values of attention layers, which grow
with it, and a part of Mamba layers that does not; --json tells their bytes.`,
		Example: `  mflow jamba generate book --prompt "Once upon a time" -n 500 --temperature 0.8
  mflow jamba generate book --prompt-file chapter.txt --top-p 0.9 --samples 4 --seed 7
  mflow jamba generate events --ids history.json -n 10 --json
  mflow jamba generate book --int8 --prompt "It was" --temperature 0`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.jambaGenerate(cmd.Context(), args[0], o) },
	}
	flags(cmd, "Prompt", func(fs *pflag.FlagSet) {
		fs.StringVar(&o.prompt, "prompt", "", "text to continue")
		fs.StringVar(&o.file, "prompt-file", "", "or `file` with it")
		fs.StringVar(&o.ids, "ids", "", "or `file` of token ids: JSON, one sequence a line, or .npy")
	})
	flags(cmd, "Sampling", func(fs *pflag.FlagSet) {
		fs.IntVarP(&o.MaxTokens, "number", "n", 200, "tokens to add, at most")
		fs.Float64Var(&o.Temperature, "temperature", 1, "divides the logits; 0 takes the most probable token")
		fs.IntVar(&o.TopK, "top-k", 0, "draw from the k most probable tokens, 0 for all")
		fs.Float64Var(&o.TopP, "top-p", 0, "draw from the fewest tokens of this probability together, 0 for all")
		fs.IntVar(&o.samples, "samples", 1, "continuations of each prompt")
		fs.BoolVar(&o.endless, "ignore-eos", false, "go on after the token that ends a text")
	})
	o.eight.flags(cmd)
	return cmd
}

func (o *generateOptions) check() error {
	given := 0
	for _, s := range []string{o.prompt, o.file, o.ids} {
		if s != "" {
			given++
		}
	}
	switch {
	case given != 1:
		return usagef("give one of --prompt, --prompt-file and --ids")
	case o.MaxTokens < 1 || o.samples < 1:
		return usagef("-n is %d and --samples %d, want at least 1", o.MaxTokens, o.samples)
	case !(o.Temperature >= 0) || o.TopK < 0 || !(o.TopP >= 0 && o.TopP <= 1):
		return usagef("--temperature is %g, --top-k %d and --top-p %g, want 0 or more, and --top-p at most 1", o.Temperature, o.TopK, o.TopP)
	}
	return nil
}

// jambaGenerate continues the prompts.
func (a *app) jambaGenerate(ctx context.Context, dir string, o *generateOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	tok, prompts, err := o.read(dir)
	if err != nil {
		return err
	}
	m, err := o.eight.load(dir)
	if err != nil {
		return err
	}
	if !o.endless {
		o.Stop = m.Config.EOSTokenID
	}
	g := &generated{Model: dir, tok: tok}
	var all [][]int
	for _, p := range prompts {
		for range o.samples {
			all = append(all, p)
			g.Samples = append(g.Samples, sampleText{prompt: p})
		}
	}
	var w io.Writer
	if !a.json && len(all) == 1 {
		w = a.out // one text is shown while it grows
	}
	if err := g.run(ctx, m, all, o, rand.New(rand.NewPCG(a.seed, sampleStream)), w); err != nil {
		return err
	}
	return a.emit(g, func(out io.Writer) {
		g.write(out, w != nil)
		if !a.quiet {
			fmt.Fprintf(a.err, "%d tokens after %d, %.2f ms a token, keys and values %s, Mamba states %s a sequence\n",
				g.Tokens, len(prompts[0]), g.Millis, size(g.Cache), size(g.State))
		}
	})
}

// read returns the tokenizer, nil if there is none, and the prompts.
func (o *generateOptions) read(dir string) (*tokenizer.Tokenizer, [][]int, error) {
	if _, err := jamba.ReadConfig(dir); err != nil {
		return nil, nil, err
	}
	tok, err := loadTokenizer(dir)
	if err != nil {
		return nil, nil, err
	}
	text := o.prompt
	switch {
	case o.ids != "":
		ids, err := lm.ReadIDs(o.ids)
		return tok, ids, err
	case tok == nil:
		return nil, nil, fmt.Errorf("jamba: there is no %s/tokenizer.json, so a text cannot be read; give token ids by --ids", strings.TrimSuffix(dir, "/"))
	case o.file != "":
		raw, err := os.ReadFile(o.file)
		if err != nil {
			return nil, nil, err
		}
		text = string(raw)
	}
	ids, err := tok.Encode(text, true)
	if err == nil && len(ids) == 0 {
		err = fmt.Errorf("jamba: the prompt is empty")
	}
	return tok, [][]int{ids}, err
}

// generated is the result of jamba generate.
type generated struct {
	Model   string       `json:"model"`
	Samples []sampleText `json:"samples"`
	Tokens  int          `json:"tokens"` // new, in all
	Prefill float64      `json:"prefill_seconds"`
	Millis  float64      `json:"ms_per_token"` // after the first, all sequences of a step together
	Cache   int64        `json:"cache_bytes"`  // keys and values of the longest sequence
	State   int64        `json:"state_bytes"`  // of Mamba layers, a sequence
	tok     *tokenizer.Tokenizer
	shown   string
}

type sampleText struct {
	IDs    []int  `json:"ids"` // new ones
	Text   string `json:"text,omitempty"`
	prompt []int
}

// run continues the prompts. One text is written to w as it grows, unless w is nil.
func (g *generated) run(ctx context.Context, m *jamba.Model, prompts [][]int, o *generateOptions, rnd *rand.Rand, w io.Writer) error {
	d := jamba.NewDecoder(m)
	begun, steps := time.Now(), 0
	var first time.Time
	new, err := d.Generate(prompts, o.Generation, rnd, func(i, id int) bool {
		s := &g.Samples[i]
		if s.IDs = append(s.IDs, id); w != nil {
			g.show(w, s)
		}
		if steps = max(steps, len(s.IDs)); i == len(prompts)-1 && first.IsZero() {
			first = time.Now()
		}
		return ctx.Err() == nil
	})
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if first.IsZero() {
		first = time.Now()
	}
	g.Prefill = first.Sub(begun).Seconds()
	if steps > 1 {
		g.Millis = time.Since(first).Seconds() * 1e3 / float64(steps-1)
	}
	longest := 0
	for i := range g.Samples {
		s := &g.Samples[i]
		s.IDs = new[i]
		g.Tokens += len(s.IDs)
		longest = max(longest, len(s.prompt)+len(s.IDs))
		if g.tok != nil {
			if s.Text, err = g.text(s); err != nil {
				return err
			}
		}
	}
	info := m.Config.Info()
	g.Cache, g.State = 2*info.CacheBytes*int64(longest), info.StateBytes
	return nil
}

// text returns a prompt and its continuation. They are decoded together, since the
// first token of a text may lose its space.
func (g *generated) text(s *sampleText) (string, error) {
	return g.tok.Decode(append(append([]int(nil), s.prompt...), s.IDs...), false)
}

// show writes what a text has grown by.
func (g *generated) show(w io.Writer, s *sampleText) {
	if g.tok == nil {
		return
	}
	text, err := g.text(s)
	if err == nil && strings.HasPrefix(text, g.shown) {
		io.WriteString(w, text[len(g.shown):])
		g.shown = text
	}
}

// write writes the texts, or the ids of those without. Of one that has been shown it
// writes the end.
func (g *generated) write(w io.Writer, shown bool) {
	for i, s := range g.Samples {
		if i > 0 {
			fmt.Fprintln(w, "---")
		}
		switch {
		case g.tok == nil:
			fmt.Fprintln(w, strings.Trim(fmt.Sprint(s.IDs), "[]"))
		case shown:
			fmt.Fprintln(w, strings.TrimPrefix(s.Text, g.shown))
		default:
			fmt.Fprintln(w, s.Text)
		}
	}
}
