package jamba

// moeTape is what the backward pass of a feed-forward network needs. Its slots
// are the pairs of a token and one of its experts, sorted by expert and then by
// token; a dense MLP has one slot per token and no router.
type moeTape struct {
	logits, probs []float32 // [T, E]
	chosen        []int32   // [T, k], most probable first
	token         []int32   // [T·k], token of a slot
	slot          []int32   // [T·k], slot of a (token, choice)
	first         []int32   // [E+1], first slot of an expert
	weight        []float32 // [T·k], router's probability of a slot
	x             []float32 // [T·k, H], input rows in the order of slots
	mlpTape
}

// route fills in everything of the tape but the rows: p = softmax(x routerᵀ) over
// all experts, and the k most probable for each token. Equal probabilities go to
// the expert of lower index. The weights are the probabilities themselves, which
// do not sum to one over the k.
func (tp *moeTape) route(router, x []float32, T, E, k int, a *arena) {
	H := len(router) / E
	tp.logits, tp.probs, tp.weight = a.take(T*E), a.take(T*E), a.take(T*k)
	tp.chosen, tp.token, tp.slot, tp.first = grow(tp.chosen, T*k), grow(tp.token, T*k), grow(tp.slot, T*k), grow(tp.first, E+1)
	matmulT(tp.logits, x, router, T, E, H)
	clear(tp.first)
	for t := range T {
		p := tp.probs[t*E : (t+1)*E]
		softmax(p, tp.logits[t*E:(t+1)*E])
		topK(tp.chosen[t*k:(t+1)*k], p)
		for _, e := range tp.chosen[t*k : (t+1)*k] {
			tp.first[e+1]++
		}
	}
	for e := range E {
		tp.first[e+1] += tp.first[e]
	}
	// Counting sort; next is the slot that an expert fills next.
	var few [64]int32
	next := append(few[:0], tp.first[:E]...)
	for i, e := range tp.chosen {
		s := next[e]
		next[e]++
		tp.token[s], tp.slot[i], tp.weight[s] = int32(i/k), s, tp.probs[i/k*E+int(e)]
	}
}

// softmax sets p = exp(x)/Σ exp(x).
func softmax(p, x []float32) {
	m := x[0]
	for _, v := range x[1:] {
		m = max(m, v)
	}
	var s float32
	for i, v := range x {
		p[i] = exp32(v - m)
		s += p[i]
	}
	for i := range p {
		p[i] /= s
	}
}

// topK writes the indices of the len(chosen) largest p, largest first and of
// equals the first.
func topK(chosen []int32, p []float32) {
	for j := range chosen {
		best := int32(-1)
	next:
		for e := range p {
			if best >= 0 && !(p[e] > p[best]) {
				continue
			}
			for _, c := range chosen[:j] {
				if int(c) == e {
					continue next
				}
			}
			best = int32(e)
		}
		chosen[j] = max(best, 0) // all NaN: any expert will do, the loss tells
	}
}

// forward adds the network's output on x [T, H] to y.
func (f *FeedForward) forward(y, x []float32, T, k int, tp *moeTape, a *arena) {
	I, H := f.Experts[0].GateProj.Dims()
	if f.Router == nil {
		tp.x, tp.g, tp.u = x, a.take(T*I), a.take(T*I)
		m := a.mark()
		h, out := a.take(T*I), a.take(T*H)
		f.Experts[0].forward(out, x, h, tp.mlpTape, T)
		add(y, out)
		a.release(m)
		return
	}
	n := T * k
	tp.route(f.Router, x, T, len(f.Experts), k, a)
	tp.x, tp.g, tp.u = a.take(n*H), a.take(n*I), a.take(n*I)
	for s, t := range tp.token {
		copy(tp.x[s*H:(s+1)*H], x[int(t)*H:int(t+1)*H])
	}
	m := a.mark()
	h, out := a.take(n*I), a.take(n*H)
	for e := range f.Experts {
		if lo, hi := int(tp.first[e]), int(tp.first[e+1]); lo < hi {
			f.Experts[e].forward(out[lo*H:hi*H], tp.x[lo*H:hi*H], h[lo*I:hi*I], tp.rows(lo, hi, I), hi-lo)
		}
	}
	for s, t := range tp.token {
		axpy(y[int(t)*H:int(t+1)*H], out[s*H:(s+1)*H], tp.weight[s])
	}
	a.release(m)
}

// rows returns the part of the tape for some of its rows.
func (tp *mlpTape) rows(lo, hi, I int) mlpTape {
	return mlpTape{tp.g[lo*I : hi*I], tp.u[lo*I : hi*I]}
}

// backward adds the gradient of the input to dx and those of the weights to grad.
// aux is the gradient of the balancing loss with respect to every row of
// probabilities, or nil.
func (f *FeedForward) backward(dx, dy, x []float32, T, k int, tp *moeTape, aux []float32, grad *FeedForward, a *arena) {
	I, H := f.Experts[0].GateProj.Dims()
	defer a.release(a.mark())
	if f.Router == nil {
		dh, h, d := a.take(T*I), a.take(T*I), a.take(T*H)
		f.Experts[0].backward(d, dy, x, dh, h, tp.mlpTape, nil, nil, &grad.Experts[0], T)
		add(dx, d)
		return
	}
	n, E := T*k, len(f.Experts)
	dh, h, dw := a.take(n*I), a.take(n*I), a.take(n)
	dys, dxs := a.take(n*H), a.take(n*H)
	for s, t := range tp.token {
		copy(dys[s*H:(s+1)*H], dy[int(t)*H:int(t+1)*H])
	}
	for e := range f.Experts {
		lo, hi := int(tp.first[e]), int(tp.first[e+1])
		if lo == hi {
			continue
		}
		f.Experts[e].backward(dxs[lo*H:hi*H], dys[lo*H:hi*H], tp.x[lo*H:hi*H], dh[lo*I:hi*I], h[lo*I:hi*I],
			tp.rows(lo, hi, I), tp.weight[lo:hi], dw[lo:hi], &grad.Experts[e], hi-lo)
	}
	for s, t := range tp.token {
		add(dx[int(t)*H:int(t+1)*H], dxs[s*H:(s+1)*H])
	}

	// The router: gradients of the chosen probabilities, then through the softmax.
	dp := a.zeros(T * E)
	for i, e := range tp.chosen {
		dp[i/k*E+int(e)] = dw[tp.slot[i]]
	}
	for t := range T {
		d, p := dp[t*E:(t+1)*E], tp.probs[t*E:(t+1)*E]
		if aux != nil {
			add(d, aux)
		}
		mean := dot(d, p)
		for e := range d {
			d[e] = p[e] * (d[e] - mean)
		}
	}
	outerAdd(grad.Router, dp, x, T, E, H)
	matmul(dx, dp, f.Router, T, E, H, 1)
}

// balance accumulates the router statistics of one layer: counts[e] is the number of
// choices of expert e, mass[e] the sum of its probabilities.
func (tp *moeTape) balance(counts []int, mass []float64) {
	E := len(counts)
	for _, e := range tp.chosen {
		counts[e]++
	}
	for i, p := range tp.probs {
		mass[i%E] += float64(p)
	}
}
