// Package op makes Gorgonia operations out of plain functions on float32
// slices. An operation owns its result, which is allocated once, when the graph
// is built; running it again overwrites the result and allocates nothing.
package op

import (
	"fmt"
	"hash"
	"hash/fnv"
	"sync/atomic"

	"github.com/chewxy/hm"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// An Op computes Result from its inputs. It implements gorgonia.SDOp.
type Op struct {
	Name   string
	Result *tensor.Dense        // what Do fills; the value of the node
	Do     func(in [][]float32) // inputs as flat slices, in order
	Wrt    []bool               // which inputs have a gradient; nil for none
	Grad   func(in G.Nodes, out, grad *G.Node) (G.Nodes, error)

	from G.Nodes // the inputs
	id   uint64
}

var ids atomic.Uint64

// Apply adds the operation to the graph of its inputs.
func (o Op) Apply(in ...*G.Node) (*G.Node, error) {
	// Gorgonia merges operations of equal name on equal inputs. Ours have
	// memory of their own, so no two are equal.
	f := &fn{o}
	f.id = ids.Add(1)
	f.from = in
	out, err := G.ApplyOp(f, in...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.Name, err)
	}
	return out, nil
}

// View returns a tensor on x, which it does not copy.
func View(x []float32, shape ...int) *tensor.Dense {
	return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(x))
}

// fn carries the methods that Gorgonia asks for.
type fn struct{ Op }

func (f *fn) Arity() int { return len(f.from) }

func (f *fn) Type() hm.Type {
	var ts []hm.Type
	for _, n := range f.from {
		ts = append(ts, rank(n.Dims()))
	}
	return hm.NewFnType(append(ts, rank(f.Result.Dims()))...)
}

func rank(d int) hm.Type {
	if d == 0 {
		return hm.TypeVariable('a')
	}
	return G.TensorType{Dims: d, Of: hm.TypeVariable('a')}
}

func (f *fn) InferShape(...G.DimSizer) (tensor.Shape, error) { return f.Result.Shape().Clone(), nil }

func (f *fn) Do(in ...G.Value) (G.Value, error) {
	var room [8][]float32
	xs := room[:0]
	for i, v := range in {
		x, err := numbers(v)
		if err != nil {
			return nil, fmt.Errorf("%s: input %d: %w", f.Name, i, err)
		}
		xs = append(xs, x)
	}
	f.Op.Do(xs)
	return f.Result, nil
}

// numbers returns the entries of a value, which may be a scalar.
func numbers(v G.Value) ([]float32, error) {
	switch x := v.Data().(type) {
	case []float32:
		return x, nil
	case float32:
		return []float32{x}, nil
	}
	return nil, fmt.Errorf("value of %T, want []float32", v.Data())
}

func (f *fn) DiffWRT(n int) []bool {
	if f.Wrt == nil {
		return make([]bool, n)
	}
	return f.Wrt
}

func (f *fn) SymDiff(in G.Nodes, out, grad *G.Node) (G.Nodes, error) {
	if f.Grad == nil {
		return nil, fmt.Errorf("%s has no gradient", f.Name)
	}
	return f.Grad(in, out, grad)
}

func (f *fn) ReturnsPtr() bool      { return true }
func (f *fn) CallsExtern() bool     { return false }
func (f *fn) OverwritesInput() int  { return -1 }
func (f *fn) String() string        { return fmt.Sprintf("%s#%d", f.Name, f.id) }
func (f *fn) WriteHash(h hash.Hash) { fmt.Fprint(h, f) }
func (f *fn) Hashcode() uint32 {
	h := fnv.New32a()
	f.WriteHash(h)
	return h.Sum32()
}
