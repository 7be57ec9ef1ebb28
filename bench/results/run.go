package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"mflow/bench/dimension"
	"mflow/datasets"
)

// A job makes one entry of the cache.
type job struct {
	name   string
	lines  []string // the commands, which with the name are its key
	expect time.Duration
	run    func(ctx context.Context) (any, string, error) // the result and a word on it
}

// A record is the result of a cell.
type record struct {
	Train       json.RawMessage `json:"train"` // what mflow train --json wrote
	Eval        evaluation      `json:"eval"`
	FitSeconds  float64         `json:"fit_seconds"` // wall-clock of mflow train, reading and writing included
	FitCPU      float64         `json:"fit_cpu"`     // its time on the processor
	EvalSeconds float64         `json:"eval_seconds"`
	Points      points          `json:"points"`
}

// An evaluation is what the tables need of mflow eval --json; docs/evaluation.md
// explains the fields.
type evaluation struct {
	NTest      int      `json:"n_test"`
	NNovel     int      `json:"n_novel"`
	NLL        *float64 `json:"nll"`
	NLLNovel   *float64 `json:"nll_novel"`
	NLLRaw     *float64 `json:"nll_raw"`
	Z          *float64 `json:"z"`
	ZSE        *float64 `json:"z_se"`
	Quadrature *struct {
		Rule  string   `json:"rule"`
		Z     *float64 `json:"z"`
		Sigma *float64 `json:"sigma"`
		Agree bool     `json:"agree"`
	} `json:"z_quadrature"`
	Share       float64 `json:"duplicates_share"`
	Floor       float64 `json:"floor"`
	Calibration *struct {
		Cells  int      `json:"cells"`
		Inside int      `json:"inside"`
		P      *float64 `json:"p"`
	} `json:"calibration"`
	Energy *struct {
		P *float64 `json:"p"`
	} `json:"energy_distance"`
	C2ST *struct {
		Accuracy *float64 `json:"accuracy"`
		Chance   *float64 `json:"chance"`
		P        *float64 `json:"p"`
	} `json:"c2st"`
	Baselines map[string]struct {
		NLL *float64 `json:"nll"`
	} `json:"baselines"`
}

// points are the test points of a cell, one element each.
type points struct {
	Row   []int     `json:"row"`   // of the data set
	Place []int     `json:"place"` // first row at the same position
	Block []string  `json:"block"`
	Copy  []bool    `json:"copy"` // of a training point
	LogP  []float64 `json:"log_p"`
}

// command writes arguments of mflow as one would type them.
func command(args []string, more ...string) string {
	return strings.Join(append(append([]string{"mflow"}, args...), more...), " ")
}

// job returns the job of the cell, which runs mflow twice and keeps no model.
func (c cell) job(o *options) job {
	train, eval := c.train(), c.eval()
	return job{
		name:   c.name(),
		lines:  []string{command(train, "-o", "MODEL"), command(eval, "MODEL")},
		expect: c.expect(),
		run: func(ctx context.Context) (any, string, error) {
			r, err := fitAndScore(ctx, o, train, eval)
			if err != nil {
				return nil, "", err
			}
			if r.Points.Place, err = places(ctx, c.Data, r.Points.Row); err != nil {
				return nil, "", err
			}
			return r, fmt.Sprintf("NLL %.3f, fitted in %.0f s", *r.Eval.NLL, r.FitSeconds), nil
		},
	}
}

func fitAndScore(ctx context.Context, o *options, train, eval []string) (*record, error) {
	dir, err := os.MkdirTemp("", "mflow-results-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	model, table := filepath.Join(dir, "model.mflow"), filepath.Join(dir, "points.csv")
	var r record
	var used *usage
	if r.Train, used, err = o.mflow(ctx, append(append([]string{}, train...), "--json", "--quiet", "-o", model)); err != nil {
		return nil, err
	}
	r.FitSeconds, r.FitCPU = used.wall, used.cpu
	raw, used, err := o.mflow(ctx, append(append([]string{}, eval...), "--json", "--quiet", "--points-out", table, model))
	if err != nil {
		return nil, err
	}
	r.EvalSeconds = used.wall
	if err := json.Unmarshal(raw, &r.Eval); err != nil {
		return nil, fmt.Errorf("what mflow eval --json wrote: %w", err)
	}
	if r.Eval.NLL == nil || r.Eval.Z == nil || r.Eval.ZSE == nil {
		return nil, errors.New("mflow eval gave no score: nll, z or z_se is null")
	}
	f, err := os.Open(table)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if r.Points, err = readPoints(f); err != nil {
		return nil, fmt.Errorf("what mflow eval --points-out wrote: %w", err)
	}
	if n := len(r.Points.Row); n != r.Eval.NTest {
		return nil, fmt.Errorf("mflow eval wrote %d points of %d", n, r.Eval.NTest)
	}
	return &r, nil
}

// readPoints reads the file of mflow eval --points-out.
func readPoints(r io.Reader) (points, error) {
	var p points
	all, err := csv.NewReader(r).ReadAll()
	if err != nil {
		return p, err
	}
	if len(all) == 0 {
		return p, errors.New("an empty file")
	}
	at := map[string]int{}
	for i, name := range all[0] {
		at[name] = i
	}
	for _, name := range []string{"row", "block", "copy", "log_p"} {
		if _, ok := at[name]; !ok {
			return p, fmt.Errorf("no column %q, only %s", name, strings.Join(all[0], ", "))
		}
	}
	for i, line := range all[1:] {
		row, err := strconv.Atoi(line[at["row"]])
		if err != nil {
			return p, fmt.Errorf("line %d: row %q is not a number", i+2, line[at["row"]])
		}
		lp, err := strconv.ParseFloat(line[at["log_p"]], 64)
		if err != nil {
			return p, fmt.Errorf("line %d: log_p %q is not a number", i+2, line[at["log_p"]])
		}
		p.Row = append(p.Row, row)
		p.LogP = append(p.LogP, lp)
		p.Block = append(p.Block, line[at["block"]])
		p.Copy = append(p.Copy, line[at["copy"]] == "1")
	}
	return p, nil
}

// firsts holds, for every data set, the first row at the position of each row.
var firsts = struct {
	sync.Mutex
	of map[string][]int
}{of: map[string][]int{}}

// places returns the first row of a data set at the position of each given row.
func places(ctx context.Context, data string, rows []int) ([]int, error) {
	firsts.Lock()
	defer firsts.Unlock()
	first := firsts.of[data]
	if first == nil {
		set, err := datasets.Store{}.Load(ctx, data, nil, datasets.Options{})
		if err != nil {
			return nil, err
		}
		first = make([]int, set.N())
		seen := map[string]int{}
		for i := range first {
			key := fmt.Sprint(set.At(i)) // shortest digits that read back the same
			if _, ok := seen[key]; !ok {
				seen[key] = i
			}
			first[i] = seen[key]
		}
		firsts.of[data] = first
	}
	out := make([]int, len(rows))
	for i, r := range rows {
		if r < 0 || r >= len(first) {
			return nil, fmt.Errorf("row %d of %s, which has %d", r, data, len(first))
		}
		out[i] = first[r]
	}
	return out, nil
}

// usage is what a command took, in seconds.
type usage struct{ wall, cpu float64 }

// mflow runs the program and returns its standard output.
func (o *options) mflow(ctx context.Context, args []string) ([]byte, *usage, error) {
	cmd := exec.CommandContext(ctx, o.program, args...)
	var out, talk bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &talk
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	start := time.Now()
	err := cmd.Run()
	if ctx.Err() != nil {
		return nil, nil, ctx.Err()
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w: %s", command(args), err, strings.TrimSpace(talk.String()))
	}
	s := cmd.ProcessState
	return bytes.TrimSpace(out.Bytes()), &usage{time.Since(start).Seconds(), (s.UserTime() + s.SystemTime()).Seconds()}, nil
}

// dimensionJob returns the job of a fit of the dimension study, which runs here.
func dimensionJob(s dimension.Spec) job {
	return job{
		name:   fmt.Sprintf("dimension/%s/%s/%s/%d", s.Target, s.Manifold, s.Prior, s.Probes),
		lines:  []string{s.String()},
		expect: dimensionFit,
		run: func(ctx context.Context) (any, string, error) {
			r, err := dimension.Run(ctx, s)
			if err != nil {
				return nil, "", err
			}
			return r, fmt.Sprintf("%.3f nats from the truth, Z %.3f", r.KL.Mean, r.Z.Mean), nil
		},
	}
}

// runAll makes what the cache lacks, a few jobs at a time, and returns how many
// failed. What is done when the context ends is kept.
func runAll(ctx context.Context, c cache, jobs []job, o *options) (failed int, err error) {
	build, err := digest(o.program)
	if err != nil {
		return 0, fmt.Errorf("no program to run: %w; make build makes it", err)
	}
	var total time.Duration
	for _, j := range jobs {
		total += j.expect
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	queue := make(chan job)
	count := len(jobs)
	done := 0
	for range o.jobs {
		wg.Go(func() {
			for j := range queue {
				m := made{Machine: machine(), Build: build, Load: load()}
				start := time.Now()
				v, word, e := j.run(ctx)
				if e == nil {
					e = c.put(j.name, j.lines, m, v)
				}
				mu.Lock()
				done++
				total -= j.expect
				switch {
				case ctx.Err() != nil:
				case e != nil:
					failed++
					log.Printf("[%d/%d] %s: missing: %v", done, count, j.name, e)
				default:
					log.Printf("[%d/%d] %s: %s; %.0f s in all, about %s left", done, count, j.name, word,
						time.Since(start).Seconds(), (total / time.Duration(o.jobs)).Round(time.Minute))
				}
				mu.Unlock()
			}
		})
	}
	for _, j := range jobs {
		select {
		case queue <- j:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(queue)
	wg.Wait()
	return failed, ctx.Err()
}
