package prior_test

import (
	"context"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"mflow/datasets"
	"mflow/flow/prior"
)

// TestScores prints the mean negative log-likelihood of kernels fitted to the
// training points of the splits 0 to 4, at the floor of each protocol, with the
// standard error between splits:
//
//	MFLOW_SCORES="volcano earthquake flood fire rna" go test -v -run Scores ./flow/prior
func TestScores(t *testing.T) {
	names := strings.Fields(os.Getenv("MFLOW_SCORES"))
	if len(names) == 0 {
		t.Skip("scores take minutes: name data sets in MFLOW_SCORES")
	}
	for _, name := range names {
		for _, c := range []struct {
			protocol datasets.Protocol
			floor    float64
		}{{datasets.Published, 1e-4}, {datasets.Distinct, 1e-3}} {
			set, err := datasets.Store{Offline: true}.Load(context.Background(), name, nil, datasets.Options{})
			if err != nil {
				t.Skipf("no data: %v", err)
			}
			var all, novel, crossed scores
			start := time.Now()
			for seed := range uint64(5) {
				sp, err := set.Split(c.protocol, seed, datasets.Fractions{Train: 0.8, Val: 0.1, Test: 0.1})
				if err != nil {
					t.Fatal(err)
				}
				p, nu, err := prior.FitKernels(set.Manifold, set.Points(sp.Train), prior.KernelOptions{Floor: c.floor, Seed: seed})
				if err != nil {
					t.Fatal(err)
				}
				score := func(rows []int) float64 {
					var s float64
					for _, i := range rows {
						s -= p.LogProb(set.At(i)) / float64(len(rows))
					}
					return s
				}
				all = append(all, score(sp.Test))
				novel = append(novel, score(set.Novel(sp.Test, set, sp.Train)))
				var s float64
				for _, v := range nu {
					s -= math.Log(v) / float64(len(nu))
				}
				crossed = append(crossed, s)
			}
			t.Logf("%-10s %-9s floor %g: test %.3f ± %.3f, novel %.3f ± %.3f, cross-fitted training %.3f ± %.3f (%.0f s)", name, c.protocol, c.floor,
				all.mean(), all.error(), novel.mean(), novel.error(), crossed.mean(), crossed.error(), time.Since(start).Seconds())
		}
	}
}

type scores []float64

func (s scores) mean() float64 {
	var sum float64
	for _, v := range s {
		sum += v
	}
	return sum / float64(len(s))
}

// error returns the standard error of the mean.
func (s scores) error() float64 {
	var sq float64
	for _, v := range s {
		sq += (v - s.mean()) * (v - s.mean())
	}
	return math.Sqrt(sq / float64(len(s)*(len(s)-1)))
}
