package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/exec"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"

	"mflow/flow"
	"mflow/train"
)

// A size is a network and a manifold of the tables.
type size struct {
	spec         string
	width, depth int
}

var sizes = []size{{"sphere", 128, 3}, {"sphere", 256, 3}, {"sphere", 512, 5}, {"torus:7", 256, 3}}

func (s size) String() string { return fmt.Sprintf("%s, %d x %d", s.spec, s.depth, s.width) }

const batch = 512 // data points, and as many Monte Carlo points

// run returns a function that takes one step and reports it.
func (s size) run(precision string) (*flow.Flow, func() train.Step) {
	f := network(s.spec, s.width, s.depth)
	r := must(train.New(f, train.Data{Train: points(f, batch)}, train.Settings{
		Steps: 1 << 40, Batch: batch, Monte: batch, Precision: precision,
		Adam: train.Adam{LearnRate: 1e-4}, Check: train.Check{Every: 1 << 40},
	}))
	return f, func() (step train.Step) {
		for s, err := range r.Steps(context.Background()) {
			if err != nil {
				log.Fatal(err)
			}
			return s
		}
		return step
	}
}

// flops counts the products that a step does: forward at every point, and twice as
// much backward at those with a gradient, but for the gradient of the input.
func flops(f *flow.Flow, active float64) float64 {
	d, _ := f.Manifold.Dims()
	rows := float64((1 + d) * 2 * batch)
	var sum float64
	for i, l := range f.Nets[0].Layers() {
		p := 2 * rows * float64(l.In*l.Out)
		sum += p + 2*active*p
		if i == 0 {
			sum -= active * p
		}
	}
	return sum
}

func (b *bench) steps() {
	b.p("## Training step\n")
	b.p("%d data and %d Monte Carlo points, swish, exact divergence, Adam included. Milliseconds by the clock, median (least to largest), and of", batch, batch)
	b.p("processor time on one thread, which other work on the machine hardly changes. PyTorch is given one thread and all, and the better of the")
	b.p("two stands in the rows of more threads. GFLOP/s count the products that are done, over processor time; the ceiling is the best product above.\n")
	b.p("| manifold, network | threads | mflow | PyTorch, published | PyTorch, forward mode | published / mflow | forward / mflow | processor time: mflow | published | forward | published / mflow | forward / mflow | GFLOP/s | of the ceiling | allocations a step |")
	b.p("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|")
	speed := map[size]float64{}
	for _, c := range sizes {
		var theirs [2]map[string]any // published and forward, at their best so far
		for _, n := range []int{1, runtime.NumCPU()} {
			f, next := c.run("f32")
			var s spread
			var active, allocs float64
			threads(n, func() {
				active = next().Active
				s = b.time(func() { active = next().Active })
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				for range 10 {
					next()
				}
				runtime.ReadMemStats(&after)
				allocs = float64((after.Mallocs - before.Mallocs) / 10)
			})
			for i, v := range b.torch("bench/torch_step.py", n, "--manifold", c.spec, "--width", strconv.Itoa(c.width), "--depth", strconv.Itoa(c.depth)) {
				if i < 2 && (theirs[i] == nil || number(v, "ms") < number(theirs[i], "ms")) {
					theirs[i] = v
				}
			}
			var cell, times [2]string
			for i, v := range theirs {
				if v != nil {
					cell[i] = fmt.Sprintf("%.1f (%.1f to %.1f)", number(v, "ms"), number(v, "min"), number(v, "max"))
					times[i] = ratio(number(v, "ms"), 1e3*s.med)
				}
			}
			cpu := "| | | | | | | "
			if n == 1 {
				rate := flops(f, active) / s.cpu / 1e9
				p, w := number(theirs[0], "cpu"), number(theirs[1], "cpu")
				cpu = fmt.Sprintf("%.2f | %.1f | %.1f | %s | %s | %.0f | %s ", 1e3*s.cpu, p, w, ratio(p, 1e3*s.cpu), ratio(w, 1e3*s.cpu), rate, ratio(rate, b.ceiling))
			}
			b.p("| %s | %d | %s | %s | %s | %s | %s | %s| %.0f |", c, n, s, cell[0], cell[1], times[0], times[1], cpu, allocs)
			if n == 1 {
				speed[c] = s.med
			} else {
				speed[c] /= s.med
			}
			if runtime.NumCPU() == 1 {
				break
			}
		}
	}
	b.p("\nTwo threads against one, by the clock: %s.\n", list(speed))
	b.p("The same step with products in another precision, processor time on one thread in milliseconds:\n")
	b.p("| manifold, network | f32 | bf16x6 | bf16x3 | bf16 |")
	b.p("|---|---|---|---|---|")
	for _, c := range sizes {
		row := fmt.Sprintf("| %s |", c)
		for _, p := range []string{"f32", "bf16x6", "bf16x3", "bf16"} {
			_, next := c.run(p)
			threads(1, func() { row += fmt.Sprintf(" %.2f |", 1e3*b.time(func() { next() }).cpu) })
		}
		b.p("%s", row)
	}
	b.p("")
}

func list(speed map[size]float64) string {
	var parts []string
	for _, c := range sizes {
		parts = append(parts, fmt.Sprintf("%s %.2f", c, speed[c]))
	}
	return strings.Join(parts, "; ")
}

// memoryOf measures the most memory that steps of 5 x 512 take, in a process of
// their own.
func (b *bench) memoryOf() {
	out, err := exec.Command(must(os.Executable()), "-memory").Output()
	if err != nil {
		log.Printf("memory: %v", err)
		return
	}
	b.p("## Memory\n")
	b.p("%s\n", strings.TrimSpace(string(out)))
}

// peakMemory takes steps and prints the most memory that the process took.
func peakMemory() {
	before := status("VmRSS")
	c := size{"sphere", 512, 5}
	f, next := c.run("f32")
	for range 10 {
		next()
	}
	peak := status("VmHWM")
	params := 4 * float64(len(f.Nets[0].Params)) / 1e6
	d, n := f.Manifold.Dims()
	units := n
	for _, l := range f.Nets[0].Layers() {
		units += l.Out
	}
	acts := 4 * float64((1+d)*2*batch*units) / 1e6
	sum := 4*params + acts
	fmt.Printf("Steps of %s took at most %.0f MB, of which the program itself %.0f MB. Parameters are %.1f MB, the state of the optimiser\n"+
		"(two moments, an average) %.1f MB, one batch of activations %.1f MB, together %.1f MB: the peak is %.2f of it.\n",
		c, peak, before, params, 3*params, acts, sum, peak/sum)
}

// status is a size in the status of this process, MB.
func status(key string) float64 {
	raw, _ := os.ReadFile("/proc/self/status")
	for _, line := range strings.Split(string(raw), "\n") {
		if v, ok := strings.CutPrefix(line, key+":"); ok {
			kb, _ := strconv.ParseFloat(strings.Fields(v)[0], 64)
			return kb * 1024 / 1e6
		}
	}
	return 0
}

// profile says where the time of a step goes.
func (b *bench) profile() {
	b.p("## Where the time of a step goes\n")
	b.p("Shares of processor time on one thread, by a profile of some seconds.\n")
	for _, c := range []size{sizes[0], sizes[2]} {
		name := must(os.CreateTemp("", "bench*.pprof"))
		_, next := c.run("f32")
		threads(1, func() {
			b.time(func() { next() })
			if err := pprof.StartCPUProfile(name); err != nil {
				log.Print(err)
				return
			}
			b.time(func() { next() })
			pprof.StopCPUProfile()
		})
		name.Close()
		out, err := exec.Command("go", "tool", "pprof", "-top", "-nodecount", "10", must(os.Executable()), name.Name()).Output()
		os.Remove(name.Name())
		if err != nil {
			log.Printf("go tool pprof: %v", err)
			continue
		}
		b.p("%s:\n\n```", c)
		for _, line := range strings.Split(string(out), "\n") {
			if f := strings.Fields(line); len(f) >= 6 && strings.HasSuffix(f[1], "%") {
				b.p("%6s  %s", f[1], strings.TrimPrefix(strings.Join(f[5:], " "), "mflow/"))
			}
		}
		b.p("```\n")
	}
}
