package nn

import "mflow/internal/kernel"

// active are the points of a batch whose gradient is not zero. The others add
// nothing to the gradient of any parameter, so the backward pass leaves them out:
// the rows of active points are moved together, in place, in every matrix that it
// reads. Under the Moser loss half of the points or more fall away.
type active struct {
	spans []span
	b, n  int // points in the batch, and active ones
	k     int
	move  mover
}

// span is a run of active points: they move from point from on to point to on.
type span struct{ from, to, n int }

// worth is the share of active points above which moving them costs more than
// leaving the rest out saves.
const worth = 0.9

// find sets the active points by the gradient g of the output, jets of b points
// with k tangents and width numbers a row.
func (a *active) find(g []float32, b, k, width int) {
	a.spans, a.b, a.n, a.k = a.spans[:0], b, 0, k
	open := false
	for i := range b {
		zero := true
		for r := i; zero && r < (1+k)*b; r += b {
			for _, v := range g[r*width : (r+1)*width] {
				if v != 0 {
					zero = false
					break
				}
			}
		}
		if zero {
			open = false
			continue
		}
		if !open {
			a.spans = append(a.spans, span{from: i, to: a.n})
			open = true
		}
		a.spans[len(a.spans)-1].n++
		a.n++
	}
	if float64(a.n) > worth*float64(b) {
		a.spans, a.n = append(a.spans[:0], span{n: b}), b
	}
}

// gather moves the rows of the active points in each of the blocks of x, b rows
// of width numbers, so that what is left are blocks of n rows.
func (a *active) gather(x []float32, blocks, width int) {
	if a.n == a.b {
		return
	}
	a.move.x, a.move.blocks, a.move.width, a.move.active = x, blocks, width, a
	if a.move.run == nil {
		a.move.run = a.move.part
	}
	// Rows only move towards the front, past rows that have moved: columns can be
	// shared out, rows cannot.
	kernel.Parallel(width, max(64, 1<<17/max(1, blocks*a.n)), a.move.run)
}

// A mover is one call of gather, kept with the closure that Parallel takes.
type mover struct {
	*active
	x             []float32
	blocks, width int
	run           func(lo, hi int)
}

func (m *mover) part(lo, hi int) {
	w := m.width
	for t := range m.blocks {
		for _, s := range m.spans {
			from, to := t*m.b+s.from, t*m.n+s.to
			if from == to {
				continue
			}
			if lo == 0 && hi == w {
				copy(m.x[to*w:(to+s.n)*w], m.x[from*w:(from+s.n)*w])
				continue
			}
			for r := range s.n {
				copy(m.x[(to+r)*w+lo:(to+r)*w+hi], m.x[(from+r)*w+lo:(from+r)*w+hi])
			}
		}
	}
}
