package kernel

import (
	"fmt"
	"math"
	"strings"
)

// A Precision says how the factors of a product enter it. bf16 is bfloat16: the
// sign, the eight bits of exponent and the first seven of fraction of a float32.
// Products of two of them are exact in float32, in which they are summed.
//
//	F32      as they are
//	BF16x6   as three parts in bf16, x = h + m + l, six products: hh hm mh mm hl lh
//	BF16x3   as two parts, three products: hh hm mh
//	BF16     rounded to the nearest
//
// The first part of a number is the nearest in bf16, ties to even; the next is
// that of what is left. A part below 2⁻¹²⁶ is zero, and so is what is left of an
// infinity, of NaN and of numbers above 3.39e38, which round to infinity. So for
// each product ab the error is at most
//
//	BF16x6   2⁻²³ |ab|       BF16x3   2⁻¹⁵ |ab|       BF16   2⁻⁷ |ab|
//
// beside that of the float32 sum, whose order is not told and in which numbers
// below 2⁻¹²⁶ may be taken for zero. NaN gives NaN; an infinity gives what it gives
// in float32 under BF16 and something that is not finite under the others.
type Precision uint8

// The precisions.
const (
	F32 Precision = iota
	BF16x6
	BF16x3
	BF16
	Auto // what Resolve chooses
)

var precisionNames = [...]string{"f32", "bf16x6", "bf16x3", "bf16", "auto"}

// String returns the name that ParsePrecision reads.
func (p Precision) String() string {
	if int(p) < len(precisionNames) {
		return precisionNames[p]
	}
	return fmt.Sprintf("precision %d", p)
}

// ParsePrecision returns the precision of the given name.
func ParsePrecision(name string) (Precision, error) {
	for p, n := range precisionNames {
		if n == name {
			return Precision(p), nil
		}
	}
	return 0, fmt.Errorf("kernel: unknown precision %q, want one of %s", name, strings.Join(precisionNames[:], ", "))
}

// Resolve returns p, and for Auto the precision that is best on this processor:
// BF16x3 where there is a tile unit, F32 elsewhere.
func (p Precision) Resolve() Precision {
	if p != Auto {
		return p
	}
	if u := pairs(); u != nil && u.tiled {
		return BF16x3
	}
	return F32
}

// terms are the products of parts of a precision, those of small parts first.
var terms = [...][][2]int{
	F32:    nil,
	BF16x6: {{2, 0}, {0, 2}, {1, 1}, {1, 0}, {0, 1}, {0, 0}},
	BF16x3: {{1, 0}, {0, 1}, {0, 0}},
	BF16:   {{0, 0}},
}

// parts is the number of parts of a factor.
func (p Precision) parts() int { return [...]int{F32: 0, BF16x6: 3, BF16x3: 2, BF16: 1}[p] }

// round returns the number in bf16 that is nearest to x, as a float32.
func round(x float32) float32 {
	b := math.Float32bits(x)
	switch {
	case x != x:
		b |= 1 << 22 // quiet
	case b&0x7F800000 == 0:
		b &= 1 << 31
	default:
		b += 0x7FFF + b>>16&1
	}
	return math.Float32frombits(b &^ 0xFFFF)
}

// split returns the three parts of x.
func split(x float32) (parts [3]float32) {
	for i := range parts {
		parts[i] = round(x)
		x -= parts[i]
		if x-x != 0 { // not finite
			x = 0
		}
	}
	return parts
}

// pairs returns the unit for numbers in bf16, or nil. Under plain Go, avx2 and
// neon there is none.
func pairs() *pairUnit {
	if active.name != "avx512" {
		return nil
	}
	return findPairUnit()
}

// PairUnit names the instructions that products in bf16 run on: amx_bf16,
// avx512_bf16, or none, and then reduced precisions gain no time.
func PairUnit() string {
	if u := pairs(); u != nil {
		return u.name
	}
	return "none"
}

// GemmIn is Gemm in the given precision. Products with few rows or columns, which
// gain nothing, are done in float32. What the processor has no instructions for is
// done by products in float32 of the rounded factors.
func GemmIn(p Precision, tA, tB bool, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
	const least = 16 // rows, columns and length
	p = p.Resolve()
	if p == F32 || alpha != 1 || min(m, n, k) < least {
		Gemm(tA, tB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
		return
	}
	checkMatrix("a", tA, m, k, a, lda)
	checkMatrix("b", tB, k, n, b, ldb)
	checkMatrix("c", false, m, n, c, ldc)
	if beta != 0 && beta != 1 {
		scaleRows(m, n, beta, c, ldc)
		beta = 1
	}
	q := product{tA, tB, m, n, k, 1, a, lda, b, ldb, beta == 1, c, ldc}
	if u := pairs(); u != nil {
		u.multiply(p, &q)
		return
	}
	q.inParts(p)
}

// inParts is the product by float32 ones of the parts of its factors.
func (q *product) inParts(p Precision) {
	n := p.parts()
	bufA, bufB := getBuffer(n*q.m*q.k), getBuffer(n*q.k*q.n)
	rowsA, rowsB, lda, ldb := q.m, q.k, q.k, q.n
	if q.tA {
		rowsA, lda = q.k, q.m
	}
	if q.tB {
		rowsB, ldb = q.n, q.k
	}
	splitRows(bufA.x, n, rowsA, lda, q.a, q.lda)
	splitRows(bufB.x, n, rowsB, ldb, q.b, q.ldb)
	beta := float32(0)
	if q.add {
		beta = 1
	}
	for _, t := range terms[p] {
		a, b := bufA.x[t[0]*q.m*q.k:], bufB.x[t[1]*q.k*q.n:]
		Gemm(q.tA, q.tB, q.m, q.n, q.k, 1, a, lda, b, ldb, beta, q.c, q.ldc)
		beta = 1
	}
	putBuffer(bufA)
	putBuffer(bufB)
}

// splitRows writes n parts of a matrix, each as rows of w numbers.
func splitRows(dst []float32, n, rows, w int, x []float32, ld int) {
	for i := range rows {
		for j, v := range x[i*ld : i*ld+w] {
			parts := split(v)
			for t := range n {
				dst[(t*rows+i)*w+j] = parts[t]
			}
		}
	}
}
