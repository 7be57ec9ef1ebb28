package main

import (
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"text/tabwriter"

	"mflow/datasets"
	"mflow/score"
)

// A summary is the scores of models of one data set and protocol on different
// splits.
type summary struct {
	Data  string   `json:"data"`
	Split string   `json:"split"`
	Seeds []uint64 `json:"split_seeds"`
	NTest int      `json:"n_test"`      // in all
	Whole int      `json:"val_learned"` // models that learned from the validation points too

	NLL      spread             `json:"nll"`
	NLLNovel *spread            `json:"nll_novel"`
	Z        spread             `json:"z"`
	Inside   int                `json:"inside"` // cells of all calibrations whose interval contains the prediction
	Cells    int                `json:"cells"`
	Coverage *real              `json:"coverage"`
	Against  map[string]*pooled `json:"baselines"`

	Commands []string `json:"commands,omitempty"` // that made the models
}

// spread is a mean over splits, the standard deviation between them and the
// standard error of the mean that follows.
type spread struct {
	Mean real `json:"mean"`
	SD   real `json:"sd"`
	SE   real `json:"se"`
}

func newSpread(v []float64) spread {
	m := score.MeanOf(v, nil)
	return spread{real(m.Value), real(m.SE * math.Sqrt(float64(len(v)))), real(m.SE)}
}

// pooled is a baseline over splits: its mean score, the mean over splits of its
// difference from the model, and the difference over the test points of all
// splits together.
type pooled struct {
	NLL       spread      `json:"nll"`
	NLLNovel  *spread     `json:"nll_novel"`
	Delta     spread      `json:"delta"` // baseline minus model
	Pooled    *difference `json:"pooled"`
	NovelPool *difference `json:"pooled_novel"`
	SEGroups  int         `json:"se_groups"`
}

// summarise gathers the evaluations of different splits of one data set by one
// protocol, in the order of the first of each; of single ones there is nothing
// to say.
func summarise(all []*evaluation, commands map[string]string, seed uint64) []*summary {
	var order []string
	by := map[string][]*evaluation{}
	for _, e := range all {
		k := e.Data + "\x00" + e.Split
		if by[k] == nil {
			order = append(order, k)
		}
		by[k] = append(by[k], e)
	}
	var out []*summary
	for _, k := range order {
		seeds := map[uint64]bool{}
		for _, e := range by[k] {
			seeds[e.SplitSeed] = true
		}
		if len(by[k]) > 1 && len(seeds) == len(by[k]) {
			out = append(out, newSummary(by[k], commands, seed))
		}
	}
	return out
}

func newSummary(all []*evaluation, commands map[string]string, seed uint64) *summary {
	s := &summary{Data: all[0].Data, Split: all[0].Split, Against: map[string]*pooled{}}
	var nll, novel, z []float64
	for _, e := range all {
		s.Seeds = append(s.Seeds, e.SplitSeed)
		s.NTest += e.NTest
		if d := e.flow.Data; d != nil && d.Val == 0 {
			s.Whole++
		}
		nll, z = append(nll, float64(e.NLL)), append(z, float64(e.Z))
		if e.NLLNovel != nil {
			novel = append(novel, float64(*e.NLLNovel))
		}
		if c := e.Calibration; c != nil {
			s.Inside, s.Cells = s.Inside+c.Inside, s.Cells+c.Cells
		}
		if line := commands[e.Model]; line != "" {
			s.Commands = append(s.Commands, line)
		}
	}
	s.NLL, s.Z, s.NLLNovel = newSpread(nll), newSpread(z), perhaps(novel, len(all))
	if s.Cells > 0 {
		s.Coverage = ptr(float64(s.Inside) / float64(s.Cells))
	}
	for _, name := range baselineNames {
		if p := pool(all, name, rand.New(rand.NewPCG(seed, pairedStream))); p != nil {
			s.Against[name] = p
		}
	}
	return s
}

// perhaps is the spread of numbers that all n splits have.
func perhaps(v []float64, n int) *spread {
	if len(v) < n {
		return nil
	}
	s := newSpread(v)
	return &s
}

// pool puts the test points of all splits together. The same row may test in
// several splits, and the cells of a blocked split hang together in each: groups
// of the error are cells of blocked splits and rows of others.
func pool(all []*evaluation, name string, rnd *rand.Rand) *pooled {
	var nll, novelNLL, delta, diff, novel []float64
	var group, novelGroup []int
	cells := map[string]int{}
	for _, e := range all {
		b := e.Baselines[name]
		if b == nil {
			return nil
		}
		nll, delta = append(nll, float64(b.NLL)), append(delta, float64(b.Delta))
		if b.NLLNovel != nil {
			novelNLL = append(novelNLL, float64(*b.NLLNovel))
		}
		for i, r := range e.test.rows {
			if math.IsNaN(b.lp[i]) {
				continue
			}
			g := r
			if e.Split == datasets.Blocked.String() {
				c := e.test.block[i]
				if _, seen := cells[c]; !seen {
					cells[c] = len(cells)
				}
				g = cells[c]
			}
			d := e.lp[i] - b.lp[i]
			diff, group = append(diff, d), append(group, g)
			if !e.test.copied[i] {
				novel, novelGroup = append(novel, d), append(novelGroup, g)
			}
		}
	}
	p := &pooled{NLL: newSpread(nll), NLLNovel: perhaps(novelNLL, len(all)), Delta: newSpread(delta)}
	paired := score.PairedOf(diff, group, rnd)
	p.Pooled, p.SEGroups = newDifference(paired, 0), paired.Groups
	if len(novel) > 0 {
		p.NovelPool = newDifference(score.PairedOf(novel, novelGroup, rnd), 0)
	}
	return p
}

func (s *summary) write(w io.Writer) {
	fmt.Fprintf(w, "\n%s, %s split, %d splits (seeds %s), %d test points in all\n\n", s.Data, s.Split, len(s.Seeds), seedList(s.Seeds), s.NTest)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "\tmean NLL\t± between splits\tnovel\t±\tminus model, pooled\t±\tp\tnovel points\t±\tp\t\n")
	novel := func(v *spread) string {
		if v == nil {
			return "\t"
		}
		return fmt.Sprintf("%.3f\t%.3f", v.Mean, v.SE)
	}
	diff := func(d *difference) string {
		if d == nil {
			return "\t\t"
		}
		return fmt.Sprintf("%+.3f\t%.3f\t%.2g", d.Delta, d.SE, math.Max(float64(d.PT), float64(d.PFlip)))
	}
	fmt.Fprintf(t, "model\t%.3f\t%.3f\t%s\t\t\t\t\t\t\t\n", s.NLL.Mean, s.NLL.SE, novel(s.NLLNovel))
	for _, name := range baselineNames {
		if b := s.Against[name]; b != nil {
			fmt.Fprintf(t, "%s\t%.3f\t%.3f\t%s\t%s\t%s\t\n", name, b.NLL.Mean, b.NLL.SE, novel(b.NLLNovel), diff(b.Pooled), diff(b.NovelPool))
		}
	}
	t.Flush()
	fmt.Fprintf(w, "\nZ %.4f, standard deviation between splits %.4f", s.Z.Mean, s.Z.SD)
	if s.Coverage != nil {
		fmt.Fprintf(w, "; calibration: %d of %d cells covered (%.1f %%)", s.Inside, s.Cells, 100*float64(*s.Coverage))
	}
	fmt.Fprintln(w)
	if s.Whole > 0 && s.Whole < len(s.Seeds) {
		fmt.Fprintf(w, "Only %d of the %d models learned from the validation points too: the mean is over unlike fits.\n", s.Whole, len(s.Seeds))
	}
}

// seedList writes seeds as --seeds reads them.
func seedList(seeds []uint64) string {
	s := ""
	for i := 0; i < len(seeds); i++ {
		if s != "" {
			s += ","
		}
		j := i
		for j+1 < len(seeds) && seeds[j+1] == seeds[j]+1 {
			j++
		}
		s += fmt.Sprint(seeds[i])
		if j > i {
			s += fmt.Sprint("..", seeds[j])
		}
		i = j
	}
	return s
}
