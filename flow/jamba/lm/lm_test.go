package lm

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"mflow/flow/jamba"
)

func TestParseIDs(t *testing.T) {
	npy := func(header, data string) string {
		return npyMagic + "\x01\x00" + string([]byte{byte(len(header)), 0}) + header + data
	}
	for _, c := range []struct {
		text string
		want [][]int
	}{
		{"[1, 2]", [][]int{{1, 2}}},
		{" [[1,2],[3]]\n", [][]int{{1, 2}, {3}}},
		{"[1]\n[2,3]\n", [][]int{{1}, {2, 3}}},
		{"1 2\n\n3,4;5\r\n", [][]int{{1, 2}, {3, 4, 5}}},
		{"\ufeff7", [][]int{{7}}},
		{"token\n7\n8\n\n9\n", [][]int{{7, 8, 9}}},
		{"7\n8\n9 1\n2", [][]int{{7}, {8}, {9, 1}, {2}}},
		{npy("{'descr': '<i4', 'fortran_order': False, 'shape': (2,), }  \n", "\x01\x00\x00\x00\x02\x01\x00\x00"), [][]int{{1, 258}}},
		{npy("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2), }\n", "\x01\x02\x03\x04"), [][]int{{1, 2}, {3, 4}}},
	} {
		got, err := ParseIDs([]byte(c.text))
		if err != nil || !slices.EqualFunc(got, c.want, slices.Equal) {
			t.Errorf("%q: got %v and %v, want %v", c.text, got, err, c.want)
		}
	}
	for _, c := range []struct{ text, want string }{
		{"", "no token ids"},
		{"[]", "no token ids"},
		{"1 2\n3 x", "line 2"},
		{"1.5,2", "whole numbers"},
		{"[1, 2.5]", "JSON value 1"},
		{"[1]\n[", "JSON value 2"},
		{"1 -3", "id -3 at position 1 of sequence 0"},
		{npyMagic, "truncated"},
		{npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }", "12345678"), "type <f8"},
		{npy("{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }", "12345678"), "truncated"},
		{npy("{'descr': '<i8', 'fortran_order': False, 'shape': (1, 1, 1), }", "12345678"), "one or two dimensions"},
		{npy("{'descr': '|u1', 'fortran_order': False, 'shape': (9223372036854775807, 2), }", "12"), "truncated"},
	} {
		if _, err := ParseIDs([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got error %v, want %q", c.text, err, c.want)
		}
	}
}

// What numpy saves is read, where numpy is installed.
func TestNumpy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.npy")
	out, err := exec.Command("/usr/bin/python3", "-c", `
import sys
try:
    import numpy as np
except ImportError:
    print("no numpy"); sys.exit()
np.save(sys.argv[1], np.array([[1, 2, 300], [4, 5, 6]], "<u2"))
`, path).CombinedOutput()
	if err != nil || strings.HasPrefix(string(out), "no numpy") {
		t.Skipf("numpy is not installed for /usr/bin/python3, so its files are not read: %v", err)
	}
	got, err := ReadIDs(path)
	if want := [][]int{{1, 2, 300}, {4, 5, 6}}; err != nil || !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("got %v and %v, want %v", got, err, want)
	}
}

func FuzzParseIDs(f *testing.F) {
	f.Add([]byte("[[1, 2], [3]]"))
	f.Add([]byte("1 2\n3"))
	f.Add([]byte(npyMagic + "\x01\x00\x38\x00{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }\x01\x02"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		seqs, err := ParseIDs(raw)
		if err == nil && len(seqs) == 0 {
			t.Error("neither ids nor an error")
		}
	})
}

func count(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = i % 7
	}
	return s
}

// A tenth is held out, whatever the shape of the data, and no token is in both parts.
func TestSplit(t *testing.T) {
	many := make([][]int, 40)
	for i := range many {
		many[i] = count(5 + i)
	}
	for name, seqs := range map[string][][]int{"one": {count(1000)}, "long": {count(100_000)}, "two": {count(50), count(400)}, "many": many} {
		c, err := Split(seqs)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all := 0
		for _, s := range seqs {
			all += len(s)
		}
		train, held := c.Tokens()
		if train+held > all || train+held < all-len(seqs) || held < all/14 || held > all/8 {
			t.Errorf("%s: %d tokens to train on and %d held out of %d", name, train, held, all)
		}
	}
	for want, seqs := range map[string][][]int{"want at least 2": {count(100), count(1)}, "too short": {count(19)}} {
		if _, err := Split(seqs); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want %q", err, want)
		}
	}
}

// Batches have the asked number of sequences, none too long, and targets are the next ids.
func TestBatch(t *testing.T) {
	c, err := Split([][]int{count(30), count(300), {1, 2}})
	if err != nil {
		t.Fatal(err)
	}
	lens := map[int]bool{}
	for seed := range uint64(200) {
		in, y := c.batch(4, 16, rand.New(rand.NewPCG(seed, 1)))
		if len(in.Lens) != 4 || len(in.IDs) != len(y) {
			t.Fatalf("%d sequences, %d ids, %d targets", len(in.Lens), len(in.IDs), len(y))
		}
		for _, n := range in.Lens {
			if lens[n] = true; n < 1 || n > 16 {
				t.Fatalf("length %d", n)
			}
		}
		if !slices.Equal(in.IDs[1:in.Lens[0]], y[:in.Lens[0]-1]) {
			t.Fatal("targets are not the next ids")
		}
	}
	if !lens[16] || !lens[1] {
		t.Errorf("lengths drawn: %v", lens)
	}
}

func model(t *testing.T, vocab int) *jamba.Model {
	cfg := jamba.DefaultConfig()
	cfg.VocabSize, cfg.HiddenSize, cfg.IntermediateSize, cfg.NumHiddenLayers = vocab, 16, 16, 2
	cfg.NumAttentionHeads, cfg.NumKeyValueHeads, cfg.AttnLayerPeriod, cfg.AttnLayerOffset = 2, 1, 2, 1
	cfg.NumExperts, cfg.MambaDState, cfg.PadTokenID = 4, 4, -1
	cfg.InitializerRange = 0.06
	m, err := jamba.New(cfg, rand.New(rand.NewPCG(1, 1)))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A run that is stopped, saved and resumed ends in the weights of one that was not, on
// another number of threads too, and learns.
func TestResume(t *testing.T) {
	c, err := Split([][]int{count(3000)})
	if err != nil {
		t.Fatal(err)
	}
	s := Settings{Training: jamba.Training{Steps: 30, Rate: 1e-2}, Batch: 3, Length: 20, Every: 10, Seed: 5}
	finish := func(r *Run) (losses []float64) {
		for st, err := range r.Steps(context.Background()) {
			if err != nil {
				t.Fatal(err)
			}
			losses = append(losses, st.Loss)
		}
		return losses
	}
	alone, err := New(model(t, 7), c, s)
	if err != nil {
		t.Fatal(err)
	}
	losses := finish(alone)
	if first, last := losses[0], alone.Held(); !(last < first/2) {
		t.Errorf("loss went from %.3f to %.3f", first, last)
	}

	r, err := New(model(t, 7), c, s)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "x.ckpt")
	for _, stop := range []int{0, 1, 13, 30} {
		ctx, cancel := context.WithCancel(context.Background())
		if stop == 0 {
			cancel()
		}
		for st, err := range r.Steps(ctx) {
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			if err == nil && st.N == stop {
				cancel()
			}
		}
		cancel()
		if r.N() != stop {
			t.Fatalf("stopped at step %d, want %d", r.N(), stop)
		}
		if err := r.Save(path); err != nil {
			t.Fatal(err)
		}
		if r, err = Resume(path, c); err != nil {
			t.Fatal(err)
		}
		threads := runtime.GOMAXPROCS(1 + stop%3)
		defer runtime.GOMAXPROCS(threads)
	}
	if !slices.Equal(r.Model.Weights.Flat(), alone.Model.Weights.Flat()) || r.Held() != alone.Held() {
		t.Error("the resumed run ends in other weights")
	}
}

func TestErrors(t *testing.T) {
	c, err := Split([][]int{count(300)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(model(t, 6), c, Settings{}); err == nil || !strings.Contains(err.Error(), "token 6 in the data is outside the vocabulary of 6") {
		t.Errorf("small vocabulary: %v", err)
	}
	if _, err := New(model(t, 7), c, Settings{Batch: -1}); err == nil || !strings.Contains(err.Error(), "batch is -1") {
		t.Errorf("negative batch: %v", err)
	}
	r, err := New(model(t, 7), c, Settings{})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "x.ckpt")
	if err := r.Save(path); err != nil {
		t.Fatal(err)
	}
	other, err := Split([][]int{count(330)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Resume(path, other); err == nil || !strings.Contains(err.Error(), "other data") {
		t.Errorf("other data: %v", err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 7, 100, len(raw) - 1} {
		if err := os.WriteFile(path, raw[:n], 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := Resume(path, c); err == nil || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "\n") {
			t.Errorf("checkpoint cut to %d bytes: %v", n, err)
		}
	}
}
