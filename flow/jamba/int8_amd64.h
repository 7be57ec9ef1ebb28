// Loops over eight-bit integers in terms of the macros of int8x512_amd64.s and
// int8x256_amd64.s: V0 to V7 are registers of VB bytes, each of which holds VB/4
// integers once they are widened. Counts are multiples of 16. The plain loops are in
// int8.go.

// FLOATS sets r to the integers at p.
#define FLOATS(p, r) \
	VPMOVSXBD p, r \
	VCVTDQ2PS r, r

// func dots(dst, x *float32, q *int8, n, ld, rows int)
// Row after row, in the order of memory, with four sums so that additions overlap.
TEXT DOTS(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DI
	MOVQ q+16(FP), R8
	MOVQ n+24(FP), DX
	MOVQ ld+32(FP), R9
	MOVQ rows+40(FP), BX
	SUBQ DX, R9
row:
	MOVQ x+8(FP), SI
	MOVQ DX, CX
	ZERO(V0)
	ZERO(V1)
	ZERO(V2)
	ZERO(V3)
	SUBQ $VB, CX
	JLT  rest
four:
	FLOATS((R8), V4)
	FLOATS((VB/4)(R8), V5)
	FLOATS((2*VB/4)(R8), V6)
	FLOATS((3*VB/4)(R8), V7)
	VFMADD231PS (SI), V4, V0
	VFMADD231PS VB(SI), V5, V1
	VFMADD231PS (2*VB)(SI), V6, V2
	VFMADD231PS (3*VB)(SI), V7, V3
	ADDQ $VB, R8
	ADDQ $(4*VB), SI
	SUBQ $VB, CX
	JGE  four
rest:
	ADDQ $VB, CX
	JEQ  sum
one:
	FLOATS((R8), V4)
	VFMADD231PS (SI), V4, V0
	ADDQ $(VB/4), R8
	ADDQ $VB, SI
	SUBQ $(VB/4), CX
	JNE  one
sum:
	VADDPS V1, V0, V0
	VADDPS V3, V2, V2
	VADDPS V2, V0, V0
	HSUM
	MOVSS X0, (DI)
	ADDQ  $4, DI
	ADDQ  R9, R8
	SUBQ  $1, BX
	JNE   row
	VZEROUPPER
	RET

// func widen(dst *float32, q *int8, n int)
TEXT WIDEN(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ q+8(FP), SI
	MOVQ n+16(FP), CX
loop:
	FLOATS((SI), V0)
	VMOVUPS V0, (DI)
	ADDQ $(VB/4), SI
	ADDQ $VB, DI
	SUBQ $(VB/4), CX
	JNE  loop
	VZEROUPPER
	RET
