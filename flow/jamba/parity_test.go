package jamba

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mflow/internal/safetensors"
)

// Fixtures are directories with a checkpoint in the Hugging Face layout and what
// JambaForCausalLM computes from it in float64; testdata/README.md lists
// their files, each of which may be missing. MFLOW_JAMBA_FIXTURES names a directory
// of more of them, at any depth, of any configuration.

func fixtures(t *testing.T, f func(t *testing.T, dir string, m *Model)) {
	roots := []string{"testdata"}
	if dir := os.Getenv("MFLOW_JAMBA_FIXTURES"); dir != "" {
		roots = append(roots, dir)
	}
	for _, root := range roots {
		dirs := fixtureDirs(t, root)
		if len(dirs) == 0 {
			t.Fatalf("no fixtures in %s", root)
		}
		for _, dir := range dirs {
			t.Run(dir, func(t *testing.T) {
				m, err := Load(dir)
				if err != nil {
					t.Fatal(err)
				}
				with(t, func(t *testing.T) { f(t, dir, m) })
			})
		}
	}
}

// fixtureDirs returns the directories with a config.json, that of root itself too.
func fixtureDirs(t *testing.T, root string) (dirs []string) {
	t.Helper()
	root, err := filepath.EvalSymlinks(root)
	if err == nil {
		err = filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
			if err == nil && d.Name() == "config.json" {
				dirs = append(dirs, filepath.Dir(path))
			}
			return err
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	return dirs
}

// expected is a file of a fixture.
type expected struct {
	t *testing.T
	*safetensors.File
}

func open(t *testing.T, dir, name string) expected {
	f, err := safetensors.Open(filepath.Join(dir, name))
	if os.IsNotExist(err) || err != nil && strings.Contains(err.Error(), "no such file") {
		t.Skip("the fixture has no " + name)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return expected{t, f}
}

func (e expected) floats(name string) []float64 {
	e.t.Helper()
	x, err := e.Tensor(name)
	if err != nil {
		e.t.Fatal(err)
	}
	v, err := x.Float64s()
	if err != nil {
		e.t.Fatal(err)
	}
	return v
}

func (e expected) shape(name string) []int {
	x, err := e.Tensor(name)
	if err != nil {
		e.t.Fatal(err)
	}
	return x.Shape
}

func (e expected) ids(name string) []int {
	e.t.Helper()
	x, err := e.Tensor(name)
	if err != nil {
		e.t.Fatal(err)
	}
	v, err := x.Int64s()
	if err != nil {
		e.t.Fatal(err)
	}
	ids := make([]int, len(v))
	for i, id := range v {
		ids[i] = int(id)
	}
	return ids
}

func (e expected) ints(name string) []int8 {
	e.t.Helper()
	x, err := e.Tensor(name)
	if err != nil {
		e.t.Fatal(err)
	}
	v, err := x.Int8s()
	if err != nil {
		e.t.Fatal(err)
	}
	return v
}

// sequences returns the prefixes "seq7." of the sequences in the file.
func (e expected) sequences() (names []string) {
	for _, n := range e.Names() {
		if p, rest, _ := strings.Cut(n, "."); strings.HasPrefix(p, "seq") && rest == "logits" {
			names = append(names, p+".")
		}
	}
	return names
}

// near fails when |got-want| exceeds abs + rel |want| anywhere, and returns the largest
// difference.
func near(t *testing.T, what string, got []float32, want []float64, abs, rel float64) float64 {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, want %d", what, len(got), len(want))
	}
	worst := 0.0
	for i, w := range want {
		d := math.Abs(float64(got[i]) - w)
		if !(d <= abs+rel*math.Abs(w)) {
			t.Errorf("%s[%d] = %g, want %g", what, i, got[i], w)
			return d
		}
		worst = max(worst, d)
	}
	return worst
}

func forward(t *testing.T, m *Model, in Input) (*Pass, []float32) {
	t.Helper()
	p := NewPass(m)
	if _, err := p.Forward(in); err != nil {
		t.Fatal(err)
	}
	return p, p.Logits(nil)
}

// Tolerances of a float32 implementation: eight times what PyTorch in float32 differs
// from itself in float64 on these networks.
const (
	absTol = 2e-4
	relTol = 1e-4
)

func TestParityForward(t *testing.T) {
	fixtures(t, func(t *testing.T, dir string, m *Model) {
		e := open(t, dir, "expected.safetensors")
		var worst, worstHidden, worstAux float64
		for _, s := range e.sequences() {
			p, logits := forward(t, m, Input{IDs: e.ids(s + "input_ids")})
			worst = max(worst, near(t, s+"logits", logits, e.floats(s+"logits"), absTol, relTol))
			for j := range len(m.Weights.Layers) + 1 {
				name := fmt.Sprintf("%shidden.%d", s, j)
				worstHidden = max(worstHidden, near(t, name, p.Hidden(j), e.floats(name), absTol, relTol))
			}
			k, n := m.Config.NumExpertsPerTok, 0
			for i := range m.Weights.Layers {
				if !m.Config.IsMoE(i) {
					continue
				}
				name := fmt.Sprintf("%srouter_logits.%d", s, n)
				n++
				router, chosen := p.Router(i)
				want := e.floats(name)
				near(t, name, router, want, absTol, relTol)
				E, top := m.Config.NumExperts, make([]int32, k)
				for row := 0; row < len(want); row += E {
					z := make([]float32, E)
					for j := range z {
						z[j] = float32(want[row+j])
					}
					topK(top, z)
					got := slices.Clone(chosen[row/E*k : (row/E+1)*k])
					slices.Sort(got)
					slices.Sort(top)
					if !slices.Equal(got, top) {
						t.Errorf("%s: token %d goes to %v, want %v", name, row/E, got, top)
					}
				}
			}
			if n > 0 {
				d := math.Abs(p.AuxLoss() - e.floats(s + "aux_loss")[0])
				worstAux = max(worstAux, d)
				if !(d < 1e-5) {
					t.Errorf("%saux_loss = %g, want %g", s, p.AuxLoss(), e.floats(s + "aux_loss")[0])
				}
			}
		}
		t.Logf("largest difference: logits %.2g, hidden %.2g, aux %.2g", worst, worstHidden, worstAux)
	})
}

// Decoding token by token gives the reference's logits and caches, and so does any
// cutting of the prompt into chunks.
func TestParityDecode(t *testing.T) {
	fixtures(t, func(t *testing.T, dir string, m *Model) {
		e := open(t, dir, "decode.safetensors")
		ids, want := e.ids("input_ids"), e.floats("logits")
		_, full := forward(t, m, Input{IDs: ids})
		for _, chunks := range [][]int{{e.ids("prefill_len")[0], 1}, {1}, {3}, {2, 7, 1}, {len(ids)}} {
			d := NewDecoder(m)
			s := d.NewState()
			var logits []float32
			for at, i := 0, 0; at < len(ids); i++ {
				n := min(chunks[min(i, len(chunks)-1)], len(ids)-at)
				h, err := d.Extend([]*State{s}, Input{IDs: ids[at : at+n]})
				if err != nil {
					t.Fatal(err)
				}
				logits = append(logits, d.head(h, 0, n)...)
				at += n
			}
			name := fmt.Sprintf("logits, chunks %v", chunks)
			worst := near(t, name, logits, want, absTol, relTol)
			self := 0.0
			for i := range full {
				self = max(self, math.Abs(float64(full[i]-logits[i])))
			}
			if !(self < 1e-4) {
				t.Errorf("%s: differ from the full forward by %g", name, self)
			}
			cache := checkCaches(t, e, m, s)
			t.Logf("%s: largest difference %.2g, caches %.2g, from own full forward %.2g", name, worst, cache, self)
		}
	})
}

func checkCaches(t *testing.T, e expected, m *Model, s *State) (worst float64) {
	t.Helper()
	h, dm := m.heads(), m.mambaDims()
	for i := range m.Weights.Layers {
		l := &s.layers[i]
		if m.Config.IsAttention(i) {
			// [kv, T, dim] from pages of [kv, page, dim].
			for _, c := range []struct {
				name  string
				pages [][]float32
			}{{"key", l.kv.k}, {"value", l.kv.v}} {
				var got []float32
				for head := range h.kv {
					for tok := range l.kv.n {
						at := (head*page + tok%page) * h.dim
						got = append(got, c.pages[tok/page][at:at+h.dim]...)
					}
				}
				name := fmt.Sprintf("final.%s.%d", c.name, i)
				worst = max(worst, near(t, name, got, e.floats(name), absTol, relTol))
			}
			continue
		}
		name := fmt.Sprintf("final.ssm_state.%d", i)
		worst = max(worst, near(t, name, unblocked(make([]float32, dm.D*dm.N), l.ssm, dm.D, dm.N), e.floats(name), absTol, relTol))
		name = fmt.Sprintf("final.conv_state.%d", i)
		want := e.floats(name) // [D, W], of which the last W-1 columns are needed
		var got []float32
		var last []float64
		for d := range dm.D {
			for j := 1; j < dm.W; j++ {
				got = append(got, l.tail[(j-1)*dm.D+d])
				last = append(last, want[d*dm.W+j])
			}
		}
		worst = max(worst, near(t, name, got, last, absTol, relTol))
	}
	return worst
}

// A padded batch gives at its real positions what the sequences give alone.
func TestParityLeftPadding(t *testing.T) {
	fixtures(t, func(t *testing.T, dir string, m *Model) {
		e := open(t, dir, "leftpad.safetensors")
		shape, V := e.shape("input_ids"), m.Config.VocabSize
		B, T := shape[0], shape[1]
		ids, mask, want := e.ids("input_ids"), e.ids("attention_mask"), e.floats("logits")
		var rows, masks [][]int
		var real []float64
		for i := range B {
			rows, masks = append(rows, ids[i*T:(i+1)*T]), append(masks, mask[i*T:(i+1)*T])
		}
		for i, on := range mask {
			if on != 0 {
				real = append(real, want[i*V:(i+1)*V]...)
			}
		}
		in, err := Unpad(rows, masks)
		if err != nil {
			t.Fatal(err)
		}
		p, logits := forward(t, m, in)
		worst, aux := near(t, "logits", logits, real, absTol, relTol), 0.0
		if e.Has("aux_loss") { // without mixtures there is none
			aux = math.Abs(p.AuxLoss() - e.floats("aux_loss")[0])
			if !(aux < 1e-5) {
				t.Errorf("aux loss %g, want %g", p.AuxLoss(), e.floats("aux_loss")[0])
			}
		}
		t.Logf("largest difference: logits %.2g, aux %.2g", worst, aux)
	})
}

// Gradients of the cross-entropy, alone and with the router's loss, for every tensor:
// the difference relative to the tensor's largest gradient.
func TestParityGradients(t *testing.T) {
	fixtures(t, func(t *testing.T, dir string, m *Model) {
		for _, file := range []string{"grad_ce.safetensors", "grad_ce_plus_aux.safetensors"} {
			t.Run(file, func(t *testing.T) {
				e := open(t, dir, file)
				for _, checkpoint := range []bool{false, true} {
					p := NewPass(m)
					p.Checkpoint = checkpoint
					if e.Has("aux_coef") {
						p.RouterAux = e.floats("aux_coef")[0]
					} else if strings.Contains(file, "aux") {
						p.RouterAux = m.Config.RouterAuxLossCoef
					}
					in := Input{IDs: e.ids("input_ids")}
					if _, err := p.Forward(in); err != nil {
						t.Fatal(err)
					}
					loss, d, err := p.CrossEntropy(NextTokens(in), true)
					if err != nil {
						t.Fatal(err)
					}
					if _, err := p.Backward(d); err != nil {
						t.Fatal(err)
					}
					loss += p.RouterAux * p.AuxLoss()
					off := math.Abs(loss - e.floats("loss")[0])
					if !(off < 1e-5) {
						t.Errorf("loss %g, want %g", loss, e.floats("loss")[0])
					}
					worst, at := 0.0, ""
					p.Grads.Walk(m.Config, func(name string, shape []int, got []float32) {
						want := make([]float64, len(got)) // PyTorch has none for an expert without tokens
						if e.Has("grad." + name) {
							want = e.floats("grad." + name)
						}
						if len(want) != len(got) {
							t.Fatalf("%s: %d numbers, want %d", name, len(got), len(want))
						}
						top, diff := 0.0, 0.0
						for i, w := range want {
							top = max(top, math.Abs(w))
							d := math.Abs(float64(got[i]) - w)
							if !(d <= diff) {
								diff = d
							}
						}
						// An expert without tokens has no gradient at all.
						if r := diff / max(top, 1e-30); r > worst || r != r {
							worst, at = r, name
						}
						if !(diff <= 1e-3*top) {
							t.Errorf("%s: off by %g of at most %g", name, diff, top)
						}
					})
					t.Logf("checkpoint %v: loss off by %.2g, worst gradient %.2g in %s", checkpoint, off, worst, at)
				}
			})
		}
	})
}

// The network with experts of eight bits, from the integers in the file.
func TestParityInt8(t *testing.T) {
	fixtures(t, func(t *testing.T, dir string, m *Model) {
		e := open(t, dir, "experts_int8.safetensors")
		q := &Model{m.Config, NewWeights(m.Config)}
		copy(q.Weights.Flat(), m.Weights.Flat())
		q.Weights.Walk(q.Config, func(name string, shape []int, x []float32) {
			if !e.Has(name + ".int8") {
				return
			}
			ints, scales := e.ints(name+".int8"), e.floats(name+".scale")
			for i := range x {
				x[i] = float32(float64(ints[i]) * scales[i/shape[1]])
			}
		})
		worst := 0.0
		full := open(t, dir, "expected.safetensors")
		for _, s := range e.sequences() {
			_, logits := forward(t, q, Input{IDs: full.ids(s + "input_ids")})
			worst = max(worst, near(t, s+"logits", logits, e.floats(s+"logits"), absTol, relTol))
		}
		t.Logf("largest difference: logits %.2g", worst)
	})
}
