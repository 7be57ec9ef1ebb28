package dimension

import (
	"context"
	"math"
	"testing"

	"mflow/datasets"
	"mflow/manifold"
)

func TestClipped(t *testing.T) {
	// Half of a volume of 2 has μ = -1: ∫ max(0, 0.5 - μ) = 1.5, by half of the points.
	const n = 1000
	w, mu := make([]float64, n), make([]float64, n)
	for i := range w {
		w[i], mu[i] = 2.0/n, 2
		if i%2 == 0 {
			mu[i] = -1
		}
	}
	z, ess := clipped(w, mu, 0.5)
	if math.Abs(z.Mean-2.5) > 1e-12 || math.Abs(ess-n/2) > 1e-9 {
		t.Errorf("Z = %g from %g effective points, want 2.5 from %d", z.Mean, ess, n/2)
	}
	if want := 1.5 / math.Sqrt(n-1); math.Abs(z.SE-want) > 1e-9 {
		t.Errorf("standard error %g, want %g", z.SE, want)
	}
	if z, ess := clipped([]float64{1, 1}, []float64{1, 2}, 0); z.Mean != 1 || ess != 0 {
		t.Errorf("nothing negative: Z = %g, %g points", z.Mean, ess)
	}
}

func TestFaults(t *testing.T) {
	good := Row{
		Z: Value{1.01, 0.001}, ZPlain: Value{1.011, 0.002}, KL: Value{0.1, 0.01}, Start: Value{1, 0.01},
	}
	if f := good.Faults(); len(f) != 0 {
		t.Errorf("a good fit has faults %q", f)
	}
	bad := good
	bad.Z, bad.KL = Value{math.NaN(), math.NaN()}, Value{0.99, 0.01}
	if f := bad.Faults(); len(f) != 4 {
		t.Errorf("faults %q, want all four", f)
	}
}

// TestSwells: every kernel is two nats from uniform in every dimension, so the
// mixture of four is some nats less from it, and no further for a higher one.
func TestSwells(t *testing.T) {
	for _, spec := range Manifolds {
		m, err := manifold.Parse(spec)
		if err != nil {
			t.Fatal(err)
		}
		set, err := datasets.NewSynthetic("swells", m)
		if err != nil {
			t.Fatal(err)
		}
		pts := set.Draw(4000, 1)
		v := make([]float64, pts.N())
		for i := range v {
			v[i] = set.LogProb(pts.At(i)) + math.Log(set.Manifold.Volume())
		}
		if kl := mean(v); kl.Mean < 0.5 || kl.Mean > 2 {
			t.Errorf("%s: relative entropy to uniform %.2f ±%.2f, want between 0.5 and 2", spec, kl.Mean, kl.SE)
		}
	}
}

// TestRun runs one fit of hardly any steps: everything is a number, the mass is
// one, and the two normalisers agree where little has been learned.
func TestRun(t *testing.T) {
	if testing.Short() {
		t.Skip("fits a flow, which takes seconds: run without -short")
	}
	r, err := Run(context.Background(), Spec{"swells", "torus:4", "mixture", 1, 30, 0})
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(r.Mass.Mean-1) > 4*r.Mass.SE {
		t.Errorf("mass %.4f ±%.4f, want 1", r.Mass.Mean, r.Mass.SE)
	}
	if r.Start.Mean >= r.Uniform.Mean || math.IsNaN(r.KL.Mean) {
		t.Errorf("divergence of the prior %.3f, of uniform %.3f, of the model %.3f", r.Start.Mean, r.Uniform.Mean, r.KL.Mean)
	}
	if e := math.Abs(r.Z.Mean - r.ZPlain.Mean); e > 5*math.Hypot(r.Z.SE, r.ZPlain.SE) {
		t.Errorf("Z %.4f ±%.4f and %.4f ±%.4f", r.Z.Mean, r.Z.SE, r.ZPlain.Mean, r.ZPlain.SE)
	}
}
