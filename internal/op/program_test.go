package op

import (
	"slices"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
)

func double(t *testing.T, x *G.Node, size int) *G.Node {
	t.Helper()
	y := make([]float32, size)
	n, err := Op{Name: "double", Result: View(y, size), Do: func(in [][]float32) {
		for i, v := range in[0] {
			y[i] = 2 * v
		}
	}}.Apply(x)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestProgram: operations run after their inputs, on the values that are there at
// that time, and allocate nothing.
func TestProgram(t *testing.T) {
	x := []float32{1, 2}
	g := G.NewGraph()
	n := G.NewVector(g, G.Float32, G.WithName("x"), G.WithShape(2), G.WithValue(View(x, 2)))
	for range 5 {
		n = double(t, n, 2)
	}
	p, err := Compile(g)
	if err != nil {
		t.Fatal(err)
	}
	for _, first := range []float32{1, 3} {
		x[0] = first
		p.Run()
		got, err := flat(n)
		if err != nil {
			t.Fatal(err)
		}
		if want := []float32{32 * first, 64}; !slices.Equal(got, want) {
			t.Errorf("five times doubled %v is %v, want %v", x, got, want)
		}
	}
	if a := testing.AllocsPerRun(10, p.Run); a != 0 {
		t.Errorf("%g allocations a run", a)
	}
}

func TestCompileErrors(t *testing.T) {
	g := G.NewGraph()
	x := G.NewVector(g, G.Float32, G.WithName("x"), G.WithShape(2), G.WithValue(View([]float32{1, 2}, 2)))
	if _, err := G.Exp(x); err != nil {
		t.Fatal(err)
	}
	if _, err := Compile(g); err == nil || !strings.Contains(err.Error(), "exp") {
		t.Errorf("an operation of Gorgonia's own: error %v, want one that names exp", err)
	}
	g = G.NewGraph()
	double(t, G.NewVector(g, G.Float32, G.WithName("empty"), G.WithShape(2)), 2)
	if _, err := Compile(g); err == nil || !strings.Contains(err.Error(), "empty") {
		t.Errorf("an input without a value: error %v, want one that names it", err)
	}
}
