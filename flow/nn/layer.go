package nn

import "mflow/internal/kernel"

// A Workspace is the memory of one evaluation of a network. It grows to the
// largest batch seen and is then reused.
type Workspace struct {
	phase, feat []float32
	z           [][]float32 // pre-activation jets: of every layer, or of two by turns
	a           []float32   // activation jets of the layer at hand
	s1, s2      []float32   // σ'(z), σ″(z) of the layer at hand
	g           []float32   // gradient with respect to what enters the last layer
}

func room(p *[]float32, n int) []float32 {
	if cap(*p) < n {
		*p = make([]float32, n)
	}
	*p = (*p)[:n]
	return *p
}

func (ws *Workspace) layers(n int) {
	for len(ws.z) < n {
		ws.z = append(ws.z, nil)
	}
}

// forward computes the jets of a layer,
//
//	Z = A W + b        value rows get the bias, tangent rows do not
//	A' = σ(Z)          values σ(z), tangents σ'(z) ∘ ż
//
// and returns A', which is Z for the last layer. It writes Z to z and A' to out,
// which may be a, whose use is over by then, or z.
func (l dense) forward(in kernel.Precision, b, k int, p, a, z, out []float32) []float32 {
	rows := (1 + k) * b
	kernel.GemmIn(in, false, false, rows, l.out, l.in, 1, a, l.in, p[l.w:], l.out, 0, z, l.out)
	bias := p[l.b : l.b+l.out]
	if l.act == kernel.Identity {
		for r := range b {
			row := z[r*l.out : (r+1)*l.out]
			for j, c := range bias {
				row[j] += c
			}
		}
		return z
	}
	kernel.ActJet(l.act, b, l.out, k, z, bias, out, nil, nil)
	return out
}

// backward takes the gradient g of the loss with respect to Z and the jets a that
// entered the layer, writes ∂W = Aᵀ G and ∂b = Σ_rows G₀ to grad, laid out as the
// parameters, or adds them, and, unless dx is nil, writes G Wᵀ to dx.
func (l dense) backward(in kernel.Precision, b, k int, p, a, g, grad []float32, add bool, dx []float32) {
	rows := (1 + k) * b
	beta := float32(0)
	if add {
		beta = 1
	}
	kernel.GemmIn(in, true, false, l.in, l.out, rows, 1, a, l.in, g, l.out, beta, grad[l.w:], l.out)
	kernel.ColSum(grad[l.b:l.b+l.out], b, l.out, g, add)
	if dx != nil {
		kernel.GemmIn(in, false, true, rows, l.in, l.out, 1, g, l.out, p[l.w:], l.out, 0, dx, l.in)
	}
}

// activate computes the activations of a layer once more, from what forward left
// in z, and leaves σ' and σ″ for deactivate. To keep Z alone and repeat this cheap
// part takes a third of the memory of keeping all four.
func (l dense) activate(ws *Workspace, b, k int, z, out []float32) {
	kernel.ActJet(l.act, b, l.out, k, z, nil, out, room(&ws.s1, b*l.out), room(&ws.s2, b*l.out))
}

// deactivate turns the gradient g with respect to A' into that with respect to Z,
//
//	Gz₀ = σ' ∘ G₀ + σ″ ∘ Σⱼ Gⱼ ∘ Zⱼ ,   Gzⱼ = σ' ∘ Gⱼ .
func (l dense) deactivate(ws *Workspace, b, k int, g, z []float32) {
	if l.act != kernel.Identity {
		kernel.ActJetBack(b, l.out, k, g, z, ws.s1, ws.s2)
	}
}

// Eval returns the jets V, (1+k)B × m, of the field at the jets X, (1+k)B × n.
// The result lies in the workspace and is valid until its next use. Products are
// in float32, whatever the precision of training.
func (net *MLP) Eval(ws *Workspace, b, k int, x []float32) []float32 {
	if len(x) != (1+k)*b*net.Features.N {
		panic("nn: len(x) != (1+k)*b*n")
	}
	a := net.features(ws, b, k, x)
	ws.layers(2)
	for i, l := range net.layers { // activations replace the pre-activations
		z := room(&ws.z[i%2], (1+k)*b*l.out)
		a = l.forward(kernel.F32, b, k, net.Params, a, z, z)
	}
	return a
}

func (net *MLP) features(ws *Workspace, b, k int, x []float32) []float32 {
	f := &net.Features
	rows := (1 + k) * b
	out := room(&ws.feat, rows*f.Width())
	f.forward(b, k, x, room(&ws.phase, rows*f.waves()), out)
	return out
}
