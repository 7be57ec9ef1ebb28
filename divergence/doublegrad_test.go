package divergence

import (
	"math"
	"testing"

	G "gorgonia.org/gorgonia"
)

// TestGorgoniaDoubleGrad documents why tangents are pushed forward beside the
// values and Grad is called once: applied to its own result, Gorgonia v0.9.18's
// Grad returns a wrong number and no error. With f(x) = b tanh(a x) the test
// differentiates f'(x) = a b (1 - tanh²(a x)) by a, which is
//
//	b (1 - T²) (1 - 2 a x T),    T = tanh(a x).
//
// If this test fails because Gorgonia has become right, that is good news, and
// the note in the package documentation can go.
func TestGorgoniaDoubleGrad(t *testing.T) {
	const a0, b0, x0 = 0.7, 1.3, 0.9
	g := G.NewGraph()
	scalar := func(name string, v float64) *G.Node {
		return G.NewScalar(g, G.Float64, G.WithName(name), G.WithValue(v))
	}
	a, b, x := scalar("a", a0), scalar("b", b0), scalar("x", x0)
	f := G.Must(G.Mul(b, G.Must(G.Tanh(G.Must(G.Mul(a, x))))))
	df, err := G.Grad(f, x)
	if err != nil {
		t.Fatal(err)
	}
	ddf, err := G.Grad(df[0], a)
	if err != nil {
		t.Skipf("Gorgonia now refuses a second Grad, which is better than a wrong one: %v", err)
	}
	vm := G.NewTapeMachine(g)
	defer vm.Close()
	if err := vm.RunAll(); err != nil {
		t.Fatal(err)
	}
	T := math.Tanh(a0 * x0)
	value := func(n *G.Node) float64 { return n.Value().Data().(float64) }
	if got, want := value(df[0]), a0*b0*(1-T*T); math.Abs(got-want) > 1e-12 {
		t.Errorf("one Grad: got %g, want %g", got, want)
	}
	got, want := value(ddf[0]), b0*(1-T*T)*(1-2*a0*x0*T)
	if math.Abs(got-want) < 1e-9 {
		t.Errorf("two Grads: got the right second derivative, %g: Gorgonia has been mended", got)
	}
	t.Logf("second derivative by Grad twice: %.4f, true: %.4f", got, want)
}
