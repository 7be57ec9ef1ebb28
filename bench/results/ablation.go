package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// A variant is one changed option of the ablation.
type variant struct {
	name, part, change string
	args               []string
}

// variants are the fits of the ablation; the first is what the others are compared
// with, and the second shows what chance alone does.
var variants = []variant{
	{"base", "", "nothing: plain flow, uniform prior", nil},
	{"seed", "chance", "another training seed", []string{"--seed", "1"}},
	{"coordinates", "features", "no waves, coordinates alone", []string{"--waves", "-1"}},
	{"waves32", "features", "32 waves for 128", []string{"--waves", "32"}},
	{"low", "features", "scales 1, 3 for 1, 3, 9, 27", []string{"--scales", "1,3"}},
	{"high", "features", "scales 1, 4, 16, 64", []string{"--scales", "1,4,16,64"}},
	{"sin", "activation", "sine for swish", []string{"--activation", "sin"}},
	{"tanh", "activation", "tanh", []string{"--activation", "tanh"}},
	{"softplus", "activation", "softplus", []string{"--activation", "softplus"}},
	{"shallow", "depth", "one layer of 128 for three", []string{"--hidden", "128"}},
	{"deep", "depth", "five layers of 128", []string{"--hidden", "128,128,128,128,128"}},
	{"lambda1", "lambda", "lambda 1 for 4", []string{"--lambda", "1"}},
	{"lambda30", "lambda", "lambda 30", []string{"--lambda", "30"}},
	{"monte256", "Monte Carlo points", "256 Monte Carlo points a step for 1,024", []string{"--monte", "256"}},
	{"noema", "EMA", "no moving average of the weights", []string{"--ema", "-1"}},
	{"ema99", "EMA", "moving average 0.99 for 0.998", []string{"--ema", "0.99"}},
	{"vmf", "prior", "vMF mixture for uniform; half of the Monte Carlo points from it", []string{"--prior", "vmf", "--floor", "1e-1"}},
	{"kde", "prior", "kernels for uniform; half of the Monte Carlo points from them", []string{"--prior", "kde", "--floor", "1e-3"}},
}

func (v variant) train() []string {
	a := []string{"train", "--data", "flood", "--split", "published", "--split-seed", strconv.Itoa(ablationSeed)}
	if v.part != "prior" {
		a = append(a, "--prior", "uniform")
	}
	a = append(a, v.args...)
	return append(a, "--steps", strconv.Itoa(ablationSteps), "--threads", "1")
}

// ablationEval needs no calibration.
var ablationEval = []string{"eval", "--z-points", "200000", "--quad-points", "0", "--mass-points", "0", "--ode-points", "0", "--samples", "0", "--threads", "1"}

func (v variant) job(o *options) job {
	train := v.train()
	return job{
		name:   "ablation/" + v.name,
		lines:  []string{command(train, "-o", "MODEL"), command(ablationEval, "MODEL")},
		expect: ablationFit,
		run: func(ctx context.Context) (any, string, error) {
			r, err := fitAndScore(ctx, o, train, ablationEval)
			if err != nil {
				return nil, "", err
			}
			if r.Points.Place, err = places(ctx, "flood", r.Points.Row); err != nil {
				return nil, "", err
			}
			return r, fmt.Sprintf("NLL %.3f, fitted in %.0f s", *r.Eval.NLL, r.FitSeconds), nil
		},
	}
}

// The table stands between these lines of docs/recipe.md.
const (
	ablationBegin = "<!-- ablation: made by go run ./bench/results -ablation -->"
	ablationEnd   = "<!-- end of ablation -->"
)

// ablationPage returns docs/recipe.md with its table made anew.
func ablationPage(o *options) (string, error) {
	raw, err := os.ReadFile(o.recipe)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s is not there; it holds the text that the table of the ablation stands in", o.recipe)
	} else if err != nil {
		return "", err
	}
	var records []*record
	var how made
	for _, v := range variants {
		j := v.job(o)
		var r record
		m, ok, err := o.cache.get(j.name, j.lines, &r)
		if err != nil {
			return "", err
		}
		if !ok {
			records = append(records, nil)
			continue
		}
		records, how = append(records, &r), m
	}
	b := &pageText{}
	writeAblation(b, records, how)
	return splice(string(raw), b.String(), o.recipe)
}

// splice replaces what stands between the two marks of a text.
func splice(text, table, path string) (string, error) {
	head, rest, ok := strings.Cut(text, ablationBegin)
	_, tail, ok2 := strings.Cut(rest, ablationEnd)
	if !ok || !ok2 {
		return "", fmt.Errorf("%s has no lines %q and %q for the table to stand between", path, ablationBegin, ablationEnd)
	}
	return head + ablationBegin + "\n\n" + table + "\n" + ablationEnd + tail, nil
}

func writeAblation(b *pageText, records []*record, how made) {
	base := records[0]
	if base != nil {
		b.p("%s.\n", how.Machine)
	}
	b.p("| part | changed | NLL | difference from the base, ± | Z | fit, s |")
	b.p("|---|---|---|---|---|---|")
	for i, v := range variants {
		r := records[i]
		if r == nil {
			b.p("| %s | %s | %s | | | |", v.part, v.change, missing)
			continue
		}
		diff := ""
		if i > 0 && base != nil {
			// Positive is worse here: a difference of scores, not of densities.
			g := compare([]*record{r}, []*record{base}, false, false)
			diff = fmt.Sprintf("%+.3f ±%.3f", -g.pooled.mean, g.pooled.se)
		} else if i > 0 {
			diff = missing
		}
		b.p("| %s | %s | %.3f | %s | %.3f | %.0f |", v.part, v.change, number(r.Eval.NLL), diff, number(r.Eval.Z), r.FitSeconds)
	}
	b.p("\n```sh")
	for _, v := range variants {
		b.p("%s", command(v.train(), "-o", "MODEL"))
	}
	b.p("%s", command(ablationEval, "MODEL"))
	b.p("```")
}
