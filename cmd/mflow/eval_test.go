package main

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// few makes an evaluation cheap.
var few = []string{"--z-points", "4000", "--quad-points", "4000", "--mass-points", "4000", "--samples", "50", "--ode-points", "3"}

// lines decodes JSON objects, one a line.
func lines(t *testing.T, text string) (out []map[string]any) {
	t.Helper()
	for _, l := range strings.Split(strings.TrimSpace(text), "\n") {
		out = append(out, object(t, l))
	}
	return out
}

// TestEvalNumbers: the parts of an evaluation agree with each other and with the
// points it writes.
func TestEvalNumbers(t *testing.T) {
	m := model(t)
	file := filepath.Join(t.TempDir(), "points.csv")
	e := object(t, must(t, append([]string{"eval", m, "--json", "--points-out", file}, few...)...))
	wantKeys(t, e, "nll_novel", "nll_novel_se", "n_novel", "duplicate_rows", "coverage", "calibration", "pit", "energy_distance", "c2st", "z_quadrature", "se_groups")
	r, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	rows, err := csv.NewReader(r).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if want := "model,split,split_seed,row,block,copy,log_p,log_p_uniform,log_p_vmf_mixture,log_p_kde"; strings.Join(rows[0], ",") != want {
		t.Errorf("header %v, want %s", rows[0], want)
	}
	if got := float64(len(rows) - 1); got != e["n_test"].(float64) {
		t.Errorf("%g rows of points, want %g", got, e["n_test"])
	}
	mean := map[int]float64{}
	for _, row := range rows[1:] {
		for _, c := range []int{6, 7, 9} {
			v, err := strconv.ParseFloat(row[c], 64)
			if err != nil {
				t.Fatal(err)
			}
			mean[c] -= v / float64(len(rows)-1)
		}
	}
	for c, want := range map[int]any{6: e["nll"], 7: e["baselines"].(map[string]any)["uniform"].(map[string]any)["nll"], 9: e["baselines"].(map[string]any)["kde"].(map[string]any)["nll"]} {
		if math.Abs(mean[c]-want.(float64)) > 1e-9 {
			t.Errorf("the mean of column %s is %g, its score %g", rows[0][c], mean[c], want)
		}
	}
	q := e["z_quadrature"].(map[string]any)
	if q["agree"] != true || math.Abs(q["mass"].(float64)-1) > 0.05 {
		t.Errorf("quadrature of a smooth model: %v", q)
	}
	cal := e["calibration"].(map[string]any)
	var seen, mass float64
	for _, c := range cal["of"].([]any) {
		seen += c.(map[string]any)["observed"].(float64)
		mass += c.(map[string]any)["predicted"].(float64)
	}
	if seen != e["n_test"].(float64) || math.Abs(mass-1) > 1e-9 {
		t.Errorf("the cells hold %g of %g points and mass %g", seen, e["n_test"], mass)
	}
}

// TestEvalCopies: copies are counted, named and left out of the novel score.
func TestEvalCopies(t *testing.T) {
	dir := t.TempDir()
	var b strings.Builder
	b.WriteString("lat,lon\n")
	for i := range 300 { // 200 positions, the first hundred twice
		fmt.Fprintf(&b, "%g,%g\n", 60*math.Sin(float64(i%200)), math.Mod(37.7*float64(i%200), 360)-180)
	}
	data, m := filepath.Join(dir, "d.csv"), filepath.Join(dir, "m.mflow")
	if err := os.WriteFile(data, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	must(t, append([]string{"train", "--data", data, "--steps", "20", "-o", m}, quick...)...)
	e := object(t, must(t, append([]string{"eval", m, "--json"}, few...)...))
	rows := e["duplicate_rows"].([]any)
	if len(rows) == 0 || float64(len(rows)) != e["duplicates_in_train"].(float64) || e["n_novel"].(float64) != e["n_test"].(float64)-float64(len(rows)) {
		t.Errorf("%d rows of copies, %g copies, %g of %g novel", len(rows), e["duplicates_in_train"], e["n_novel"], e["n_test"])
	}
	for _, r := range rows {
		if v := int(r.(float64)); v >= 100 && v < 200 {
			t.Errorf("row %d is called a copy, but its position is single", v)
		}
	}
	k := e["baselines"].(map[string]any)["kde"].(map[string]any)
	if !(k["nll_novel"].(float64) > k["nll"].(float64)+0.5) {
		t.Errorf("kernels score %g on all points and %g on novel ones: copies gave them nothing", k["nll"], k["nll_novel"])
	}
	if k["delta_novel"].(float64) != 0 && math.Abs(k["delta_novel"].(float64)-(k["nll_novel"].(float64)-e["nll_novel"].(float64))) > 1e-9 {
		t.Errorf("novel difference %g, want %g", k["delta_novel"], k["nll_novel"].(float64)-e["nll_novel"].(float64))
	}
}

// TestEvalSeeds: eval fits its own models by the command lines it prints, uses
// them again, sums them up, and refuses those of other commands.
func TestEvalSeeds(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "models")
	line := append([]string{"eval", "--seeds", "0..1", "--data", "plates", "--points-of-set", "600", "--split", "blocked", "--dir", dir, "--json"}, few...)
	line = append(append(line, "--", "--steps", "20"), quick...)
	first := mflow(t, line...)
	if first.code != exitOK {
		t.Fatal(first.err)
	}
	if !strings.Contains(first.err, "mflow train --data plates --split blocked --split-seed 1 --points-of-set=600 --steps 20 --hidden 16,16") {
		t.Errorf("no command line in %q", first.err)
	}
	out := lines(t, first.out)
	if len(out) != 3 {
		t.Fatalf("%d objects, want two evaluations and a summary", len(out))
	}
	s := out[2]["summary"].(map[string]any)
	nll := s["nll"].(map[string]any)
	a, b := out[0]["nll"].(float64), out[1]["nll"].(float64)
	if math.Abs(nll["mean"].(float64)-(a+b)/2) > 1e-12 || math.Abs(nll["se"].(float64)-math.Abs(a-b)/2) > 1e-12 {
		t.Errorf("scores %g and %g, summary %v", a, b, nll)
	}
	kde := s["baselines"].(map[string]any)["kde"].(map[string]any)
	cells := out[0]["se_groups"].(float64) + out[1]["se_groups"].(float64)
	if g := kde["se_groups"].(float64); g > cells || g < cells-5 {
		t.Errorf("%g groups in all, %g cells of both splits", g, cells)
	}
	again := mflow(t, line...)
	for _, o := range append(out, lines(t, again.out)...) {
		delete(o, "seconds")
	}
	if !strings.Contains(again.err, "is there") {
		t.Errorf("the second time: %q", again.err)
	}
	if got := lines(t, again.out); got[0]["nll"] != out[0]["nll"] || !reflect.DeepEqual(got[2], out[2]) {
		t.Error("the same models were scored differently")
	}
	// The command line printed makes the same model.
	m := filepath.Join(dir, "blocked-0.mflow")
	raw, err := os.ReadFile(m)
	if err != nil {
		t.Fatal(err)
	}
	record, err := os.ReadFile(filepath.Join(dir, "blocked-0.cmd"))
	if err != nil {
		t.Fatal(err)
	}
	must(t, append(strings.Fields(string(record))[1:], "--overwrite")...)
	if now, err := os.ReadFile(m); err != nil || string(now) != string(raw) {
		t.Errorf("the command on record makes another model (%v)", err)
	}
	line[len(line)-1] = "3000"
	if r := mflow(t, line...); r.code != exitFailure || !strings.Contains(r.err, "was made by") {
		t.Errorf("other flags: status %d, %q", r.code, r.err)
	}
}

func TestSeedLists(t *testing.T) {
	for text, want := range map[string][]uint64{"0..4": {0, 1, 2, 3, 4}, "0,3,7": {0, 3, 7}, "5": {5}, "9,0..2": {9, 0, 1, 2}} {
		got, err := parseSeeds(text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "a", "4..0", "1,1", "0..4,2", "-1", "0..100000", "18446744073709551615..3"} {
		if got, err := parseSeeds(text); err == nil {
			t.Errorf("%q is read as %v", text, got)
		}
	}
	if got := seedList([]uint64{0, 1, 2, 5, 7, 8}); got != "0..2,5,7..8" {
		t.Errorf("got %s", got)
	}
}

// TestCompare: a model does not differ from itself, a trained one beats an
// untrained one, and one that has seen the test points is refused.
func TestCompare(t *testing.T) {
	m, dir := model(t), t.TempDir()
	poor, other := filepath.Join(dir, "poor.mflow"), filepath.Join(dir, "other.mflow")
	must(t, append([]string{"train", "--data", "plates", "--prior", "uniform", "--steps", "1", "-o", poor}, quick...)...)
	must(t, append([]string{"train", "--data", "plates", "--prior", "uniform", "--steps", "1", "--split-seed", "1", "-o", other}, quick...)...)
	c := object(t, must(t, "compare", m, m, "--json", "--z-points", "4000"))
	wantKeys(t, c, "difference", "difference_novel", "nll", "verdict", "se_groups")
	if d := c["difference"].(map[string]any); d["delta"].(float64) != 0 || d["p_t"].(float64) != 1 || d["p_flip"].(float64) != 1 {
		t.Errorf("a model against itself: %v", d)
	}
	c = object(t, must(t, "compare", m, poor, "--json", "--z-points", "4000"))
	d, nll := c["difference"].(map[string]any), c["nll"].([]any)
	if math.Abs(d["delta"].(float64)-(nll[1].(float64)-nll[0].(float64))) > 1e-9 {
		t.Errorf("difference %g of scores %v", d["delta"], nll)
	}
	if v := c["verdict"].(string); d["delta"].(float64) <= 0 || !strings.HasPrefix(v, m+" is better than "+poor) {
		t.Errorf("trained against untrained: %v, %q", d, v)
	}
	r := mflow(t, "compare", m, other, "--z-points", "4000")
	if r.code != exitFailure || !strings.Contains(r.err, "was trained or selected on") || !strings.Contains(r.err, "of the 500 test points") {
		t.Errorf("a model that has seen the test points: status %d, %q", r.code, r.err)
	}
}

// TestCompareNovel: points are novel that neither model learned from, whichever comes
// first. Kernels learned from the validation points too, unless told otherwise.
func TestCompareNovel(t *testing.T) {
	var text strings.Builder
	text.WriteString("lat,lon\n")
	for i := range 60 {
		for range 5 {
			fmt.Fprintf(&text, "%d,%d\n", i-30, i*7%50)
		}
	}
	data := writeTemp(t, "copies.csv", text.String())
	dir := t.TempDir()
	both, apart := filepath.Join(dir, "both.mflow"), filepath.Join(dir, "apart.mflow")
	// Most points are for validation, so that many test points have copies there alone.
	args := []string{"train", "--data", data, "--fractions", "0.2,0.6,0.2", "--effort", "quick", "--floor", "0.1", "--z-points", "2000"}
	must(t, append(args, "-o", both)...)
	must(t, append(args, "--refit=false", "-o", apart)...)
	novel := func(args ...string) float64 {
		return object(t, must(t, append(args, "--json", "--z-points", "1000")...))["n_novel"].(float64)
	}
	a, b, own := novel("compare", both, apart), novel("compare", apart, both), novel("compare", apart, apart)
	if a != b || !(own > a) {
		t.Errorf("%g novel points, the other way round %g; to the second alone %g, want more", a, b, own)
	}
}

// TestReport: the page is made in both formats, needs no other file, and holds
// the numbers of the evaluation and the commands.
func TestReport(t *testing.T) {
	m, dir := model(t), t.TempDir()
	page := filepath.Join(dir, "r.html")
	e := object(t, must(t, append([]string{"eval", m, "--json", "--report", page}, few...)...))
	raw, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	kde := e["baselines"].(map[string]any)["kde"].(map[string]any)
	cal := e["calibration"].(map[string]any)
	for _, want := range []string{
		fmt.Sprintf("%.3f ± %.3f", e["nll"], e["nll_se"]), fmt.Sprintf("%.4f ± %.4f", e["z"], e["z_se"]),
		fmt.Sprintf("%.3f ± %.3f", kde["nll"], kde["nll_se"]), fmt.Sprintf("%g of %g", cal["inside"], cal["cells"]),
		"mflow train --data plates", "mflow eval " + m,
	} {
		if !strings.Contains(strings.ReplaceAll(text, "&#43;", "+"), want) {
			t.Errorf("the page has no %q", want)
		}
	}
	if n := strings.Count(text, "<img"); n != 5 || strings.Count(text, `src="data:image/png;base64,`) != n || strings.Contains(text, "http") {
		t.Errorf("%d pictures; want five, all within the page", n)
	}
	must(t, append([]string{"eval", m, "--report", filepath.Join(dir, "r.pdf")}, few...)...)
	if raw, err := os.ReadFile(filepath.Join(dir, "r.pdf")); err != nil || !strings.HasPrefix(string(raw), "%PDF") {
		t.Errorf("PDF: %v", err)
	}
	for _, args := range [][]string{{"eval", m, "--report", "r.txt"}, {"eval", m, m, "--report", page}} {
		if r := mflow(t, args...); r.code != exitUsage {
			t.Errorf("mflow %v: status %d, %q", args, r.code, r.err)
		}
	}
}

// TestEvalUnlike: a mean over models of which only some learned from the validation
// points says so.
func TestEvalUnlike(t *testing.T) {
	dir := t.TempDir()
	var paths []string
	for i, refit := range []string{"--refit", "--refit=false"} {
		m := filepath.Join(dir, refit+".mflow")
		must(t, "train", "--data", "plates", "--points-of-set", "300", "--split-seed", strconv.Itoa(i), "--prior", "kde", "--field", "none", refit, "-o", m)
		paths = append(paths, m)
	}
	args := append(append([]string{"eval"}, few...), paths...)
	if out := must(t, args...); !strings.Contains(out, "1 of the 2 models learned from the validation points") {
		t.Errorf("not said: %s", out)
	}
	out := lines(t, must(t, append(args, "--json")...))
	if n := out[2]["summary"].(map[string]any)["val_learned"]; n != 1.0 {
		t.Errorf("val_learned is %v, want 1", n)
	}
}
