package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mflow/datasets"
	"mflow/internal/atomicfile"
)

// seedOptions say which models eval fits by itself.
type seedOptions struct {
	seeds     string
	dir       string
	overwrite bool
	effort    string
	time      string
	prior     string
}

func (o *seedOptions) flags(cmd *cobra.Command) {
	flags(cmd, "A model for every split seed", func(fs *pflag.FlagSet) {
		fs.StringVar(&o.seeds, "seeds", "", "split seeds, as 0..4 or 0,3,7: fits a model for each\nto --data and scores it")
		fs.StringVar(&o.dir, "dir", "", "`directory` of the models (default eval-NAME); those\nthere are used again")
		fs.BoolVar(&o.overwrite, "overwrite", false, "fit again what is there")
		fs.StringVar(&o.effort, "effort", "", "passed on to mflow train, as are flags after --")
		fs.StringVar(&o.time, "time", "", "passed on")
		fs.StringVar(&o.prior, "prior", "", "passed on")
	})
}

// parseSeeds reads 0..4, 0,3,7 or a mixture of both.
func parseSeeds(s string) ([]uint64, error) {
	const most = 1000
	bad := func() error {
		return usagef("--seeds is %q, want a range such as 0..4 or a list such as 0,3,7, of at most %d different seeds", s, most)
	}
	var out []uint64
	seen := map[uint64]bool{}
	for _, part := range strings.Split(s, ",") {
		a, b, is := strings.Cut(strings.TrimSpace(part), "..")
		if !is {
			b = a
		}
		lo, err1 := strconv.ParseUint(a, 10, 64)
		hi, err2 := strconv.ParseUint(b, 10, 64)
		if err1 != nil || err2 != nil || hi < lo || hi-lo >= most || len(out) > most {
			return nil, bad()
		}
		for v := lo; ; v++ {
			if seen[v] {
				return nil, bad()
			}
			seen[v] = true
			out = append(out, v)
			if v == hi {
				break
			}
		}
	}
	return out, nil
}

// A fit is one model that eval makes: its file and the command line that does.
type fit struct {
	model string
	args  []string // of mflow
}

// String is the command line, as a shell reads it.
func (f fit) String() string {
	words := []string{"mflow"}
	for _, w := range f.args {
		if strings.ContainsAny(w, " \t\n'\"\\$&|;<>()*?[]#~`!{}") || w == "" {
			w = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
		words = append(words, w)
	}
	return strings.Join(words, " ")
}

// passed are the flags of eval that say which points to read, as train knows
// them too.
var passed = []string{"manifold", "fractions", "columns", "unit", "points-of-set", "offline"}

// fits returns the fits of the options, split by split and seed by seed.
func (a *app) fits(cmd *cobra.Command, o *evalOptions, extra []string) ([]fit, error) {
	given := cmd.Flags().Changed
	switch {
	case o.source.data == "":
		return nil, usagef("--seeds needs the data to fit; give them by --data NAME or --data FILE")
	case given("split-seed"):
		return nil, usagef("--seeds and --split-seed exclude each other")
	}
	seeds, err := parseSeeds(o.seeds.seeds)
	if err != nil {
		return nil, err
	}
	dir := o.seeds.dir
	if dir == "" {
		base := filepath.Base(o.source.data)
		dir = "eval-" + strings.TrimSuffix(base, filepath.Ext(base))
	}
	splits := []string{"published"}
	if o.source.split != "" {
		splits = strings.Split(o.source.split, ",")
	}
	var out []fit
	for _, split := range splits {
		if _, err := datasets.ParseProtocol(split); err != nil {
			return nil, &usageError{err}
		}
		for _, seed := range seeds {
			f := fit{model: filepath.Join(dir, fmt.Sprintf("%s-%d.mflow", split, seed))}
			f.args = []string{"train", "--data", o.source.data, "--split", split, "--split-seed", strconv.FormatUint(seed, 10)}
			for _, name := range passed {
				if given(name) {
					f.args = append(f.args, "--"+name+"="+cmd.Flags().Lookup(name).Value.String())
				}
			}
			if len(o.source.columns) > 0 { // pflag writes this list in brackets
				f.args = drop(f.args, "--columns=")
				f.args = append(f.args, "--columns="+strings.Join(o.source.columns, ","))
			}
			for _, p := range []struct{ name, value string }{{"effort", o.seeds.effort}, {"time", o.seeds.time}, {"prior", o.seeds.prior}} {
				if given(p.name) {
					f.args = append(f.args, "--"+p.name, p.value)
				}
			}
			if a.seed != 0 {
				f.args = append(f.args, "--seed", strconv.FormatUint(a.seed, 10))
			}
			f.args = append(append(f.args, extra...), "-o", f.model)
			out = append(out, f)
		}
	}
	return out, nil
}

func drop(args []string, prefix string) []string {
	var out []string
	for _, a := range args {
		if !strings.HasPrefix(a, prefix) {
			out = append(out, a)
		}
	}
	return out
}

// fitted makes the model of a fit unless it is there: by the command that the
// fit names, in this process. What was begun is taken up again. The command line
// stands beside the model, and a model made by another one is not used.
func (a *app) fitted(ctx context.Context, f fit, overwrite bool) error {
	if err := os.MkdirAll(filepath.Dir(f.model), 0o777); err != nil {
		return fmt.Errorf("eval: %w", err)
	}
	line := f.String() + "\n"
	record := strings.TrimSuffix(f.model, ".mflow") + ".cmd"
	m := a.meter(0)
	args := f.args
	d := &runDir{path: runDirOf(f.model), model: f.model}
	begun := exists(f.model) || exists(d.config())
	old, err := os.ReadFile(record)
	switch known := err == nil && string(old) == line; {
	case overwrite:
		args = append(args[:len(args):len(args)], "--overwrite")
	case !begun:
	case !known:
		was := "a command that is not known"
		if err == nil {
			was = strings.TrimSpace(string(old))
		}
		return fmt.Errorf("eval: %s was made by %s; choose another --dir, or fit again by --overwrite", f.model, was)
	case exists(f.model) && !d.unfinished():
		m.say("%s is there", f.model)
		return nil
	case exists(d.config()):
		args = []string{"train", "--resume", "-o", f.model}
	}
	if err := atomicfile.Write(record, func(w io.Writer) error { _, err := io.WriteString(w, line); return err }); err != nil {
		return fmt.Errorf("eval: cannot write %s: %w", record, err)
	}
	m.say("%s", f)
	t := &app{in: a.in, out: io.Discard, err: a.err, quiet: a.quiet}
	root := t.root()
	root.SetArgs(append(args[:len(args):len(args)], "--quiet="+strconv.FormatBool(a.quiet)))
	root.SetOut(io.Discard)
	root.SetErr(io.Discard)
	_, err = root.ExecuteContextC(ctx)
	var interrupt *interruptError
	var usage *usageError
	switch {
	case errors.As(err, &interrupt), errors.Is(err, context.Canceled):
		return &interruptError{"the models so far are kept; the same command goes on from here"}
	case err != nil && (!t.running || errors.As(err, &usage)):
		return usagef("%s: %w", f, err)
	case err != nil:
		return fmt.Errorf("eval: %s: %w", f, err)
	}
	return nil
}
