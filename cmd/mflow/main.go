// Command mflow trains Moser flows on manifolds and uses them: it fits a
// normalised density to points on a sphere, torus or other manifold, scores it,
// samples it, integrates it over regions and draws it.
//
//	mflow train --data earthquakes.csv -o model.mflow
//	mflow eval model.mflow
//	mflow plot model.mflow -o map.png
//
// Data goes to standard output, talk to standard error. The exit status is 0
// after success, 1 after a failure, 2 after a wrong command line and 130 after
// an interrupt.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the program at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// commands is the table of subcommands, in the order of the help text.
func (a *app) commands() []*cobra.Command {
	return []*cobra.Command{
		a.trainCmd(),
		a.evalCmd(),
		a.compareCmd(),
		a.sampleCmd(),
		a.densityCmd(),
		a.probCmd(),
		a.plotCmd(),
		a.dataCmd(),
		a.infoCmd(),
		a.checkCmd(),
		a.jambaCmd(),
		a.versionCmd(),
	}
}

// Exit statuses.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 2
	exitInterrupted = 130 // as a shell reports a program ended by SIGINT
)

// app is what every subcommand shares: its streams and the general flags.
type app struct {
	in       io.Reader
	out, err io.Writer

	json    bool
	quiet   bool
	threads int
	seed    uint64
	config  string
	running bool // the command line has been accepted
}

// run runs one command line and returns its exit status.
func run(ctx context.Context, args []string, in io.Reader, out, stderr io.Writer) int {
	a := &app{in: in, out: out, err: stderr}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	msg := oneLine(err)
	var interrupt *interruptError
	var usage *usageError
	switch {
	case errors.As(err, &interrupt), ctx.Err() != nil && errors.Is(err, context.Canceled):
		fmt.Fprintln(stderr, "mflow:", strings.Replace(msg, context.Canceled.Error(), "interrupted", 1))
		return exitInterrupted
	case !a.running, errors.As(err, &usage):
		fmt.Fprintf(stderr, "mflow: %s (see %s --help)\n", msg, cmd.CommandPath())
		return exitUsage
	}
	fmt.Fprintln(stderr, "mflow:", msg)
	return exitFailure
}

// oneLine puts the message of an error on one line.
func oneLine(err error) string {
	msg := strings.Replace(err.Error(), "\n\nDid you mean this?\n\t", "; did you mean ", 1)
	msg = strconvPart.ReplaceAllString(msg, ": ")
	return strings.Join(strings.Fields(msg), " ")
}

// strconvPart is what package strconv says before the cause, which the flag's
// own message has said already.
var strconvPart = regexp.MustCompile(`: strconv\.\w+: parsing "[^"]*": `)

// usageError is an error in the command line that only the command could see.
type usageError struct{ error }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// interruptError ends a command that was interrupted and has something to say.
type interruptError struct{ advice string }

func (e *interruptError) Error() string { return "interrupted: " + e.advice }

func (a *app) root() *cobra.Command {
	cobra.EnableCommandSorting = false
	root := &cobra.Command{
		Use:   "mflow",
		Short: "Normalised densities on manifolds by Moser flow",
		Long: `mflow fits a normalised probability density to points on a manifold: the
sphere, tori, rotations, boxes and products of them. It trains a Moser flow,
scores it honestly beside simple baselines, samples it, integrates it over
regions and draws it.`,
		Example: `  mflow train --data earthquake --time 60s -o model.mflow
  mflow eval model.mflow
  mflow sample model.mflow -n 10000 -o samples.csv
  mflow prob model.mflow --cap 35.7,139.7,300km
  mflow plot model.mflow --data --projection mollweide -o map.png`,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if a.threads < 0 {
				return usagef("--threads is %d, want 1 or more, or 0 for all cores", a.threads)
			}
			if a.config != "" {
				if err := applyConfig(cmd, a.config); err != nil {
					a.running = true // a bad file is a failure, not a wrong command line
					return err
				}
			}
			if a.threads > 0 {
				runtime.GOMAXPROCS(a.threads)
			}
			return nil
		},
	}
	general := root.PersistentFlags()
	general.BoolVar(&a.json, "json", false, "print the result on standard output as one JSON object")
	general.BoolVarP(&a.quiet, "quiet", "q", false, "no progress on standard error")
	general.IntVar(&a.threads, "threads", 0, "threads to compute on (default all cores)")
	general.Uint64Var(&a.seed, "seed", 0, "seed of everything random; the same seed gives the same bytes")
	general.StringVar(&a.config, "config", "", "TOML `file` of flags by their long names; flags given here override it")
	root.AddCommand(a.commands()...)
	root.SetUsageFunc(usage)
	root.SetHelpFunc(help)
	for _, c := range root.Commands() {
		a.mark(c)
	}
	return root
}

// mark makes a command and those below it note that their command line was
// accepted, so that errors before that are errors of usage.
func (a *app) mark(cmd *cobra.Command) {
	if f := cmd.RunE; f != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			a.running = true
			return f(cmd, args)
		}
	}
	for _, c := range cmd.Commands() {
		a.mark(c)
	}
}
