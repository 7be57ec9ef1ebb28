package ablation

import (
	"os"
	"slices"
	"testing"
)

// The full runs take minutes: MFLOW_JAMBA_ABLATION=1 go test -run Full -v -timeout 1h.
func full(t *testing.T) {
	if os.Getenv("MFLOW_JAMBA_ABLATION") == "" {
		t.Skip("set MFLOW_JAMBA_ABLATION to run the ablations at full size")
	}
}

// Attention after Mamba recalls; neither does alone.
func TestFullRecall(t *testing.T) {
	full(t)
	for seed := range uint64(3) {
		for _, k := range []Kind{Hybrid, AttentionOnly, MambaOnly} {
			got, err := Recall{}.Run(k, seed, nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("seed %d, %v: accuracy %.3f", seed, k, got)
			if k == Hybrid && got < 0.95 || k != Hybrid && got >= 0.4 {
				t.Errorf("seed %d, %v: accuracy %.3f", seed, k, got)
			}
		}
	}
}

// Eight experts beat a dense network of as many active parameters.
func TestFullMixture(t *testing.T) {
	full(t)
	text, err := GoSource()
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(2) {
		dense, err := Mixture{Text: text}.Run(false, seed, nil)
		if err != nil {
			t.Fatal(err)
		}
		moe, err := Mixture{Text: text}.Run(true, seed, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("seed %d: dense %+v", seed, dense)
		t.Logf("seed %d: mixture %+v", seed, moe)
		if !(moe.Loss < dense.Loss) {
			t.Errorf("seed %d: mixture %.4f nats per byte, dense %.4f", seed, moe.Loss, dense.Loss)
		}
	}
}

// Without the balancing loss the load of the experts is less even.
func TestFullBalance(t *testing.T) {
	full(t)
	text, err := GoSource()
	if err != nil {
		t.Fatal(err)
	}
	spread := func(unbalanced bool) float64 {
		r, err := Mixture{Text: text, Unbalanced: unbalanced}.Run(true, 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("unbalanced %v: %+v", unbalanced, r)
		return float64(slices.Max(r.Load)) / float64(slices.Min(r.Load)+1)
	}
	with, without := spread(false), spread(true)
	t.Logf("most over least chosen expert: %.2f with the balancing loss, %.2f without", with, without)
	if !(with < without) {
		t.Error("the balancing loss does not balance")
	}
}

// A few steps of everything, so that nothing rots.
func TestShort(t *testing.T) {
	for _, k := range []Kind{Hybrid, AttentionOnly, MambaOnly} {
		first, last := 0.0, 0.0
		r := Recall{Keys: 4, Values: 4, Pairs: 2, Hidden: 16, Steps: 30, Batch: 4, Rate: 1e-2}
		if _, err := r.Run(k, 1, func(step int, loss float64) {
			if step == 1 {
				first = loss
			}
			last = loss
		}); err != nil {
			t.Fatal(err)
		}
		if !(last < first) {
			t.Errorf("%v: loss went from %g to %g", k, first, last)
		}
	}
	text := []byte{}
	for i := range 50000 {
		text = append(text, "abcdefg "[i%8])
	}
	for _, mixture := range []bool{false, true} {
		r, err := Mixture{Text: text, Hidden: 16, Length: 32, Batch: 2, Steps: 40, Rate: 1e-2}.Run(mixture, 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !(r.Loss < 4) { // log 256 = 5.5 to begin with
			t.Errorf("mixture %v: %.3f nats per byte", mixture, r.Loss)
		}
	}
}
