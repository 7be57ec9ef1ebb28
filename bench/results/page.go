package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"mflow/bench/dimension"
)

// pageText is a page under construction.
type pageText struct{ strings.Builder }

func (b *pageText) p(format string, args ...any) { fmt.Fprintf(b, format+"\n", args...) }

// titles of data sets and protocols.
var (
	dataTitles = map[string]string{
		"volcano": "Volcano", "earthquake": "Earthquake", "flood": "Flood", "fire": "Fire",
		"rna": "RNA backbone and chi angles, T⁷", "torsion": "Protein torsions φ and ψ, T², amino acid left out",
	}
	splitTitles = map[string]string{
		"published": "as published: random rows",
		apart:       "as published, the validation points kept out of kernels",
		more:        "as published, forty other splits",
		"distinct":  "distinct positions",
		"blocked":   "whole cells of 10 degrees held out, the validation points kept out of kernels",
	}
)

// contents is what the cache holds of the page.
type contents struct {
	tables []*table
	study  []*dimension.Row // in the order of study, nil where missing
	made   []made
	fits   float64 // seconds of all fits
	evals  float64
	have   int
	want   int
}

// gather reads the cache.
func gather(o *options) (*contents, error) {
	c := &contents{}
	for _, data := range append(append([]string{}, earth...), tori...) {
		for _, split := range splits(data) {
			seeds := o.seeds.of(split)
			of := methodsOf(split)
			records := make([][]*record, len(of))
			for i, m := range of {
				records[i] = make([]*record, len(seeds))
				for k, seed := range seeds {
					j := cell{data, split, m, seed}.job(o)
					var r record
					how, ok, err := o.cache.get(j.name, j.lines, &r)
					if err != nil {
						return nil, err
					}
					c.want++
					if ok {
						records[i][k] = &r
						c.have++
						c.made = append(c.made, how)
						c.fits += r.FitSeconds
						c.evals += r.EvalSeconds
					}
				}
			}
			c.tables = append(c.tables, newTable(data, split, seeds, records))
		}
	}
	for _, s := range study() {
		j := dimensionJob(s)
		var r dimension.Row
		how, ok, err := o.cache.get(j.name, j.lines, &r)
		if err != nil {
			return nil, err
		}
		c.want++
		if !ok {
			c.study = append(c.study, nil)
			continue
		}
		c.have++
		c.study = append(c.study, &r)
		c.made = append(c.made, how)
		c.fits += r.Took
	}
	return c, nil
}

// find returns the table of a data set and protocol.
func (c *contents) find(data, split string) *table {
	for _, t := range c.tables {
		if t.data == data && t.split == split {
			return t
		}
	}
	return nil
}

// page writes docs/results.md from the cache.
func page(o *options) (string, error) {
	c, err := gather(o)
	if err != nil {
		return "", err
	}
	b := &pageText{}
	b.p("# Results\n")
	b.p("Made by `make results`; do not edit. Nothing here is typed by hand but the published figures.\n")
	c.provenance(b)
	b.p(`## How to read the tables

Scores are mean negative log-likelihoods of held-out points in nats, with respect to the Riemannian volume and divided by a
normaliser Z that is measured on fresh points: lower is better. A score has two standard errors: after "±" that between splits, and after
the semicolon that over the test points of all splits, pooled, those at one position (in blocked splits, those in one cell of 10 degrees)
counting as one. Splits draw their points from the same rows, so the first is too small where they are many or points repeat; neither
is that of another catalogue. A gain is a paired difference,
log p of the method minus log p of the best method without a flow (named in the head of the column) on the same test points:
positive is better. It has the same two errors in the other order: over positions or cells, errors of Z added, and, after the
semicolon, between the means of the splits. A gain is called better or worse only where it is two of both. The best method without a flow is chosen by the scores
shown, which favours it. Kernels, and so the default, learn from the validation points too where nothing else is said. Novel points are test points at no position of a training point. A kernel is never narrower than
the resolution floor: 1e-4 rad in published splits of the earth sets, 1e-3 elsewhere. Times are those of one fit on one core.
`)
	c.summary(b)
	last := ""
	for _, t := range c.tables {
		if t.data != last {
			b.p("## %s\n", dataTitles[t.data])
			last = t.data
		}
		t.write(b)
		switch t.data {
		case "rna":
			writePublished(b, []*table{t})
		case "torsion":
			b.p("%s\n", torsionNote)
		}
	}
	c.calibration(b)
	c.dimension(b)
	return b.String(), nil
}

const torsionNote = "Published scores of protein torsions (best trusted: 1.01 General, 1.89 Glycine, 0.12 Proline, 1.18 Pre-Pro) are of another set, one residue class at a time, and cannot be compared with these."

const blockedNote = "What `mflow train --split blocked` makes by default are the kernels of this table, but for the validation cells, which it learns from too unless `--refit=false` says otherwise."

// provenance says on what the numbers were made.
func (c *contents) provenance(b *pageText) {
	if c.have < c.want {
		b.p("**%d of %d runs are there; the others are shown as missing.** `make results` adds them.\n", c.have, c.want)
	}
	if c.have == 0 {
		return
	}
	machines, builds := map[string]int{}, map[string]int{}
	var loads []float64
	for _, m := range c.made {
		machines[m.Machine]++
		builds[m.Build]++
		loads = append(loads, m.Load)
	}
	slices.Sort(loads)
	var on []string
	for name, n := range machines {
		on = append(on, fmt.Sprintf("%s (%d runs)", name, n))
	}
	slices.Sort(on)
	b.p("%s; one thread a run. When a run began, a median of %.1f processes were at work or waiting (%.1f to %.1f). Fits took %s in all, scoring %s.",
		strings.Join(on, "; "), loads[len(loads)/2], loads[0], loads[len(loads)-1], minutes(c.fits), minutes(c.evals))
	if len(builds) > 1 {
		b.p("The runs are of %d different builds of mflow; remove out/results to have all made by one.", len(builds))
	}
	b.p("")
}

func minutes(seconds float64) string { return fmt.Sprintf("%.0f minutes", seconds/60) }

// summary puts our scores on the earth sets beside the published ones.
func (c *contents) summary(b *pageText) {
	b.p("## Earth sets beside the literature\n")
	b.p("Random rows held out, 80/10/10, as the literature does. Networks stop by the validation points; kernels choose by cross-fitting within the training points and, in the end, learn from the validation points too, but where the table says that they are kept out. The test points are the same. Every published figure is on splits of its own, none stands beside a kernel density, and the last column says what else is in the way; \"(r)\" was recalled, not read again.\n")
	var ts []*table
	for _, data := range earth {
		ts = append(ts, c.find(data, "published"))
	}
	writePublished(b, ts, c.apartRow())
}

// apartRow is the score of the default without the validation points.
func (c *contents) apartRow() string {
	row := "| **mflow: default, validation points kept out** |"
	for _, data := range earth {
		t := c.find(data, apart)
		for _, s := range t.rows {
			if s.method.name == "default" {
				row += " " + s.score() + " |"
			}
		}
	}
	return row + " normalised |"
}

// writePublished writes our scores, with rows of more, and those of the literature
// in one table.
func writePublished(b *pageText, ts []*table, more ...string) {
	b.p("%s", "| method |"+each(ts, func(t *table) string { return " " + t.data + " |" })+" remarks |")
	b.p("%s", "|---|"+strings.Repeat("---|", len(ts))+"---|")
	for i, m := range methodsOf("published") {
		b.p("%s", "| **mflow: "+m.title+"** |"+each(ts, func(t *table) string {
			s := &t.rows[i]
			text := s.score()
			if s.nll.n > 0 && s.nll.n < len(t.seeds) {
				text += fmt.Sprintf(" (%d of %d splits)", s.nll.n, len(t.seeds))
			}
			return " " + text + " |"
		})+" normalised |")
	}
	for _, row := range more {
		b.p("%s", row)
	}
	b.p("%s", "| uniform density |"+each(ts, func(t *table) string { return " " + decimal(t.uniform, "%.3f") + " |" })+" |")
	for _, l := range literature {
		some := false
		row := each(ts, func(t *table) string {
			some = some || l.figures[t.data] != ""
			return " " + l.figures[t.data] + " |"
		})
		if some {
			b.p("%s", "| "+l.method+" |"+row+" "+l.faults+" |")
		}
	}
	b.p("")
}

func each(ts []*table, f func(t *table) string) string {
	var s strings.Builder
	for _, t := range ts {
		s.WriteString(f(t))
	}
	return s.String()
}

const missing = "missing"

// decimal formats a number, or says that it is missing.
func decimal(v float64, format string) string {
	if math.IsNaN(v) {
		return missing
	}
	return fmt.Sprintf(format, v)
}

// score formats a score with its two errors.
func (s *summary) score() string {
	if s.nll.n == 0 || math.IsNaN(s.places) {
		return score(s.nll)
	}
	return fmt.Sprintf("%s; %.3f", score(s.nll), s.places)
}

// score formats a mean with its error, which a single split has not.
func score(v value) string {
	if v.n == 0 {
		return missing
	}
	if math.IsNaN(v.se) {
		return fmt.Sprintf("%.3f", v.mean)
	}
	return fmt.Sprintf("%.3f ±%.3f", v.mean, v.se)
}

// cell formats a gain with its two errors.
func (g gain) cell() string {
	if g.points == 0 {
		return missing
	}
	se := func(v float64) string {
		if math.IsNaN(v) {
			return "?"
		}
		return fmt.Sprintf("%.3f", v)
	}
	return fmt.Sprintf("%+.3f ±%s; %s", g.pooled.mean, se(g.pooled.se), se(g.splits.se))
}

// write writes the table with its commands and its reading.
func (t *table) write(b *pageText) {
	b.p("### %s, %s\n", dataTitles[t.data], splitTitles[t.split])
	base := "the best method without a flow"
	if t.best >= 0 {
		base = t.rows[t.best].method.title
	}
	if t.tests.n > 0 {
		b.p("Split seeds %s; %.0f test points a split on average, %.1f %% of them copies of training points; uniform density %s.\n",
			seedList(t.seeds), t.tests.mean, 100*t.copies.mean, decimal(t.uniform, "%.3f"))
	} else {
		b.p("Split seeds %s.\n", seedList(t.seeds))
	}
	b.p("| method | NLL | on novel points | gain over %s | the same on novel points | Z (furthest from 1) | fit, s (of processor) | splits |", base)
	b.p("|---|---|---|---|---|---|---|---|")
	for i, s := range t.rows {
		if s.nll.n == 0 {
			b.p("| %s | %s | | | | | | 0 of %d |", s.method.title, missing, len(t.seeds))
			continue
		}
		g, n := missing, missing
		if i == t.best {
			g, n = "", ""
		} else if s.compared {
			g, n = s.gain.cell(), s.new.cell()
		}
		b.p("| %s | %s | %s | %s | %s | %.4f (%.4f) | %.0f (%.0f) | %d of %d |", s.method.title, s.score(), score(s.novel), g, n,
			s.z.mean, s.worst, s.wall.mean, s.cpu.mean, s.nll.n, len(t.seeds))
	}
	b.p("\n%s\n", t.reading())
	if t.blocks() {
		b.p("%s\n", blockedNote)
	}
	b.p("```sh")
	for _, m := range methodsOf(t.split) {
		c := cell{t.data, t.split, m, 0}
		b.p("%s", strings.Replace(command(c.train(), "-o", "MODEL"), "--split-seed 0", "--split-seed SEED", 1))
		b.p("%s", command(c.eval(), "MODEL"))
	}
	b.p("```\n")
}

func seedList(s []uint64) string {
	if n := len(s); n > 2 && s[n-1]-s[0] == uint64(n-1) && slices.IsSorted(s) {
		return fmt.Sprintf("%d to %d", s[0], s[n-1])
	}
	return strings.Trim(strings.Join(strings.Fields(fmt.Sprint(s)), ", "), "[]")
}

// calibration writes the section on predicted and observed masses.
func (c *contents) calibration(b *pageText) {
	const good = 0.93 // of 95 % intervals
	b.p("## Calibration\n")
	b.p("Test points are counted in cells of about equal predicted mass; the share of cells whose 95 %% interval contains the predicted mass should be near 95 %%. A classifier by near neighbours tries to tell samples of the model from as many test points; by chance it is right as often as the next column says; empty where that was not tried. Sums and means over splits. Copies among test points are not independent, which the intervals do not know.\n")
	names := map[string]string{apart: "published, validation points kept out", more: "published, forty other splits"}
	b.p("| data | split | method | cells within, of all | coverage | classifier right | by chance | energy distance: splits with p < 0.05 |")
	b.p("|---|---|---|---|---|---|---|---|")
	rows, reach := 0, 0
	for _, t := range c.tables {
		split := t.split
		if name := names[split]; name != "" {
			split = name
		}
		for _, s := range t.rows {
			var in, all, told, distances int
			var right, chance []float64
			for _, r := range s.records {
				if r == nil {
					continue
				}
				if k := r.Eval.Calibration; k != nil {
					in, all = in+k.Inside, all+k.Cells
				}
				if k := r.Eval.C2ST; k != nil && k.Accuracy != nil {
					right, chance = append(right, *k.Accuracy), append(chance, number(k.Chance))
				}
				if k := r.Eval.Energy; k != nil && k.P != nil {
					distances++
					if *k.P < 0.05 {
						told++
					}
				}
			}
			if all == 0 {
				b.p("| %s | %s | %s | %s | | | | |", t.data, split, s.method.title, missing)
				continue
			}
			cover := float64(in) / float64(all)
			rows++
			if cover >= good {
				reach++
			}
			var energy, correct, by string // empty where they were not asked for
			if len(right) > 0 {
				correct, by = decimal(between(right).mean, "%.3f"), decimal(between(chance).mean, "%.3f")
			}
			if distances > 0 {
				energy = fmt.Sprintf("%d of %d", told, distances)
			}
			b.p("| %s | %s | %s | %d of %d | %.1f %% | %s | %s | %s |", t.data, split, s.method.title, in, all, 100*cover,
				correct, by, energy)
		}
	}
	if rows > 0 {
		b.p("\nCoverage is at least %.0f %% in %d of %s.\n", 100*good, reach, count(rows, "row"))
	} else {
		b.p("\nNothing of this table has been measured yet.\n")
	}
}
