package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
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

func (b *bench) flow() {
	b.p("## Density and samples\n")
	if b.model == "" {
		b.p("No model was given.\n")
		return
	}
	f := must(flow.Load(b.model))
	theirs := map[string]map[string]any{}
	for _, v := range b.torch("bench/torch_flow.py", 1, b.model) {
		theirs[fmt.Sprint(v["what"])] = v
	}
	b.p("A model of hidden layers %v with %d waves, uniform prior, %s. Points a second; PyTorch on one thread, in float32, at the best", f.Nets[0].Hidden(), len(f.Nets[0].Features.Omega)/f.Nets[0].Features.N, f.Manifold)
	b.p("batch size. Processor time is what a point costs on a core.\n")
	b.p("| what | points | seconds | a second | a second of processor time | PyTorch, a second of processor time | mflow / PyTorch |")
	b.p("|---|---|---|---|---|---|---|")
	row := func(what string, n int, f func(), against ...string) {
		wall, cpu := once(f)
		cells, ratios := "", ""
		for i, a := range against {
			v := theirs[a]
			if v == nil {
				continue
			}
			if i > 0 {
				cells, ratios = cells+"; ", ratios+"; "
			}
			cells += fmt.Sprintf("%s %.0f", a, number(v, "cpu"))
			if e := number(v, "evals"); e > 0 {
				cells += fmt.Sprintf(" (%.0f evaluations)", e)
			}
			ratios += ratio(float64(n)/cpu, number(v, "cpu"))
		}
		b.p("| %s | %d | %.1f | %.0f | %.0f | %s | %s |", what, n, wall, float64(n)/wall, float64(n)/cpu, cells, ratios)
	}
	x := points(f, b.points)
	mu := make([]float64, b.points)
	d := divergence.New(f)
	d.Mu(mu[:1024], x[:3*1024])
	for _, n := range []int{1, runtime.NumCPU()} {
		threads(n, func() {
			row(fmt.Sprintf("density, %d threads", n), b.points, func() { d.Mu(mu, x) }, "density, published", "density, forward")
		})
	}
	var st sample.Stats
	draw := func(n int) func() {
		return func() {
			_, s, err := sample.Draw(context.Background(), f, n, sample.Solver{Tol: 1e-5}, rand.New(rand.NewPCG(1, 1)))
			st = must(s, err)
		}
	}
	draw(1000)()
	row(fmt.Sprintf("samples along trajectories, tolerance 1e-5, %.0f evaluations, %d threads", float64(st.Evals)/1000, runtime.NumCPU()),
		b.samples, draw(b.samples), "samples, one step", "samples, every point its step")
	const kept = 20000
	row(fmt.Sprintf("samples by rejection, %d threads", runtime.NumCPU()), kept, func() {
		must2(sample.Reject(context.Background(), f, kept, rand.New(rand.NewPCG(1, 1))))
	})
	b.p("")
}

func must2[T, U any](v T, _ U, err error) T { return must(v, err) }
