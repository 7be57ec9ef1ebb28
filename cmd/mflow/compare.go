package main

import (
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"mflow/flow"
	"mflow/score"
)

func (a *app) compareCmd() *cobra.Command {
	o := &evalOptions{}
	cmd := &cobra.Command{
		Use:   "compare A B",
		Short: "Compare two models on the same test points",
		Long: `Score two models on the same test points, those that A holds out or those of
other data given here, and test whether their mean log-likelihoods differ.

The difference is paired, point by point, B minus A: positive where A is
better. Its error and both tests, Student's t and flips of signs, go by whole
cells where the split is blocked. Beside it stands the difference on novel
points, which are not copies of points that either model learned from: kernels
learn from the validation points too.

A model that was trained or selected on any of the test points is refused:
compare models of one data set, split and split seed.`,
		Example: `  mflow compare model.mflow other.mflow
  mflow compare model.mflow other.mflow --data later.csv --json`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error { return a.compare(cmd, args, o) },
	}
	o.source.flags(cmd, "")
	cmd.Flags().IntVar(&o.points, "z-points", 400000, "Monte Carlo points of each Z")
	return cmd
}

// comparison is the result of compare.
type comparison struct {
	Models    [2]string   `json:"models"`
	Data      string      `json:"data"`
	Split     string      `json:"split"`
	SplitSeed uint64      `json:"split_seed"`
	NTest     int         `json:"n_test"`
	NNovel    int         `json:"n_novel"`
	Groups    int         `json:"se_groups"`
	NLL       [2]real     `json:"nll"`
	NLLSE     [2]real     `json:"nll_se"`
	NLLNovel  [2]*real    `json:"nll_novel"`
	Z         [2]real     `json:"z"`
	ZSE       [2]real     `json:"z_se"`
	All       *difference `json:"difference"` // B minus A
	Novel     *difference `json:"difference_novel"`
	Verdict   string      `json:"verdict"`
}

// difference is a paired mean difference of scores.
type difference struct {
	Delta real `json:"delta"`
	SE    real `json:"se"`
	N     int  `json:"n"`
	T     real `json:"t"`
	PT    real `json:"p_t"`
	PFlip real `json:"p_flip"`
}

func newDifference(p score.Paired, zse float64) *difference {
	return &difference{real(p.Value), real(math.Hypot(p.SE, zse)), p.N, real(p.T), real(p.P), real(p.PFlip)}
}

// decided tells whether both tests find a difference.
func (d *difference) decided() bool { return d.PT < 0.05 && d.PFlip < 0.05 }

func (a *app) compare(cmd *cobra.Command, paths []string, o *evalOptions) error {
	if o.points < 2 {
		return usagef("--z-points is %d, want at least 2", o.points)
	}
	var flows [2]*flow.Flow
	for i, path := range paths {
		f, err := flow.Load(path)
		if err != nil {
			return err
		}
		flows[i] = f
	}
	src := o.source
	pts, err := src.loadFor(cmd, paths[0], flows[0])
	if err != nil {
		return err
	}
	if b, m := flows[1].Manifold.String(), pts.m.String(); b != m {
		return fmt.Errorf("compare: %s is a model on %s, but the test points lie on %s", paths[1], b, m)
	}
	var own [2]*points
	for i, f := range flows {
		if own[i], err = unseen(cmd, paths[i], f, pts); err != nil {
			return err
		}
	}
	t, err := newTestPoints(pts, own[:]...)
	if err != nil {
		return err
	}
	c := &comparison{
		Models: [2]string(paths), Data: pts.summary.Source, Split: pts.summary.Protocol, SplitSeed: pts.summary.SplitSeed,
		NTest: t.n(), NNovel: len(t.novel),
	}
	var lp [2][]float64
	var zse float64 // of the difference of log Z
	for i, f := range flows {
		e := &evaluation{NTest: t.n(), NNovel: len(t.novel), flow: f, test: t, lp: make([]float64, t.n())}
		if err := e.density(o, a.seed); err != nil {
			return err
		}
		lp[i] = e.lp
		c.NLL[i], c.NLLSE[i], c.NLLNovel[i], c.Z[i], c.ZSE[i], c.Groups = e.NLL, e.NLLSE, e.NLLNovel, e.Z, e.ZSE, e.Groups
		zse = math.Hypot(zse, f.ZSE/f.Z)
	}
	diff := make([]float64, t.n())
	for i := range diff {
		diff[i] = lp[0][i] - lp[1][i]
	}
	rnd := rand.New(rand.NewPCG(a.seed, pairedStream))
	all, group := t.pick(diff, nil)
	c.All = newDifference(score.PairedOf(all, group, rnd), zse)
	if novel, group := t.pick(diff, t.copied); len(novel) > 0 {
		c.Novel = newDifference(score.PairedOf(novel, group, rnd), zse)
	}
	c.Verdict = c.verdict()
	return a.emit(c, c.write)
}

// unseen returns the points of a model. It refuses one that was trained or selected
// on any of the test points: on their rows if it remembers the same data, else on
// their positions.
func unseen(cmd *cobra.Command, path string, f *flow.Flow, p *points) (*points, error) {
	if f.Data == nil {
		return nil, fmt.Errorf("compare: %s does not remember its data, so it may have been trained on the test points", path)
	}
	// A command without flags: what the model remembers is wanted.
	bare := &cobra.Command{}
	bare.SetContext(cmd.Context())
	own, err := (source{points: 5000, fractions: []float64{0.8, 0.1, 0.1}}).loadFor(bare, path, f)
	if err != nil {
		return nil, fmt.Errorf("compare: whether %s was trained on the test points cannot be told: %w", path, err)
	}
	same := own.set.SHA256 == p.set.SHA256 && own.summary.Source == p.summary.Source && own.set.N() == p.set.N()
	used := slices.Concat(own.split.Train, own.split.Val)
	var fresh []int
	if same {
		rows := map[int]bool{}
		for _, r := range used {
			rows[r] = true
		}
		fresh = slices.DeleteFunc(slices.Clone(p.split.Test), func(r int) bool { return rows[r] })
	} else {
		fresh = p.set.Novel(p.split.Test, own.set, used)
	}
	seen := len(p.split.Test) - len(fresh)
	if seen > 0 {
		return nil, fmt.Errorf("compare: %s was trained or selected on %d of the %d test points of %s, %s split, seed %d; want a model that has seen none",
			path, seen, len(p.split.Test), p.summary.Source, p.summary.Protocol, p.summary.SplitSeed)
	}
	return own, nil
}

func (c *comparison) verdict() string {
	d := c.All
	if math.IsNaN(float64(d.PT)) {
		return "One group of test points tells nothing of a difference."
	}
	p := math.Max(float64(d.PT), float64(d.PFlip))
	size := fmt.Sprintf("%.3f ±%.3f nats, p = %.2g", math.Abs(float64(d.Delta)), d.SE, p)
	if !d.decided() {
		return fmt.Sprintf("The test points do not tell the models apart (%s).", size)
	}
	better, worse := c.Models[0], c.Models[1]
	if d.Delta < 0 {
		better, worse = worse, better
	}
	s := fmt.Sprintf("%s is better than %s by %s", better, worse, size)
	switch n := c.Novel; {
	case c.NNovel == c.NTest:
	case n == nil:
		s += ", on copies of training points alone"
	case !n.decided():
		s += ", but novel points alone do not tell them apart"
	case (n.Delta > 0) != (d.Delta > 0):
		s += ", but on novel points it is worse"
	default:
		s += ", and on novel points too"
	}
	return s + "."
}

func (c *comparison) write(w io.Writer) {
	fmt.Fprintf(w, "%s, %s split, seed %d: %d test points, %d novel\n", c.Data, c.Split, c.SplitSeed, c.NTest, c.NNovel)
	if c.Groups < c.NTest {
		fmt.Fprintf(w, "errors and tests go by the %d cells held out\n", c.Groups)
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "\tNLL, nats\t±\tnovel\tZ\t±\t\n")
	for i, m := range c.Models {
		fmt.Fprintf(t, "%s\t%.3f\t%.3f\t%s\t%.4f\t%.4f\t\n", m, c.NLL[i], c.NLLSE[i], optional("%.3f", c.NLLNovel[i]), c.Z[i], c.ZSE[i])
	}
	t.Flush()
	fmt.Fprintln(w)
	t = tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "second minus first\tdifference\t±\tt\tp by t\tp by signs\t\n")
	for _, d := range []struct {
		name string
		*difference
	}{{"all points", c.All}, {"novel points", c.Novel}} {
		if d.difference != nil {
			fmt.Fprintf(t, "%s\t%+.4f\t%.4f\t%.2f\t%.3g\t%.3g\t\n", d.name, d.Delta, d.SE, d.T, d.PT, d.PFlip)
		}
	}
	t.Flush()
	fmt.Fprintf(w, "\n%s\n", c.Verdict)
}
