package jamba

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// randomScan returns a scan of T steps and a gradient for its output.
func randomScan(rnd *rand.Rand, T, D, N int) (s *ssm, dy []float32) {
	A, Dskip := make([]float32, D*N), randn(rnd, D, 1)
	for i := range A {
		A[i] = -float32(math.Exp(rnd.NormFloat64()))
	}
	s = &ssm{
		T: T, D: D, N: N,
		a: blocked(make([]float32, blocks(D)*N*lanes), A, D, N, log2e),
		d: blocked(make([]float32, blocks(D)*lanes), Dskip, D, 1, 1),
		u: randn(rnd, T*D, 1), delta: randn(rnd, T*D, 1),
		b: randn(rnd, T*N, 1), c: randn(rnd, T*N, 1),
	}
	softplus(s.delta, s.delta)
	return s, randn(rnd, T*D, 1)
}

// scanReference is the recurrence and its gradient in float64, with every state
// kept.
func scanReference(s *ssm, h0 []float32, dy []float32) (y, h, du, ddelta, da, dd, db, dc, dh0 []float64) {
	T, D, N := s.T, s.D, s.N
	y, du, ddelta = make([]float64, T*D), make([]float64, T*D), make([]float64, T*D)
	db, dc = make([]float64, T*N), make([]float64, T*N)
	nb := blocks(D)
	da, dd, dh0 = make([]float64, nb*N*lanes), make([]float64, nb*lanes), make([]float64, nb*N*lanes)
	h = make([]float64, nb*N*lanes)
	for d := range D {
		for n := range N {
			i := (d/lanes*N+n)*lanes + d%lanes
			A := float64(s.a[i]) / log2e
			hs := make([]float64, T+1)
			hs[0] = float64(h0[i])
			for t := range T {
				x := float64(s.delta[t*D+d])
				hs[t+1] = math.Exp(x*A)*hs[t] + x*float64(s.u[t*D+d])*float64(s.b[t*N+n])
				y[t*D+d] += hs[t+1] * float64(s.c[t*N+n])
			}
			h[i] = hs[T]
			carry := 0.0
			for t := T - 1; t >= 0; t-- {
				x, u, g := float64(s.delta[t*D+d]), float64(s.u[t*D+d]), float64(dy[t*D+d])
				dh := carry + g*float64(s.c[t*N+n])
				dc[t*N+n] += g * hs[t+1]
				db[t*N+n] += dh * x * u
				du[t*D+d] += dh * x * float64(s.b[t*N+n])
				carry = dh * math.Exp(x*A)
				ddelta[t*D+d] += dh*u*float64(s.b[t*N+n]) + carry*hs[t]*A
				da[i] += carry * hs[t] * x
			}
			dh0[i] = carry
		}
		k := d/lanes*lanes + d%lanes
		for t := range T {
			y[t*D+d] += float64(s.d[k]) * float64(s.u[t*D+d])
			du[t*D+d] += float64(s.d[k]) * float64(dy[t*D+d])
			dd[k] += float64(dy[t*D+d]) * float64(s.u[t*D+d])
		}
	}
	return
}

// The kernels, in chunks and from a state that is not zero, are the recurrence
// and its gradient.
func TestScan(t *testing.T) {
	for _, c := range []struct{ T, D, N int }{{1, 16, 1}, {9, 5, 3}, {37, 32, 16}, {70, 40, 8}} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			with(t, func(t *testing.T) {
				rnd := rand.New(rand.NewPCG(5, 6))
				s, dy := randomScan(rnd, c.T, c.D, c.N)
				T, D, N, nb := c.T, c.D, c.N, blocks(c.D)
				h0 := blocked(make([]float32, nb*N*lanes), randn(rnd, D*N, 1), D, N, 1)
				wy, wh, wdu, wddelta, wda, wdd, wdb, wdc, wdh0 := scanReference(s, h0, dy)

				y, h := make([]float32, T*D), append([]float32(nil), h0...)
				da, dd := make([]float32, nb*N*lanes), make([]float32, nb*lanes)
				du, ddelta, carry := make([]float32, T*D), make([]float32, T*D), make([]float32, nb*N*lanes)
				db, dc := make([]float32, T*N), make([]float32, T*N)
				const chunk = 8
				for k := range nb {
					hk := h[k*N*lanes : (k+1)*N*lanes]
					var starts [][]float32
					for t := 0; t < T; t += chunk {
						starts = append(starts, append([]float32(nil), hk...))
						s.forward(k, t, min(chunk, T-t), y, hk)
					}
					for j := len(starts) - 1; j >= 0; j-- {
						t0, steps := j*chunk, min(chunk, T-j*chunk)
						rec := make([]float32, (chunk+1)*N*record)
						for n := range N {
							copy(rec[n*record:n*record+lanes], starts[j][n*lanes:])
						}
						s.save(k, t0, steps, rec)
						s.backward(k, t0, steps, &scanGrads{
							dy: dy, du: du, ddelta: ddelta,
							carry: carry[k*N*lanes:], da: da[k*N*lanes:], dd: dd[k*lanes:], rec: rec,
						})
						for i := range steps {
							for n := range N {
								r := rec[((i+1)*N+n)*record:]
								for l := range lanes {
									db[(t0+i)*N+n] += r[2*lanes+l]
									dc[(t0+i)*N+n] += r[3*lanes+l]
								}
							}
						}
					}
				}
				for _, v := range []struct {
					name string
					got  []float32
					want []float64
				}{
					{"y", y, wy},
					{"h", h, wh},
					{"du", du, wdu},
					{"ddelta", ddelta, wddelta},
					{"dA", da, wda},
					{"dD", dd, wdd},
					{"dB", db, wdb},
					{"dC", dc, wdc},
					{"dh0", carry, wdh0},
				} {
					if d := differ(v.got, v.want); !(d < 2e-5) {
						t.Errorf("%s: off by %g", v.name, d)
					}
				}
			})
		})
	}
}
