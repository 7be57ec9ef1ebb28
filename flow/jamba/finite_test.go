package jamba

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// oddConfigs are small and awkward: sizes that are no multiple of 16, one key-value
// head, biases on and off, three experts chosen, layers in every arrangement.
func oddConfigs() map[string]Config {
	base := Config{
		VocabSize: 11, HiddenSize: 12, IntermediateSize: 10, NumHiddenLayers: 2,
		NumAttentionHeads: 3, NumKeyValueHeads: 1, RMSNormEps: 1e-6, InitializerRange: 0.3,
		NumExperts: 5, NumExpertsPerTok: 3, ExpertLayerPeriod: 2, ExpertLayerOffset: 1,
		AttnLayerPeriod: 2, AttnLayerOffset: 0,
		MambaDState: 3, MambaDConv: 3, MambaExpand: 2, MambaDtRank: 2, MambaConvBias: true,
	}
	mqa := base
	biased := base
	biased.MambaProjBias, biased.MambaConvBias, biased.AttnLayerOffset, biased.ExpertLayerOffset = true, false, 1, 0
	biased.HiddenSize, biased.MambaExpand, biased.MambaDConv, biased.NumAttentionHeads = 10, 3, 2, 5
	biased.NumKeyValueHeads = 5
	tied := base
	tied.TieWordEmbeddings, tied.NumExpertsPerTok, tied.HiddenSize, tied.NumAttentionHeads, tied.NumKeyValueHeads = true, 1, 16, 4, 2
	tied.NumExperts, tied.MambaDState = 2, 16
	dense := base
	dense.NumExperts, dense.NumExpertsPerTok, dense.NumHiddenLayers, dense.MambaDConv = 1, 1, 3, 1
	return map[string]Config{"mqa": mqa, "biased": biased, "tied": tied, "dense": dense}
}

// randomModel fills every tensor with numbers that matter.
func randomModel(t testing.TB, cfg Config, rnd *rand.Rand) *Model {
	m, err := New(cfg, rnd)
	if err != nil {
		t.Fatal(err)
	}
	m.Weights.Walk(cfg, func(name string, shape []int, x []float32) {
		for i := range x {
			if len(shape) == 1 {
				x[i] += float32(0.3 * rnd.NormFloat64())
			}
		}
	})
	return m
}

// The gradient of every tensor and of continuous inputs is the directional
// derivative, by central differences in float32 arithmetic: a step of 1/128 leaves
// a truncation error of some 1e-4 and a rounding error of 1e-7/0.01 = 1e-5 per unit of
// loss, so 1 % of the gradient plus 3e-4 is a fair bound.
func TestGradientIsDerivative(t *testing.T) {
	for name, cfg := range oddConfigs() {
		for _, checkpoint := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/checkpoint=%v", name, checkpoint), func(t *testing.T) {
				rnd := rand.New(rand.NewPCG(7, 8))
				m := randomModel(t, cfg, rnd)
				p := NewPass(m)
				p.Checkpoint = checkpoint
				lens := []int{5, 1, 37}
				T, H := 43, cfg.HiddenSize
				in := Input{X: randn(rnd, T*H, 1), Lens: lens}
				targets := make([]int, T)
				for i := range targets {
					targets[i] = rnd.IntN(cfg.VocabSize)
				}
				targets[3] = Ignore
				const activation = 0.05
				var route []int32 // choices at the point of differentiation
				flipped := false
				loss := func() float64 {
					if _, err := p.Forward(in); err != nil {
						t.Fatal(err)
					}
					var now []int32
					for i := range p.tapes {
						now = append(now, p.tapes[i].ff.chosen...)
					}
					if route == nil {
						route = now
					}
					flipped = flipped || !slices.Equal(route, now)
					l, _, err := p.CrossEntropy(targets, false)
					if err != nil {
						t.Fatal(err)
					}
					if !checkpoint {
						l += activation * p.ActivationLoss()
					}
					return l
				}
				if !checkpoint {
					p.Activation = activation
				}
				loss()
				_, d, err := p.CrossEntropy(targets, true)
				if err != nil {
					t.Fatal(err)
				}
				dx, err := p.Backward(d)
				if err != nil {
					t.Fatal(err)
				}
				dx = append([]float32(nil), dx...)
				grads := append([]float32(nil), p.Grads.Flat()...)
				check := func(name string, x, g []float32) {
					t.Helper()
					var got, want float64
					old := append([]float32(nil), x...)
					// The loss jumps where a token changes its experts: look elsewhere.
					for flipped = true; flipped; {
						flipped = false
						dir := randn(rnd, len(x), 1)
						n := math.Sqrt(float64(dot(dir, dir)))
						want = float64(dot(dir, g)) / n
						const h = 1.0 / 256
						at := func(s float64) float64 {
							for i := range x {
								x[i] = old[i] + float32(s*h/n)*dir[i]
							}
							return loss()
						}
						got = (8*(at(1)-at(-1)) - (at(2) - at(-2))) / (12 * h)
						copy(x, old)
					}
					if !(math.Abs(got-want) < 0.01*math.Abs(want)+3e-4) {
						t.Errorf("%s: gradient %g, difference %g", name, want, got)
					}
				}
				check("input", in.X, dx)
				off := 0
				m.Weights.Walk(cfg, func(name string, shape []int, x []float32) {
					check(name, x, grads[off:off+len(x)])
					off += len(x)
				})
			})
		}
	}
}
