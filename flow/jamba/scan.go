package jamba

import "math"

// The selective scan is the recurrence of Mamba (Gu and Dao 2023, equation 2a
// with A discretised exactly and B by Euler): for every channel d and state n
//
//	h_t[d,n] = exp(Δ_t[d] A[d,n]) h_{t-1}[d,n] + Δ_t[d] u_t[d] B_t[n]
//	y_t[d]   = Σ_n C_t[n] h_t[d,n] + D[d] u_t[d]
//
// Channels are independent, so they lie in the lanes of a vector: a block of 16
// channels walks through time with its N vectors of state in the first-level
// cache. States, A and D are stored block by block, as [⌈D/16⌉, N, 16] and
// [⌈D/16⌉, 16], with A times log2(e) so that the decay is a power of two.

// scanArgs is what a kernel needs for one block of channels. Rows of delta, u, y,
// du and ddelta are ld floats apart; rows of b and c are n apart.
type scanArgs struct {
	steps, n, ld int
	delta, u, y  *float32 // y is written by scan and is the gradient of y in scanBack
	a, d         *float32 // [n, 16] and [16]
	h            *float32 // [n, 16]; scanBack: gradient of the state, times the decay of the step after
	b, c         *float32
	rec          *float32 // [steps+1, n, 4, 16]: state, decay, gradient of b, gradient of c
	da, dd       *float32
	du, ddelta   *float32
}

const log2e = math.Log2E

// blocked returns the D×N matrix x as [⌈D/16⌉, N, 16] in dst, times scale; lanes past
// D are zero.
func blocked(dst, x []float32, D, N int, scale float32) []float32 {
	clear(dst)
	for d := range D {
		for n := range N {
			dst[(d/lanes*N+n)*lanes+d%lanes] = x[d*N+n] * scale
		}
	}
	return dst
}

// unblocked is the inverse of blocked.
func unblocked(dst, x []float32, D, N int) []float32 {
	for d := range D {
		for n := range N {
			dst[d*N+n] = x[(d/lanes*N+n)*lanes+d%lanes]
		}
	}
	return dst
}

// blocks returns the number of blocks of D channels.
func blocks(D int) int { return (D + lanes - 1) / lanes }

// ssm is one sequence's view of a selective scan.
type ssm struct {
	T, D, N  int
	a, d     []float32 // blocked
	delta, u []float32 // [T, D]
	b, c     []float32 // [T, N]

	call scanArgs // in memory once, since assembly is called through a pointer
}

// args fills in what all kernels share, for block k from step t on.
func (s *ssm) args(k, t, steps int) *scanArgs {
	i := t*s.D + k*lanes
	s.call = scanArgs{
		steps: steps, n: s.N, ld: s.D,
		delta: &s.delta[i], u: &s.u[i],
		a: &s.a[k*s.N*lanes], d: &s.d[k*lanes],
		b: &s.b[t*s.N], c: &s.c[t*s.N],
	}
	return &s.call
}

// full reports whether block k has all its lanes.
func (s *ssm) full(k int) bool { return (k+1)*lanes <= s.D }

// forward writes y for block k and steps t to t+steps, and advances the block's
// state h.
func (s *ssm) forward(k, t, steps int, y, h []float32) {
	if simd.scan == nil || !s.full(k) {
		s.forwardPlain(k, t, steps, y, h)
		return
	}
	a := s.args(k, t, steps)
	a.y, a.h = &y[t*s.D+k*lanes], &h[0]
	simd.scan(a)
}

func (s *ssm) forwardPlain(k, t, steps int, y, h []float32) {
	d0, d1 := k*lanes, min((k+1)*lanes, s.D)
	A := s.a[k*s.N*lanes:]
	for ; steps > 0; steps, t = steps-1, t+1 {
		b, c := s.b[t*s.N:], s.c[t*s.N:]
		for d := d0; d < d1; d++ {
			u, delta := s.u[t*s.D+d], s.delta[t*s.D+d]
			sum := s.d[d] * u
			for n := range s.N {
				i := n*lanes + d - d0
				h[i] = exp2(delta*A[i])*h[i] + delta*u*b[n]
				sum += h[i] * c[n]
			}
			y[t*s.D+d] = sum
		}
	}
}

func exp2(x float32) float32 { return float32(math.Exp2(float64(x))) }

// record is what backward stores for a state of a step: 16 lanes each of state,
// decay and the gradients of B and C, the last two summed over blocks.
const record = 4 * lanes

// save writes states and decays of block k, steps t to t+steps, to rec; the state
// before step t is in the first row.
func (s *ssm) save(k, t, steps int, rec []float32) {
	if simd.scanSave == nil || !s.full(k) {
		s.savePlain(k, t, steps, rec)
		return
	}
	a := s.args(k, t, steps)
	a.rec = &rec[0]
	simd.scanSave(a)
}

func (s *ssm) savePlain(k, t, steps int, rec []float32) {
	d0, d1 := k*lanes, min((k+1)*lanes, s.D)
	A, row := s.a[k*s.N*lanes:], s.N*record
	for j := range steps {
		b := s.b[(t+j)*s.N:]
		for d := d0; d < d1; d++ {
			u, delta := s.u[(t+j)*s.D+d], s.delta[(t+j)*s.D+d]
			for n := range s.N {
				i := j*row + n*record + d - d0
				a := exp2(delta * A[n*lanes+d-d0])
				rec[i+row] = a*rec[i] + delta*u*b[n]
				rec[i+row+lanes] = a
			}
		}
	}
}

// scanGrads are the gradients of a scan. da and dd are blocked sums over time;
// carry is the gradient of the state that flows back, in the shape of a block's
// state. dy is that of y, du and ddelta are written.
type scanGrads struct {
	dy, du, ddelta []float32 // [T, D]
	carry, da, dd  []float32
	rec            []float32
}

// backward undoes steps t+steps to t of block k: du and ddelta are set, da, dd
// and the third and fourth parts of rec are added to.
func (s *ssm) backward(k, t, steps int, g *scanGrads) {
	if simd.scanBack == nil || !s.full(k) {
		s.backwardPlain(k, t, steps, g)
		return
	}
	a := s.args(k, t, steps)
	i := t*s.D + k*lanes
	a.y, a.du, a.ddelta = &g.dy[i], &g.du[i], &g.ddelta[i]
	a.h, a.da, a.dd, a.rec = &g.carry[0], &g.da[0], &g.dd[0], &g.rec[0]
	simd.scanBack(a)
}

func (s *ssm) backwardPlain(k, t, steps int, g *scanGrads) {
	d0, d1 := k*lanes, min((k+1)*lanes, s.D)
	A, row := s.a[k*s.N*lanes:], s.N*record
	for j := steps - 1; j >= 0; j-- {
		b, c := s.b[(t+j)*s.N:], s.c[(t+j)*s.N:]
		for d := d0; d < d1; d++ {
			x := (t+j)*s.D + d
			u, delta, dy := s.u[x], s.delta[x], g.dy[x]
			var dhB, daA float32
			for n := range s.N {
				i, prev := n*lanes+d-d0, j*row+n*record+d-d0
				now := prev + row
				dh := g.carry[i] + dy*c[n]
				g.rec[now+2*lanes] += dh * delta * u
				g.rec[now+3*lanes] += dy * g.rec[now]
				dhB += dh * b[n]
				g.carry[i] = dh * g.rec[now+lanes]
				w := g.carry[i] * g.rec[prev] // gradient of Δ A
				daA += w * A[i]
				g.da[i] += w * delta
			}
			g.du[x] = dy*s.d[d] + dhB*delta
			g.ddelta[x] = dhB*u + daA*math.Ln2
			g.dd[d-d0] += dy * u
		}
	}
}
