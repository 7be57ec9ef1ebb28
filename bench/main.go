// Command bench measures the hot paths of mflow beside PyTorch on the same
// cores in the same minutes, prints its tables and writes them to
// docs/performance.md, between the text that is there already. Without
// python3-torch the PyTorch columns stay empty.
//
//	make bench
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"mflow/flow"
	"mflow/flow/nn"
	"mflow/flow/prior"
	"mflow/internal/kernel"
	"mflow/manifold"
)

func main() {
	log.SetFlags(0)
	b := &bench{}
	out := flag.String("o", "docs/performance.md", "file whose tables are replaced")
	memory := flag.Bool("memory", false, "run some steps of 5 x 512 and print the most memory they took; used by the bench itself")
	flag.StringVar(&b.model, "model", "", "`file` of a model on the sphere with a uniform prior, for densities and samples")
	flag.Float64Var(&b.seconds, "seconds", 2, "time each case for about so long")
	flag.StringVar(&b.python, "python", "/usr/bin/python3", "interpreter that has torch")
	flag.DurationVar(&b.patience, "patience", 3*time.Minute, "longest that a script of PyTorch may run")
	flag.IntVar(&b.points, "points", 10_000_000, "points of the density")
	flag.IntVar(&b.samples, "samples", 1_000_000, "samples along trajectories")
	only := flag.String("only", "", "measure one part, products, sums, steps, memory, profile, flow or accuracy, and write no file")
	flag.Parse()
	if *memory {
		peakMemory()
		return
	}
	begun, load := time.Now(), uptime()
	for _, part := range []struct {
		name string
		f    func()
	}{{"products", b.products}, {"sums", b.sums}, {"steps", b.steps}, {"memory", b.memoryOf}, {"profile", b.profile}, {"flow", b.flow}, {"accuracy", b.accuracy}} {
		if *only == "" || *only == part.name {
			part.f()
		}
	}
	if *only != "" {
		return
	}
	text := b.head(begun, load) + b.text.String()
	fmt.Print(text)
	if err := replace(*out, text); err != nil {
		log.Fatal(err)
	}
}

type bench struct {
	seconds         float64
	python          string
	model           string
	points, samples int
	patience        time.Duration

	ceiling float64 // the best rate of a large product on one core, GFLOP/s
	text    bytes.Buffer
}

// A spread is the median, least and largest of repeated times, and the median of
// the processor time that each took, in seconds.
type spread struct{ med, lo, hi, cpu float64 }

// time repeats f for the time of a case and at least five times.
func (b *bench) time(f func()) spread {
	f() // allocates
	var took, busy []float64
	for end := time.Now().Add(time.Duration(b.seconds * float64(time.Second))); time.Now().Before(end) || len(took) < 5; {
		start, cpu := time.Now(), cpuTime()
		f()
		took, busy = append(took, time.Since(start).Seconds()), append(busy, cpuTime()-cpu)
	}
	slices.Sort(took)
	slices.Sort(busy)
	return spread{took[len(took)/2], took[0], took[len(took)-1], busy[len(busy)/2]}
}

func (s spread) String() string {
	return fmt.Sprintf("%.1f (%.1f to %.1f)", 1e3*s.med, 1e3*s.lo, 1e3*s.hi)
}

func (b *bench) p(format string, args ...any) {
	log.Printf(format, args...)
	fmt.Fprintf(&b.text, format+"\n", args...)
}

// torch runs one of the scripts and returns its JSON lines. On several threads
// PyTorch's own, of OpenMP, and those of OpenBLAS get in each other's way while they
// wait: it runs with threads that sleep, and with products on one thread, and of
// each case the faster one counts.
func (b *bench) torch(script string, threads int, args ...string) []map[string]any {
	n := strconv.Itoa(threads)
	rows := b.script(script, append([]string{"--threads", n}, args...), "OPENBLAS_NUM_THREADS="+n, "OMP_NUM_THREADS="+n, "OMP_WAIT_POLICY=PASSIVE")
	if threads == 1 {
		return rows
	}
	for i, v := range b.script(script, append([]string{"--threads", n}, args...), "OPENBLAS_NUM_THREADS=1", "OMP_NUM_THREADS="+n) {
		switch {
		case i >= len(rows):
			rows = append(rows, v)
		case number(v, "rate") > number(rows[i], "rate") || number(v, "ms") < number(rows[i], "ms"):
			rows[i] = v
		}
	}
	return rows
}

// script runs a script in the given environment and returns its JSON lines, as many
// as there are when patience ends.
func (b *bench) script(script string, args []string, env ...string) (rows []map[string]any) {
	ctx, stop := context.WithTimeout(context.Background(), b.patience)
	defer stop()
	cmd := exec.CommandContext(ctx, b.python, append([]string{script, "--seconds", fmt.Sprint(b.seconds)}, args...)...)
	// OpenBLAS is to choose its kernels itself. PyTorch's own setting does not
	// reach an OpenBLAS with threads of its own.
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "OPENBLAS_") && !strings.HasPrefix(v, "OMP_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, env...)
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := cmd.Run(); err != nil {
		log.Printf("%s: %v: cells stay empty", script, errors.Join(err, ctx.Err()))
	}
	for _, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		var v map[string]any
		if json.Unmarshal([]byte(line), &v) == nil {
			rows = append(rows, v)
		}
	}
	return rows
}

func number(v map[string]any, key string) float64 {
	f, _ := v[key].(float64)
	return f
}

// ratio is a cell of a table, empty where nothing was measured.
func ratio(a, b float64) string {
	if !(a > 0 && b > 0) {
		return ""
	}
	return fmt.Sprintf("%.2f", a/b)
}

// threads runs f on a number of threads.
func threads(n int, f func()) {
	before := runtime.GOMAXPROCS(n)
	kernel.SetThreads(n)
	f()
	kernel.SetThreads(0)
	runtime.GOMAXPROCS(before)
}

func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}

// network returns a flow on m with the given layers and plain coordinates as
// input on the sphere, as PyTorch's network has; on tori a few waves.
func network(spec string, width, depth int) *flow.Flow {
	m := must(manifold.Parse(spec))
	waves := -1
	if _, ok := m.(manifold.Torus); ok {
		waves = 4
	}
	hidden := slices.Repeat([]int{width}, depth)
	rnd := rand.New(rand.NewPCG(1, 1))
	field := must(flow.NewField(m, flow.FieldSpec{Hidden: hidden, Waves: waves}, rnd))
	for i := range field.Params {
		field.Params[i] += float32(0.01 * rnd.NormFloat64())
	}
	field.ScaleOutput(0.1)
	u := m.(manifold.Measurer)
	return &flow.Flow{Manifold: m, Prior: prior.Uniform{M: u}, Nets: []*nn.MLP{field}, Eps: 1e-3 / u.Volume(), Z: 1}
}

func points(f *flow.Flow, n int) []float64 {
	_, dim := f.Manifold.Dims()
	x := make([]float64, n*dim)
	rnd := rand.New(rand.NewPCG(2, 2))
	for i := range n {
		f.Prior.Rand(x[i*dim:(i+1)*dim], rnd)
	}
	return x
}

// products times matrix products of the shapes of a step against OpenBLAS and
// against the peak of a core.
func (b *bench) products() {
	peak, half := b.peak(kernel.F32), b.peak(kernel.BF16)
	b.p("## Matrix product\n")
	b.p("One thread, GFLOP/s; m,n,k. The peak of a core, multiply-adds on registers alone, is %.0f in float32 and %.0f on pairs in bf16 (0: no such", peak, half)
	b.p("instructions). OpenBLAS is called through PyTorch and chooses its kernels itself.\n")
	b.p("| shape | mflow, by the clock | OpenBLAS, by the clock | mflow, processor time | OpenBLAS, processor time | mflow / OpenBLAS | mflow / peak | bf16 | bf16x3 | bf16x6 |")
	b.p("|---|---|---|---|---|---|---|---|---|---|")
	for _, s := range []string{"NN:3072,256,256", "NN:3072,512,512", "NT:3072,512,512", "TN:512,512,3072", "NN:3840,128,259"} {
		kind, dims, _ := strings.Cut(s, ":")
		var v [3]int
		for j, t := range strings.Split(dims, ",") {
			v[j] = must(strconv.Atoi(t))
		}
		m, n, k := v[0], v[1], v[2]
		x, y, z := make([]float32, m*k), make([]float32, k*n), make([]float32, m*n)
		rnd := rand.New(rand.NewPCG(1, 1))
		for i := range x {
			x[i] = rnd.Float32()
		}
		for i := range y {
			y[i] = rnd.Float32()
		}
		tA, tB := kind == "TN", kind == "NT"
		lda, ldb := k, n
		if tA {
			lda = m
		}
		if tB {
			ldb = k
		}
		rate := func(t float64) float64 { return 4 * 2e-9 * float64(m) * float64(n) * float64(k) / t }
		run := func(p kernel.Precision) (t spread) {
			threads(1, func() {
				t = b.time(func() {
					for range 4 {
						kernel.GemmIn(p, tA, tB, m, n, k, 1, x, lda, y, ldb, 0, z, n)
					}
				})
			})
			return t
		}
		t := run(kernel.F32)
		b.ceiling = max(b.ceiling, rate(t.cpu))
		theirs, cpu := "", 0.0
		if rows := b.torch("bench/torch_gemm.py", 1, s); len(rows) > 0 {
			theirs = fmt.Sprintf("%.0f (%.0f to %.0f)", number(rows[0], "gflops"), number(rows[0], "min"), number(rows[0], "max"))
			cpu = number(rows[0], "cpu")
		}
		b.p("| %s | %.0f (%.0f to %.0f) | %s | %.0f | %.0f | %s | %s | %.0f | %.0f | %.0f |", s, rate(t.med), rate(t.hi), rate(t.lo), theirs,
			rate(t.cpu), cpu, ratio(rate(t.cpu), cpu), ratio(rate(t.cpu), peak),
			rate(run(kernel.BF16).cpu), rate(run(kernel.BF16x3).cpu), rate(run(kernel.BF16x6).cpu))
	}
	b.p("")
}

// peak is the best of some runs of register-only multiply-adds, GFLOP/s.
func (b *bench) peak(p kernel.Precision) (best float64) {
	for range 9 {
		start := cpuTime()
		flop := kernel.Peak(p, 3_000_000)
		best = max(best, flop/(cpuTime()-start)/1e9)
	}
	return best
}

func uptime() string {
	raw, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "not known"
	}
	return strings.Join(strings.Fields(string(raw))[:3], " ")
}

const mark, end = "<!-- tables of make bench -->\n", "<!-- end -->\n"

// replace puts text between the marks of a file, or at the end of one without.
func replace(name, text string) error {
	old, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	before, rest, _ := strings.Cut(string(old), mark)
	_, after, _ := strings.Cut(rest, end)
	return os.WriteFile(name, []byte(before+mark+"\n"+text+end+after), 0o644)
}

// head says what the tables were measured on.
func (b *bench) head(begun time.Time, load string) string {
	cpu := "unknown processor"
	if raw, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for _, line := range strings.Split(string(raw), "\n") {
			if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == "model name" {
				cpu = strings.TrimSpace(v)
				break
			}
		}
	}
	return fmt.Sprintf(`%s, %d threads, kernels %s, pairs in bf16 by %s, %s, %s. Load average at the start %s, at the end %s.

`, cpu, runtime.NumCPU(), kernel.Features(), kernel.PairUnit(), runtime.Version(), begun.Format("2006-01-02 15:04"), load, uptime())
}
