package main

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"strings"
	"time"

	"mflow/divergence"
	"mflow/flow"
	"mflow/sample"
)

// once times one long call, by the clock and by processor time.
func once(f func()) (wall, cpu float64) {
	start, busy := time.Now(), cpuTime()
	f()
	return time.Since(start).Seconds(), cpuTime() - busy
}

// about begins a section on the model and returns it, nil if none was given.
func (b *bench) about(title string) *flow.Flow {
	b.p("## %s\n", title)
	if b.model == "" {
		b.p("No model was given.\n")
		return nil
	}
	return must(flow.Load(b.model))
}

func (b *bench) flow() {
	f := b.about("Density and samples")
	if f == nil {
		return
	}
	all := runtime.NumCPU()
	one := b.torchFlow(1)
	best := maps.Clone(one) // by the clock, of one thread and all
	if all > 1 {
		for what, v := range b.torchFlow(all) {
			if number(v, "rate") > number(best[what], "rate") {
				best[what] = v
			}
		}
	}
	b.p("A model of hidden layers %v with %d waves, uniform prior, %s. Points a second by the clock, in one run of mflow; PyTorch in float32 at the best", f.Nets[0].Hidden(), len(f.Nets[0].Features.Omega)/f.Nets[0].Features.N, f.Manifold)
	b.p("batch size, on one thread beside one thread of mflow, else on one or on all, whichever is faster. PyTorch's rates are those of single batches")
	b.p("of 256 to 16384 points, not of as many points as mflow is given. Processor time on one thread is what a point costs on a core.\n")
	b.p("| what | threads | points | seconds | a second | PyTorch, a second | mflow / PyTorch | a second of processor time | PyTorch, one thread | mflow / PyTorch |")
	b.p("|---|---|---|---|---|---|---|---|---|---|")
	row := func(what string, n, points int, f func(), against ...string) {
		var wall, cpu float64
		threads(n, func() { wall, cpu = once(f) })
		theirs := best
		if n == 1 {
			theirs = one
		}
		b.p("| %s | %d | %d | %.1f | %.0f | %s | %.0f | %s |", what, n, points, wall, float64(points)/wall,
			beside(theirs, "rate", float64(points)/wall, against), float64(points)/cpu, beside(one, "cpu", float64(points)/cpu, against))
	}
	counts := []int{1}
	if all > 1 {
		counts = append(counts, all)
	}
	x := points(f, b.points)
	mu := make([]float64, b.points)
	d := divergence.New(f)
	d.Mu(mu[:1024], x[:3*1024])
	for _, n := range counts {
		row("density", n, b.points, func() { d.Mu(mu, x) }, "density, published", "density, forward")
	}
	draw := func(n int) sample.Stats {
		_, st, err := sample.Draw(context.Background(), f, n, sample.Solver{Tol: 1e-5}, rand.New(rand.NewPCG(1, 1)))
		return must(st, err)
	}
	const few = 10000
	st := draw(few)
	what := fmt.Sprintf("samples along trajectories, tolerance 1e-5, %.0f evaluations, %.0f of them with divergence",
		float64(st.Evals)/few, float64(st.Divergences)/few)
	ways := []string{"samples, one step", "samples, every point its step", "samples, mflow's way"}
	row(what, 1, min(b.samples, 50_000), func() { draw(min(b.samples, 50_000)) }, ways...)
	if all > 1 {
		row(what, all, b.samples, func() { draw(b.samples) }, ways...)
	}
	for _, kept := range []int{20_000, 100_000} {
		reject := func() sample.Stats {
			_, st, err := sample.Reject(context.Background(), f, kept, rand.New(rand.NewPCG(1, 1)))
			return must(st, err)
		}
		what := fmt.Sprintf("samples by rejection, %.0f evaluations", float64(reject().Evals)/float64(kept))
		row(what, all, kept, func() { reject() })
	}
	b.p("")
}

// torchFlow is what PyTorch does on n threads, by name.
func (b *bench) torchFlow(n int) map[string]map[string]any {
	rows := map[string]map[string]any{}
	for _, v := range b.torch("bench/torch_flow.py", n, b.model) {
		rows[fmt.Sprint(v["what"])] = v
	}
	return rows
}

// beside is two cells: what PyTorch does, and mflow's rate over it.
func beside(theirs map[string]map[string]any, key string, rate float64, names []string) string {
	var cells, ratios []string
	for _, name := range names {
		v := theirs[name]
		if v == nil {
			continue
		}
		cell := fmt.Sprintf("%s %.0f", strings.TrimPrefix(name, "samples, "), number(v, key))
		if e := number(v, "evals"); e > 0 {
			cell += fmt.Sprintf(" (%.0f evaluations)", e)
		}
		cells, ratios = append(cells, cell), append(ratios, ratio(rate, number(v, key)))
	}
	return strings.Join(cells, "; ") + " | " + strings.Join(ratios, "; ")
}
