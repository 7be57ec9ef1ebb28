package nn

import "mflow/internal/kernel"

// A Workspace is the memory of one evaluation of a network: jets before and
// after every activation, and the derivatives of the activations, which the
// backward pass needs. It grows to the largest batch seen and is then reused.
type Workspace struct {
	phase, feat []float32
	z, a        [][]float32 // per layer: pre-activation and activation jets
	s1, s2      [][]float32 // per layer: σ'(z), σ″(z)
	g           [2][]float32
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
		ws.z, ws.a = append(ws.z, nil), append(ws.a, nil)
		ws.s1, ws.s2 = append(ws.s1, nil), append(ws.s2, nil)
	}
}

// forward computes the jets of layer i,
//
//	Z = A W + b        value rows get the bias, tangent rows do not
//	A' = σ(Z)          values σ(z), tangents σ'(z) ∘ ż
//
// and returns A'. The backward pass reads Z, σ' and σ″ from the workspace.
func (l dense) forward(ws *Workspace, i, b, k int, p, a []float32, save bool) []float32 {
	rows := (1 + k) * b
	z := room(&ws.z[i], rows*l.out)
	kernel.Gemm(false, false, rows, l.out, l.in, 1, a, l.in, p[l.w:], l.out, 0, z, l.out)
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
	if !save { // evaluation: activations replace the pre-activations
		kernel.ActJet(l.act, b, l.out, k, z, bias, z, nil, nil)
		return z
	}
	out := room(&ws.a[i], rows*l.out)
	kernel.ActJet(l.act, b, l.out, k, z, bias, out, room(&ws.s1[i], b*l.out), room(&ws.s2[i], b*l.out))
	return out
}

// backward takes the gradient g of the loss with respect to the layer's output
// jets, overwrites it with the gradient with respect to Z,
//
//	Gz₀ = σ' ∘ G₀ + σ″ ∘ Σⱼ Gⱼ ∘ Zⱼ ,   Gzⱼ = σ' ∘ Gⱼ ,
//
// writes ∂W = Aᵀ Gz and ∂b = Σ_rows Gz₀ to grad, laid out as the parameters,
// and, unless dx is nil, Gz Wᵀ to dx.
func (l dense) backward(ws *Workspace, i, b, k int, p, a, g, grad, dx []float32) {
	rows := (1 + k) * b
	if l.act != kernel.Identity {
		kernel.ActJetBack(b, l.out, k, g, ws.z[i], ws.s1[i], ws.s2[i])
	}
	kernel.Gemm(true, false, l.in, l.out, rows, 1, a, l.in, g, l.out, 0, grad[l.w:], l.out)
	kernel.ColSum(grad[l.b:l.b+l.out], b, l.out, g, false)
	if dx != nil {
		kernel.Gemm(false, true, rows, l.in, l.out, 1, g, l.out, p[l.w:], l.out, 0, dx, l.in)
	}
}

// Eval returns the jets V, (1+k)B × m, of the field at the jets X, (1+k)B × n.
// The result lies in the workspace and is valid until its next use.
func (net *MLP) Eval(ws *Workspace, b, k int, x []float32) []float32 {
	return net.forward(ws, b, k, x, false)
}

func (net *MLP) forward(ws *Workspace, b, k int, x []float32, save bool) []float32 {
	if len(x) != (1+k)*b*net.Features.N {
		panic("nn: len(x) != (1+k)*b*n")
	}
	a := net.features(ws, b, k, x)
	ws.layers(len(net.layers))
	for i, l := range net.layers {
		a = l.forward(ws, i, b, k, net.Params, a, save)
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
