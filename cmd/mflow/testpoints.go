package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"strconv"

	"mflow/datasets"
	"mflow/internal/atomicfile"
	"mflow/manifold"
	"mflow/score"
)

// testPoints are the test points of a split, and what scores must know of them.
type testPoints struct {
	points *points
	m      manifold.Manifold
	x      []float64
	rows   []int    // of the data set
	novel  []int    // those that are not copies of training points
	copied []bool   // the others
	block  []string // the cell of 10 degrees of each; nil where there are none
	group  []int    // what errors are clustered by: the cells of a blocked split, else nil
}

// newTestPoints returns the test points of p. Those are novel that are not copies of
// training points of any of learned.
func newTestPoints(p *points, learned ...*points) (*testPoints, error) {
	t := &testPoints{points: p, m: p.m, x: p.test, rows: p.split.Test, copied: make([]bool, len(p.split.Test))}
	if t.n() == 0 {
		return nil, fmt.Errorf("the %s split of %s has no test points", p.summary.Protocol, p.summary.Source)
	}
	rows := t.rows
	for _, l := range learned {
		rows = p.set.Novel(rows, l.set, l.split.Train)
	}
	novel := map[int]bool{}
	for _, r := range rows {
		novel[r] = true
	}
	number := map[string]int{}
	for i, r := range t.rows {
		t.copied[i] = !novel[r]
		if novel[r] {
			t.novel = append(t.novel, i)
		}
		if b, err := datasets.Block(p.m, p.set.At(r)); err == nil {
			t.block = append(t.block, b)
			if _, seen := number[b]; !seen {
				number[b] = len(number)
			}
		}
	}
	if p.summary.Protocol == datasets.Blocked.String() {
		for _, b := range t.block {
			t.group = append(t.group, number[b])
		}
	}
	return t, nil
}

func (t *testPoints) n() int { return len(t.rows) }

func (t *testPoints) copiedRows() []int {
	rows := []int{}
	for i, c := range t.copied {
		if c {
			rows = append(rows, t.rows[i])
		}
	}
	return rows
}

// mean is the mean of numbers of the test points with its error, leaving out
// what is not a number.
func (t *testPoints) mean(v []float64) score.Mean { return score.MeanOf(t.pick(v, nil)) }

// novelMean is mean over the novel points.
func (t *testPoints) novelMean(v []float64) score.Mean { return score.MeanOf(t.pick(v, t.copied)) }

// pick returns the numbers that are numbers, and their groups, without those to
// leave out.
func (t *testPoints) pick(v []float64, out []bool) (some []float64, group []int) {
	for i, w := range v {
		if math.IsNaN(w) || (out != nil && out[i]) {
			continue
		}
		some = append(some, w)
		if t.group != nil {
			group = append(group, t.group[i])
		}
	}
	return some, group
}

// A baseline is the score of another density on the same test points.
type baseline struct {
	NLL          real  `json:"nll"`
	NLLSE        real  `json:"nll_se"`
	Delta        real  `json:"delta"` // baseline minus model, paired
	DeltaSE      real  `json:"delta_se"`
	NLLNovel     *real `json:"nll_novel"`
	NLLNovelSE   *real `json:"nll_novel_se"`
	DeltaNovel   *real `json:"delta_novel"`
	DeltaNovelSE *real `json:"delta_novel_se"`
	N            int   `json:"n"` // test points it was scored on

	lp []float64 // log-densities of all test points, NaN where it was not scored
}

// newBaseline returns a baseline with log-densities lp at some rows of n test
// points.
func newBaseline(rows []int, lp []float64, n int) *baseline {
	b := &baseline{N: len(rows), lp: make([]float64, n)}
	for i := range b.lp {
		b.lp[i] = math.NaN()
	}
	for i, r := range rows {
		b.lp[r] = lp[i]
	}
	return b
}

// against scores the baseline beside a model with log-densities lp.
func (b *baseline) against(lp []float64, t *testPoints) {
	diff := make([]float64, len(lp))
	for i, l := range b.lp {
		diff[i] = lp[i] - l
	}
	m, d := t.mean(b.lp), t.mean(diff)
	b.NLL, b.NLLSE, b.Delta, b.DeltaSE = real(-m.Value), real(m.SE), real(d.Value), real(d.SE)
	if some, _ := t.pick(b.lp, t.copied); len(some) > 0 {
		m, d := t.novelMean(b.lp), t.novelMean(diff)
		b.NLLNovel, b.NLLNovelSE = ptr(-m.Value), ptr(m.SE)
		b.DeltaNovel, b.DeltaNovelSE = ptr(d.Value), ptr(d.SE)
	}
}

// writePoints writes the log-densities of all test points, with what is known of
// them, as CSV.
func writePoints(path string, all []*evaluation) error {
	err := atomicfile.Write(path, func(w io.Writer) error {
		c := csv.NewWriter(w)
		head := []string{"model", "split", "split_seed", "row", "block", "copy", "log_p"}
		for _, name := range baselineNames {
			head = append(head, "log_p_"+name)
		}
		c.Write(head)
		for _, e := range all {
			for i, r := range e.test.rows {
				line := []string{e.Model, e.Split, strconv.FormatUint(e.SplitSeed, 10), strconv.Itoa(r), "", "0", decimal(e.lp[i])}
				if e.test.block != nil {
					line[4] = e.test.block[i]
				}
				if e.test.copied[i] {
					line[5] = "1"
				}
				for _, name := range baselineNames {
					v := ""
					if b := e.Baselines[name]; b != nil {
						v = decimal(b.lp[i])
					}
					line = append(line, v)
				}
				c.Write(line)
			}
		}
		c.Flush()
		return c.Error()
	})
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	return nil
}

// decimal writes a number so that it reads back the same, and nothing for NaN.
func decimal(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}
