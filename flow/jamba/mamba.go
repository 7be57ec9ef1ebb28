package jamba

import (
	"math"

	"mflow/internal/kernel"
)

// mambaDims are the sizes of a Mamba mixer.
type mambaDims struct {
	D, N, R, W int
	eps        float32
}

// mambaPrep is a mixer's weights in the layout of the kernels.
type mambaPrep struct {
	conv []float32 // [W, D]
	a    []float32 // -exp(A_log) log2(e), blocked
	d    []float32 // blocked
}

func (w *Mamba) prepare(p *mambaPrep, dm mambaDims) {
	D, N, W := dm.D, dm.N, dm.W
	p.conv, p.a, p.d = grow(p.conv, W*D), grow(p.a, blocks(D)*N*lanes), grow(p.d, blocks(D)*lanes)
	for d := range D {
		for j := range W {
			p.conv[j*D+d] = w.Conv1d[d*W+j]
		}
	}
	blocked(p.a, w.ALog, D, N, 1)
	for d := range D {
		for n := range N {
			i := (d/lanes*N+n)*lanes + d%lanes
			p.a[i] = float32(-math.Exp(float64(p.a[i])) * log2e)
		}
	}
	blocked(p.d, w.D, D, 1, 1)
}

// mambaTape is what the backward pass of a Mamba mixer needs.
type mambaTape struct {
	xz         []float32    // [T, 2D], projected input: u before the convolution, and the gate
	conv, u    []float32    // [T, D], after the convolution and after its silu
	dbc        []float32    // [T, R+2N]
	inv        [3][]float32 // [T], of the three inner norms
	dt, b, c   []float32    // [T, R], [T, N], [T, N], after the norms
	raw, delta []float32    // [T, D], before and after softplus
	y          []float32    // [T, D], output of the scan
	starts     []float32    // [chunks, blocks, N, 16], state before every chunk of a sequence
}

// chunk is the number of steps between states that are kept for the backward pass,
// which computes those in between again.
const chunk = 32

// groupBlocks is the number of blocks of channels that are one task. It is fixed so
// that sums over channels do not depend on the number of workers.
const groupBlocks = 8

func (w *Mamba) forward(y, x []float32, dm mambaDims, p *mambaPrep, b *batch, layer int, tp *mambaTape, a *arena) {
	T, H := b.rows, len(x)/b.rows
	D, N, R := dm.D, dm.N, dm.R
	S := R + 2*N
	tp.xz, tp.conv, tp.u = a.take(T*2*D), a.take(T*D), a.take(T*D)
	tp.dbc, tp.dt, tp.b, tp.c = a.take(T*S), a.take(T*R), a.take(T*N), a.take(T*N)
	tp.raw, tp.delta, tp.y = a.take(T*D), a.take(T*D), a.take(T*D)
	for i := range tp.inv {
		tp.inv[i] = a.take(T)
	}
	matmulT(tp.xz, x, w.InProj, T, 2*D, H)
	addBias(tp.xz, w.InProjBias, T)
	w.convolve(dm, p, b, layer, tp)
	matmulT(tp.dbc, tp.u, w.XProj, T, S, D)
	rmsNorm(tp.dt, tp.inv[0], tp.dbc, S, w.DtLayernorm, T, dm.eps)
	rmsNorm(tp.b, tp.inv[1], tp.dbc[R:], S, w.BLayernorm, T, dm.eps)
	rmsNorm(tp.c, tp.inv[2], tp.dbc[R+N:], S, w.CLayernorm, T, dm.eps)
	matmulT(tp.raw, tp.dt, w.DtProj, T, D, R)
	kernel.Parallel(T, 1+4096/D, func(lo, hi int) {
		addBias(tp.raw[lo*D:hi*D], w.DtProjBias, hi-lo)
		softplus(tp.delta[lo*D:hi*D], tp.raw[lo*D:hi*D])
	})
	tp.scan(dm, p, b, layer, a)

	m := a.mark()
	o := a.take(T * D)
	tp.gate(o, T, D)
	matmulTAdd(y, o, w.OutProj, T, H, D)
	addBias(y, w.OutProjBias, T)
	a.release(m)
}

// gate sets o = silu(z) y.
func (tp *mambaTape) gate(o []float32, T, D int) {
	kernel.Parallel(T, 1+4096/D, func(lo, hi int) {
		for t := lo; t < hi; t++ {
			swiglu(o[t*D:(t+1)*D], tp.xz[t*2*D+D:(t+1)*2*D], tp.y[t*D:(t+1)*D])
		}
	})
}

// convolve is the causal depthwise convolution and its silu. Tap W-1 meets the current
// token; what lies before the sequence is the state's tail, or zero.
func (w *Mamba) convolve(dm mambaDims, p *mambaPrep, b *batch, layer int, tp *mambaTape) {
	D, W := dm.D, dm.W
	for i, s := range b.seqs {
		var tail []float32
		if b.states != nil {
			tail = b.states[i].layers[layer].tail
		}
		kernel.Parallel(s.hi-s.lo, 1+4096/D, func(lo, hi int) {
			for t := lo; t < hi; t++ {
				out := tp.conv[(s.lo+t)*D : (s.lo+t+1)*D]
				if w.Conv1dBias != nil {
					copy(out, w.Conv1dBias)
				} else {
					clear(out)
				}
				for j := range W {
					if from := t - W + 1 + j; from >= 0 {
						mulAdd(out, p.conv[j*D:(j+1)*D], tp.xz[(s.lo+from)*2*D:], 1)
					} else if tail != nil {
						mulAdd(out, p.conv[j*D:(j+1)*D], tail[(t+j)*D:], 1)
					}
				}
				silu(tp.u[(s.lo+t)*D:(s.lo+t+1)*D], out)
			}
		})
		// The tail moves on to the last W-1 inputs.
		if n := s.hi - s.lo; tail != nil {
			keep := max(W-1-n, 0)
			copy(tail, tail[(W-1-keep)*D:])
			for j := keep; j < W-1; j++ {
				copy(tail[j*D:(j+1)*D], tp.xz[(s.hi-(W-1)+j)*2*D:])
			}
		}
	}
}

// view returns the scan of one sequence.
func (tp *mambaTape) view(s span, dm mambaDims, p *mambaPrep) ssm {
	return ssm{
		T: s.hi - s.lo, D: dm.D, N: dm.N, a: p.a, d: p.d,
		delta: tp.delta[s.lo*dm.D : s.hi*dm.D], u: tp.u[s.lo*dm.D : s.hi*dm.D],
		b: tp.b[s.lo*dm.N : s.hi*dm.N], c: tp.c[s.lo*dm.N : s.hi*dm.N],
	}
}

// chunks returns the number of chunks of each sequence, summed up to it.
func (b *batch) chunks() (starts []int, total int) {
	b.starts = b.starts[:0]
	for _, s := range b.seqs {
		b.starts = append(b.starts, total)
		total += (s.hi - s.lo + chunk - 1) / chunk
	}
	return b.starts, total
}

// scan runs the recurrence of every sequence from its state, or from zero.
func (tp *mambaTape) scan(dm mambaDims, p *mambaPrep, b *batch, layer int, a *arena) {
	D, N, nb := dm.D, dm.N, blocks(dm.D)
	size := nb * N * lanes
	first, chunks := b.chunks()
	tp.starts = nil
	if b.states == nil {
		tp.starts = a.take(chunks * size)
	}
	groups := (nb + groupBlocks - 1) / groupBlocks
	m := a.mark()
	h := a.take(len(b.seqs) * size)
	kernel.Parallel(len(b.seqs)*groups, 1+8192/(D*N*b.rows), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			q, k0 := i/groups, i%groups*groupBlocks
			k1 := min(k0+groupBlocks, nb)
			s := tp.view(b.seqs[q], dm, p)
			h := h[q*size : (q+1)*size]
			if b.states != nil {
				h = b.states[q].layers[layer].ssm
			} else {
				clear(h[k0*N*lanes : k1*N*lanes])
			}
			y := tp.y[b.seqs[q].lo*D:]
			for t := 0; t < s.T; t += chunk {
				if tp.starts != nil {
					start := tp.starts[(first[q]+t/chunk)*size:]
					copy(start[k0*N*lanes:k1*N*lanes], h[k0*N*lanes:])
				}
				for k := k0; k < k1; k++ {
					s.forward(k, t, min(chunk, s.T-t), y, h[k*N*lanes:(k+1)*N*lanes])
				}
			}
		}
	})
	a.release(m)
}

// backward sets dx to the gradient of the input and adds those of the weights to grad.
func (w *Mamba) backward(dx, dy, x []float32, dm mambaDims, p *mambaPrep, b *batch, tp *mambaTape, grad *Mamba, a *arena) {
	T, H := b.rows, len(x)/b.rows
	D, N, R := dm.D, dm.N, dm.R
	S := R + 2*N
	defer a.release(a.mark())

	// out = (silu(z) y) out_projᵀ
	o, do, dxz, dyv := a.take(T*D), a.take(T*D), a.take(T*2*D), a.take(T*D)
	tp.gate(o, T, D)
	outerAdd(grad.OutProj, dy, o, T, H, D)
	sumRows(grad.OutProjBias, dy, T)
	matmul(do, dy, w.OutProj, T, H, D, 0)
	kernel.Parallel(T, 1+4096/D, func(lo, hi int) {
		for t := lo; t < hi; t++ {
			swigluBack(dxz[t*2*D+D:(t+1)*2*D], dyv[t*D:(t+1)*D], do[t*D:(t+1)*D],
				tp.xz[t*2*D+D:(t+1)*2*D], tp.y[t*D:(t+1)*D])
		}
	})

	// The scan; du and ddelta take the memory of o and do.
	du, ddelta, db, dc := o, do, a.zeros(T*N), a.zeros(T*N)
	tp.scanBack(dm, p, b, dyv, du, ddelta, db, dc, grad, a)

	// delta = softplus(dt dt_projᵀ + bias)
	kernel.Parallel(T*D, 4096, func(lo, hi int) { softplusBack(ddelta[lo:hi], ddelta[lo:hi], tp.raw[lo:hi]) })
	sumRows(grad.DtProjBias, ddelta, T)
	outerAdd(grad.DtProj, ddelta, tp.dt, T, D, R)
	ddt, ddbc := a.take(T*R), a.zeros(T*S)
	matmul(ddt, ddelta, w.DtProj, T, D, R, 0)
	rmsNormBack(ddbc, grad.DtLayernorm, ddt, tp.inv[0], tp.dbc, S, w.DtLayernorm, T)
	rmsNormBack(ddbc[R:], grad.BLayernorm, db, tp.inv[1], tp.dbc[R:], S, w.BLayernorm, T)
	rmsNormBack(ddbc[R+N:], grad.CLayernorm, dc, tp.inv[2], tp.dbc[R+N:], S, w.CLayernorm, T)
	outerAdd(grad.XProj, ddbc, tp.u, T, S, D)
	matmul(du, ddbc, w.XProj, T, S, D, 1)

	w.convolveBack(dxz, du, dm, p, b, tp, grad, a)
	outerAdd(grad.InProj, dxz, x, T, 2*D, H)
	sumRows(grad.InProjBias, dxz, T)
	matmul(dx, dxz, w.InProj, T, 2*D, H, 0)
}

// convolveBack sets the first half of dxz from du, the gradient of the convolution's
// output after silu, which it overwrites.
func (w *Mamba) convolveBack(dxz, du []float32, dm mambaDims, p *mambaPrep, b *batch, tp *mambaTape, grad *Mamba, a *arena) {
	D, W := dm.D, dm.W
	dconv := a.zeros(W * D)
	kernel.Parallel(b.rows*D, 4096, func(lo, hi int) { siluBack(du[lo:hi], du[lo:hi], tp.conv[lo:hi]) })
	sumRows(grad.Conv1dBias, du, b.rows)
	for _, s := range b.seqs {
		T := s.hi - s.lo
		kernel.Parallel(T, 1+4096/D, func(lo, hi int) {
			for t := lo; t < hi; t++ {
				out := dxz[(s.lo+t)*2*D : (s.lo+t)*2*D+D]
				mul(out, p.conv[(W-1)*D:], du[(s.lo+t)*D:], 1)
				for j := W - 2; j >= 0 && t+W-1-j < T; j-- {
					mulAdd(out, p.conv[j*D:], du[(s.lo+t+W-1-j)*D:], 1)
				}
			}
		})
		for t := range T {
			for j := max(0, W-1-t); j < W; j++ {
				mulAdd(dconv[j*D:(j+1)*D], du[(s.lo+t)*D:], tp.xz[(s.lo+t-W+1+j)*2*D:], 1)
			}
		}
	}
	for d := range D {
		for j := range W {
			grad.Conv1d[d*W+j] += dconv[j*D+d]
		}
	}
}

// scanBack sets du, ddelta, db and dc and adds the gradients of A_log and D. Within a
// group of channels it goes back chunk by chunk, computing a chunk's states
// again before it undoes them.
func (tp *mambaTape) scanBack(dm mambaDims, p *mambaPrep, b *batch, dy, du, ddelta, db, dc []float32, grad *Mamba, a *arena) {
	D, N, nb := dm.D, dm.N, blocks(dm.D)
	size, groups := nb*N*lanes, (nb+groupBlocks-1)/groupBlocks
	first, _ := b.chunks()
	B := len(b.seqs)
	carry, da, dd := a.zeros(B*size), a.zeros(B*size), a.zeros(B*nb*lanes)
	partB, partC := a.take(groups*b.rows*N), a.take(groups*b.rows*N)
	rec := a.take(B * groups * (chunk + 1) * N * record)
	kernel.Parallel(B*groups, 1, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			q, g := i/groups, i%groups
			span := b.seqs[q]
			s := tp.view(span, dm, p)
			rec := rec[i*(chunk+1)*N*record : (i+1)*(chunk+1)*N*record]
			for t := (s.T - 1) / chunk * chunk; t >= 0; t -= chunk {
				steps, start := min(chunk, s.T-t), tp.starts[(first[q]+t/chunk)*size:]
				for j := N * record; j < (steps+1)*N*record; j += record {
					clear(rec[j+2*lanes : j+record])
				}
				for k := g * groupBlocks; k < min((g+1)*groupBlocks, nb); k++ {
					for n := range N {
						copy(rec[n*record:n*record+lanes], start[(k*N+n)*lanes:])
					}
					s.save(k, t, steps, rec)
					x := q*size + k*N*lanes
					s.backward(k, t, steps, &scanGrads{
						dy: dy[span.lo*D:], du: du[span.lo*D:], ddelta: ddelta[span.lo*D:],
						carry: carry[x:], da: da[x:], dd: dd[(q*nb+k)*lanes:], rec: rec,
					})
				}
				out := (g*b.rows + span.lo + t) * N
				for j := range steps * N {
					r := rec[(N+j)*record : (N+j+1)*record]
					partB[out+j], partC[out+j] = sum16(r[2*lanes:]), sum16(r[3*lanes:])
				}
			}
		}
	})
	for g := range groups {
		add(db, partB[g*b.rows*N:])
		add(dc, partC[g*b.rows*N:])
	}
	for q := 1; q < B; q++ {
		add(da[:size], da[q*size:])
		add(dd[:nb*lanes], dd[q*nb*lanes:])
	}
	// A = -exp(A_log), so dA_log = A dA; p.a is A log2(e).
	mul(da[:size], da[:size], p.a, math.Ln2)
	dA := a.take(D * N)
	add(grad.ALog, unblocked(dA, da, D, N))
	add(grad.D, dd[:D])
}

// sum16 returns the sum of sixteen lanes.
func sum16(x []float32) float32 {
	x = x[:16]
	return ((x[0] + x[1]) + (x[2] + x[3])) + ((x[4] + x[5]) + (x[6] + x[7])) +
		((x[8] + x[9]) + (x[10] + x[11])) + ((x[12] + x[13]) + (x[14] + x[15]))
}
