package jamba

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// benchConfig has 17.46 million parameters: hidden 256, 8 layers of which one is
// attention, 8 experts of which 2 work.
func benchConfig() Config {
	cfg := DefaultConfig()
	cfg.VocabSize, cfg.TieWordEmbeddings = 128, true
	cfg.HiddenSize, cfg.IntermediateSize, cfg.NumHiddenLayers = 256, 512, 8
	cfg.NumAttentionHeads, cfg.NumKeyValueHeads = 8, 4
	cfg.NumExperts, cfg.NumExpertsPerTok = 8, 2
	cfg.MambaDtRank = 16
	return cfg
}

func benchModel(b *testing.B) (*Model, *rand.Rand) {
	rnd := rand.New(rand.NewPCG(1, 1))
	m := randomModel(b, benchConfig(), rnd)
	if n := m.Params(); n != 17_462_352 {
		b.Fatalf("%d parameters", n)
	}
	return m, rnd
}

func benchInput(rnd *rand.Rand, batch, length int) Input {
	in := Input{IDs: randomIDs(rnd, batch*length, 128)}
	for range batch {
		in.Lens = append(in.Lens, length)
	}
	return in
}

func BenchmarkForward(b *testing.B) {
	m, rnd := benchModel(b)
	p, in := NewPass(m), benchInput(rnd, 8, 256)
	var logits []float32
	run := func() {
		if _, err := p.Forward(in); err != nil {
			b.Fatal(err)
		}
		logits = p.Logits(logits)
	}
	run() // twice, until memory has settled
	run()
	b.ReportAllocs()
	for b.Loop() {
		run()
	}
}

func BenchmarkForwardBackward(b *testing.B) {
	for _, c := range []struct {
		batch, length int
		checkpoint    bool
	}{{8, 256, false}, {8, 256, true}, {1, 2048, false}, {1, 8192, true}} {
		b.Run(fmt.Sprintf("%dx%d,checkpoint=%v", c.batch, c.length, c.checkpoint), func(b *testing.B) {
			m, rnd := benchModel(b)
			p, in := NewPass(m), benchInput(rnd, c.batch, c.length)
			p.Checkpoint, p.RouterAux = c.checkpoint, 0.001
			y := NextTokens(in)
			run := func() {
				if _, err := p.Forward(in); err != nil {
					b.Fatal(err)
				}
				_, d, err := p.CrossEntropy(y, true)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := p.Backward(d); err != nil {
					b.Fatal(err)
				}
			}
			run()
			run()
			b.ReportAllocs()
			for b.Loop() {
				run()
			}
			b.ReportMetric(float64(p.Bytes())/(1<<20), "MiB")
		})
	}
}

func BenchmarkTrainStep(b *testing.B) {
	m, rnd := benchModel(b)
	in := benchInput(rnd, 8, 256)
	t, err := NewTrainer(m, Training{})
	if err != nil {
		b.Fatal(err)
	}
	run := func() {
		if _, err := t.Step(in, nil); err != nil {
			b.Fatal(err)
		}
	}
	run()
	run()
	b.ReportAllocs()
	for b.Loop() {
		run()
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, c := range []struct{ context, batch int }{{64, 1}, {1 << 10, 1}, {4 << 10, 1}, {16 << 10, 1}, {1 << 10, 8}} {
		b.Run(fmt.Sprintf("context=%d,batch=%d", c.context, c.batch), func(b *testing.B) {
			m, rnd := benchModel(b)
			d := NewDecoder(m)
			var states []*State
			for range c.batch {
				s := d.NewState()
				if _, err := d.Prefill(s, randomIDs(rnd, c.context, 128)); err != nil {
					b.Fatal(err)
				}
				states = append(states, s)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.Step(states, randomIDs(rnd, c.batch, 128)); err != nil {
					b.Fatal(err)
				}
			}
			kv, mamba := states[0].Bytes()
			b.ReportMetric(float64(kv)/(1<<20), "KV-MiB")
			b.ReportMetric(float64(mamba)/(1<<20), "Mamba-MiB")
		})
	}
}

// The scan at the size of one layer: 2048 steps of 512 channels and 16 states.
func BenchmarkScan(b *testing.B) {
	best := simd
	defer func() { simd = best }()
	for _, v := range variants() {
		simd = v
		s, _ := randomScan(rand.New(rand.NewPCG(1, 1)), 2048, 512, 16)
		y, h := make([]float32, 2048*512), make([]float32, 512*16)
		b.Run(v.name, func(b *testing.B) {
			for b.Loop() {
				for t := 0; t < s.T; t += chunk {
					for k := range blocks(s.D) {
						s.forward(k, t, chunk, y, h[k*s.N*lanes:])
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(2048*512*16), "ns/element")
		})
	}
}
