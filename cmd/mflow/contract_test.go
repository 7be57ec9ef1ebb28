package main

import (
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestContracts: the objects and files that others script against.
func TestContracts(t *testing.T) {
	m := model(t)
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	wantKeys(t, object(t, trained60().res.out), "steps", "seconds", "train_nll", "val_nll", "z", "z_se", "model")

	e := object(t, must(t, "eval", m, "--json", "--z-points", "5000", "--ode-points", "5"))
	wantKeys(t, e, "n_test", "nll", "nll_se", "nll_raw", "z", "z_se", "nll_ode", "duplicates_in_train", "floor", "baselines")
	for _, name := range baselineNames {
		b, ok := e["baselines"].(map[string]any)[name].(map[string]any)
		if !ok {
			t.Fatalf("baseline %s is missing from %v", name, e["baselines"])
		}
		wantKeys(t, b, "nll", "nll_se", "delta", "delta_se")
		if got, want := b["delta"].(float64), b["nll"].(float64)-e["nll"].(float64); math.Abs(got-want) > 1e-9 {
			t.Errorf("%s: delta %g, want baseline minus model, %g", name, got, want)
		}
	}
	if got, want := e["nll"].(float64)-e["nll_raw"].(float64), math.Log(e["z"].(float64)); math.Abs(got-want) > 1e-9 {
		t.Errorf("nll - nll_raw = %g, want log Z = %g", got, want)
	}

	for _, method := range []string{"ode", "rejection"} {
		s := object(t, must(t, "sample", m, "-n", "50", "--method", method, "--seed", "1", "-o", file(method+".csv"), "--json"))
		wantKeys(t, s, "n", "seconds", "nfe", "method")
		rows := table(t, file(method+".csv"))
		if len(rows) != 51 || strings.Join(rows[0], ",") != "lat,lon" {
			t.Errorf("%s: %d rows, header %v", method, len(rows), rows[0])
		}
		again := must(t, "sample", m, "-n", "50", "--method", method, "--seed", "1")
		if raw, _ := os.ReadFile(file(method + ".csv")); string(raw) != again {
			t.Errorf("%s: the same seed gave other points", method)
		}
	}

	must(t, "density", m, "--points", file("ode.csv"), "-o", file("density.csv"))
	rows := table(t, file("density.csv"))
	if strings.Join(rows[0], ",") != "lat,lon,density,log_density" || len(rows) != 51 {
		t.Errorf("density: %d rows, header %v", len(rows), rows[0])
	}
	must(t, "density", m, "--grid", "10deg", "-o", file("grid.nc"))
	must(t, "density", m, "--grid", "10deg", "-o", file("grid.npz"))

	// The globe cut in two by boxes, caps and a polygon has mass one.
	prob := func(args ...string) (p, se float64) {
		v := object(t, must(t, append([]string{"prob", m, "--json", "--points", "20000"}, args...)...))
		wantKeys(t, v, "p", "p_se", "uniform", "catalogue")
		return v["p"].(float64), v["p_se"].(float64)
	}
	north, a := prob("--box", "0,-180,90,180")
	south, b := prob("--cap", "-90,0,90deg")
	if s := math.Hypot(a, b); math.Abs(north+south-1) > 5*s {
		t.Errorf("the hemispheres have %.4f and %.4f, sum ± %.4f", north, south, s)
	}
	octant, c := prob("--polygon", "0,0;0,90;90,0")
	box, d := prob("--box", "0,0,90,90")
	if s := math.Hypot(c, d); math.Abs(octant-box) > 5*s {
		t.Errorf("one octant has %.4f as a polygon and %.4f as a box, ± %.4f", octant, box, s)
	}

	for _, name := range []string{"map.png", "map.svg", "map.pdf"} {
		must(t, "plot", m, "--data", "--most", "20", "-o", file(name))
	}
	must(t, "plot", m, "--reliability", "-o", file("r.png"))
	must(t, "plot", "--curves", runDirOf(m), "-o", file("c.png"))
	for name, magic := range map[string]string{"map.png": "\x89PNG", "map.pdf": "%PDF", "map.svg": "<?xml", "r.png": "\x89PNG", "c.png": "\x89PNG", "grid.nc": "CDF\x02", "grid.npz": "PK"} {
		raw, err := os.ReadFile(file(name))
		if err != nil || !strings.HasPrefix(string(raw), magic) {
			t.Errorf("%s: %v, begins %q", name, err, raw[:min(8, len(raw))])
		}
	}
}

func table(t *testing.T, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows[1:] {
		for _, v := range r {
			if _, err := strconv.ParseFloat(v, 64); err != nil {
				t.Fatalf("%s: %v", path, err)
			}
		}
	}
	return rows
}

// TestBadFiles: a bad file ends the command with status 1 and one line, and
// nothing is written.
func TestBadFiles(t *testing.T) {
	m := model(t)
	for _, c := range []struct{ name, text, want string }{
		{"lat.csv", "lat,lon\n1,2\n99,2\n", ":3:"},
		{"nan.csv", "1,2\nnan,3\n", ":2:"},
		{"word.csv", "lat,lon\n1,x\n", "number"},
		{"empty.csv", "", "empty"},
		{"short.csv", "1,2\n3\n", ":2:"},
	} {
		dir := t.TempDir()
		bad := filepath.Join(dir, c.name)
		if err := os.WriteFile(bad, []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{
			{"train", "--data", bad, "-o", filepath.Join(dir, "m.mflow")},
			{"density", m, "--points", bad, "-o", filepath.Join(dir, "d.csv")},
			{"eval", m, "--data", bad},
			{"data", "info", bad},
		} {
			r := mflow(t, args...)
			if r.code != exitFailure || !strings.Contains(r.err, c.want) || !strings.Contains(r.err, bad) || strings.Count(r.err, "\n") != 1 {
				t.Errorf("mflow %v: status %d, %q, want status 1 and one line with %q", args, r.code, r.err, c.want)
			}
		}
		if left, _ := os.ReadDir(dir); len(left) != 1 {
			t.Errorf("%s: files were left: %v", c.name, left)
		}
	}
}
