package sample

import (
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"mflow/divergence"
	"mflow/flow"
)

// TestEnvelope: bounds hold at points they were not learned from.
func TestEnvelope(t *testing.T) {
	for _, spec := range manifolds {
		f := random(t, spec)
		f.Nets[0].ScaleOutput(3)
		d := divergence.New(f)
		rnd := rand.New(rand.NewPCG(1, 2))
		e, _, err := newEnvelope(d, 10000, rnd)
		if err != nil {
			t.Fatal(err)
		}
		_, n := f.Manifold.Dims()
		x, r, err := draws(d, 20000, rnd)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range r {
			if y := x[i*n : (i+1)*n]; v > e.at(y) {
				t.Errorf("%s: ratio %g at %v, where the bound is %g", spec, v, y, e.at(y))
			}
		}
	}
}

// TestEnvelopeMends: a bound that is too low is raised, once.
func TestEnvelopeMends(t *testing.T) {
	f := random(t, "sphere")
	d := divergence.New(f)
	rnd := rand.New(rand.NewPCG(1, 2))
	e, _, err := newEnvelope(d, 1000, rnd)
	if err != nil {
		t.Fatal(err)
	}
	x := points(f, 1, rnd)
	r := 2 * e.top
	if !e.raise(x, r) || e.raise(x, r) || e.at(x) < r {
		t.Errorf("a ratio of %g: the bound is %g", r, e.at(x))
	}
}

func TestRejectNaN(t *testing.T) {
	f := random(t, "sphere")
	f.Nets[0].Params[0] = float32(math.NaN())
	if _, _, err := Reject(context.Background(), f, 10, rand.New(rand.NewPCG(1, 2))); err == nil {
		t.Error("a density that is not a number went unnoticed")
	}
}

// nowhere is a prior without density where it draws points.
type nowhere struct{ flow.Prior }

func (nowhere) LogProb([]float64) float64 { return math.Inf(-1) }

// TestRejectInf: a ratio without bound is an error, not a search without end.
func TestRejectInf(t *testing.T) {
	f := random(t, "sphere")
	f.Prior = nowhere{f.Prior}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, _, err := Reject(ctx, f, 10, rand.New(rand.NewPCG(1, 2))); err == nil || !strings.Contains(err.Error(), "not a number") {
		t.Errorf("a ratio of +Inf: %v", err)
	}
}

func TestPushNaN(t *testing.T) {
	f := random(t, "sphere")
	f.Nets[0].Params[0] = float32(math.NaN())
	if _, err := Push(context.Background(), f, points(f, 10, rand.New(rand.NewPCG(1, 2))), Solver{}); err == nil {
		t.Error("a field that is not a number went unnoticed")
	}
}
