package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mflow/train"
)

// A runDir is the directory that a training run keeps beside its model:
//
//	config.toml     the flags of the run
//	metrics.jsonl   one row every tenth step and every validation
//	last.ckpt       the last checkpoint
//	best.mflow      the best model at that checkpoint
//
// Of the networks of a mixture the first has these, and the others have the last
// three in directories 1, 2, … below.
type runDir struct {
	path  string
	model string
	best  int // step of the best model that was written
}

func (d *runDir) file(name string) string { return filepath.Join(d.path, name) }
func (d *runDir) config() string          { return d.file("config.toml") }
func (d *runDir) metrics() string         { return d.file("metrics.jsonl") }
func (d *runDir) last() string            { return d.file("last.ckpt") }

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// of is where network k of a mixture keeps its run; the first is at the top.
func (d *runDir) of(k int) *runDir {
	if k == 0 {
		return d
	}
	return &runDir{path: d.file(strconv.Itoa(k)), model: d.model, best: -1}
}

// make makes the directory.
func (d *runDir) make() error {
	if err := os.MkdirAll(d.path, 0o777); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	return nil
}

func (d *runDir) hasCheckpoint() bool { return exists(d.last()) }

// unfinished tells whether the directory holds a run whose model has not been
// written since its last checkpoint.
func (d *runDir) unfinished() bool {
	ckpt, err := os.Stat(d.last())
	if err != nil {
		return false
	}
	model, err := os.Stat(d.model)
	return err != nil || model.ModTime().Before(ckpt.ModTime())
}

// runDirOf returns the directory of the run of a model file.
func runDirOf(model string) string {
	return strings.TrimSuffix(model, filepath.Ext(model)) + ".run"
}

// free are the flags that may differ between a run and its continuation.
var free = []string{
	"config", "help", "json", "quiet", "threads", "output", "resume", "overwrite", "checkpoint", "offline",
}

// openRunDir finds the directory of a run and checks that it may be used,
// without writing anything. Under --resume it also takes over the run's flags.
func openRunDir(cmd *cobra.Command, o *trainOptions) (*runDir, error) {
	switch {
	case o.out == "":
		return nil, usagef("no model to write; give it by -o model.mflow")
	case filepath.Ext(o.out) == ".run":
		return nil, usagef("%s is the name of a run's directory; want a model such as model.mflow", o.out)
	}
	if st, err := os.Stat(o.out); err == nil && st.IsDir() {
		return nil, usagef("-o %s is a directory, want a file", o.out)
	}
	if parent := filepath.Dir(o.out); !exists(parent) {
		return nil, fmt.Errorf("train: cannot write %s: there is no directory %s", o.out, parent)
	}
	d := &runDir{path: runDirOf(o.out), model: o.out, best: -1}
	if o.resume {
		return d, takeOver(cmd, d)
	}
	if d.unfinished() && !o.overwrite {
		return nil, fmt.Errorf("train: %s holds an unfinished run; continue it by --resume, or start over by --overwrite", d.path)
	}
	switch {
	case o.source.data == "":
		return nil, usagef("no data; give it by --data NAME or --data FILE (mflow data list shows the names)")
	case cmd.Flags().Changed("time") && cmd.Flags().Changed("steps"):
		return nil, usagef("--time and --steps exclude each other")
	case cmd.Flags().Changed("time") && o.time <= 0:
		return nil, usagef("--time is %s, want more than 0", o.time)
	}
	return d, nil
}

// takeOver sets the flags to those of the run, and refuses others.
func takeOver(cmd *cobra.Command, d *runDir) error {
	if !exists(d.config()) {
		return fmt.Errorf("train: there is no run to resume in %s; leave out --resume to start one", d.path)
	}
	var other error
	cmd.Flags().Visit(func(f *pflag.Flag) {
		for _, name := range free {
			if f.Name == name {
				return
			}
		}
		if other == nil {
			other = usagef("--%s cannot be changed by --resume; the flags of the run are in %s", f.Name, d.config())
		}
	})
	if other != nil {
		return other
	}
	return applyConfig(cmd, d.config())
}

// create makes the directory of a new run, or readies that of a resumed one.
func (d *runDir) create(cmd *cobra.Command) error {
	if resume, _ := cmd.Flags().GetBool("resume"); resume {
		return nil
	}
	if err := d.make(); err != nil {
		return err
	}
	for k := 1; exists(d.of(k).path); k++ {
		if err := os.RemoveAll(d.of(k).path); err != nil {
			return fmt.Errorf("train: %w", err)
		}
	}
	for _, name := range []string{d.last(), d.file("best.mflow"), d.metrics()} {
		if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("train: %w", err)
		}
	}
	text, err := writeConfig(cmd, free...)
	if err != nil {
		return err
	}
	return writeFile(d.config(), func(path string) error { return os.WriteFile(path, text, 0o666) })
}

// save writes a checkpoint, and the best model if there is a better one.
func (d *runDir) save(r *train.Run) error {
	if err := r.Save(d.last()); err != nil {
		return err
	}
	if best := r.Best().Step; best > 0 && best != d.best {
		if err := saveBest(d.file("best.mflow"), r); err != nil {
			return err
		}
		d.best = best
	}
	return nil
}
