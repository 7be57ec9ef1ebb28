package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/spf13/cobra"

	"mflow/flow/jamba"
)

func (a *app) jambaInfoCmd() *cobra.Command {
	tokens := int64(1 << 18)
	cmd := &cobra.Command{
		Use:   "info DIR|CONFIG",
		Short: "Count parameters, cache and bytes of a Jamba",
		Long: `Count the parameters of a Jamba, the bytes of its cache and those of its weights in
each format. The shape alone is read, so a config.json is enough, of a model of
any size; of a checkpoint the headers are read too.`,
		Example: `  mflow jamba info book
  mflow jamba info Jamba-v0.1/config.json
  mflow jamba info Jamba-v0.1/config.json --context 16384 --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if tokens < 1 {
				return usagef("--context is %d, want at least 1", tokens)
			}
			i, err := describeJamba(args[0], tokens)
			if err != nil {
				return err
			}
			return a.emit(i, i.write)
		},
	}
	cmd.Flags().Int64Var(&tokens, "context", tokens, "tokens in the cache")
	return cmd
}

// jambaInfo is the result of jamba info.
type jambaInfo struct {
	Model string `json:"model"`
	jamba.Info
	Share    float64          `json:"expert_share"`
	MLPShare float64          `json:"expert_and_mlp_share"`
	Context  int64            `json:"context"`
	Cache    int64            `json:"cache_bytes"`      // in 16 bits, at that context
	Growth   float64          `json:"cache_of_twin"`    // of that of the twin whose layers are all attention
	Float32  int64            `json:"float32_bytes"`    // of the weights
	Stored   map[string]int64 `json:"stored,omitempty"` // bytes in the checkpoint by type
	Tokens   bool             `json:"tokenizer"`        // there is a tokenizer.json
	config   jamba.Config
}

func describeJamba(path string, context int64) (*jambaInfo, error) {
	cfg, err := jamba.ReadConfig(path)
	if err != nil {
		return nil, err
	}
	i := &jambaInfo{Model: path, Info: cfg.Info(), Context: context, config: cfg}
	i.Share = i.ExpertShare()
	i.MLPShare = float64(i.Experts+i.MLP) / float64(i.Parameters)
	i.Cache = context * i.CacheBytes
	i.Growth = float64(i.Attention) / float64(cfg.NumHiddenLayers)
	i.Float32 = 4 * i.Parameters
	if st, err := os.Stat(path); err != nil || !st.IsDir() {
		return i, err
	}
	i.Tokens = exists(filepath.Join(path, "tokenizer.json"))
	stored, err := jamba.Stored(path)
	if err != nil {
		return nil, err
	}
	i.Stored = map[string]int64{}
	for t, n := range stored {
		i.Stored[string(t)] = n
	}
	return i, nil
}

func (i *jambaInfo) write(w io.Writer) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-11s %s\n", name, fmt.Sprintf(format, args...))
	}
	c := i.config
	line("parameters", "%s, of which %s work on a token", amount(i.Parameters), amount(i.Active))
	line("experts", "%s, %.1f %% of the parameters; with the dense MLPs %.1f %%", amount(i.Experts), 100*i.Share, 100*i.MLPShare)
	line("layers", "%d: %d attention and %d Mamba; %d mixtures and %d dense MLPs", c.NumHiddenLayers,
		i.Attention, i.Mamba, i.MoE, c.NumHiddenLayers-i.MoE)
	if i.MoE > 0 {
		line("mixtures", "%d experts, %d on a token", c.NumExperts, c.NumExpertsPerTok)
	}
	line("cache", "%s a token, %s at %d tokens, in 16 bits; %d/%d of a twin of attention alone",
		size(i.CacheBytes), size(i.Cache), i.Context, i.Attention, c.NumHiddenLayers)
	line("states", "%s of Mamba in float32, at any length", size(i.StateBytes))
	line("weights", "%s in float32, %s in 16 bits, %s with ExpertsInt8, %s with the MLPs too",
		size(i.Float32), size(i.BF16Bytes), size(i.Int8Bytes), size(i.Int8MLPBytes))
	if len(i.Stored) > 0 {
		var parts []string
		for t, n := range i.Stored {
			parts = append(parts, size(n)+" of "+t)
		}
		sort.Strings(parts)
		line("stored", "%s", strings.Join(parts, ", "))
	}
}
