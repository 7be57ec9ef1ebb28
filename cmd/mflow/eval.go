package main

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mflow/divergence"
	"mflow/flow"
	"mflow/sample"
	"mflow/score"
)

type evalOptions struct {
	source    source
	points    int
	quad      int
	paths     int
	baselines string
	floor     float64
	cloud     int
	cells     int
	samples   int
	out       string
	report    string
	seeds     seedOptions
}

// fewer returns the options with fewer points where kernels, which are slow, are
// the prior and the command line left the numbers open.
func (o evalOptions) fewer(cmd *cobra.Command, f *flow.Flow) *evalOptions {
	if slow(f.Prior) {
		for _, q := range []struct {
			flag string
			v    *int
			by   int
		}{{"z-points", &o.points, 10}, {"quad-points", &o.quad, 10}, {"mass-points", &o.cloud, 5}} {
			if !cmd.Flags().Changed(q.flag) {
				*q.v /= q.by
			}
		}
	}
	return &o
}

func (a *app) evalCmd() *cobra.Command {
	o := &evalOptions{}
	cmd := &cobra.Command{
		Use:   "eval MODEL... | --seeds 0..4 --data NAME|FILE [-- FLAGS OF TRAIN]",
		Short: "Score a model on the test split beside simple baselines",
		Long: `Score models on the test split of the data they were trained on, which the model
file remembers, or of other data given here.

The score is the mean negative log-likelihood in nats with respect to the
Riemannian volume, divided by a normaliser measured on fresh points; lower is
better. Beside it stand the score on novel points, which are not copies of
training points, the raw score, which is not normalised, the score along the
flow's differential equation on a subset, and baselines fitted to the same
training points, with paired differences (baseline minus model). The errors of
a blocked split are clustered by its cells.

The normaliser is measured twice, by Monte Carlo and by quadrature. Calibration
compares predicted masses of cells, and of latitudes and longitudes or angles,
with the test points; two-sample tests compare samples of the model with them.

Of several models a Markdown table is written, or one JSON object a line. Models
of one data set and protocol on different splits are summarised: mean, spread
between splits, and differences from the baselines over all test points.

With --seeds eval fits the models itself, one for each split seed, by the train
command that it prints, and keeps them in --dir; --split may then list several
protocols. Interrupted, the same command goes on where it was.

docs/evaluation.md says what every number means.`,
		Example: `  mflow eval model.mflow
  mflow eval model.mflow --json --points-out points.csv
  mflow eval model.mflow --report report.html
  mflow eval a.mflow b.mflow
  mflow eval --seeds 0..4 --data earthquake --split published,distinct --time 60s
  mflow eval --seeds 0..4 --data points.csv -- --hidden 64,64 --lambda 2`,
		Args: func(cmd *cobra.Command, args []string) error {
			if !cmd.Flags().Changed("seeds") {
				return cobra.MinimumNArgs(1)(cmd, args)
			}
			if n := cmd.ArgsLenAtDash(); n > 0 || n < 0 && len(args) > 0 {
				return errors.New("--seeds makes the models itself; flags of train come after --")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.eval(cmd, args, o) },
	}
	o.source.flags(cmd, "")
	o.seeds.flags(cmd)
	o.flags(cmd)
	return cmd
}

func (o *evalOptions) flags(cmd *cobra.Command) {
	flags(cmd, "Scoring", func(fs *pflag.FlagSet) {
		fs.IntVar(&o.points, "z-points", 400000, "Monte Carlo points of Z\n(a tenth where the prior is kernels)")
		fs.IntVar(&o.quad, "quad-points", 200000, "quadrature points of Z, 0 for none\n(a tenth where the prior is kernels)")
		fs.IntVar(&o.paths, "ode-points", 200, "test points to score along the flow, 0 for none")
		fs.StringVar(&o.baselines, "baselines", "all", "all, or uniform for no fitted ones")
		fs.Float64Var(&o.floor, "floor", 0, "narrowest kernel of the baselines, radians\n(default 1e-4 for published splits, 1e-3 for others)")
		fs.StringVar(&o.out, "points-out", "", "CSV `file` of the log-densities at every test point")
		fs.StringVar(&o.report, "report", "", "`file` of a page with numbers and pictures: .html or .pdf,\nof one model")
	})
	flags(cmd, "Calibration", func(fs *pflag.FlagSet) {
		fs.IntVar(&o.cloud, "mass-points", 100000, "Monte Carlo points of predicted masses, 0 for no calibration\n(a fifth where the prior is kernels)")
		fs.IntVar(&o.cells, "cells", 0, "cells of equal predicted mass (default so many that\neach expects 5 test points, at most 100)")
		fs.IntVar(&o.samples, "samples", 1000, "at most so many samples against as many test points,\n0 for no two-sample tests")
	})
}

func (o *evalOptions) check() error {
	switch {
	case o.points < 2:
		return usagef("--z-points is %d, want at least 2", o.points)
	case o.quad < 0 || o.quad > 0 && o.quad < 1000:
		return usagef("--quad-points is %d, want at least 1000, or 0 for none", o.quad)
	case o.paths < 0:
		return usagef("--ode-points is %d, want at least 0", o.paths)
	case o.baselines != "all" && o.baselines != "uniform":
		return usagef("--baselines is %q, want all or uniform", o.baselines)
	case o.floor < 0:
		return usagef("--floor is %g, want a positive number of radians", o.floor)
	case o.cloud < 0 || o.cloud > 0 && o.cloud < 1000:
		return usagef("--mass-points is %d, want at least 1000, or 0 for none", o.cloud)
	case o.cells < 0 || o.cells == 1:
		return usagef("--cells is %d, want at least 2", o.cells)
	case o.samples < 0:
		return usagef("--samples is %d, want at least 0", o.samples)
	}
	if o.out != "" {
		if _, err := extension(o.out, "csv"); err != nil {
			return err
		}
	}
	if o.report != "" {
		if _, err := extension(o.report, "html", "pdf"); err != nil {
			return err
		}
	}
	return nil
}

// evaluation is the result of eval.
type evaluation struct {
	Model     string `json:"model"`
	Data      string `json:"data"`
	Split     string `json:"split"`
	SplitSeed uint64 `json:"split_seed"`
	NTrain    int    `json:"n_train"`
	NTest     int    `json:"n_test"`
	Groups    int    `json:"se_groups"` // cells that errors are clustered by; n_test if they are not

	NLL        real  `json:"nll"`
	NLLSE      real  `json:"nll_se"`
	NNovel     int   `json:"n_novel"`
	NLLNovel   *real `json:"nll_novel"`
	NLLNovelSE *real `json:"nll_novel_se"`
	NLLRaw     real  `json:"nll_raw"`

	Z    real        `json:"z"`
	ZSE  real        `json:"z_se"`
	Quad *quadrature `json:"z_quadrature"`

	NLLODE   *real `json:"nll_ode"`
	NLLODESE *real `json:"nll_ode_se"`
	NODE     int   `json:"n_ode"`

	Duplicates    int   `json:"duplicates_in_train"`
	Share         real  `json:"duplicates_share"`
	DuplicateRows []int `json:"duplicate_rows"`

	Floor     float64              `json:"floor"`
	Baselines map[string]*baseline `json:"baselines"`

	Coverage    *real        `json:"coverage"`
	Calibration *calibration `json:"calibration"`
	PIT         []pit        `json:"pit"`
	Energy      *energy      `json:"energy_distance"`
	C2ST        *classifier  `json:"c2st"`

	Seconds float64 `json:"seconds"`

	flow *flow.Flow
	test *testPoints
	lp   []float64 // log-densities of the test points
	pits []score.PIT
	cal  *score.Calibration
}

func (a *app) eval(cmd *cobra.Command, paths []string, o *evalOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	if o.report != "" && (len(paths) != 1 || cmd.Flags().Changed("seeds")) {
		return usagef("--report is a page on one model; give one")
	}
	commands := map[string]string{}
	if cmd.Flags().Changed("seeds") {
		fits, err := a.fits(cmd, o, paths)
		if err != nil {
			return err
		}
		paths = nil
		for _, f := range fits {
			if err := a.fitted(cmd.Context(), f, o.seeds.overwrite); err != nil {
				return err
			}
			paths = append(paths, f.model)
			commands[f.model] = f.String()
		}
		// The models remember their data and splits: a command without flags asks
		// for those.
		ctx := cmd.Context()
		cmd = &cobra.Command{}
		cmd.SetContext(ctx)
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
	for _, s := range summarise(all, commands, a.seed) {
		if err := a.emit(map[string]*summary{"summary": s}, s.write); err != nil {
			return err
		}
	}
	if o.report != "" {
		r, err := a.newReport(all[0], evalLine(cmd, paths[0]))
		if err != nil {
			return err
		}
		if err := r.save(o.report); err != nil {
			return err
		}
	}
	if o.out == "" {
		return nil
	}
	return writePoints(o.out, all)
}

// evaluate scores one model.
func (a *app) evaluate(cmd *cobra.Command, path string, o *evalOptions) (*evaluation, error) {
	begun := time.Now()
	f, err := flow.Load(path)
	if err != nil {
		return nil, err
	}
	o = o.fewer(cmd, f)
	pts, err := o.source.loadFor(cmd, path, f)
	if err != nil {
		return nil, err
	}
	t, err := newTestPoints(pts, pts)
	if err != nil {
		return nil, err
	}
	ctx := cmd.Context()
	e := &evaluation{
		Model: path, Data: pts.summary.Source, Split: pts.summary.Protocol, SplitSeed: pts.summary.SplitSeed,
		NTrain: len(pts.split.Train), NTest: t.n(), NNovel: len(t.novel), Duplicates: t.n() - len(t.novel),
		Share: real(float64(t.n()-len(t.novel)) / float64(t.n())), DuplicateRows: t.copiedRows(),
		Floor: o.floor, flow: f, test: t, lp: make([]float64, t.n()),
	}
	if e.Floor == 0 {
		e.Floor = defaultFloor(pts.summary.Protocol)
	}
	stages := []struct {
		name string
		do   func() error
	}{
		{"density", func() error { return e.density(o, a.seed) }},
		{"quadrature", func() error { return e.quadrature(o.quad, a.seed) }},
		{"along the flow", func() error { return e.along(ctx, o.paths, a.seed) }},
		{"baselines", func() (err error) {
			e.Baselines, err = baselines(pts, e.lp, e.Floor, a.seed, o.baselines == "all")
			return err
		}},
		{"calibration", func() error { return e.calibrate(o, a.seed) }},
		{"samples", func() error { return e.twoSample(ctx, o.samples, a.seed) }},
	}
	m := a.meter(0)
	defer m.end()
	for i, s := range stages {
		m.step(i, len(stages), func() string { return path + ": " + s.name })
		if err := errors.Join(ctx.Err(), s.do()); err != nil {
			return nil, err
		}
	}
	for _, b := range e.Baselines {
		b.against(e.lp, t)
	}
	e.Seconds = time.Since(begun).Seconds()
	return e, nil
}

// density measures Z and scores the test points.
func (e *evaluation) density(o *evalOptions, seed uint64) error {
	z, _, err := divergence.Normaliser(e.flow, o.points, rand.New(rand.NewPCG(seed, scoreStream)))
	if err != nil {
		return err
	}
	e.flow.Z, e.flow.ZSE = z.Value, z.SE
	e.Z, e.ZSE = real(z.Value), real(z.SE)
	divergence.New(e.flow).LogProb(e.lp, e.test.x)
	m := e.test.mean(e.lp)
	// The error of Z adds to that of the mean.
	e.NLL, e.NLLSE, e.Groups = real(-m.Value), real(math.Hypot(m.SE, z.SE/z.Value)), m.Groups
	e.NLLRaw = real(-m.Value - math.Log(z.Value))
	if e.NNovel > 0 {
		m := e.test.novelMean(e.lp)
		e.NLLNovel, e.NLLNovelSE = ptr(-m.Value), ptr(math.Hypot(m.SE, z.SE/z.Value))
	}
	return nil
}

// along scores a random subset of the test points by the change of variables
// along the flow.
func (e *evaluation) along(ctx context.Context, paths int, seed uint64) error {
	_, n := e.flow.Manifold.Dims()
	e.NODE = min(paths, e.NTest)
	if e.NODE == 0 {
		return nil
	}
	x := make([]float64, 0, e.NODE*n)
	for _, i := range rand.New(rand.NewPCG(seed, subsetStream)).Perm(e.NTest)[:e.NODE] {
		x = append(x, e.test.x[i*n:(i+1)*n]...)
	}
	lp, _, _, err := sample.LogProb(ctx, e.flow, x, sample.Solver{Tol: 1e-5})
	if errors.Is(err, context.Canceled) {
		return err
	} else if err != nil {
		return nil // too stiff to follow: reported as null
	}
	m := score.MeanOf(lp, nil)
	e.NLLODE, e.NLLODESE = ptr(-m.Value), ptr(m.SE)
	return nil
}
