package jamba

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func randomIDs(rnd *rand.Rand, n, vocab int) []int {
	ids := make([]int, n)
	for i := range ids {
		ids[i] = rnd.IntN(vocab)
	}
	return ids
}

// Attention over several pages and tiles, with a remainder in each, equals the plain
// formula in float64, and so do its gradients.
func TestAttentionTiles(t *testing.T) {
	with(t, func(t *testing.T) {
		rnd := rand.New(rand.NewPCG(9, 1))
		h := heads{q: 2, kv: 1, dim: 16}
		lo, T := 3, 2*page+tileQ/2+5 // rows before lo belong to another sequence
		n := lo + T
		tp := attnTape{
			q: randn(rnd, n*32, 0.5), k: randn(rnd, n*16, 1), v: randn(rnd, n*16, 1),
			o: make([]float32, n*32), lse: make([]float32, n*2),
		}
		do := randn(rnd, n*32, 1)
		var kv pages
		kv.view(tp.k[lo*16:], tp.v[lo*16:], h)
		var sc attnScratch
		sum := make([]float32, n*2)
		dq, dk, dv := make([]float32, n*32), make([]float32, n*16), make([]float32, n*16)
		wo, wdq := make([]float64, n*32), make([]float64, n*32)
		wdk, wdv := make([]float64, n*16), make([]float64, n*16)
		for row := 0; row < T; row += tileQ / 2 {
			attend(tp.o, tp.lse, tp.q, lo+row, min(lo+row+tileQ/2, n), row, 0, h, &kv, &sc)
		}
		for head := range 2 {
			for i := lo; i < n; i++ {
				p, z := make([]float64, i+1), 0.0
				q, g := tp.q[i*32+head*16:][:16], do[i*32+head*16:][:16]
				for j := lo; j <= i; j++ {
					s := 0.0
					for d := range 16 {
						s += float64(q[d]) * float64(tp.k[j*16+d])
					}
					p[j] = math.Exp(s)
					z += p[j]
				}
				mean, dp := 0.0, make([]float64, i+1)
				for j := lo; j <= i; j++ {
					p[j] /= z
					for d := range 16 {
						wo[i*32+head*16+d] += p[j] * float64(tp.v[j*16+d])
						wdv[j*16+d] += p[j] * float64(g[d])
						dp[j] += float64(g[d]) * float64(tp.v[j*16+d])
					}
					mean += p[j] * dp[j]
				}
				for j := lo; j <= i; j++ {
					ds := p[j] * (dp[j] - mean)
					for d := range 16 {
						wdq[i*32+head*16+d] += ds * float64(tp.k[j*16+d])
						wdk[j*16+d] += ds * float64(q[d])
					}
				}
			}
		}
		if d := differ(tp.o, wo); !(d < 1e-5) {
			t.Errorf("output off by %g", d)
		}
		for i := range sum {
			sum[i] = dot(do[i*16:(i+1)*16], tp.o[i*16:(i+1)*16])
		}
		attendBack(dq, dk, dv, do, sum, &tp, lo, n, 0, h, &sc)
		for _, c := range []struct {
			name string
			got  []float32
			want []float64
		}{{"dq", dq, wdq}, {"dk", dk, wdk}, {"dv", dv, wdv}} {
			if d := differ(c.got, c.want); !(d < 2e-5) {
				t.Errorf("%s off by %g", c.name, d)
			}
		}
	})
}

// A long sequence in chunks, across the pages of the cache, and several sequences at
// once give what one pass over each gives.
func TestChunksAcrossPages(t *testing.T) {
	for name, cfg := range oddConfigs() {
		t.Run(name, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(10, 1))
			m := randomModel(t, cfg, rnd)
			V := cfg.VocabSize
			lens := []int{2*page + 31, 40}
			var all [][]int
			var want [][]float32
			for _, n := range lens {
				ids := randomIDs(rnd, n, V)
				_, logits := forward(t, m, Input{IDs: ids})
				all, want = append(all, ids), append(want, logits)
			}
			d := NewDecoder(m)
			states := []*State{d.NewState(), d.NewState()}
			check := func(got []float32, seq, at int) {
				t.Helper()
				for i, x := range got {
					if y := want[seq][at*V+i]; !(math.Abs(float64(x-y)) < 1e-4) {
						t.Fatalf("sequence %d, position %d: %g, want %g", seq, at+i/V, x, y)
					}
				}
			}
			// 250 and 3 tokens, then one each, then 20 and 5.
			at := []int{0, 0}
			for _, n := range [][2]int{{250, 3}, {1, 1}, {1, 1}, {20, 5}, {lens[0] - 272, 30}} {
				ids := append(slices.Clone(all[0][at[0]:at[0]+n[0]]), all[1][at[1]:at[1]+n[1]]...)
				h, err := d.Extend(states, Input{IDs: ids, Lens: n[:]})
				if err != nil {
					t.Fatal(err)
				}
				logits := d.head(h, 0, len(ids))
				check(logits[:n[0]*V], 0, at[0])
				check(logits[n[0]*V:], 1, at[1])
				at[0], at[1] = at[0]+n[0], at[1]+n[1]
			}
			if states[0].Tokens() != lens[0] || states[1].Tokens() != lens[1] {
				t.Errorf("states count %d and %d tokens", states[0].Tokens(), states[1].Tokens())
			}
		})
	}
}

// A clone and its original go their own ways.
func TestClone(t *testing.T) {
	rnd := rand.New(rand.NewPCG(16, 1))
	m := randomModel(t, oddConfigs()["mqa"], rnd)
	ids := randomIDs(rnd, page+20, m.Config.VocabSize)
	d := NewDecoder(m)
	a := d.NewState()
	if _, err := d.Prefill(a, ids); err != nil {
		t.Fatal(err)
	}
	b := a.Clone()
	for _, id := range []int{1, 2, 3} { // disturbs the original
		if _, err := d.Step([]*State{a}, []int{id}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := d.Step([]*State{b}, []int{7})
	if err != nil {
		t.Fatal(err)
	}
	_, want := forward(t, m, Input{IDs: append(ids, 7)})
	for i, x := range got {
		if y := want[len(ids)*m.Config.VocabSize+i]; !(math.Abs(float64(x-y)) < 1e-4) {
			t.Errorf("logit %d is %g, want %g", i, x, y)
		}
	}
}

// After 16,384 tokens the cache is exactly attention layers over layers of that of a
// twin whose layers are all attention, and Mamba's states are as small as after one.
func TestCacheGrowth(t *testing.T) {
	const tokens = 16 << 10
	rnd := rand.New(rand.NewPCG(1, 1))
	cfg := DefaultConfig()
	cfg.VocabSize, cfg.HiddenSize, cfg.IntermediateSize, cfg.NumHiddenLayers = 32, 16, 16, 8
	cfg.NumAttentionHeads, cfg.NumKeyValueHeads, cfg.MambaDState = 2, 1, 4
	twin := cfg
	twin.AttnLayerPeriod, twin.AttnLayerOffset = 1, 0
	bytes := func(cfg Config, n int) (kv, mamba int) {
		d := NewDecoder(randomModel(t, cfg, rnd))
		s := d.NewState()
		if _, err := d.Prefill(s, randomIDs(rnd, n, cfg.VocabSize)); err != nil {
			t.Fatal(err)
		}
		return s.Bytes()
	}
	kv, mamba := bytes(cfg, tokens)
	all, none := bytes(twin, tokens)
	info := cfg.Info()
	if kv*cfg.NumHiddenLayers != all*info.Attention || info.Attention != 1 {
		t.Errorf("keys and values take %d bytes in %d of %d layers, and %d in all", kv, info.Attention, cfg.NumHiddenLayers, all)
	}
	if want := 2 * tokens * int(info.CacheBytes); kv != want { // Info counts 16 bits, a State has 32
		t.Errorf("keys and values take %d bytes, Info says %d", kv, want)
	}
	if want := 7 * 4 * (cfg.MambaDConv - 1 + cfg.MambaDState) * cfg.InnerSize(); mamba != want {
		t.Errorf("Mamba states take %d bytes, want %d", mamba, want)
	}
	if _, one := bytes(cfg, 1); mamba != one || none != 0 {
		t.Errorf("Mamba states take %d bytes, and %d after one token; %d in the twin", mamba, one, none)
	}
}

// Tokens drawn at once are those drawn alone, stops stop, and seeds repeat.
func TestGenerate(t *testing.T) {
	rnd := rand.New(rand.NewPCG(12, 1))
	m := randomModel(t, oddConfigs()["mqa"], rnd)
	d := NewDecoder(m)
	prompts := [][]int{{1, 2, 3}, {4}, {5, 6, 7, 8, 9, 10, 1}}
	greedy := Generation{MaxTokens: 20}
	together, err := d.Generate(prompts, greedy, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range prompts {
		alone, err := d.Generate([][]int{p}, greedy, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(alone[0], together[i]) || len(alone[0]) != 20 {
			t.Errorf("prompt %d: %v alone, %v together", i, alone[0], together[i])
		}
		// Greedy tokens are the maxima of full forward passes.
		ids := append(slices.Clone(p), alone[0][:10]...)
		_, logits := forward(t, m, Input{IDs: ids})
		V := m.Config.VocabSize
		if next := (Sampling{}).Draw(logits[(len(ids)-1)*V:], nil); next != alone[0][10] {
			t.Errorf("prompt %d: token 10 is %d, a full pass says %d", i, alone[0][10], next)
		}
	}
	hot := Generation{Sampling: Sampling{Temperature: 1.5, TopP: 0.9}, MaxTokens: 30}
	a, _ := d.Generate(prompts, hot, rand.New(rand.NewPCG(1, 1)), nil)
	b, _ := d.Generate(prompts, hot, rand.New(rand.NewPCG(1, 1)), nil)
	c, _ := d.Generate(prompts, hot, rand.New(rand.NewPCG(2, 1)), nil)
	if !slices.EqualFunc(a, b, slices.Equal) || slices.EqualFunc(a, c, slices.Equal) {
		t.Errorf("seeds: %v, %v, %v", a, b, c)
	}
	hot.Stop = []int{a[0][3]}
	s, _ := d.Generate(prompts[:1], hot, rand.New(rand.NewPCG(1, 1)), nil)
	if slices.Contains(s[0], a[0][3]) {
		t.Errorf("%v contains the stop token %d", s[0], a[0][3])
	}
	if _, err := d.Generate([][]int{{}}, greedy, nil, nil); err == nil {
		t.Error("no error for an empty prompt")
	}
	if _, err := d.Generate([][]int{{99}}, greedy, nil, nil); err == nil {
		t.Error("no error for a token outside the vocabulary")
	}
}

// Frequencies of drawn tokens are the probabilities, renormalised over those kept; four
// standard errors of 40,000 draws are at most 0.01.
func TestDraw(t *testing.T) {
	p := []float64{0.1, 0.4, 0.05, 0.25, 0.2}
	logits := make([]float32, len(p))
	for i, x := range p {
		logits[i] = float32(math.Log(x)) + 3
	}
	for _, c := range []struct {
		s    Sampling
		want []float64
	}{
		{Sampling{}, []float64{0, 1, 0, 0, 0}},
		{Sampling{Temperature: 1}, p},
		{Sampling{Temperature: 0.5}, []float64{0.01 / 0.275, 0.16 / 0.275, 0.0025 / 0.275, 0.0625 / 0.275, 0.04 / 0.275}},
		{Sampling{Temperature: 1, TopK: 2}, []float64{0, 0.4 / 0.65, 0, 0.25 / 0.65, 0}},
		{Sampling{Temperature: 1, TopP: 0.6}, []float64{0, 0.4 / 0.65, 0, 0.25 / 0.65, 0}},
		{Sampling{Temperature: 1, TopP: 0.66}, []float64{0, 0.4 / 0.85, 0, 0.25 / 0.85, 0.2 / 0.85}},
		{Sampling{Temperature: 1, TopK: 3, TopP: 0.7}, []float64{0, 0.4 / 0.65, 0, 0.25 / 0.65, 0}},
		{Sampling{Temperature: 1, TopP: 1e-9}, []float64{0, 1, 0, 0, 0}},
	} {
		rnd := rand.New(rand.NewPCG(13, 1))
		const n = 40000
		got := make([]float64, len(p))
		for range n {
			got[c.s.Draw(logits, rnd)] += 1.0 / n
		}
		for i := range got {
			if math.Abs(got[i]-c.want[i]) > 0.01 {
				t.Errorf("%+v: token %d drawn with frequency %.3f, want %.3f", c.s, i, got[i], c.want[i])
			}
		}
	}
}
