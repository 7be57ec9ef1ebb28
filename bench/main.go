// Command bench measures the hot paths of mflow beside PyTorch on the same
// cores in the same minute, prints one table and writes it to
// docs/performance.md. Without python3-torch the PyTorch columns stay empty.
//
//	make bench
package main

import (
	"bytes"
	"context"
	"encoding/json"
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

	"mflow/divergence"
	"mflow/flow"
	"mflow/flow/nn"
	"mflow/flow/prior"
	"mflow/internal/kernel"
	"mflow/manifold"
	"mflow/sample"
	"mflow/train"
)

func main() {
	log.SetFlags(0)
	out := flag.String("o", "docs/performance.md", "file to write")
	seconds := flag.Float64("seconds", 3, "time each case for about so long")
	python := flag.String("python", "/usr/bin/python3", "interpreter that has torch")
	flag.Parse()
	b := &bench{seconds: *seconds, python: *python}
	for _, part := range []func(){b.steps, b.products, b.density, b.samples} {
		part()
	}
	text := b.report()
	fmt.Print(text)
	if err := os.WriteFile(*out, []byte(text), 0o644); err != nil {
		log.Fatal(err)
	}
}

type bench struct {
	seconds float64
	python  string
	text    bytes.Buffer
}

// A spread is the median, least and largest of repeated times, in seconds.
type spread struct{ med, lo, hi float64 }

// time repeats f for the time of a case and at least five times.
func (b *bench) time(f func()) spread {
	f() // allocates
	var took []float64
	for end := time.Now().Add(time.Duration(b.seconds * float64(time.Second))); time.Now().Before(end) || len(took) < 5; {
		start := time.Now()
		f()
		took = append(took, time.Since(start).Seconds())
	}
	slices.Sort(took)
	return spread{took[len(took)/2], took[0], took[len(took)-1]}
}

func (b *bench) p(format string, args ...any) { fmt.Fprintf(&b.text, format+"\n", args...) }

// torch runs one of the scripts and returns its JSON lines.
func (b *bench) torch(script string, threads int, args ...string) (rows []map[string]any) {
	n := strconv.Itoa(threads)
	cmd := exec.Command(b.python, append([]string{script, "--seconds", fmt.Sprint(b.seconds), "--threads", n}, args...)...)
	// PyTorch's own setting does not reach an OpenBLAS with threads of its own.
	cmd.Env = append(os.Environ(), "OPENBLAS_NUM_THREADS="+n, "OMP_NUM_THREADS="+n)
	out, err := cmd.Output()
	if err != nil {
		log.Printf("%s: %v: the PyTorch column stays empty", script, err)
		return nil
	}
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
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

// model returns a flow on m with the given layers and plain coordinates as
// input on the sphere, as PyTorch's network has; on tori a few waves.
func model(spec string, width, depth int) *flow.Flow {
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

// stepFlops counts the products of one step: forward, and twice as much
// backward but for the gradient of the input.
func stepFlops(f *flow.Flow, rows int) float64 {
	var sum float64
	for i, l := range f.Nets[0].Layers() {
		p := 2 * float64(rows) * float64(l.In*l.Out)
		sum += 3 * p
		if i == 0 {
			sum -= p
		}
	}
	return sum
}

func (b *bench) steps() {
	b.p("## Training step\n")
	b.p("512 data and 512 Monte Carlo points, swish, exact divergence, Adam included; milliseconds, median (least to largest).\n")
	b.p("| manifold, network | threads | mflow | PyTorch, published | PyTorch, forward mode | published / mflow | forward / mflow | GFLOP/s |")
	b.p("|---|---|---|---|---|---|---|---|")
	for _, c := range []struct {
		spec         string
		width, depth int
	}{{"sphere", 128, 3}, {"sphere", 256, 3}, {"sphere", 512, 5}, {"torus:7", 256, 3}} {
		for _, n := range []int{1, runtime.NumCPU()} {
			f := model(c.spec, c.width, c.depth)
			var s spread
			threads(n, func() {
				r := must(train.New(f, train.Data{Train: points(f, 512)}, train.Settings{
					Steps: 1 << 40, Batch: 512, Monte: 512, Adam: train.Adam{LearnRate: 1e-4}, Check: train.Check{Every: 1 << 40},
				}))
				next := func() {
					for _, err := range r.Steps(context.Background()) {
						if err != nil {
							log.Fatal(err)
						}
						return
					}
				}
				next()
				s = b.time(next)
			})
			rows := b.torch("bench/torch_step.py", n, "--manifold", c.spec, "--width", strconv.Itoa(c.width), "--depth", strconv.Itoa(c.depth))
			cell := [4]string{"", "", "", ""}
			for i, v := range rows[:min(2, len(rows))] {
				cell[i] = fmt.Sprintf("%.1f (%.1f to %.1f)", number(v, "ms"), number(v, "min"), number(v, "max"))
				cell[2+i] = fmt.Sprintf("%.1f", number(v, "ms")/(1e3*s.med))
			}
			d, _ := f.Manifold.Dims()
			b.p("| %s, %d x %d | %d | %.1f (%.1f to %.1f) | %s | %s | %s | %s | %.0f |", c.spec, c.depth, c.width, n,
				1e3*s.med, 1e3*s.lo, 1e3*s.hi, cell[0], cell[1], cell[2], cell[3], stepFlops(f, (1+d)*1024)/s.med/1e9)
			if runtime.NumCPU() == 1 {
				break
			}
		}
	}
	b.p("")
}

func (b *bench) products() {
	b.p("## Matrix product\n")
	b.p("One thread, float32, GFLOP/s of the median (least to largest); NN is m,n,k.\n")
	b.p("| shape | mflow | PyTorch | mflow / PyTorch |")
	b.p("|---|---|---|---|")
	shapes := []string{"NN:3072,256,256", "NN:3072,512,512", "NT:3072,512,512", "TN:512,512,3072", "NN:3840,128,259"}
	rows := b.torch("bench/torch_gemm.py", 1, shapes...)
	for i, s := range shapes {
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
		var t spread
		threads(1, func() {
			t = b.time(func() { kernel.Gemm(tA, tB, m, n, k, 1, x, lda, y, ldb, 0, z, n) })
		})
		rate := func(t float64) float64 { return 2e-9 * float64(m) * float64(n) * float64(k) / t }
		theirs, ratio := "", ""
		if i < len(rows) {
			theirs = fmt.Sprintf("%.0f (%.0f to %.0f)", number(rows[i], "gflops"), number(rows[i], "min"), number(rows[i], "max"))
			ratio = fmt.Sprintf("%.2f", rate(t.med)/number(rows[i], "gflops"))
		}
		b.p("| %s | %.0f (%.0f to %.0f) | %s | %s |", s, rate(t.med), rate(t.hi), rate(t.lo), theirs, ratio)
	}
	b.p("")
}

func (b *bench) density() {
	b.p("## Density and samples\n")
	b.p("Sphere, 3 x 128 units, %d threads.\n", runtime.NumCPU())
	b.p("| what | a second |")
	b.p("|---|---|")
	f := model("sphere", 128, 3)
	x := points(f, 1<<16)
	mu := make([]float64, 1<<16)
	d := divergence.New(f)
	s := b.time(func() { d.Mu(mu, x) })
	b.p("| density, points | %.0f |", float64(len(mu))/s.med)
}

func (b *bench) samples() {
	f := model("sphere", 128, 3)
	const n = 20000
	s := b.time(func() {
		must2(sample.Draw(context.Background(), f, n, sample.Solver{Tol: 1e-5}, rand.New(rand.NewPCG(1, 1))))
	})
	b.p("| samples by trajectories, tolerance 1e-5 | %.0f |", n/s.med)
	s = b.time(func() { must2(sample.Reject(context.Background(), f, n, rand.New(rand.NewPCG(1, 1)))) })
	b.p("| samples by rejection | %.0f |", n/s.med)
	b.p("")
}

func must2[T, U any](v T, _ U, err error) T { return must(v, err) }

// report puts a head before the tables.
func (b *bench) report() string {
	cpu := "unknown processor"
	if raw, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for _, line := range strings.Split(string(raw), "\n") {
			if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == "model name" {
				cpu = strings.TrimSpace(v)
				break
			}
		}
	}
	return fmt.Sprintf(`# Performance

Made by `+"`make bench`"+`: every row was timed beside PyTorch on the same cores in the same minute. Quote the ratios; single
times depend on what else the machine was doing.

%s, %d threads, kernels %s, %s.

%s`, cpu, runtime.NumCPU(), kernel.Features(), runtime.Version(), b.text.String())
}
