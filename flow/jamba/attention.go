package jamba

import (
	"math"
	"sync"

	"mflow/internal/kernel"
)

// heads are the sizes of grouped-query attention: q query heads share kv heads
// of keys and values, dim numbers each.
type heads struct{ q, kv, dim int }

func (h heads) scale() float32 { return float32(1 / math.Sqrt(float64(h.dim))) }

// Attention is computed in tiles of tileQ queries by page keys with a running
// maximum and sum (Dao et al. 2022), so that memory is linear in the length.
const (
	tileQ = 64
	page  = 256
)

// pages are the keys and values of one sequence, page tokens to a slice. A head's
// row for token t of a page begins at head·head + t·ld.
type pages struct {
	k, v     [][]float32
	n        int // tokens
	head, ld int
}

// append copies rows [n, kv·dim] of keys and values to pages [kv, page, dim], in
// which what a head reads is contiguous.
func (p *pages) append(k, v []float32, h heads) {
	p.head, p.ld = page*h.dim, h.dim
	KV := h.kv * h.dim
	for ; len(k) > 0; k, v = k[KV:], v[KV:] {
		if p.n == len(p.k)*page {
			p.k = append(p.k, make([]float32, page*KV))
			p.v = append(p.v, make([]float32, page*KV))
		}
		kp, vp := p.k[len(p.k)-1], p.v[len(p.v)-1]
		for i := range h.kv {
			at := i*p.head + p.n%page*p.ld
			copy(kp[at:at+h.dim], k[i*h.dim:])
			copy(vp[at:at+h.dim], v[i*h.dim:])
		}
		p.n++
	}
}

// view makes p refer to rows [n, kv·dim] of keys and values where they are.
func (p *pages) view(k, v []float32, h heads) {
	KV := h.kv * h.dim
	p.head, p.ld = h.dim, KV
	p.k, p.v, p.n = p.k[:0], p.v[:0], len(k)/KV
	for len(k) > 0 {
		c := min(page*KV, len(k))
		p.k, p.v = append(p.k, k[:c]), append(p.v, v[:c])
		k, v = k[c:], v[c:]
	}
}

// attnTape is what the backward pass of attention needs.
type attnTape struct {
	q, k, v, o []float32 // [T, q·dim] times 1/√dim, [T, kv·dim] twice, [T, q·dim]
	lse        []float32 // [T, q], log of the sum of exponentials
}

// attnScratch is one worker's tiles.
type attnScratch struct {
	q, s, ds, acc, m, l []float32
}

var attnPool = sync.Pool{New: func() any { return new(attnScratch) }}

// forward adds the attention output on x [T, H] to y. States, when there are
// any, hold the past and are extended.
func (w *Attention) forward(y, x []float32, h heads, b *batch, layer int, tp *attnTape, a *arena) {
	T, H, Q, KV := b.rows, len(x)/b.rows, h.q*h.dim, h.kv*h.dim
	tp.q, tp.k, tp.v, tp.o, tp.lse = a.take(T*Q), a.take(T*KV), a.take(T*KV), a.take(T*Q), a.take(T*h.q)
	matmulT(tp.q, x, w.QProj, T, Q, H)
	scale(tp.q, h.scale()) // once here instead of on every product of q and k
	matmulT(tp.k, x, w.KProj, T, KV, H)
	matmulT(tp.v, x, w.VProj, T, KV, H)

	b.kv = grow(b.kv, len(b.seqs))
	for i, s := range b.seqs {
		k, v := tp.k[s.lo*KV:s.hi*KV], tp.v[s.lo*KV:s.hi*KV]
		if b.states == nil {
			b.kv[i].view(k, v, h)
			continue
		}
		p := &b.states[i].layers[layer].kv
		p.append(k, v, h)
		b.kv[i] = *p
	}
	tile := max(1, tileQ/(h.q/h.kv))
	b.attnTasks(h.kv, tile)
	kernel.Parallel(len(b.tasks), 1, func(lo, hi int) {
		sc := attnPool.Get().(*attnScratch)
		for _, t := range b.tasks[lo:hi] {
			s := b.seqs[t.seq]
			past := b.kv[t.seq].n - (s.hi - s.lo)
			attend(tp.o, tp.lse, tp.q, s.lo+t.row, min(s.lo+t.row+tile, s.hi), past+t.row, t.head, h, &b.kv[t.seq], sc)
		}
		attnPool.Put(sc)
	})
	matmulTAdd(y, tp.o, w.OProj, T, H, Q)
}

// attend computes rows lo to hi of q, the first of which is at position pos of its
// sequence, for one key-value head and the query heads that share it. Their rows are
// stacked, so that a page is read once for all.
func attend(o, lse, q []float32, lo, hi, pos, head int, h heads, kv *pages, sc *attnScratch) {
	dim, group := h.dim, h.q/h.kv
	tokens, rows := hi-lo, (hi-lo)*group
	sc.q, sc.s, sc.acc = grow(sc.q, rows*dim), grow(sc.s, rows*page), grow(sc.acc, rows*dim)
	sc.m, sc.l = grow(sc.m, rows), grow(sc.l, rows)
	clear(sc.acc)
	clear(sc.l)
	for r := range rows {
		sc.m[r] = float32(math.Inf(-1))
		copy(sc.q[r*dim:(r+1)*dim], q[((lo+r/group)*h.q+head*group+r%group)*dim:])
	}
	for i, k := range kv.k {
		start := i * page
		n := min(page, pos+tokens-start)
		if n <= 0 {
			break
		}
		k, v := k[head*kv.head:], kv.v[i][head*kv.head:]
		if rows < fewRows {
			for r := range rows {
				dots(sc.s[r*page:r*page+n], sc.q[r*dim:(r+1)*dim], k, kv.ld)
			}
		} else {
			kernel.Gemm(false, true, rows, n, dim, 1, sc.q, dim, k, kv.ld, 0, sc.s, page)
		}
		for r := range rows {
			s := sc.s[r*page : r*page+n]
			sc.softmaxRow(r, s, max(0, min(n, pos+r/group+1-start)), dim)
		}
		if rows < fewRows {
			for r := range rows {
				wsum(sc.acc[r*dim:(r+1)*dim], sc.s[r*page:r*page+n], v, kv.ld)
			}
		} else {
			kernel.Gemm(false, false, rows, dim, n, 1, sc.s, page, v, kv.ld, 1, sc.acc, dim)
		}
	}
	for r := range rows {
		at := (lo+r/group)*h.q + head*group + r%group
		out, inv := o[at*dim:(at+1)*dim], 1/sc.l[r]
		for i, x := range sc.acc[r*dim : (r+1)*dim] {
			out[i] = x * inv
		}
		lse[at] = sc.m[r] + float32(math.Log(float64(sc.l[r])))
	}
}

// softmaxRow replaces scores by their exponentials over the running maximum, zero past
// the visible ones, and brings the row's sum and output to a new maximum.
func (sc *attnScratch) softmaxRow(r int, s []float32, visible, dim int) {
	clear(s[visible:])
	if s = s[:visible]; visible == 0 {
		return
	}
	m := max(sc.m[r], maximum(s))
	if m > sc.m[r] {
		c := exp32(sc.m[r] - m)
		scale(sc.acc[r*dim:(r+1)*dim], c)
		sc.l[r] *= c
		sc.m[r] = m
	}
	sc.l[r] += expSub(s, s, m)
}

// backward sets dx to the gradient of the input and adds those of the weights to
// grad.
func (w *Attention) backward(dx, dy, x []float32, h heads, b *batch, tp *attnTape, grad *Attention, a *arena) {
	T, H, Q, KV := b.rows, len(x)/b.rows, h.q*h.dim, h.kv*h.dim
	defer a.release(a.mark())
	do, dq, dk, dv := a.take(T*Q), a.zeros(T*Q), a.zeros(T*KV), a.zeros(T*KV)
	sum := a.take(T * h.q) // ⟨do, o⟩ of every head
	matmul(do, dy, w.OProj, T, H, Q, 0)
	outerAdd(grad.OProj, dy, tp.o, T, H, Q)
	for i := range sum {
		sum[i] = dot(do[i*h.dim:(i+1)*h.dim], tp.o[i*h.dim:(i+1)*h.dim])
	}
	kernel.Parallel(len(b.seqs)*h.kv, 1, func(lo, hi int) {
		sc := attnPool.Get().(*attnScratch)
		for i := lo; i < hi; i++ {
			s := b.seqs[i/h.kv]
			attendBack(dq, dk, dv, do, sum, tp, s.lo, s.hi, i%h.kv, h, sc)
		}
		attnPool.Put(sc)
	})
	scale(dq, h.scale())
	outerAdd(grad.QProj, dq, x, T, Q, H)
	outerAdd(grad.KProj, dk, x, T, KV, H)
	outerAdd(grad.VProj, dv, x, T, KV, H)
	matmul(dx, dq, w.QProj, T, Q, H, 0)
	matmul(dx, dk, w.KProj, T, KV, H, 1)
	matmul(dx, dv, w.VProj, T, KV, H, 1)
}

// attendBack adds the gradients of the sequence in rows lo to hi for one key-value
// head and the query heads that share it. Probabilities are computed again from
// lse, tile by tile:
//
//	P = exp(S - lse),  dP = do vᵀ,  dS = P (dP - ⟨do, o⟩)
func attendBack(dq, dk, dv, do, sum []float32, tp *attnTape, lo, hi, kvHead int, h heads, sc *attnScratch) {
	Q, KV, dim, group := h.q*h.dim, h.kv*h.dim, h.dim, h.q/h.kv
	sc.s, sc.ds = grow(sc.s, tileQ*tileQ), grow(sc.ds, tileQ*tileQ)
	for j := lo; j < hi; j += tileQ {
		nk, kj := min(tileQ, hi-j), j*KV+kvHead*dim
		for i := j; i < hi; i += tileQ {
			nq := min(tileQ, hi-i)
			for head := kvHead * group; head < (kvHead+1)*group; head++ {
				qi := i*Q + head*dim
				kernel.Gemm(false, true, nq, nk, dim, 1, tp.q[qi:], Q, tp.k[kj:], KV, 0, sc.s, nk)
				kernel.Gemm(false, true, nq, nk, dim, 1, do[qi:], Q, tp.v[kj:], KV, 0, sc.ds, nk)
				for r := range nq {
					visible := min(nk, i+r+1-j)
					p, d := sc.s[r*nk:(r+1)*nk], sc.ds[r*nk:(r+1)*nk]
					expSub(p[:visible], p[:visible], tp.lse[(i+r)*h.q+head])
					clear(p[visible:])
					mean := sum[(i+r)*h.q+head]
					for c, x := range p {
						d[c] = x * (d[c] - mean)
					}
				}
				kernel.Gemm(true, false, nk, dim, nq, 1, sc.s, nk, do[qi:], Q, 1, dv[kj:], KV)
				kernel.Gemm(true, false, nk, dim, nq, 1, sc.ds, nk, tp.q[qi:], Q, 1, dk[kj:], KV)
				kernel.Gemm(false, false, nq, dim, nk, 1, sc.ds, nk, tp.k[kj:], KV, 1, dq[qi:], Q)
			}
		}
	}
}
