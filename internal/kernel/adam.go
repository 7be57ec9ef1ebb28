package kernel

import (
	"math"
	"sync"
)

// AdamCoef holds the constants of one step: C1 = 1-β₁ᵗ and C2 = 1-β₂ᵗ undo the
// bias of the moments' start, EMA is the decay of the average of parameters.
type AdamCoef struct {
	LR, Beta1, Beta2, Eps, WeightDecay, C1, C2, EMA float32
}

// Adam takes one step of Adam with decoupled weight decay (Kingma & Ba 2015;
// Loshchilov & Hutter 2019),
//
//	m ← β₁ m + (1-β₁) g,   v ← β₂ v + (1-β₂) g²,
//	p ← p - LR ( (m/C1) / (√(v/C2) + ε) + decay p ),   ema ← EMA ema + (1-EMA) p ,
//
// in one pass. ema may be nil.
func Adam(p, g, m, v, ema []float32, c AdamCoef) {
	if len(g) != len(p) || len(m) != len(p) || len(v) != len(p) || (ema != nil && len(ema) != len(p)) {
		panic("kernel: parameters and state of different lengths")
	}
	s := steps.Get().(*step)
	s.s, s.p, s.g, s.m, s.v, s.ema = active, p, g, m, v, ema
	s.c = [11]float32{c.Beta1, 1 - c.Beta1, c.Beta2, 1 - c.Beta2, 1 / c.C1, 1 / c.C2, c.Eps, c.LR, c.WeightDecay, c.EMA, 1 - c.EMA}
	Parallel(len(p), 16384, s.run)
	*s = step{run: s.run}
	steps.Put(s)
}

// A step is one call of Adam, kept for reuse with its closure.
type step struct {
	s               *kernels
	p, g, m, v, ema []float32
	c               [11]float32
	run             func(lo, hi int)
}

var steps = sync.Pool{New: func() any {
	s := new(step)
	s.run = s.part
	return s
}}

// part does parameters [lo, hi): whole vectors by the kernel, what is left by the
// same kernel on a copy.
func (s *step) part(lo, hi int) {
	if s.s.lanes == 0 {
		s.plain(lo, hi)
		return
	}
	at := lo + s.s.whole(hi-lo)
	if at > lo {
		s.s.adam(at-lo, &s.p[lo], &s.g[lo], &s.m[lo], &s.v[lo], first(s.ema, lo), &s.c[0])
	}
	if at == hi {
		return
	}
	n := s.s.lanes
	buf := getBuffer(5 * n)
	clear(buf.x)
	all := [...][]float32{s.p, s.m, s.v, s.ema, s.g}
	for i, x := range all {
		if x != nil {
			copy(buf.x[i*n:], x[at:hi])
		}
	}
	ema := &buf.x[3*n]
	if s.ema == nil {
		ema = nil
	}
	s.s.adam(n, &buf.x[0], &buf.x[4*n], &buf.x[n], &buf.x[2*n], ema, &s.c[0])
	for i, x := range all[:4] {
		if x != nil {
			copy(x[at:hi], buf.x[i*n:])
		}
	}
	putBuffer(buf)
}

func (s *step) plain(lo, hi int) {
	p, g, m, v, c := s.p, s.g, s.m, s.v, &s.c
	for i := lo; i < hi; i++ {
		m[i] = c[0]*m[i] + c[1]*g[i]
		v[i] = c[2]*v[i] + c[3]*g[i]*g[i]
		d := m[i]*c[4]/(float32(math.Sqrt(float64(v[i]*c[5])))+c[6]) + c[8]*p[i]
		p[i] -= c[7] * d
		if s.ema != nil {
			s.ema[i] = c[9]*s.ema[i] + c[10]*p[i]
		}
	}
}
