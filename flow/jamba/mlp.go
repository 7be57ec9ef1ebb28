package jamba

import (
	"fmt"

	"mflow/internal/kernel"
)

// mlpTape is what the backward pass of an MLP needs.
type mlpTape struct {
	g, u []float32 // [rows, I]: gate x and up x
}

// forward sets y = down(silu(gate x) up x) for x [rows, H]. h [rows, I] is scratch.
func (m *MLP) forward(y, x, h []float32, tp mlpTape, rows int) {
	I, _ := m.GateProj.Dims()
	m.GateProj.Apply(tp.g, x, rows)
	m.UpProj.Apply(tp.u, x, rows)
	kernel.Parallel(rows, 1+4096/I, func(lo, hi int) {
		swiglu(h[lo*I:hi*I], tp.g[lo*I:hi*I], tp.u[lo*I:hi*I])
	})
	m.DownProj.Apply(y, h, rows)
}

// backward sets dx to the gradient of Σ_r weight[r] ⟨dy_r, y_r⟩ and adds that of
// the matrices to grad. With weight nil it is one; otherwise dweight[r] is
// set to ⟨dy_r, y_r⟩. dh and h [rows, I] are scratch.
func (m *MLP) backward(dx, dy, x, dh, h []float32, tp mlpTape, weight, dweight []float32, grad *MLP, rows int) {
	gate, up, down := m.GateProj.(*Dense), m.UpProj.(*Dense), m.DownProj.(*Dense)
	I, H := gate.Dims()
	matmul(dh, dy, down.W, rows, H, I, 0)
	kernel.Parallel(rows, 1+2048/I, func(lo, hi int) {
		swiglu(h[lo*I:hi*I], tp.g[lo*I:hi*I], tp.u[lo*I:hi*I])
		for r := lo; r < hi && weight != nil; r++ {
			dhr, hr := dh[r*I:(r+1)*I], h[r*I:(r+1)*I]
			dweight[r] = dot(dhr, hr)
			scale(dhr, weight[r])
			scale(hr, weight[r])
		}
	})
	outerAdd(grad.DownProj.(*Dense).W, dy, h, rows, H, I)
	// From here on h is the gradient of gate x and dh that of up x.
	kernel.Parallel(rows, 1+2048/I, func(lo, hi int) {
		swigluBack(h[lo*I:hi*I], dh[lo*I:hi*I], dh[lo*I:hi*I], tp.g[lo*I:hi*I], tp.u[lo*I:hi*I])
	})
	outerAdd(grad.GateProj.(*Dense).W, h, x, rows, I, H)
	outerAdd(grad.UpProj.(*Dense).W, dh, x, rows, I, H)
	matmul(dx, h, gate.W, rows, I, H, 0)
	matmul(dx, dh, up.W, rows, I, H, 1)
}

// trainable returns an error if a projection is not float32.
func (m *MLP) trainable() error {
	for _, l := range []Linear{m.GateProj, m.UpProj, m.DownProj} {
		if _, ok := l.(*Dense); !ok {
			return fmt.Errorf("jamba: matrices in eight bits cannot be trained")
		}
	}
	return nil
}
