package main

import (
	"encoding/json"
	"math"
	"slices"
)

// A table is the records of one data set and protocol.
type table struct {
	data, split string
	seeds       []uint64
	rows        []summary // in the order of methods
	best        int       // row of the best method without a flow; -1 for none
	uniform     float64   // score of the uniform density, NaN if unknown
	copies      value     // share of test points that are copies, over splits
	tests       value     // test points of a split
}

// A summary is one method on all splits of a table.
type summary struct {
	method     method
	records    []*record // by seed; nil where missing
	nll, novel value
	places     float64 // standard error of nll over positions or cells
	raw        value
	z          value
	worst      float64 // Z furthest from one
	disagree   int     // splits where the two normalisers disagree
	wall, cpu  value   // of a fit, seconds
	gates      kept    // splits where learned weights of kernels were kept
	networks   kept    // splits where a flow was mixed in
	gain, new  gain    // over the best method without a flow, on all and on novel points
	compared   bool
}

// kept counts the splits where a part proved itself on validation, of those where
// it was tried.
type kept struct{ yes, of int }

func (k *kept) count(part *struct {
	Kept bool `json:"kept"`
},
) {
	if part == nil {
		return
	}
	k.of++
	if part.Kept {
		k.yes++
	}
}

// blocks says whether errors are clustered by cells.
func (t *table) blocks() bool { return t.split == "blocked" }

func (t *table) empty() bool {
	for _, s := range t.rows {
		if s.nll.n > 0 {
			return false
		}
	}
	return true
}

// number returns *p, or NaN for nil.
func number(p *float64) float64 {
	if p == nil {
		return math.NaN()
	}
	return *p
}

// newTable summarises the records of a data set and protocol, a slice of one
// record a seed for every method, nil where one is missing.
func newTable(data, split string, seeds []uint64, records [][]*record) *table {
	t := &table{data: data, split: split, seeds: seeds, best: -1, uniform: math.NaN()}
	copied, counts := map[int]float64{}, map[int]float64{}
	for i, m := range methodsOf(split) {
		s := summary{method: m, records: records[i], worst: 1}
		var nll, novel, raw, z, wall, cpu []float64
		for k, r := range records[i] {
			if r == nil {
				continue
			}
			e := r.Eval
			nll = append(nll, number(e.NLL))
			raw = append(raw, number(e.NLLRaw))
			z = append(z, number(e.Z))
			if e.NLLNovel != nil {
				novel = append(novel, *e.NLLNovel)
			}
			wall, cpu = append(wall, r.FitSeconds), append(cpu, r.FitCPU)
			if math.Abs(number(e.Z)-1) > math.Abs(s.worst-1) {
				s.worst = *e.Z
			}
			if e.Quadrature != nil && !e.Quadrature.Agree {
				s.disagree++
			}
			var parts struct {
				Gate, Mixture *struct {
					Kept bool `json:"kept"`
				}
			}
			if json.Unmarshal(r.Train, &parts) == nil {
				s.gates.count(parts.Gate)
				s.networks.count(parts.Mixture)
			}
			if b, ok := e.Baselines["uniform"]; ok {
				t.uniform = number(b.NLL)
			}
			copied[k], counts[k] = e.Share, float64(e.NTest)
		}
		s.nll, s.novel, s.raw, s.z = between(nll), between(novel), between(raw), between(z)
		s.places = over(records[i], t.blocks())
		s.wall, s.cpu = between(wall), between(cpu)
		if m.baseline && s.nll.n > 0 && (t.best < 0 || s.nll.mean < t.rows[t.best].nll.mean) {
			t.best = i
		}
		t.rows = append(t.rows, s)
	}
	var share, n []float64
	for k := range seeds {
		if c, ok := counts[k]; ok {
			share, n = append(share, copied[k]), append(n, c)
		}
	}
	t.copies, t.tests = between(share), between(n)
	for i := range t.rows {
		t.against(i)
	}
	return t
}

// against compares row i with the best method without a flow, on the splits that
// both have.
func (t *table) against(i int) {
	s := &t.rows[i]
	if t.best < 0 || i == t.best {
		return
	}
	a, b := t.both(i, t.best)
	if len(a) == 0 {
		return
	}
	s.gain, s.new = compare(a, b, t.blocks(), false), compare(a, b, t.blocks(), true)
	s.compared = true
}

// both returns the records of two rows on the splits that both have.
func (t *table) both(i, j int) (a, b []*record) {
	for k, r := range t.rows[i].records {
		if other := t.rows[j].records[k]; r != nil && other != nil {
			a, b = append(a, r), append(b, other)
		}
	}
	return a, b
}

// overKernels is the gain of the default over kernels where another method without a
// flow is the best one.
func (t *table) overKernels() gain {
	find := func(name string) int {
		return slices.IndexFunc(t.rows, func(s summary) bool { return s.method.name == name })
	}
	i, k := find("default"), find("kde")
	if i < 0 || k < 0 || t.best < 0 || k == t.best {
		return gain{}
	}
	a, b := t.both(i, k)
	return compare(a, b, t.blocks(), false)
}

// A verdict is what a gain says.
type verdict int

const (
	unclear   verdict = iota // less than two standard errors
	better                   // at least two, over the points and between splits
	worse                    // the other way
	betterish                // at least two by one of the errors only
	worseish
)

const enough = 2 // standard errors

func (g gain) verdict() verdict {
	// A NaN error, of a single split or cluster, convinces of nothing.
	sure := func(v value) bool { return math.Abs(v.mean) >= enough*v.se && v.se > 0 }
	// The mean over points and that over splits weigh differently, and must agree.
	both := sure(g.pooled) && sure(g.splits) && g.pooled.mean*g.splits.mean > 0
	some := sure(g.pooled) || sure(g.splits)
	switch up := g.pooled.mean > 0; {
	case both && up:
		return better
	case both:
		return worse
	case some && up:
		return betterish
	case some:
		return worseish
	}
	return unclear
}
