package main

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// binary builds the program, once for all tests.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "mflow-binary-")
	if err != nil {
		return "", err
	}
	cleanup = append(cleanup, dir)
	path := filepath.Join(dir, "mflow")
	out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput()
	if err != nil {
		err = errors.New(string(out))
	}
	return path, err
})

func build(t *testing.T) string {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// status runs a finished command to its exit status.
func status(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	if err != nil {
		return -2
	}
	return 0
}

func TestBinaryStatus(t *testing.T) {
	mflow := build(t)
	for _, c := range []struct {
		line string
		want int
	}{
		{"version", exitOK},
		{"--help", exitOK},
		{"info /nonexistent.mflow", exitFailure},
		{"train --nope", exitUsage},
	} {
		cmd := exec.Command(mflow, strings.Fields(c.line)...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if got := status(cmd.Run()); got != c.want {
			t.Errorf("mflow %s: status %d, want %d: %s", c.line, got, c.want, &stderr)
		}
	}
}

// waitFor waits until a file is there.
func waitFor(t *testing.T, path string) {
	t.Helper()
	for range 1000 {
		if exists(path) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("%s did not appear within 20 s", path)
}

// TestSignals: an interrupt or a request to terminate saves the run, says how to
// go on and exits 130.
func TestSignals(t *testing.T) {
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		out := filepath.Join(t.TempDir(), "m.mflow")
		cmd := exec.Command(build(t), append([]string{"train", "--data", "plates", "--prior", "uniform", "--steps", "1000000", "-o", out}, quick...)...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ckpt := filepath.Join(runDirOf(out), "last.ckpt")
		waitFor(t, ckpt)
		first, err := os.Stat(ckpt)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(300 * time.Millisecond)
		cmd.Process.Signal(sig)
		if got := status(cmd.Wait()); got != exitInterrupted {
			t.Errorf("%v: status %d, want %d", sig, got, exitInterrupted)
		}
		if msg := stderr.String(); !strings.Contains(msg, "continue with mflow train --resume -o "+out) {
			t.Errorf("%v: no word on how to go on: %q", sig, msg)
		}
		last, err := os.Stat(ckpt)
		if err != nil || !last.ModTime().After(first.ModTime()) {
			t.Errorf("%v: the run was not saved (%v)", sig, err)
		}
		if exists(out) {
			t.Errorf("%v: an interrupted run wrote its model", sig)
		}
	}
}

// TestKilled: a run killed at random moments leaves only readable files, and
// resumed it ends in the same bytes as a run left alone. MFLOW_KILLS sets the
// number of kills.
func TestKilled(t *testing.T) {
	kills := 3
	if s := os.Getenv("MFLOW_KILLS"); s != "" {
		var err error
		if kills, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	mflow, dir := build(t), t.TempDir()
	start := func(out string, resume bool) (*exec.Cmd, *bytes.Buffer) {
		args := []string{"train", "--resume", "--checkpoint", "20ms", "-o", out}
		if !resume {
			args = append([]string{
				"train", "--data", "plates", "--prior", "uniform", "--steps", strconv.Itoa(200 + 100*kills),
				"--checkpoint", "20ms", "-o", out,
			}, quick...)
		}
		cmd := exec.Command(mflow, args...)
		stderr := new(bytes.Buffer)
		cmd.Stderr = stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd, stderr
	}
	alone, killed := filepath.Join(dir, "alone.mflow"), filepath.Join(dir, "killed.mflow")
	begun := time.Now()
	if cmd, stderr := start(alone, false); cmd.Wait() != nil {
		t.Fatal(stderr)
	}
	whole := time.Since(begun)

	rnd := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0)) // any moment must do
	config, ckpt := filepath.Join(runDirOf(killed), "config.toml"), filepath.Join(runDirOf(killed), "last.ckpt")
	landed := 0
	for range kills {
		cmd, _ := start(killed, exists(config))
		time.Sleep(time.Duration(rnd.Float64() * 2 / float64(kills) * float64(whole)))
		cmd.Process.Kill()
		if cmd.Wait() != nil {
			landed++
		}
		for _, file := range []string{ckpt, filepath.Join(runDirOf(killed), "best.mflow"), killed} {
			if !exists(file) {
				continue
			}
			if out, err := exec.Command(mflow, "info", file).CombinedOutput(); err != nil {
				t.Fatalf("after a kill %s is unreadable: %s", file, out)
			}
		}
	}
	t.Logf("%d of %d kills landed in a run", landed, kills)
	if cmd, stderr := start(killed, exists(config)); cmd.Wait() != nil {
		t.Fatal(stderr)
	}
	for _, pair := range [][2]string{
		{alone, killed},
		{filepath.Join(runDirOf(alone), "metrics.jsonl"), filepath.Join(runDirOf(killed), "metrics.jsonl")},
	} {
		a, err := os.ReadFile(pair[0])
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(pair[1])
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a, b) {
			t.Errorf("%s and %s differ", pair[0], pair[1])
		}
	}
	if stray, _ := filepath.Glob(filepath.Join(dir, ".*mflow")); len(stray) > kills {
		t.Errorf("temporary files are left: %v", stray)
	}
}
