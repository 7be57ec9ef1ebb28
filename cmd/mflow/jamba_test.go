package main

import (
	"bytes"
	endian "encoding/binary" // binary is a variable of these tests
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"mflow/internal/safetensors"
)

const jambaFixtures = "../../flow/jamba/testdata/"

// The published counts come out of the published configurations.
func TestJambaInfo(t *testing.T) {
	const gib = 1 << 30
	for _, c := range []struct {
		name                 string
		parameters, active   float64 // in thousand millions
		cache, int8, context float64
	}{
		{"jamba-v0.1", 51.57, 12.11, 4 * gib, 58.1e9, 1 << 18},
		{"jamba-1.5-large", 398.6, 94.2, 9 * gib, 449e9, 1 << 18},
	} {
		path := jambaFixtures + "published/" + c.name + ".json"
		v := object(t, must(t, "jamba", "info", path, "--json"))
		for key, want := range map[string]struct{ value, within float64 }{
			"parameters": {c.parameters * 1e9, c.parameters * 1e6}, "active": {c.active * 1e9, c.active * 1e6},
			"cache_bytes": {c.cache, 0}, "context": {c.context, 0}, "expert_share": {0.87, 0.005},
			"int8_bytes": {c.int8, 0.5e9}, "cache_of_twin": {1.0 / 8, 0},
		} {
			if got, _ := v[key].(float64); math.Abs(got-want.value) > want.within {
				t.Errorf("%s: %s is %v, want %g ±%g", c.name, key, v[key], want.value, want.within)
			}
		}
	}
	out := must(t, "jamba", "info", jambaFixtures+"published/jamba-v0.1.json")
	for _, want := range []string{"51.57B, of which 12.11B", "87.4 %", "4 GiB at 262144 tokens", "17.5 MiB", "4/32 of a twin"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	out = must(t, "jamba", "info", jambaFixtures+"tiny_bf16_sharded", "--context", "1000")
	if !strings.Contains(out, "300.5 KiB of BF16") || !strings.Contains(out, "125 KiB at 1000 tokens") {
		t.Errorf("of a checkpoint:\n%s", out)
	}
}

// The command prints the logits that Hugging Face computes.
func TestJambaLogits(t *testing.T) {
	f, err := safetensors.Open(jambaFixtures + "tiny/expected.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	x, err1 := f.Tensor("seq7.input_ids")
	y, err2 := f.Tensor("seq7.logits")
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	seq, _ := x.Int64s()
	want, _ := y.Float64s()
	ids := filepath.Join(t.TempDir(), "ids.json")
	raw, _ := json.Marshal([]any{seq, []int{7}})
	if err := os.WriteFile(ids, raw, 0o666); err != nil {
		t.Fatal(err)
	}

	v := object(t, must(t, "jamba", "logits", jambaFixtures+"tiny", "--ids", ids, "--json"))
	wantKeys(t, v, "model", "vocab_size", "sequences")
	seqs := v["sequences"].([]any)
	first, second := seqs[0].(map[string]any), seqs[1].(map[string]any)
	rows := first["logits"].([]any)
	if len(rows) != 7 || len(seqs) != 2 || first["loss"] == nil || second["loss"] != nil {
		t.Fatalf("%d rows of %d sequences, losses %v and %v", len(rows), len(seqs), first["loss"], second["loss"])
	}
	for i, w := range want {
		if got := rows[i/64].([]any)[i%64].(float64); math.Abs(got-w) > 2e-4+1e-4*math.Abs(w) {
			t.Fatalf("logit %d after token %d is %g, want %g", i%64, i/64, got, w)
		}
	}
	last := object(t, must(t, "jamba", "logits", jambaFixtures+"tiny", "--ids", ids, "--json", "--last"))
	if got := last["sequences"].([]any)[0].(map[string]any)["logits"].([]any); len(got) != 1 || !equalJSON(got[0], rows[6]) {
		t.Error("--last prints other logits")
	}
	for _, args := range [][]string{{}, {"--int8"}, {"--int8", "--mlp", "--vllm"}} {
		out := must(t, append([]string{"jamba", "logits", jambaFixtures + "tiny", "--ids", ids}, args...)...)
		if strings.Count(out, "\n") != 9 || !strings.Contains(out, "nats a token") {
			t.Errorf("%v:\n%s", args, out)
		}
	}
}

// smallTraining makes training cheap.
var smallTraining = []string{
	"--hidden", "16", "--intermediate", "16", "--heads", "2", "--kv-heads", "1", "--layers", "2", "--experts", "4",
	"--attn-period", "2", "--attn-offset", "1", "--state", "4", "--batch", "4", "--length", "32", "--check-every", "20",
}

func trainJamba(t *testing.T, args ...string) []string {
	t.Helper()
	return append(append([]string{"jamba", "train"}, smallTraining...), args...)
}

// corpus writes a text that is easy to learn.
func corpus(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "text.txt")
	if err := os.WriteFile(path, []byte(strings.Repeat("one two three, one two four. ", 200)), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// A model is trained on a text, continues it, is quantized, and continues it still.
func TestJambaTrain(t *testing.T) {
	dir := t.TempDir()
	m, q := filepath.Join(dir, "m"), filepath.Join(dir, "q")
	r := mflow(t, trainJamba(t, "--data", corpus(t), "--steps", "200", "--learn-rate", "1e-2", "--json", "-o", m)...)
	if r.code != exitOK {
		t.Fatal(r.err)
	}
	v := object(t, r.out)
	wantKeys(t, v, "steps", "seconds", "loss", "held_loss", "balance_loss", "train_tokens", "held_tokens", "parameters", "active", "model")
	if held := v["held_loss"].(float64); held > 0.5 {
		t.Errorf("held-out loss %.3f", held)
	}
	if !strings.Contains(r.err, "200/200") || !strings.Contains(r.err, "balance") {
		t.Errorf("progress: %q", r.err)
	}
	rows, err := os.ReadFile(m + ".run/metrics.jsonl")
	if err != nil || strings.Count(string(rows), "\n") != 20 || strings.Count(string(rows), "held_loss") != 10 {
		t.Errorf("metrics: %v\n%s", err, rows)
	}
	generate := func(model string) string {
		return must(t, "jamba", "generate", model, "--prompt", "one two three, one", "-n", "20", "--temperature", "0", "-q")
	}
	if got := generate(m); !strings.HasPrefix(got, "one two three, one two four. one") {
		t.Errorf("generated %q", got)
	}
	if v := object(t, must(t, "jamba", "quantize", m, "--mlp", "--json", "-o", q)); v["bytes"].(float64) > 0.8*v["bytes_before"].(float64) {
		t.Errorf("quantized: %v", v)
	}
	if got := generate(q); !strings.HasPrefix(got, "one two three, one two") {
		t.Errorf("generated in eight bits %q", got)
	}
	g := object(t, must(t, "jamba", "generate", m, "--prompt", "one", "-n", "5", "--samples", "3", "--seed", "4", "--json"))
	wantKeys(t, g, "model", "samples", "tokens", "prefill_seconds", "ms_per_token", "cache_bytes", "state_bytes")
	if len(g["samples"].([]any)) != 3 || g["tokens"].(float64) != 15 {
		t.Errorf("samples: %v", g)
	}
	again := object(t, must(t, "jamba", "generate", m, "--prompt", "one", "-n", "5", "--samples", "3", "--seed", "4", "--json"))
	if a, b := g["samples"], again["samples"]; !equalJSON(a, b) {
		t.Errorf("the same seed gave %v and %v", a, b)
	}

	// Further training from these weights begins where they ended.
	more := object(t, must(t, "jamba", "train", "--data", corpus(t), "--from", m, "--steps", "5", "--batch", "4",
		"--length", "32", "--learn-rate", "1e-4", "--json", "-o", filepath.Join(dir, "more")))
	if held := more["held_loss"].(float64); held > 0.5 {
		t.Errorf("held-out loss %.3f after training further", held)
	}
}

func equalJSON(a, b any) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return bytes.Equal(x, y)
}

// Sequences of token ids of mixed lengths train a model that continues ids.
func TestJambaTrainIDs(t *testing.T) {
	dir := t.TempDir()
	var text strings.Builder
	for i := range 60 {
		text.WriteString(strings.TrimSuffix(strings.Repeat("3,1,4,", 2+i%9), ",") + "\n")
	}
	ids := filepath.Join(dir, "events.csv")
	if err := os.WriteFile(ids, []byte(text.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	m := filepath.Join(dir, "m")
	v := object(t, must(t, trainJamba(t, "--data", ids, "--steps", "60", "--learn-rate", "1e-2", "--json", "-q", "-o", m)...))
	if held := v["held_loss"].(float64); held > 0.5 {
		t.Errorf("held-out loss %.3f", held)
	}
	prompt := filepath.Join(dir, "prompt.ids")
	if err := os.WriteFile(prompt, []byte("3 1 4 3"), 0o666); err != nil {
		t.Fatal(err)
	}
	if got := must(t, "jamba", "generate", m, "--ids", prompt, "-n", "4", "--temperature", "0", "-q"); got != "1 4 3 1\n" {
		t.Errorf("generated %q", got)
	}
	if r := mflow(t, "jamba", "generate", m, "--prompt", "x"); r.code != exitFailure || !strings.Contains(r.err, "tokenizer.json") {
		t.Errorf("a text without tokenizer: status %d, %q", r.code, r.err)
	}
}

// A run that is interrupted, killed and resumed ends in the bytes of one left alone.
func TestJambaResume(t *testing.T) {
	mflow, dir, data := build(t), t.TempDir(), corpus(t)
	command := func(args ...string) (*exec.Cmd, *bytes.Buffer) {
		cmd, stderr := exec.Command(mflow, args...), new(bytes.Buffer)
		cmd.Stderr = stderr
		return cmd, stderr
	}
	alone, stopped := filepath.Join(dir, "alone"), filepath.Join(dir, "stopped")
	args := func(out string) []string {
		return trainJamba(t, "--data", data, "--steps", "400", "--seed", "3", "--checkpoint", "10ms", "-o", out)
	}
	if cmd, stderr := command(args(alone)...); cmd.Run() != nil {
		t.Fatal(stderr)
	}
	cmd, stderr := command(args(stopped)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, stopped+".run/last.ckpt")
	time.Sleep(50 * time.Millisecond)
	cmd.Process.Signal(os.Interrupt)
	if got := status(cmd.Wait()); got != exitInterrupted || !strings.Contains(stderr.String(), "continue with mflow jamba train --resume -o "+stopped) {
		t.Fatalf("interrupted: status %d, %q", got, stderr)
	}
	if exists(stopped + "/model.safetensors") {
		t.Error("an interrupted run wrote its model")
	}
	cmd, _ = command("jamba", "train", "--resume", "--checkpoint", "10ms", "-o", stopped)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond)
	cmd.Process.Kill()
	_ = cmd.Wait()
	if cmd, stderr := command("jamba", "train", "--resume", "--threads", "1", "-o", stopped); cmd.Run() != nil {
		t.Fatal(stderr)
	} else if !regexp.MustCompile(`resuming at step \d+ of 400`).MatchString(stderr.String()) {
		t.Errorf("no word of resuming: %q", stderr)
	}
	if cmd, stderr := command("jamba", "train", "--resume", "--json", "-o", stopped); cmd.Run() != nil { // nothing is left to do
		t.Error(stderr)
	}
	for _, name := range []string{"/config.json", "/model.safetensors", "/tokenizer.json", ".run/metrics.jsonl", ".run/last.ckpt"} {
		a, err1 := os.ReadFile(alone + name)
		b, err2 := os.ReadFile(stopped + name)
		if err1 != nil || err2 != nil || !bytes.Equal(a, b) {
			t.Errorf("%s differs: %v, %v", name, err1, err2)
		}
	}
}

func TestJambaUsage(t *testing.T) {
	data, tiny := corpus(t), jambaFixtures+"tiny"
	for _, c := range []struct {
		line, want string
		code       int
	}{
		{"jamba", "what shall be done", exitUsage},
		{"jamba info", "accepts 1 arg", exitUsage},
		{"jamba info --context 0 x", "--context is 0", exitUsage},
		{"jamba info /nonexistent", "no such file", exitFailure},
		{"jamba train", "no directory", exitUsage},
		{"jamba train -o x", "no data", exitUsage},
		{"jamba train -o /nonexistent/x --data " + data, "there is no directory", exitFailure},
		{"jamba train -o x --data /nonexistent", "no such file", exitFailure},
		{"jamba train -o x --steps 0 --data " + data, "--steps is 0", exitUsage},
		{"jamba train -o x --learn-rate -1 --data " + data, "--learn-rate is -1", exitUsage},
		{"jamba train -o x --vocab 9 --data " + data, "--vocab is for token ids", exitUsage},
		{"jamba train -o x --hidden 30 --data " + data, "no multiple", exitUsage},
		{"jamba train -o x --hidden 1048576 --intermediate 4096 --data " + data, "GiB are free", exitFailure},
		{"jamba train -o x --length 5000 --batch 1000000 --data " + data, "training on 1000000 sequences of 5000: ", exitFailure},
		{"jamba train -o x --from " + tiny + " --data " + data, "outside the vocabulary of 64", exitFailure},
		{"jamba train -o x --layers 3 --from " + tiny + " --data " + data, "exclude each other", exitUsage},
		{"jamba train --resume -o x", "no run to resume", exitFailure},
		{"jamba generate " + tiny, "give one of", exitUsage},
		{"jamba generate " + tiny + " --prompt a", "tokenizer.json", exitFailure},
		{"jamba generate x --prompt a -n 0", "-n is 0", exitUsage},
		{"jamba generate x --prompt a --top-p 1.5", "--top-p 1.5", exitUsage},
		{"jamba logits " + tiny, "no tokens", exitUsage},
		{"jamba logits --mlp --ids x " + tiny, "no such file", exitFailure},
		{"jamba quantize " + tiny, "no directory to write", exitUsage},
		{"jamba quantize " + tiny + " -o " + tiny, "is the model itself", exitUsage},
		{"jamba quantize /nonexistent -o x", "no such file", exitFailure},
	} {
		r := mflow(t, strings.Fields(c.line)...)
		if r.code != c.code || !strings.Contains(r.err, c.want) || strings.Count(r.err, "\n") != 1 || r.out != "" {
			t.Errorf("mflow %s: status %d, %q, want status %d and one line with %q", c.line, r.code, r.err, c.code, c.want)
		}
	}
	if exists("x") || exists("x.run") {
		t.Error("a refused command left files")
	}
}

// damage copies the small checkpoint to a new directory and changes its weights file.
func damage(t *testing.T, config func(string) string, change func(header string, data []byte) (string, []byte)) string {
	t.Helper()
	dir := t.TempDir()
	text, err := os.ReadFile(jambaFixtures + "tiny/config.json")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(jambaFixtures + "tiny/model.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	n := endian.LittleEndian.Uint64(raw)
	header, data := change(string(raw[8:8+n]), raw[8+n:])
	raw = append(endian.LittleEndian.AppendUint64(nil, uint64(len(header))), header...)
	for name, b := range map[string][]byte{"config.json": []byte(config(string(text))), "model.safetensors": append(raw, data...)} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// A truncated, oversized or wrong checkpoint gives one line that names the directory
// and the tensor, whatever is done with it, and nothing is written.
func TestJambaDamaged(t *testing.T) {
	ids := filepath.Join(t.TempDir(), "ids")
	if err := os.WriteFile(ids, []byte("1 2 3"), 0o666); err != nil {
		t.Fatal(err)
	}
	same := func(s string) string { return s }
	replace := func(from, to string) func(string, []byte) (string, []byte) {
		return func(h string, b []byte) (string, []byte) {
			if !strings.Contains(h, from) {
				t.Fatalf("no %s in the header", from)
			}
			return strings.Replace(h, from, to, 1), b
		}
	}
	intact := func(h string, b []byte) (string, []byte) { return h, b }
	for want, dir := range map[string]string{
		"truncated?":                                     damage(t, same, func(h string, b []byte) (string, []byte) { return h, b[:len(b)-5] }),
		"7 bytes after the last":                         damage(t, same, func(h string, b []byte) (string, []byte) { return h, append(b[:len(b):len(b)], make([]byte, 7)...) }),
		"is larger than any file":                        damage(t, same, replace(`"shape":[32]`, `"shape":[4294967296,4294967296]`)),
		"shape [33] takes 132 bytes":                     damage(t, same, replace(`"shape":[32]`, `"shape":[33]`)),
		"has shape [32 64], want [64 32] by config.json": damage(t, same, replace(`"shape":[64,32]`, `"shape":[32,64]`)),
		"want one of F64 F32":                            damage(t, same, replace(`"dtype":"F32"`, `"dtype":"F31"`)),
		"not a safetensors file":                         damage(t, same, func(h string, b []byte) (string, []byte) { return "hello", b }),
		"appears twice":                                  damage(t, same, replace(`"model.layers.1.mamba.D"`, `"model.layers.0.mamba.D"`)),
		"model.layers.1.mamba.D is missing":              damage(t, same, replace(`"model.layers.1.mamba.D"`, `"model.layers.1.mamba.E"`)),
		"hidden_size 30 is no multiple":                  damage(t, func(s string) string { return strings.Replace(s, `"hidden_size": 32`, `"hidden_size": 30`, 1) }, intact),
		"GiB are free":                                   damage(t, func(s string) string { return strings.Replace(s, `"hidden_size": 32`, `"hidden_size": 1048576`, 1) }, intact),
		"config.json":                                    damage(t, func(s string) string { return s[:40] }, intact),
	} {
		out := filepath.Join(t.TempDir(), "out")
		for _, args := range [][]string{
			{"jamba", "logits", dir, "--ids", ids},
			{"jamba", "logits", dir, "--ids", ids, "--int8"},
			{"jamba", "generate", dir, "--ids", ids},
			{"jamba", "quantize", dir, "-o", out},
			{"jamba", "train", "--from", dir, "--data", corpus(t), "-o", out},
		} {
			r := mflow(t, args...)
			if r.code != exitFailure || !strings.Contains(r.err, want) || !strings.Contains(r.err, dir) || strings.Count(r.err, "\n") != 1 || r.out != "" {
				t.Errorf("mflow %v: status %d, %q, want status 1 and one line with %q and the directory", args[1:], r.code, r.err, want)
			}
		}
		if exists(out) || exists(out+".run") {
			t.Errorf("%s: files were left", want)
		}
	}
}
