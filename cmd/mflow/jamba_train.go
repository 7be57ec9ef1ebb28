package main

import (
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mflow/flow/jamba"
	"mflow/flow/jamba/lm"
)

// jambaTrainOptions are the flags of jamba train.
type jambaTrainOptions struct {
	data       jambaData
	shape      jamba.Config
	from       string
	settings   lm.Settings
	out        string
	resume     bool
	overwrite  bool
	checkpoint time.Duration
}

func (a *app) jambaTrainCmd() *cobra.Command {
	o := &jambaTrainOptions{shape: smallJamba()}
	cmd := &cobra.Command{
		Use:   "train --data FILE -o DIR",
		Short: "Fit a Jamba to a text or to token ids",
		Long: `Fit a Jamba to predict the next token of a text or of sequences of token ids, and write
it as a directory in the layout of Hugging Face. A tenth of the data is held out.

A text is cut into bytes, a token each, or by a tokenizer.json. Files that end in
.ids, .csv, .json, .jsonl or .npy hold token ids instead: one sequence a line,
lists, or rows of a NumPy array, of any lengths. Such tokens may stand for the
marks of events; continuous features of events enter by the Go package.

The run keeps a directory beside the model, DIR.run, with its flags, metrics and
last checkpoint. An interrupted run is continued by --resume and ends in the same
bytes as an uninterrupted one, on any number of threads.`,
		Example: `  mflow jamba train --data book.txt --steps 2000 -o book
  mflow jamba train --data book.txt --tokenizer tokenizer.json --hidden 256 --layers 8 -o book
  mflow jamba train --data events.csv --length 64 -o events
  mflow jamba train --data more.txt --from book --learn-rate 1e-4 -o better
  mflow jamba train --resume -o book`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.jambaTrain(cmd, o) },
	}
	o.data.flags(cmd)
	flags(cmd, "Model", func(fs *pflag.FlagSet) {
		c := &o.shape
		fs.StringVar(&o.from, "from", "", "begin with the weights in a `directory`, or with the shape in a config.json")
		fs.IntVar(&c.HiddenSize, "hidden", c.HiddenSize, "width of the network")
		fs.IntVar(&c.NumHiddenLayers, "layers", c.NumHiddenLayers, "layers")
		fs.IntVar(&c.IntermediateSize, "intermediate", c.IntermediateSize, "width of an MLP, and of an expert")
		fs.IntVar(&c.NumAttentionHeads, "heads", c.NumAttentionHeads, "heads of attention")
		fs.IntVar(&c.NumKeyValueHeads, "kv-heads", c.NumKeyValueHeads, "heads of keys and values")
		fs.IntVar(&c.AttnLayerPeriod, "attn-period", c.AttnLayerPeriod, "one layer in so many is attention, the others are Mamba")
		fs.IntVar(&c.AttnLayerOffset, "attn-offset", c.AttnLayerOffset, "the first of them, from 0")
		fs.IntVar(&c.NumExperts, "experts", c.NumExperts, "experts of a mixture, 1 for dense MLPs alone")
		fs.IntVar(&c.NumExpertsPerTok, "top-k", c.NumExpertsPerTok, "experts that work on a token")
		fs.IntVar(&c.ExpertLayerPeriod, "expert-period", c.ExpertLayerPeriod, "one layer in so many has a mixture, the others a dense MLP")
		fs.IntVar(&c.ExpertLayerOffset, "expert-offset", c.ExpertLayerOffset, "the first of them, from 0")
		fs.IntVar(&c.MambaDState, "state", c.MambaDState, "states of a channel of Mamba")
	})
	d := lm.Settings{}.WithDefaults()
	flags(cmd, "Training", func(fs *pflag.FlagSet) {
		s := &o.settings
		fs.IntVar(&s.Steps, "steps", d.Steps, "steps")
		fs.IntVar(&s.Batch, "batch", d.Batch, "sequences a step")
		fs.IntVar(&s.Length, "length", d.Length, "tokens of a sequence, at most")
		fs.Float64Var(&s.Rate, "learn-rate", 2e-3, "learning rate after warm-up; it falls to a tenth as a cosine")
		fs.IntVar(&s.Warmup, "warm-up", 0, "steps of warm-up (default a twentieth), -1 for none")
		fs.Float64Var(&s.Decay, "weight-decay", 0, "weight decay of the matrices")
		fs.Float64Var(&s.Clip, "clip", 1, "largest norm of the gradient, -1 for no clipping")
		fs.Float64Var(&s.RouterAux, "balance", 0, "weight of the balancing loss (default the model's, 0.01), -1 for none")
		fs.Float64Var(&s.Activation, "activation-loss", 0, "weight of the mean square of what blocks add (1e-5 in Jamba-1.5)")
		fs.BoolVar(&s.Checkpoint, "recompute", false, "keep only the inputs of layers: less memory, a third more time")
		fs.IntVar(&s.Every, "check-every", d.Every, "steps between validations")
	})
	flags(cmd, "Output", func(fs *pflag.FlagSet) {
		fs.StringVarP(&o.out, "output", "o", "", "`directory` of the model to write")
		fs.BoolVar(&o.resume, "resume", false, "continue the run beside the model")
		fs.BoolVar(&o.overwrite, "overwrite", false, "replace a model that is there, or start over an unfinished run")
		fs.DurationVar(&o.checkpoint, "checkpoint", 30*time.Second, "time between checkpoints")
	})
	return cmd
}

// smallJamba is a shape that trains within minutes.
func smallJamba() jamba.Config {
	c := jamba.DefaultConfig()
	c.TieWordEmbeddings = true
	c.HiddenSize, c.IntermediateSize, c.NumHiddenLayers = 128, 256, 4
	c.NumAttentionHeads, c.NumKeyValueHeads = 4, 2
	c.AttnLayerPeriod, c.AttnLayerOffset = 4, 2
	c.NumExperts, c.RouterAuxLossCoef = 8, 0.01
	c.PadTokenID, c.BOSTokenID, c.EOSTokenID = -1, -1, nil
	return c
}

// jambaTrain fits a model: data, run, steps, directory.
func (a *app) jambaTrain(cmd *cobra.Command, o *jambaTrainOptions) error {
	dir, err := o.open(cmd)
	if err != nil {
		return err
	}
	if err := o.data.read(o.from); err != nil {
		return err
	}
	r, err := a.jambaRun(cmd, dir, o)
	if err != nil {
		return err
	}
	if err := dir.create(cmd); err != nil {
		return err
	}
	begun := time.Now()
	last, err := a.jambaSteps(cmd.Context(), dir, r, o)
	if err != nil {
		return err
	}
	if err := r.Model.Save(o.out, false, 0); err != nil {
		return err
	}
	if err := o.data.writeTokenizer(o.out); err != nil {
		return err
	}
	t := trainedJamba{
		Steps: r.N(), Seconds: time.Since(begun).Seconds(), Loss: last.Loss, Held: real(r.Held()),
		Balance: last.Balance, Model: o.out,
	}
	t.Train, t.HeldTokens = o.data.corpus.Tokens()
	info := r.Model.Config.Info()
	t.Parameters, t.Active = info.Parameters, info.Active
	return a.emit(t, func(w io.Writer) {
		fmt.Fprintf(w, "%s: %d steps, held-out loss %.4f nats a token (perplexity %.3f)%s, %s parameters, %s active\n",
			t.Model, t.Steps, t.Held, math.Exp(float64(t.Held)), balanced(info, float64(t.Balance), r), amount(t.Parameters), amount(t.Active))
	})
}

// balanced tells how even the load of the experts is.
func balanced(info jamba.Info, balance float64, r *lm.Run) string {
	if info.MoE == 0 || math.IsNaN(balance) {
		return ""
	}
	return fmt.Sprintf(", balancing loss %.3f (%d if even)", balance, r.Model.Config.NumExpertsPerTok)
}

// trainedJamba is the result of jamba train.
type trainedJamba struct {
	Steps      int     `json:"steps"`
	Seconds    float64 `json:"seconds"`
	Loss       real    `json:"loss"`         // of the last steps, nats a token
	Held       real    `json:"held_loss"`    // of what is held out
	Balance    real    `json:"balance_loss"` // of the last steps
	Train      int     `json:"train_tokens"`
	HeldTokens int     `json:"held_tokens"`
	Parameters int64   `json:"parameters"`
	Active     int64   `json:"active"`
	Model      string  `json:"model"`
}

// open finds the directory of the run and checks the flags.
func (o *jambaTrainOptions) open(cmd *cobra.Command) (*runDir, error) {
	if o.out == "" {
		return nil, usagef("no directory to write; give it by -o DIR")
	}
	out := filepath.Clean(o.out)
	d := &runDir{path: out + ".run", model: filepath.Join(out, "model.safetensors")}
	if o.resume {
		return d, takeOver(cmd, d)
	}
	if o.data.file == "" {
		return nil, usagef("no data; give it by --data FILE")
	}
	if d.unfinished() && !o.overwrite {
		return nil, fmt.Errorf("jamba: %s holds an unfinished run; continue it by --resume, or start over by --overwrite", d.path)
	}
	for _, name := range []string{"hidden", "layers", "intermediate", "heads", "kv-heads", "attn-period", "attn-offset", "experts", "top-k", "expert-period", "expert-offset", "state"} {
		if o.from != "" && cmd.Flags().Changed(name) {
			return nil, usagef("--%s and --from exclude each other", name)
		}
	}
	s := o.settings
	for _, v := range []struct {
		name  string
		value int
	}{{"steps", s.Steps}, {"batch", s.Batch}, {"length", s.Length}, {"check-every", s.Every}} {
		if v.value < 1 {
			return nil, usagef("--%s is %d, want at least 1", v.name, v.value)
		}
	}
	if !(s.Rate > 0) || !(s.Decay >= 0) || !(s.Activation >= 0) {
		return nil, usagef("--learn-rate is %g, --weight-decay %g and --activation-loss %g, want more than 0, and 0 or more", s.Rate, s.Decay, s.Activation)
	}
	return d, freeDir(o.from, o.out, o.overwrite)
}

// jambaRun returns the run of the options, or under --resume that of the last
// checkpoint.
func (a *app) jambaRun(cmd *cobra.Command, dir *runDir, o *jambaTrainOptions) (*lm.Run, error) {
	if o.resume && dir.hasCheckpoint() {
		return lm.Resume(dir.last(), o.data.corpus)
	}
	m, err := o.model(cmd, a.seed)
	if err != nil {
		return nil, err
	}
	o.settings.Seed = a.seed
	return lm.New(m, o.data.corpus, o.settings)
}

// model returns the network to begin with.
func (o *jambaTrainOptions) model(cmd *cobra.Command, seed uint64) (*jamba.Model, error) {
	rnd := rand.New(rand.NewPCG(seed, fieldStream))
	if o.from == "" {
		c := o.shape
		c.VocabSize = o.data.vocab
		c.EOSTokenID = o.data.end()
		// As wide as 0.02 at width 1024; Hugging Face has 0.02 for any.
		c.InitializerRange = 0.64 / math.Sqrt(float64(c.HiddenSize))
		if err := c.Validate(); err != nil {
			return nil, usagef("the shape of the network: %w", err)
		}
		return jamba.New(c, rnd)
	}
	if stored, err := jamba.Stored(o.from); err != nil || len(stored) > 0 {
		if err != nil {
			return nil, err
		}
		return jamba.Load(o.from)
	}
	c, err := jamba.ReadConfig(o.from)
	if err != nil {
		return nil, err
	}
	return jamba.New(c, rnd)
}
