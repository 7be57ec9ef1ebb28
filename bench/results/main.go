// Command results remakes docs/results.md: every cell of its tables is one
// mflow train and one mflow eval, run as a user would and kept in a cache, from
// which alone the tables are written. Interrupted, it goes on where it was.
//
//	make results
//	go run ./bench/results -list
//	go run ./bench/results -only '^flood/blocked' -jobs 1
//	go run ./bench/results -ablation
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"time"

	"mflow/internal/atomicfile"
	"mflow/internal/kernel"
)

type options struct {
	program  string
	jobs     int
	only     *regexp.Regexp
	list     bool
	dry      bool
	write    bool
	ablation bool
	seeds    seedPlan
	cache    cache
	out      string
	recipe   string
}

const help = `Remake docs/results.md, or with -ablation the table of docs/recipe.md.

Jobs are called DATA/SPLIT/METHOD/SEED, dimension/... and ablation/...; what the
cache has is not run again. To have a job made again, remove its file from the
cache (-list names it). Data come from MFLOW_DATA, the cache of mflow or their
public sources.

Usage: go run ./bench/results [flags]

`

func main() {
	log.SetFlags(0)
	o, err := parse(os.Args[1:], os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(0)
	case err != nil:
		log.Print("results: ", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	switch err := results(ctx, o); {
	case errors.Is(err, context.Canceled):
		log.Print("results: interrupted; what was finished is kept, and the same command goes on from there")
		os.Exit(130)
	case err != nil:
		log.Print("results: ", err)
		os.Exit(1)
	}
}

func parse(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	f := flag.NewFlagSet("results", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() {
		fmt.Fprint(stderr, help)
		f.PrintDefaults()
	}
	f.StringVar(&o.program, "mflow", "bin/mflow", "program that is run")
	f.IntVar(&o.jobs, "jobs", 2, "jobs at a time, one thread each")
	only := f.String("only", "", "make only jobs whose name matches this `regexp`")
	f.BoolVar(&o.list, "list", false, "list the jobs and whether the cache has them, and stop")
	f.BoolVar(&o.dry, "dry", false, "write the command lines that would be run, and stop")
	f.BoolVar(&o.write, "write", false, "write the page from what the cache has, and run nothing")
	f.BoolVar(&o.ablation, "ablation", false, "make the ablation of docs/recipe.md instead")
	seeds := f.String("seeds", "0..4", "split seeds of published and distinct splits")
	blocked := f.String("blocked-seeds", "20..29", "split seeds of blocked splits")
	others := f.String("more-seeds", "40..79", "split seeds of more published splits of volcanoes")
	f.StringVar(&o.cache.dir, "cache", "out/results", "directory of what is done")
	f.StringVar(&o.out, "o", "docs/results.md", "file to write")
	f.StringVar(&o.recipe, "recipe", "docs/recipe.md", "file that the ablation is written into")
	err := f.Parse(args)
	if err != nil {
		return nil, err
	}
	if f.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	if o.jobs < 1 {
		return nil, fmt.Errorf("-jobs is %d, want at least 1", o.jobs)
	}
	if o.only, err = regexp.Compile(*only); err != nil {
		return nil, fmt.Errorf("-only: %w", err)
	}
	if o.seeds.seeds, err = parseSeeds(*seeds); err != nil {
		return nil, err
	}
	if o.seeds.more, err = parseSeeds(*others); err != nil {
		return nil, err
	}
	o.seeds.blocked, err = parseSeeds(*blocked)
	return o, err
}

// plan returns the jobs of the options.
func plan(o *options) []job {
	var all []job
	if o.ablation {
		for _, v := range variants {
			all = append(all, v.job(o))
		}
	} else {
		for _, c := range cells(o.seeds) {
			all = append(all, c.job(o))
		}
		for _, s := range study() {
			all = append(all, dimensionJob(s))
		}
	}
	some := all[:0]
	for _, j := range all {
		if o.only.MatchString(j.name) {
			some = append(some, j)
		}
	}
	return some
}

func results(ctx context.Context, o *options) error {
	kernel.SetThreads(1) // of the fits that run here
	if err := os.MkdirAll(o.cache.dir, 0o777); err != nil {
		return err
	}
	jobs := plan(o)
	if len(jobs) == 0 {
		return fmt.Errorf("no job is called as -only says; -list names them")
	}
	var todo []job
	var left time.Duration
	for _, j := range jobs {
		var nothing struct{}
		_, have, err := o.cache.get(j.name, j.lines, &nothing)
		if err != nil {
			return err
		}
		if !have {
			todo = append(todo, j)
			left += j.expect
		}
		if o.list {
			fmt.Printf("%-8s %-36s %s\n", map[bool]string{true: "done", false: "missing"}[have], j.name, o.cache.path(j.name, j.lines))
		}
	}
	log.Printf("%d jobs, %d of them to do, about %s at %d a time on idle cores", len(jobs), len(todo), (left / time.Duration(o.jobs)).Round(time.Minute), o.jobs)
	if o.list {
		return nil
	}
	if o.dry {
		for _, j := range todo {
			fmt.Printf("# %s\n%s\n", j.name, strings.Join(j.lines, "\n"))
		}
		return nil
	}
	var failed int
	if len(todo) > 0 && !o.write {
		var err error
		if failed, err = runAll(ctx, o.cache, todo, o); err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
	}
	// Interrupted or not, the page is written from what there is.
	if err := write(o); err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%d jobs failed and are shown as missing", failed)
	}
	return ctx.Err()
}

// write writes the page of the options from the cache.
func write(o *options) error {
	path, text, err := o.out, "", error(nil)
	if o.ablation {
		path = o.recipe
		text, err = ablationPage(o)
	} else {
		text, err = page(o)
	}
	if err != nil {
		return err
	}
	err = atomicfile.Write(path, func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
	if err != nil {
		return err
	}
	log.Printf("%s is written", path)
	return nil
}
