package kernel

import (
	"fmt"
	"strings"
)

// kernels are the loops written in one set of instructions. Lengths are whole
// vectors; strides of the assembly are in bytes. asm/ describes each.
type kernels struct {
	name       string
	lanes      int // float32 numbers in a vector; 0 for plain Go, which has no kernels
	rows, cols int // the main tile of a product
	tiles      []tile
	dots       []dotTile

	copyRows  func(n, vecs int, src *float32, ss int, dst *float32, ds int)
	transpose func(n int, src *float32, ss int, dst *float32, ds int)
	block     int // rows that transpose takes

	act      [len(activationNames)]actKernel
	peak     func(n int) // n rounds of peakFlop operations on registers
	peakFlop int

	actBack func(n, k, block int, g, z, s1, s2 *float32)
	sinCos  func(rows, n, k, pskip, oskip, pblock, oblock int, p, sin, cos *float32)
	adam    func(n int, p, g, m, v, ema, c *float32)
	colSum  func(n, rows, stride int, x, dst *float32)
	exp     func(n int, dst, x *float32)
	scale   func(n int, x, s *float32)

	// Of float64 numbers, half as many to a vector.
	halfChords  func(n, d, stride int, x, m, t *float64)
	sphereChart func(n, d, stride int, x, m, t, v, jac *float64)
	torusChart  func(n, d, stride int, x, m, v, jac *float64)
	decays      func(n, parts, stride, next int, k, t, w, dst *float64)
	ownDecays   func(n, parts, stride, next int, k, t, w, dst *float64)
	normals     func(n, d, stride int, v, jac, a, w, dst *float64)
}

// A tile computes rows×cols elements of C from that many rows of A and columns of B.
type tile struct {
	rows, cols int
	f          func(k int, a *float32, rs, cs int, b *float32, bs int, c *float32, ldc, add int)
}

// A dotTile computes the products of rows rows of A with cols rows of B.
type dotTile struct {
	rows, cols int
	f          func(n int, a *float32, lda int, b *float32, ldb int, out *float32)
}

type actKernel func(rows, n, k, skip, block int, z, bias, a, s1, s2 *float32)

var plain = kernels{name: "plain"}

// supported are the sets that this processor runs, the fastest last.
var supported = append([]*kernels{&plain}, detect()...)

// active is the set in use.
var active = supported[len(supported)-1]

// Features names the instructions in use: plain, avx2, avx512 or neon.
func Features() string { return active.name }

// Use selects the instructions by name, for tests and comparisons. It is not
// safe while kernels run.
func Use(name string) error {
	names := make([]string, len(supported))
	for i, s := range supported {
		if s.name == name {
			active = s
			return nil
		}
		names[i] = s.name
	}
	return fmt.Errorf("kernel: no instructions %q on this processor, want one of %s", name, strings.Join(names, ", "))
}

// whole is the largest multiple of the lanes up to n.
func (s *kernels) whole(n int) int {
	if s.lanes == 0 {
		return 0
	}
	return n &^ (s.lanes - 1)
}

// Peak runs n rounds of multiply-adds on registers alone, in float32 or on pairs in
// bf16, and returns how many operations these were: timed, they are the most that a
// core can do. It returns 0 where there is no kernel.
func Peak(p Precision, n int) (flop float64) {
	f, each := active.peak, active.peakFlop
	if p != F32 {
		u := pairs()
		if u == nil {
			return 0
		}
		f, each = u.peak, u.peakFlop
	}
	if f == nil {
		return 0
	}
	f(n)
	return float64(each) * float64(n)
}
