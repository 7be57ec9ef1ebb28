package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mflow/flow"
	"mflow/sample"
)

type sampleOptions struct {
	n      int
	method string
	solver string
	tol    float64
	steps  int
	out    string
}

func (a *app) sampleCmd() *cobra.Command {
	o := &sampleOptions{}
	cmd := &cobra.Command{
		Use:   "sample MODEL",
		Short: "Draw points from a model",
		Long: `Draw independent points from a model.

By ode, points of the prior move along the flow's differential equation. By
rejection, points of the prior are kept with probability proportional to the
ratio of densities, which owes nothing to a solver; its bounds are learned from
draws.

The output is CSV, NPZ, NetCDF or, on the sphere, GeoJSON, by the extension of
the file; without -o it is CSV on standard output.`,
		Example: `  mflow sample model.mflow -n 10000 --seed 1 -o samples.csv
  mflow sample model.mflow -n 500 --method rejection > samples.csv
  mflow sample model.mflow -n 1000 --solver rk4 --steps 64 -o samples.geojson`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.sample(cmd, args[0], o) },
	}
	flags(cmd, "Sampling", func(fs *pflag.FlagSet) {
		fs.IntVarP(&o.n, "number", "n", 1000, "points to draw")
		fs.StringVar(&o.method, "method", "ode", "ode or rejection")
		fs.StringVar(&o.solver, "solver", "dopri5", "solver of the equation: dopri5 (adaptive) or rk4")
		fs.Float64Var(&o.tol, "tol", 1e-5, "tolerance of the adaptive solver")
		fs.IntVar(&o.steps, "steps", 64, "steps of rk4")
	})
	flags(cmd, "Output", func(fs *pflag.FlagSet) {
		fs.StringVarP(&o.out, "output", "o", "", "`file` to write: .csv, .npz, .nc or .geojson")
	})
	return cmd
}

func (a *app) sample(cmd *cobra.Command, path string, o *sampleOptions) error {
	if o.n < 1 {
		return usagef("-n is %d, want at least 1", o.n)
	}
	if a.json && o.out == "" {
		return usagef("--json needs -o FILE, since the points would go to standard output too")
	}
	f, err := flow.Load(path)
	if err != nil {
		return err
	}
	write, err := pointWriter(f.Manifold, o.out)
	if err != nil {
		return err
	}
	begun := time.Now()
	x, st, err := draw(cmd.Context(), f, o, rand.New(rand.NewPCG(a.seed, sampleStream)))
	if err != nil {
		return err
	}
	seconds := time.Since(begun).Seconds()
	if err := write(a.out, x); err != nil {
		return err
	}
	if o.out == "" {
		return nil
	}
	return a.emit(struct {
		N       int     `json:"n"`
		Seconds float64 `json:"seconds"`
		NFE     float64 `json:"nfe"`
		Method  string  `json:"method"`
	}{o.n, seconds, float64(st.Evals) / float64(o.n), o.method}, func(w io.Writer) {
		fmt.Fprintf(w, "%s: %d points by %s in %.2f s, %.1f evaluations a point", o.out, o.n, o.method, seconds, float64(st.Evals)/float64(o.n))
		if st.MaxEvals > 0 {
			fmt.Fprintf(w, ", %d at most", st.MaxEvals)
		}
		fmt.Fprintln(w)
	})
}

// draw draws the points by the method of the options.
func draw(ctx context.Context, f *flow.Flow, o *sampleOptions, rnd *rand.Rand) ([]float64, sample.Stats, error) {
	switch o.method {
	case "ode":
		tab, err := sample.ParseTableau(o.solver)
		if err != nil {
			return nil, sample.Stats{}, &usageError{err}
		}
		if o.tol <= 0 || o.steps < 1 {
			return nil, sample.Stats{}, usagef("--tol is %g and --steps %d, want positive numbers", o.tol, o.steps)
		}
		return sample.Draw(ctx, f, o.n, sample.Solver{Method: tab, Tol: o.tol, Steps: o.steps}, rnd)
	case "rejection":
		return sample.Reject(ctx, f, o.n, rnd)
	}
	return nil, sample.Stats{}, usagef("unknown method %q, want ode or rejection", o.method)
}
