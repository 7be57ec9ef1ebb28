package op

import (
	"fmt"

	G "gorgonia.org/gorgonia"
)

// A Program runs the operations of a graph in the order that Gorgonia sorts them
// into. It does what Gorgonia's tape machine does for a graph of operations of
// this package alone, but it resolves inputs once, when it is compiled, where the
// machine allocates some of its state anew in every run: a run of a Program
// allocates nothing.
type Program struct{ calls []call }

// A call is one operation with its inputs in place.
type call struct {
	do func(in [][]float32)
	in [][]float32
}

// Compile readies the graph for Run. Inputs must have their values, which Run
// reads where they are; other operations than those of this package and constants
// are an error that names the first of them.
func Compile(g *G.ExprGraph) (*Program, error) {
	sorted, err := G.Sort(g) // results first, inputs last
	if err != nil {
		return nil, fmt.Errorf("op: %w", err)
	}
	p := new(Program)
	for i := len(sorted) - 1; i >= 0; i-- {
		n := sorted[i]
		f, ok := n.Op().(*fn)
		switch {
		case ok:
		case n.Op() == nil, n.Value() != nil: // an input, a constant
			continue
		default:
			return nil, fmt.Errorf("op: %v is not an operation of package op", n.Op())
		}
		c := call{do: f.Op.Do}
		for _, from := range f.from {
			x, err := flat(from)
			if err != nil {
				return nil, fmt.Errorf("op: %s: %w", f.Name, err)
			}
			c.in = append(c.in, x)
		}
		p.calls = append(p.calls, c)
	}
	return p, nil
}

// flat is where the value of a node will be at every run.
func flat(n *G.Node) ([]float32, error) {
	if f, ok := n.Op().(*fn); ok {
		return numbers(f.Result)
	}
	if n.Value() == nil {
		return nil, fmt.Errorf("input %s has no value", n.Name())
	}
	return numbers(n.Value())
}

// Run computes every operation of the graph.
func (p *Program) Run() {
	for _, c := range p.calls {
		c.do(c.in)
	}
}
