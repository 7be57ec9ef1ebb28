package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/spf13/cobra"
)

// result is what one command line left behind.
type result struct {
	code     int
	out, err string
}

// mflow runs a command line in this process.
func mflow(t testing.TB, args ...string) result {
	t.Helper()
	return mflowContext(context.Background(), t, args...)
}

func mflowContext(ctx context.Context, t testing.TB, args ...string) result {
	t.Helper()
	threads := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(threads)
	var out, stderr bytes.Buffer
	code := run(ctx, args, strings.NewReader(""), &out, &stderr)
	return result{code, out.String(), stderr.String()}
}

// must runs a command line that has to succeed and returns its output.
func must(t testing.TB, args ...string) string {
	t.Helper()
	r := mflow(t, args...)
	if r.code != exitOK {
		t.Fatalf("mflow %s: status %d: %s", strings.Join(args, " "), r.code, r.err)
	}
	return r.out
}

// object decodes the single JSON object that a command printed.
func object(t testing.TB, text string) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("not one JSON object: %v\n%s", err, text)
	}
	return v
}

func wantKeys(t testing.TB, v map[string]any, keys ...string) {
	t.Helper()
	for _, k := range keys {
		if _, ok := v[k]; !ok {
			t.Errorf("key %q is missing from %v", k, v)
		}
	}
}

// quick makes training cheap: what is tested is the command, not the model.
var quick = []string{
	"--hidden", "16,16", "--waves", "16", "--scales", "1,3", "--batch", "64", "--monte", "64",
	"--check-every", "20", "--check-points", "500", "--z-points", "2000",
}

// trained60 trains a small model on a synthetic set, once for all tests.
var trained60 = sync.OnceValue(func() (m struct {
	path string
	res  result
},
) {
	dir, err := os.MkdirTemp("", "mflow-test-")
	if err != nil {
		panic(err)
	}
	cleanup = append(cleanup, dir)
	m.path = filepath.Join(dir, "plates.mflow")
	var out, stderr bytes.Buffer
	m.res.code = run(context.Background(), append([]string{
		"train", "--data", "plates", "--prior", "uniform", "--steps", "60", "--json", "-o", m.path,
	}, quick...), strings.NewReader(""), &out, &stderr)
	m.res.out, m.res.err = out.String(), stderr.String()
	return m
})

var cleanup []string

func TestMain(m *testing.M) {
	code := m.Run()
	for _, dir := range cleanup {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

func model(t testing.TB) string {
	t.Helper()
	m := trained60()
	if m.res.code != exitOK {
		t.Fatalf("training the test model: status %d: %s", m.res.code, m.res.err)
	}
	return m.path
}

func TestUsageErrors(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"trian", `unknown command "trian" for "mflow"; did you mean train`},
		{"train --foo", "unknown flag: --foo"},
		{"train", "no model to write"},
		{"train -o m.mflow", "no data"},
		{"train -o m.mflow --data plates --steps ten", `invalid argument "ten"`},
		{"train -o m.mflow --data plates --hidden 3.5", `invalid argument "3.5"`},
		{"train -o m.mflow --data plates --time 10s --steps 3", "exclude each other"},
		{"train -o m.mflow --data plates --time -3s", "want more than 0"},
		{"train -o m.run --data plates", "directory"},
		{"train extra -o m.mflow", "unknown command"},
		{"train --threads -1 -o m.mflow --data plates", "--threads is -1"},
		{"eval", "requires at least 1 arg"},
		{"sample", "accepts 1 arg"},
		{"sample m.mflow -n 0", "want at least 1"},
		{"sample m.mflow --json", "needs -o"},
		{"info", "accepts 1 arg"},
		{"data nope", "unknown command"},
		{"prob m.mflow", "--cap"},
		{"density m.mflow", "--points"},
		{"plot", "model"},
		{"check", "accepts 1 arg"},
	} {
		r := mflow(t, strings.Fields(c.line)...)
		if r.code != exitUsage {
			t.Errorf("mflow %s: status %d, want %d: %s", c.line, r.code, exitUsage, r.err)
		}
		if !strings.Contains(r.err, c.want) || !strings.HasPrefix(r.err, "mflow: ") || strings.Count(r.err, "\n") != 1 || r.out != "" {
			t.Errorf("mflow %s: got %q and %q on standard output, want one line with %q", c.line, r.err, r.out, c.want)
		}
	}
}

// TestHelp: every command explains itself with an example, exits 0 and keeps to
// 100 columns.
func TestHelp(t *testing.T) {
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		path := strings.Fields(c.CommandPath())[1:]
		if len(path) > 0 && (path[0] == "completion" || path[0] == "help") {
			return
		}
		out := must(t, append(path, "--help")...)
		for _, want := range []string{"Usage:", "Examples:", "General:", "--seed"} {
			if !strings.Contains(out, want) {
				t.Errorf("%s --help: no %q in\n%s", c.CommandPath(), want, out)
			}
		}
		for _, line := range strings.Split(out, "\n") {
			if len([]rune(line)) > 110 {
				t.Errorf("%s --help: line of %d columns: %s", c.CommandPath(), len([]rune(line)), line)
			}
		}
		for _, c := range c.Commands() {
			walk(c)
		}
	}
	walk((&app{}).root())
}

func TestVersion(t *testing.T) {
	wantKeys(t, object(t, must(t, "version", "--json")), "version", "go", "platform")
	if out := must(t, "version"); !strings.HasPrefix(out, "mflow ") {
		t.Errorf("got %q", out)
	}
}

func TestCompletion(t *testing.T) {
	if out := must(t, "completion", "bash"); !strings.Contains(out, "__start_mflow") {
		t.Error("no bash completion")
	}
}
