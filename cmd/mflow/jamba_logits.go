package main

import (
	"fmt"
	"io"
	"math"
	"sort"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mflow/flow/jamba"
	"mflow/flow/jamba/lm"
)

func (a *app) jambaLogitsCmd() *cobra.Command {
	var eight eightBits
	ids, last := "", false
	cmd := &cobra.Command{
		Use:   "logits DIR --ids FILE",
		Short: "Print next-token logits for token ids",
		Long: `Run sequences of token ids through a Jamba and print the logits after every token, all
of them with --json, else the three most probable tokens and how probable the
one that came was. The ids are JSON, one sequence a line, or a NumPy array.`,
		Example: `  mflow jamba logits book --ids tokens.json --json
  mflow jamba logits book --ids tokens.npy --last --int8`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if ids == "" {
				return usagef("no tokens; give them by --ids FILE")
			}
			seqs, err := lm.ReadIDs(ids)
			if err != nil {
				return err
			}
			m, err := eight.load(args[0])
			if err != nil {
				return err
			}
			l, err := jambaLogits(m, seqs, last)
			if err != nil {
				return err
			}
			l.Model = args[0]
			return a.emit(l, l.write)
		},
	}
	flags(cmd, "Tokens", func(fs *pflag.FlagSet) {
		fs.StringVar(&ids, "ids", "", "`file` of token ids")
		fs.BoolVar(&last, "last", false, "only after the last token of a sequence")
	})
	eight.flags(cmd)
	return cmd
}

// logits is the result of jamba logits.
type logits struct {
	Model     string           `json:"model"`
	Vocab     int              `json:"vocab_size"`
	Sequences []sequenceLogits `json:"sequences"`
}

type sequenceLogits struct {
	IDs    []int       `json:"ids"`
	First  int         `json:"first"`          // position of the first row
	Logits [][]float32 `json:"logits"`         // after each token from the first on
	Loss   *real       `json:"loss,omitempty"` // of the next tokens, nats a token
}

func jambaLogits(m *jamba.Model, seqs [][]int, last bool) (*logits, error) {
	p, V := jamba.NewPass(m), m.Config.VocabSize
	l := &logits{Vocab: V}
	for i, ids := range seqs {
		in := jamba.Input{IDs: ids}
		if _, err := p.Forward(in); err != nil {
			return nil, fmt.Errorf("sequence %d: %w", i, err)
		}
		s := sequenceLogits{IDs: ids}
		if len(ids) > 1 {
			loss, _, err := p.CrossEntropy(jamba.NextTokens(in), false)
			if err != nil {
				return nil, err
			}
			s.Loss = ptr(loss)
		}
		z := p.Logits(nil)
		if last {
			s.First = len(ids) - 1
		}
		for t := s.First; t < len(ids); t++ {
			s.Logits = append(s.Logits, z[t*V:(t+1)*V])
		}
		l.Sequences = append(l.Sequences, s)
	}
	return l, nil
}

func (l *logits) write(w io.Writer) {
	for i, s := range l.Sequences {
		for j, z := range s.Logits {
			t := s.First + j
			fmt.Fprintf(w, "%d:%d  token %d  next", i, t, s.IDs[t])
			lse := logSumExp(z)
			for _, k := range largest(z, 3) {
				fmt.Fprintf(w, "  %d %.4f", k, math.Exp(float64(z[k])-lse))
			}
			if t+1 < len(s.IDs) {
				fmt.Fprintf(w, "  came %d %.4f", s.IDs[t+1], math.Exp(float64(z[s.IDs[t+1]])-lse))
			}
			fmt.Fprintln(w)
		}
		if s.Loss != nil {
			fmt.Fprintf(w, "%d  loss %.4f nats a token\n", i, float64(*s.Loss))
		}
	}
}

func logSumExp(z []float32) float64 {
	m := math.Inf(-1)
	for _, v := range z {
		m = math.Max(m, float64(v))
	}
	s := 0.0
	for _, v := range z {
		s += math.Exp(float64(v) - m)
	}
	return m + math.Log(s)
}

// largest returns the places of the n largest numbers.
func largest(z []float32, n int) []int {
	order := make([]int, len(z))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return z[order[a]] > z[order[b]] })
	return order[:min(n, len(order))]
}
