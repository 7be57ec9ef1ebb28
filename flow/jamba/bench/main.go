// Command bench times the Jamba of specification size on one thread, beside the same
// network in PyTorch where /usr/bin/python3 has it, and prints one table:
//
//	go run ./flow/jamba/bench
//
// Go and PyTorch take turns, so that whatever else the machine does meets both. Figures
// are medians, with the least and the greatest, and after the stroke the median of
// the processor's time, which on a busy machine is the smaller.
package main

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	"mflow/flow/jamba"
)

func main() {
	rounds := flag.Int("rounds", 3, "turns of Go and of PyTorch")
	python := flag.String("python", "/usr/bin/python3", "Python to look for PyTorch in, or none")
	flag.Parse()
	runtime.GOMAXPROCS(1)
	if err := run(*rounds, *python); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

//go:embed torch_jamba.py
var script string

// contexts are those of the decoding figures.
var contexts = []int{64, 1 << 10, 4 << 10, 16 << 10}

// times are the measured seconds by what was measured: of the clock and, with " cpu" after
// the name, of the processor.
type times map[string][]float64

// stopwatch is when something began, by both.
type stopwatch struct {
	clock time.Time
	cpu   time.Duration
}

func start() stopwatch { return stopwatch{time.Now(), cpu()} }

func (t times) add(name string, s stopwatch) {
	t[name] = append(t[name], time.Since(s.clock).Seconds())
	if used := cpu() - s.cpu; used > 0 {
		t[name+" cpu"] = append(t[name+" cpu"], used.Seconds())
	}
}

func run(rounds int, python string) error {
	fmt.Printf("%s; one thread; load %s\n\n", processor(), load())
	b, err := newBench()
	if err != nil {
		return err
	}
	ours, theirs := times{}, times{}
	torch := exec.Command(python, "-c", "import torch").Run() == nil
	if !torch {
		fmt.Fprintf(os.Stderr, "%s has no PyTorch: its column stays empty\n", python)
	}
	for range rounds {
		if err := b.measure(ours); err != nil {
			return err
		}
		if torch {
			if err := theirs.torch(python); err != nil {
				return err
			}
		}
	}
	b.table(ours, theirs)
	fmt.Printf("\nload at the end %s\n", load())
	return nil
}

// bench is the network of specification size and its eight-bit form.
type bench struct {
	m, eight *jamba.Model
	pass     *jamba.Pass
	rnd      *rand.Rand
	in       jamba.Input
	logits   []float32
	bytes    int // of activations at 1 x 8192
}

func config() jamba.Config {
	c := jamba.DefaultConfig()
	c.VocabSize, c.TieWordEmbeddings = 128, true
	c.HiddenSize, c.IntermediateSize, c.NumHiddenLayers = 256, 512, 8
	c.NumAttentionHeads, c.NumKeyValueHeads = 8, 4
	c.NumExperts, c.NumExpertsPerTok = 8, 2
	c.MambaDtRank = 16
	return c
}

func newBench() (*bench, error) {
	b := &bench{rnd: rand.New(rand.NewPCG(1, 1))}
	var err error
	if b.m, err = jamba.New(config(), b.rnd); err != nil {
		return nil, err
	}
	if b.eight, err = b.m.Quantize(jamba.Quantization{}); err != nil {
		return nil, err
	}
	b.pass = jamba.NewPass(b.m)
	b.in = b.input(8, 256)
	return b, b.backward(nil) // takes the memory
}

func (b *bench) input(batch, length int) (in jamba.Input) {
	for range batch * length {
		in.IDs = append(in.IDs, 1+b.rnd.IntN(b.m.Config.VocabSize-1))
	}
	for range batch {
		in.Lens = append(in.Lens, length)
	}
	return in
}

// measure appends one time of each kind.
func (b *bench) measure(t times) error {
	begun := start()
	if _, err := b.pass.Forward(b.in); err != nil {
		return err
	}
	b.logits = b.pass.Logits(b.logits)
	t.add("forward", begun)
	for range 2 {
		if err := b.backward(t); err != nil {
			return err
		}
	}
	for _, n := range contexts {
		if err := b.decode(t, fmt.Sprintf("decode %d", n), b.m, n); err != nil {
			return err
		}
	}
	if err := b.decode(t, "int8 decode 1024", b.eight, 1024); err != nil {
		return err
	}
	long := jamba.NewPass(b.m)
	long.Checkpoint, long.Grads = true, b.pass.Grads
	begun = start()
	if err := backward(long, b.input(1, 8192)); err != nil {
		return err
	}
	t.add("long", begun)
	b.bytes = long.Bytes()
	return nil
}

func (b *bench) backward(t times) error {
	begun := start()
	err := backward(b.pass, b.in)
	if t != nil {
		t.add("backward", begun)
	}
	return err
}

func backward(p *jamba.Pass, in jamba.Input) error {
	if _, err := p.Forward(in); err != nil {
		return err
	}
	_, d, err := p.CrossEntropy(jamba.NextTokens(in), true)
	if err != nil {
		return err
	}
	_, err = p.Backward(d)
	return err
}

// decode appends the times of 200 single tokens after a prompt.
func (b *bench) decode(t times, name string, m *jamba.Model, context int) error {
	d := jamba.NewDecoder(m)
	s := d.NewState()
	if _, err := d.Prefill(s, b.input(1, context).IDs); err != nil {
		return err
	}
	for range 200 {
		id := []int{1 + b.rnd.IntN(100)}
		begun := start()
		if _, err := d.Step([]*jamba.State{s}, id); err != nil {
			return err
		}
		t.add(name, begun)
	}
	return nil
}

// torch runs the script, which prints one JSON object of lists of seconds.
func (t times) torch(python string) error {
	cmd := exec.Command(python, "-", "--json", "--repeat", "1")
	cmd.Stdin, cmd.Stderr = strings.NewReader(script), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("PyTorch: %w", err)
	}
	var got times
	if err := json.Unmarshal(out, &got); err != nil {
		return fmt.Errorf("PyTorch: %w", err)
	}
	for k, v := range got {
		t[k] = append(t[k], v...)
	}
	return nil
}

// table prints what was measured.
func (b *bench) table(ours, theirs times) {
	fmt.Println("| 17,462,352 parameters; clock (range) / processor | mflow | asked for | PyTorch |")
	fmt.Println("|---|---|---|---|")
	row := func(what, key, want, other string) {
		fmt.Printf("| %s | %s | %s | %s |\n", what, ours.stat(key), want, theirs.stat(other))
	}
	row("forward, 8 x 256", "forward", "0.6 s", "forward")
	row("the same, PyTorch indexing tensors as Hugging Face does", "forward", "", "forward indexed")
	row("forward + backward, 8 x 256", "backward", "2.0 s", "backward")
	row("forward + backward, 1 x 8192, layers recomputed", "long", "", "")
	for _, n := range contexts {
		want := map[int]string{1 << 10: "1.5 ms", 16 << 10: "3 ms"}[n]
		row(fmt.Sprintf("a token at context %d", n), fmt.Sprintf("decode %d", n), want, fmt.Sprintf("decode %d", n))
	}
	row("a token at context 1024, ExpertsInt8", "int8 decode 1024", "not slower than float32", "")
	info := b.m.Config.Info()
	eight := info.Int8Bytes - 2*(info.Parameters-info.Experts)
	fmt.Printf("\nExperts: %.1f MiB in float32, %.1f MiB in eight bits with scales, %.4f of it.\n", mib(4*info.Experts), mib(eight), float64(eight)/float64(4*info.Experts))
	fmt.Printf("Activations at 1 x 8192, layers recomputed: %.0f MiB; weights, gradients and Adam: %.0f MiB.\n", mib(int64(b.bytes)), mib(16*info.Parameters))
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }

// stat is the median of what was measured, with its range.
func (t times) stat(key string) string {
	x := slices.Sorted(slices.Values(t[key]))
	if len(x) == 0 {
		return ""
	}
	lo, mid, hi, unit, scale := x[0], x[len(x)/2], x[len(x)-1], "s", 1.0
	if len(x) > 100 { // of hundreds, the middle nine tenths
		lo, hi = x[len(x)/20], x[len(x)-1-len(x)/20]
	}
	if mid < 0.1 {
		unit, scale = "ms", 1e3
	}
	text := fmt.Sprintf("%.2f (%.2f to %.2f)", scale*mid, scale*lo, scale*hi)
	if c := slices.Sorted(slices.Values(t[key+" cpu"])); len(c) > 0 {
		text += fmt.Sprintf(" / %.2f", scale*c[len(c)/2])
	}
	return text + " " + unit
}

// processor returns the name of the processor, where Linux tells.
func processor() string {
	raw, _ := os.ReadFile("/proc/cpuinfo")
	name, family, model := "unknown processor", "", ""
	for sc := bufio.NewScanner(bytes.NewReader(raw)); sc.Scan(); {
		key, value, _ := strings.Cut(sc.Text(), ":")
		switch value = strings.TrimSpace(value); strings.TrimSpace(key) {
		case "model name":
			name = value
		case "cpu family":
			family = value
		case "model":
			model = value
		}
	}
	return fmt.Sprintf("%s, family %s model %s, %s", name, family, model, runtime.Version())
}

func load() string {
	raw, _ := os.ReadFile("/proc/loadavg")
	f := strings.Fields(string(raw))
	return strings.Join(f[:min(3, len(f))], " ")
}
