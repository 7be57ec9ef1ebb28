package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mflow/bench/dimension"
)

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-12*(1+math.Abs(b)) }

func TestBetween(t *testing.T) {
	v := between([]float64{1, 2, 3, 6})
	// Standard deviation √(14/3), over √4.
	if !near(v.mean, 3) || !near(v.se, math.Sqrt(14.0/3)/2) || v.n != 4 {
		t.Errorf("got %+v", v)
	}
	if v := between([]float64{2}); v.mean != 2 || !math.IsNaN(v.se) {
		t.Errorf("one number has an error: %+v", v)
	}
	if v := between(nil); !math.IsNaN(v.mean) || v.n != 0 {
		t.Errorf("no number has a mean: %+v", v)
	}
}

func TestClustered(t *testing.T) {
	v := []float64{1, 2, 3, 6}
	alone := clustered(v, []string{"a", "b", "c", "d"})
	if want := between(v); !near(alone.mean, want.mean) || !near(alone.se, want.se) {
		t.Errorf("each its own cluster: %+v, want %+v", alone, want)
	}
	// Points said twice tell no more than once.
	twice := clustered(append(v, v...), []string{"a", "b", "c", "d", "a", "b", "c", "d"})
	if !near(twice.se, alone.se) || !near(twice.mean, alone.mean) || twice.n != 4 {
		t.Errorf("points counted twice: %+v, want %+v", twice, alone)
	}
	if one := clustered(v, []string{"a", "a", "a", "a"}); !math.IsNaN(one.se) {
		t.Errorf("one cluster has an error: %+v", one)
	}
}

// TestClusteredCovers: with a random effect of each cluster the interval of two
// standard errors contains the truth about 95 times in 100, where the error of
// independent values would not.
func TestClusteredCovers(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	const trials = 400
	hit, naive := 0, 0
	for range trials {
		var v []float64
		var c, own []string
		for g := range 40 {
			effect := rnd.NormFloat64()
			for range 10 {
				v = append(v, effect+0.3*rnd.NormFloat64())
				c = append(c, fmt.Sprint(g))
				own = append(own, fmt.Sprint(len(v)))
			}
		}
		if m := clustered(v, c); math.Abs(m.mean) < 2*m.se {
			hit++
		}
		if m := clustered(v, own); math.Abs(m.mean) < 2*m.se {
			naive++
		}
	}
	if hit < trials*90/100 || hit > trials*99/100 || naive > trials*70/100 {
		t.Errorf("covered %d of %d by clusters, %d by points; want about 380, and far fewer", hit, trials, naive)
	}
}

func ptr(v float64) *float64 { return &v }

// rec makes a record of log-densities at the given rows.
func rec(z, zse float64, rows []int, lp ...float64) *record {
	r := &record{}
	var sum float64
	for i, row := range rows {
		r.Points.Row = append(r.Points.Row, row)
		r.Points.Place = append(r.Points.Place, row/2*2) // rows 2k and 2k+1 are one place
		r.Points.Block = append(r.Points.Block, fmt.Sprint(row/4))
		r.Points.Copy = append(r.Points.Copy, row%2 == 1)
		r.Points.LogP = append(r.Points.LogP, lp[i])
		sum -= lp[i] / float64(len(rows))
	}
	r.Eval = evaluation{NTest: len(rows), NLL: ptr(sum), NLLNovel: ptr(sum), NLLRaw: ptr(sum - math.Log(z)), Z: ptr(z), ZSE: ptr(zse)}
	return r
}

func TestCompare(t *testing.T) {
	a := []*record{rec(1, 0, []int{0, 1, 4}, 1, 1, 2), rec(1, 0, []int{0, 6, 7}, 1, 3, 3)}
	b := []*record{rec(1, 0, []int{4, 1, 0}, 1, 0, 0), rec(1, 0, []int{7, 6, 0}, 1, 1, 0)} // in another order
	g := compare(a, b, false, false)
	// Differences 1, 1, 1 and 1, 2, 2; places 0, 0, 4 and 0, 6, 6.
	if !near(g.pooled.mean, 8.0/6) || g.points != 6 || g.pooled.n != 3 {
		t.Errorf("pooled %+v of %d points, want mean 4/3 of 6 in 3 places", g.pooled, g.points)
	}
	// Deviations sum to -1, -1/3 and 4/3 in the places.
	if want := math.Sqrt(3.0/2*(1+1.0/9+16.0/9)) / 6; !near(g.pooled.se, want) {
		t.Errorf("standard error %g, want %g", g.pooled.se, want)
	}
	if !near(g.splits.mean, 4.0/3) || !near(g.splits.se, 1.0/3) {
		t.Errorf("between splits %+v, want 4/3 ±1/3", g.splits)
	}
	if g := compare(a, b, true, false); g.pooled.n != 2 {
		t.Errorf("%d cells, want 2", g.pooled.n)
	}
	if g := compare(a, b, false, true); g.points != 4 || !near(g.pooled.mean, 5.0/4) {
		t.Errorf("novel points: %+v, want mean 5/4 of 4", g)
	}
	// The error of Z adds, by the share of the points.
	a[0].Eval.ZSE = ptr(0.1)
	if z := compare(a, b, false, false); !near(z.pooled.se, math.Sqrt(g.pooled.se*g.pooled.se+0.25*0.01)) {
		t.Errorf("standard error %g with the error of Z, %g without", z.pooled.se, g.pooled.se)
	}
}

func TestVerdict(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		pooled, splits value
		want           verdict
	}{
		{value{1, 0.4, 9}, value{1, 0.4, 5}, better},
		{value{-1, 0.4, 9}, value{-1, 0.4, 5}, worse},
		{value{1, 0.4, 9}, value{1, 0.6, 5}, betterish},
		{value{-1, 0.6, 9}, value{-1, 0.4, 5}, worseish},
		{value{1, 0.6, 9}, value{1, 0.6, 5}, unclear},
		{value{1, nan, 1}, value{1, nan, 1}, unclear},
		{value{1, 0.4, 9}, value{-1, 0.4, 5}, betterish}, // of two minds
	} {
		if got := (gain{pooled: c.pooled, splits: c.splits}).verdict(); got != c.want {
			t.Errorf("%+v, %+v: verdict %d, want %d", c.pooled, c.splits, got, c.want)
		}
	}
}

func TestCache(t *testing.T) {
	c := cache{t.TempDir()}
	lines := []string{"mflow train --steps 3", "mflow eval"}
	var v map[string]int
	if _, ok, err := c.get("a/b:2/0", lines, &v); ok || err != nil {
		t.Fatalf("an empty cache has something: %v, %v", ok, err)
	}
	if err := c.put("a/b:2/0", lines, made{Build: "x"}, map[string]int{"n": 7}); err != nil {
		t.Fatal(err)
	}
	if m, ok, err := c.get("a/b:2/0", lines, &v); !ok || err != nil || v["n"] != 7 || m.Build != "x" {
		t.Errorf("got %v %v %v %v", m, ok, err, v)
	}
	if c.path("a", lines) == c.path("a", []string{"mflow train --steps 4", "mflow eval"}) {
		t.Error("another command line has the same key")
	}
	if c.path("a", []string{"x", "y"}) == c.path("a", []string{"x y"}) {
		t.Error("lines run together have the same key")
	}
	path := c.path("a/b:2/0", lines)
	if err := os.WriteFile(path, []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.get("a/b:2/0", lines, &v); err == nil || !strings.Contains(err.Error(), filepath.Base(path)) {
		t.Errorf("half a file: error %v, want one that names it", err)
	}
}

// TestKeys: no two jobs share a file.
func TestKeys(t *testing.T) {
	o, err := parse(nil, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	all := plan(o)
	o.ablation = true
	for _, j := range append(all, plan(o)...) {
		p := o.cache.path(j.name, j.lines)
		if seen[p] != "" {
			t.Errorf("%s and %s are both %s", j.name, seen[p], p)
		}
		seen[p] = j.name
	}
	// Earth sets: published, in two ways, distinct and blocked; more of volcanoes;
	// tori: published.
	if want := 4*(4*5+2*5+3*5+4*10) + 2*40 + 2*4*5 + len(study()) + len(variants); len(seen) != want {
		t.Errorf("%d jobs, want %d", len(seen), want)
	}
}

func TestCommand(t *testing.T) {
	c := cell{"flood", "blocked", methods[0], 20}
	want := "mflow train --data flood --split blocked --split-seed 20 --floor 1e-3 --prior uniform --nets 2 --steps 1000 --threads 1"
	if got := command(c.train()); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	c = cell{"fire", "published", methods[2], 3}
	want = "mflow train --data fire --split published --split-seed 3 --floor 1e-4 --prior kde --field none --threads 1"
	if got := command(c.train()); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestParseSeeds(t *testing.T) {
	got, err := parseSeeds("0..2, 7,20..21")
	if err != nil || fmt.Sprint(got) != "[0 1 2 7 20 21]" {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "a", "3..1", "-1", "1..", "0..99999"} {
		if _, err := parseSeeds(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
	if got := seedList([]uint64{20, 21, 22}); got != "20 to 22" {
		t.Errorf("20, 21, 22 written as %q", got)
	}
	if got := seedList([]uint64{1, 4}); got != "1, 4" {
		t.Errorf("1, 4 written as %q", got)
	}
}

func TestReadPoints(t *testing.T) {
	p, err := readPoints(strings.NewReader("model,split,split_seed,row,block,copy,log_p,log_p_kde\nm,blocked,3,17,\"4 -8\",1,-0.5,\n"))
	if err != nil || p.Row[0] != 17 || p.Block[0] != "4 -8" || !p.Copy[0] || p.LogP[0] != -0.5 {
		t.Errorf("%+v, %v", p, err)
	}
	for _, bad := range []string{"", "row,block,copy\n", "row,block,copy,log_p\n1,,0,\n", "row,block,copy,log_p\nx,,0,1\n"} {
		if _, err := readPoints(strings.NewReader(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

// TestPage: what is missing is called missing, what is there is there, and the
// reading follows the numbers.
func TestPage(t *testing.T) {
	o, err := parse([]string{"-cache", t.TempDir(), "-seeds", "0..1"}, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	text, err := page(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"NaN", "%!", "Inf"} {
		if strings.Contains(text, bad) {
			t.Errorf("an empty page has %q in it", bad)
		}
	}
	if !strings.Contains(text, "**0 of ") || !strings.Contains(text, "| default | missing |") {
		t.Error("an empty page does not say what is missing")
	}

	put := func(m string, seed uint64, r *record) {
		for _, k := range methods {
			if k.name == m {
				j := cell{"flood", "published", k, seed}.job(o)
				if err := o.cache.put(j.name, j.lines, made{Machine: "abacus", Build: "x"}, r); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	rows := []int{0, 2, 4, 6, 8}
	put("kde", 0, rec(1, 0, rows, 0, 1, 2, 3, 4))
	put("kde", 1, rec(1, 0, rows, 0, 1, 2, 3, 4.1))
	put("plain", 0, rec(1.2, 0.001, rows, -1, 0, 1, 2, 2.9))
	put("plain", 1, rec(1.2, 0.001, rows, -1, 0, 1, 2, 3.1))
	full := rec(1, 0, rows, 0.1, 1, 2, 3, 4)
	full.Train = json.RawMessage(`{"gate":{"kept":true},"mixture":{"gain":0.01,"kept":false}}`)
	put("default", 0, full)
	r := dimension.Row{
		Spec: study()[0], Dim: 2, KL: dimension.Value{Mean: 0.1, SE: 0.01}, Start: dimension.Value{Mean: 1, SE: 0.01},
		Z: dimension.Value{Mean: 1, SE: 0.001}, ZPlain: dimension.Value{Mean: 1.001, SE: 0.001},
	}
	d := dimensionJob(study()[0])
	if err := o.cache.put(d.name, d.lines, made{Machine: "abacus", Build: "x"}, &r); err != nil {
		t.Fatal(err)
	}
	if text, err = page(o); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"abacus (6 runs)",
		"| plain Moser flow, uniform prior | -1.000 ±0.020; 0.707 |", // by positions, each in both splits: √(5/4 · 40)/10
		"The lowest mean is that of default, -2.020.",
		"Without a flow the best is kernels, -2.010.",
		"The plain Moser flow, uniform prior is worse than kernels by 1.010",
		"The default does not differ reliably from kernels (+0.020 ±0.020 nats).",
		"Z of the plain Moser flow, uniform prior is 1.200 on average",
		"default on 1 of 2 splits",
		"Learned weights of the kernels proved themselves out of sample, and were kept, on 1 of 1 split.",
		"Networks got a weight in the mixture on 0 of 1 split.",
		"swells on spheres, uniform prior, exact divergence: holds on all of S².",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(text, "NaN") || strings.Contains(text, "%!") {
		t.Error("the page has a number that is none")
	}
	if again, _ := page(o); again != text {
		t.Error("the same cache gives another page")
	}
	if t.Failed() {
		i := strings.Index(text, "### Flood, distinct")
		t.Log(text[i : i+2500])
	}
}

func TestWriteAblation(t *testing.T) {
	records := make([]*record, len(variants))
	records[0] = rec(1.05, 0, []int{0, 2, 4}, 0, 1, 2)
	records[1] = rec(1.04, 0, []int{0, 2, 4}, 0, 0.5, 1)
	b := &pageText{}
	writeAblation(b, records, made{Machine: "abacus"})
	for _, want := range []string{
		"abacus.", "| -1.000 |  | 1.050 |", "| chance | another training seed | -0.500 | +0.500 ±0.289 | 1.040 |",
		"| prior | kernels for uniform; half of the Monte Carlo points from them | missing |",
		"mflow train --data flood --split published --split-seed 100 --prior uniform --lambda 30 --steps 1200 --threads 1 -o MODEL",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the table lacks %q", want)
		}
	}
	if t.Failed() {
		t.Log(b.String())
	}
}

func TestSplice(t *testing.T) {
	got, err := splice("a\n"+ablationBegin+"\nold\n"+ablationEnd+"\nb\n", "new\n", "x.md")
	if err != nil || got != "a\n"+ablationBegin+"\n\nnew\n\n"+ablationEnd+"\nb\n" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := splice("nothing", "new", "x.md"); err == nil || !strings.Contains(err.Error(), "x.md") {
		t.Errorf("no marks: %v", err)
	}
}

// program writes a shell script that stands for mflow.
func program(t *testing.T, script string) string {
	path := filepath.Join(t.TempDir(), "mflow")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestRunAll: what the program writes is kept, what fails is counted and not
// kept, and a context that ends leaves what is done.
func TestRunAll(t *testing.T) {
	o := &options{jobs: 2, cache: cache{t.TempDir()}}
	o.program = program(t, `
case "$*" in
*vmf*) echo no such prior >&2; exit 2;;
train*) echo '{"steps":0}';;
eval*)
	while [ $# -gt 1 ]; do [ "$1" = --points-out ] && out=$2; shift; done
	printf 'row,block,copy,log_p\n1,,0,-2\n3,,0,-4\n' >"$out"
	echo '{"n_test":2,"nll":3,"z":1,"z_se":0}';;
esac`)
	var jobs []job
	for _, m := range methods[:3] {
		c := cell{"flood", "distinct", m, 0}
		jobs = append(jobs, job{name: c.name(), lines: []string{m.name}, run: func(ctx context.Context) (any, string, error) {
			r, err := fitAndScore(ctx, o, c.train(), c.eval())
			return r, "", err
		}})
	}
	failed, err := runAll(context.Background(), o.cache, jobs, o)
	if err != nil || failed != 1 {
		t.Fatalf("%d failed, %v; want 1", failed, err)
	}
	var r record
	if _, ok, err := o.cache.get(jobs[0].name, jobs[0].lines, &r); !ok || err != nil || *r.Eval.NLL != 3 || len(r.Points.Row) != 2 {
		t.Errorf("kept %+v, %v, %v", r, ok, err)
	}
	if _, ok, _ := o.cache.get(jobs[1].name, jobs[1].lines, &r); ok {
		t.Error("a failure was kept")
	}

	o.program = program(t, "exec sleep 60")
	ctx, cancel := context.WithCancel(context.Background())
	jobs = []job{{name: "x", lines: []string{"x"}, run: func(ctx context.Context) (any, string, error) {
		cancel()
		r, err := fitAndScore(ctx, o, []string{"train"}, []string{"eval"})
		return r, "", err
	}}}
	if _, err := runAll(ctx, o.cache, jobs, o); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	if _, ok, _ := o.cache.get("x", []string{"x"}, &r); ok {
		t.Error("an interrupted job was kept")
	}
	o.program = "no/such/program"
	if _, err := runAll(context.Background(), o.cache, jobs, o); err == nil || !strings.Contains(err.Error(), "make build") {
		t.Errorf("no program: %v", err)
	}
}

// TestEvaluation: an object of mflow eval --json is read, nulls included.
func TestEvaluation(t *testing.T) {
	const line = `{"n_test":5,"n_novel":4,"nll":0.5,"nll_novel":null,"nll_raw":0.4,"z":1.01,"z_se":0.001,
		"z_quadrature":{"rule":"Fibonacci lattice","z":1.011,"sigma":-0.9,"agree":true},"duplicates_share":0.2,"floor":0.001,
		"calibration":{"cells":10,"inside":9,"p":0.4},"energy_distance":null,"c2st":{"accuracy":0.51,"chance":0.5,"p":0.3},
		"baselines":{"uniform":{"nll":2.531}}}`
	var e evaluation
	if err := json.Unmarshal([]byte(line), &e); err != nil {
		t.Fatal(err)
	}
	if e.NLLNovel != nil || *e.Z != 1.01 || e.Calibration.Inside != 9 || !e.Quadrature.Agree || *e.Baselines["uniform"].NLL != 2.531 {
		t.Errorf("%+v", e)
	}
}
