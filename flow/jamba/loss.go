package jamba

import (
	"fmt"
	"math"

	"mflow/internal/kernel"
)

// Ignore marks a target that does not count in the loss.
const Ignore = -100

// lossRows is the number of rows whose logits are in memory at a time.
const lossRows = 256

// NextTokens returns the targets of a language model: the id after each, and Ignore
// at the end of every sequence.
func NextTokens(in Input) []int {
	y := make([]int, len(in.IDs))
	copy(y, in.IDs[min(1, len(in.IDs)):])
	lens, end := in.Lens, 0
	if lens == nil {
		lens = []int{len(in.IDs)}
	}
	for _, n := range lens {
		end += n
		y[end-1] = Ignore
	}
	return y
}

// CrossEntropy returns the mean of -log softmax(logits)[target] over the rows of the
// last Forward whose target is not Ignore. With grad set it also adds the
// gradient of the head to Grads and returns that of the hidden states, to be
// handed to Backward. Logits are never in memory all at once.
func (p *Pass) CrossEntropy(targets []int, grad bool) (loss float64, dHidden []float32, err error) {
	T, H, V := p.b.rows, p.m.Config.HiddenSize, p.m.Config.VocabSize
	if len(targets) != T {
		return 0, nil, fmt.Errorf("jamba: %d targets for %d rows", len(targets), T)
	}
	count := 0
	for i, y := range targets {
		if y == Ignore {
			continue
		}
		if y < 0 || y >= V {
			return 0, nil, fmt.Errorf("jamba: target %d at position %d outside [0, %d)", y, i, V)
		}
		count++
	}
	if count == 0 {
		return 0, nil, fmt.Errorf("jamba: no target counts")
	}
	if grad {
		if err := p.needGrads(); err != nil {
			return 0, nil, err
		}
		dHidden = p.a.take(T * H)
	}
	defer p.a.release(p.a.mark())
	z, rowLoss := p.a.take(lossRows*V), make([]float64, lossRows)
	inv := 1 / float32(count)
	for lo := 0; lo < T; lo += lossRows {
		n := min(lossRows, T-lo)
		h := p.hidden[lo*H : (lo+n)*H]
		p.m.logits(z, h, n)
		kernel.Parallel(n, 1+8192/V, func(a, b int) {
			for r := a; r < b; r++ {
				rowLoss[r] = crossEntropyRow(z[r*V:(r+1)*V], targets[lo+r], inv, grad)
			}
		})
		for _, l := range rowLoss[:n] {
			loss += l
		}
		if grad {
			outerAdd(p.Grads.LMHead, z, h, n, V, H)
			matmul(dHidden[lo*H:(lo+n)*H], z, p.m.Weights.LMHead, n, V, H, 0)
		}
	}
	return loss / float64(count), dHidden, nil
}

// crossEntropyRow returns -log softmax(z)[y] and, with grad set, replaces z by its
// gradient times inv.
func crossEntropyRow(z []float32, y int, inv float32, grad bool) float64 {
	if y == Ignore {
		if grad {
			clear(z)
		}
		return 0
	}
	m, zy := maximum(z), z[y]
	s := expSub(z, z, m)
	if grad {
		scale(z, inv/s)
		z[y] -= inv
	}
	return math.Log(float64(s)) - float64(zy-m)
}
