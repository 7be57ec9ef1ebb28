package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func writeTemp(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestConfigErrors(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"unknown key", "batch = 3\n\nstepz = 3\n", `c.toml:3: unknown key "stepz"; valid keys of mflow train are activation, batch,`},
		{"wrong type", "batch = 'many'\n", `c.toml:1: invalid argument "many" for "--batch" flag`},
		{"syntax", "batch = 3\nsteps =\n", "c.toml:2: "},
		{"table", "[adam]\nlr = 1\n", "c.toml:1: adam: is a table"},
		{"date", "\nseed = 2020-01-01\n", "c.toml:2: seed: "},
		{"itself", "config = 'x'\n", `unknown key "config"`},
		{"twice", "seed = 1\nseed = 2\n", "c.toml:"},
	} {
		r := mflow(t, "train", "--config", writeTemp(t, "c.toml", c.text), "--data", "plates", "-o", filepath.Join(t.TempDir(), "m.mflow"))
		if r.code != exitFailure || !strings.Contains(r.err, c.want) || strings.Count(r.err, "\n") != 1 {
			t.Errorf("%s: status %d, %q, want status 1 and %q", c.name, r.code, r.err, c.want)
		}
	}
}

// TestConfigOverride: a flag on the command line wins over the file, and over
// its rival there.
func TestConfigOverride(t *testing.T) {
	file := writeTemp(t, "c.toml", "\ufeff# comment\r\nbatch = 31\r\nlambda = 2.5\r\nscales = [1e-7, 3]\r\nhidden = '4,5'\r\ntime = '9s'\r\nquiet = true\r\n")
	a := &app{}
	cmd := a.trainCmd()
	cmd.Flags().AddFlagSet(a.root().PersistentFlags())
	if err := cmd.ParseFlags([]string{"--batch", "7", "--steps", "12"}); err != nil {
		t.Fatal(err)
	}
	if err := applyConfig(cmd, file); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"batch": "7", "steps": "12", "time": "0s", "lambda": "2.5", "scales": "1e-07,3", "hidden": "4,5", "quiet": "true",
	} {
		if got := cmd.Flags().Lookup(name).Value.String(); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	// What writeConfig writes, applyConfig reads back.
	text, err := writeConfig(cmd, "quiet")
	if err != nil {
		t.Fatal(err)
	}
	again := (&app{}).trainCmd()
	if err := applyConfig(again, writeTemp(t, "d.toml", string(text))); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	for _, name := range []string{"batch", "steps", "lambda", "scales", "hidden"} {
		if got, want := again.Flags().Lookup(name).Value.String(), cmd.Flags().Lookup(name).Value.String(); got != want {
			t.Errorf("%s comes back as %s, want %s", name, got, want)
		}
	}
}
