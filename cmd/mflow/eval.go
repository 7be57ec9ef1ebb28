package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mflow/divergence"
	"mflow/flow"
	"mflow/sample"
)

type evalOptions struct {
	source source
	points int
	paths  int
	floor  float64
}

func (a *app) evalCmd() *cobra.Command {
	o := &evalOptions{}
	cmd := &cobra.Command{
		Use:   "eval MODEL...",
		Short: "Score a model on the test split beside simple baselines",
		Long: `Score models on the test split of the data they were trained on, which the model
file remembers, or of other data given here.

The score is the mean negative log-likelihood in nats with respect to the
Riemannian volume, divided by a normaliser measured on fresh points; lower is
better. Beside it stand the raw score, which is not normalised, the score along
the flow's differential equation on a subset, and baselines fitted to the same
training points, with paired differences (baseline minus model).

Of several models a Markdown table is written, or one JSON object a line.`,
		Example: `  mflow eval model.mflow
  mflow eval model.mflow --json
  mflow eval model.mflow --split distinct --split-seed 3
  mflow eval a.mflow b.mflow`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.eval(cmd, args, o) },
	}
	o.source.flags(cmd, "")
	flags(cmd, "Scoring", func(fs *pflag.FlagSet) {
		fs.IntVar(&o.points, "z-points", 400000, "Monte Carlo points of Z")
		fs.IntVar(&o.paths, "ode-points", 200, "test points to score along the flow, 0 for none")
		fs.Float64Var(&o.floor, "floor", 0, "narrowest kernel of the baselines, radians\n(default 1e-4 for published splits, 1e-3 for others)")
	})
	return cmd
}

// evaluation is the result of eval.
type evaluation struct {
	Model      string               `json:"model"`
	NTest      int                  `json:"n_test"`
	NLL        real                 `json:"nll"`
	NLLSE      real                 `json:"nll_se"`
	NLLRaw     real                 `json:"nll_raw"`
	Z          real                 `json:"z"`
	ZSE        real                 `json:"z_se"`
	NLLODE     *real                `json:"nll_ode"`
	NLLODESE   *real                `json:"nll_ode_se"`
	NODE       int                  `json:"n_ode"`
	Duplicates int                  `json:"duplicates_in_train"`
	Share      real                 `json:"duplicates_share"`
	Floor      float64              `json:"floor"`
	Baselines  map[string]*baseline `json:"baselines"`

	source string
	split  string
}

// A baseline is the score of another density on the same test points.
type baseline struct {
	NLL     real `json:"nll"`
	NLLSE   real `json:"nll_se"`
	Delta   real `json:"delta"` // baseline minus model, paired
	DeltaSE real `json:"delta_se"`
	N       int  `json:"n"` // test points it was scored on
}

func (a *app) eval(cmd *cobra.Command, paths []string, o *evalOptions) error {
	switch {
	case o.points < 2:
		return usagef("--z-points is %d, want at least 2", o.points)
	case o.paths < 0:
		return usagef("--ode-points is %d, want at least 0", o.paths)
	case o.floor < 0:
		return usagef("--floor is %g, want a positive number of radians", o.floor)
	}
	var all []*evaluation
	for _, path := range paths {
		e, err := a.evaluate(cmd, path, o)
		if err != nil {
			return err
		}
		all = append(all, e)
		if a.json || len(paths) == 1 {
			if err := a.emit(e, e.write); err != nil {
				return err
			}
		}
	}
	if !a.json && len(paths) > 1 {
		writeTable(a.out, all)
	}
	return nil
}

// evaluate scores one model.
func (a *app) evaluate(cmd *cobra.Command, path string, o *evalOptions) (*evaluation, error) {
	f, err := flow.Load(path)
	if err != nil {
		return nil, err
	}
	src := o.source
	pts, err := src.loadFor(cmd, path, f)
	if err != nil {
		return nil, err
	}
	n := pts.rows(pts.test)
	if n == 0 {
		return nil, fmt.Errorf("eval: the %s split of %s has no test points", pts.summary.Protocol, pts.summary.Source)
	}
	z, _, err := divergence.Normaliser(f, o.points, rand.New(rand.NewPCG(a.seed, scoreStream)))
	if err != nil {
		return nil, err
	}
	f.Z, f.ZSE = z.Value, z.SE
	lp := make([]float64, n)
	divergence.New(f).LogProb(lp, pts.test)
	e := &evaluation{
		Model: path, NTest: n, Z: real(z.Value), ZSE: real(z.SE),
		Duplicates: pts.summary.Duplicates, Share: real(float64(pts.summary.Duplicates) / float64(n)),
		Floor: o.floor, source: pts.summary.Source,
		split: fmt.Sprintf("%s split, seed %d", pts.summary.Protocol, pts.summary.SplitSeed),
	}
	if e.Floor == 0 {
		e.Floor = defaultFloor(pts.summary.Protocol)
	}
	nll, se := meanSE(lp)
	// The error of Z adds to that of the mean.
	e.NLL, e.NLLSE = real(-nll), real(math.Hypot(se, z.SE/z.Value))
	e.NLLRaw = real(-nll - math.Log(z.Value))
	if err := e.along(cmd.Context(), f, pts.test, o.paths, a.seed); err != nil {
		return nil, err
	}
	e.Baselines, err = baselines(pts, lp, e.Floor, a.seed)
	return e, err
}

// along scores a random subset of the test points by the change of variables
// along the flow.
func (e *evaluation) along(ctx context.Context, f *flow.Flow, test []float64, paths int, seed uint64) error {
	_, n := f.Manifold.Dims()
	e.NODE = min(paths, e.NTest)
	if e.NODE == 0 {
		return nil
	}
	x := make([]float64, 0, e.NODE*n)
	for _, i := range rand.New(rand.NewPCG(seed, subsetStream)).Perm(e.NTest)[:e.NODE] {
		x = append(x, test[i*n:(i+1)*n]...)
	}
	lp, _, _, err := sample.LogProb(ctx, f, x, sample.Solver{Tol: 1e-5})
	if errors.Is(err, context.Canceled) {
		return err
	} else if err != nil {
		return nil // too stiff to follow: reported as null
	}
	nll, se := meanSE(lp)
	e.NLLODE, e.NLLODESE = ptr(-nll), ptr(se)
	return nil
}

// meanSE returns the mean of x and its standard error.
func meanSE(x []float64) (mean, se float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		se += (v - mean) * (v - mean)
	}
	n := float64(len(x))
	return mean, math.Sqrt(se / max(1, n-1) / n)
}

// compare returns the score of a baseline with log-densities lp beside those of
// the model.
func compare(lp, model []float64) *baseline {
	diff := make([]float64, len(lp))
	for i, l := range lp {
		diff[i] = model[i] - l
	}
	b := baseline{N: len(lp)}
	nll, se := meanSE(lp)
	delta, dse := meanSE(diff)
	b.NLL, b.NLLSE, b.Delta, b.DeltaSE = real(-nll), real(se), real(delta), real(dse)
	return &b
}

func (e *evaluation) write(w io.Writer) {
	fmt.Fprintf(w, "%s on %s, %s: %d test points, %d (%.1f %%) of them copies of training points\n\n",
		e.Model, e.source, e.split, e.NTest, e.Duplicates, 100*float64(e.Share))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "\tNLL, nats\t±\tbaseline minus model\t±\t\n")
	fmt.Fprintf(t, "model\t%.3f\t%.3f\t\t\t\n", e.NLL, e.NLLSE)
	for _, name := range baselineNames {
		if b := e.Baselines[name]; b != nil {
			if b.N < e.NTest {
				name += fmt.Sprintf(" (%d points)", b.N)
			}
			fmt.Fprintf(t, "%s\t%.3f\t%.3f\t%+.3f\t%.3f\t\n", name, b.NLL, b.NLLSE, b.Delta, b.DeltaSE)
		}
	}
	t.Flush()
	fmt.Fprintf(w, "\nnormaliser Z %.4f ±%.4f; not normalised the model would score %.3f\n", e.Z, e.ZSE, e.NLLRaw)
	if e.NLLODE != nil {
		fmt.Fprintf(w, "along the flow, at %d of the test points: %.3f ±%.3f\n", e.NODE, *e.NLLODE, *e.NLLODESE)
	}
	fmt.Fprintf(w, "kernels of the baselines are no narrower than %g rad\n", e.Floor)
}

// writeTable writes several evaluations as a Markdown table.
func writeTable(w io.Writer, all []*evaluation) {
	fmt.Fprintln(w, "| data | split | n | NLL | Z | raw NLL | uniform | vMF mixture | kernels (floor) | copies |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|---|---|")
	for _, e := range all {
		cell := func(name string) string {
			if b := e.Baselines[name]; b != nil {
				return fmt.Sprintf("%.3f", b.NLL)
			}
			return ""
		}
		fmt.Fprintf(w, "| %s | %s | %d | %.3f ±%.3f | %.4f ±%.4f | %.3f | %s | %s | %s (%g) | %.1f %% |\n",
			e.source, e.split, e.NTest, e.NLL, e.NLLSE, e.Z, e.ZSE, e.NLLRaw,
			cell("uniform"), cell("vmf_mixture"), cell("kde"), e.Floor, 100*float64(e.Share))
	}
}
