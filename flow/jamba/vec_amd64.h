// Vector kernels in terms of the macros of vec512_amd64.s and vec256_amd64.s:
// V0 to V15 are registers of VB bytes; V8 to V13 hold the coefficients of 2^f,
// V14 holds log2(e) and V15 holds 1 after CONSTANTS. Counts are multiples of 16.
// The loops are those of the functions ending in Plain, in vec.go and scan.go.

#define CONSTANTS \
	VBROADCASTSS exp2c<>+0(SB), V8   \
	VBROADCASTSS exp2c<>+4(SB), V9   \
	VBROADCASTSS exp2c<>+8(SB), V10  \
	VBROADCASTSS exp2c<>+12(SB), V11 \
	VBROADCASTSS exp2c<>+16(SB), V12 \
	VBROADCASTSS exp2c<>+20(SB), V13 \
	VBROADCASTSS exp2c<>+24(SB), V14 \
	VBROADCASTSS exp2c<>+28(SB), V15

// POLY sets p = 2^f for f in [-1/2, 1/2].
#define POLY(f, p) \
	VMOVAPS     V13, p    \
	VFMADD213PS V12, f, p \
	VFMADD213PS V11, f, p \
	VFMADD213PS V10, f, p \
	VFMADD213PS V9, f, p  \
	VFMADD213PS V8, f, p  \
	VFMADD213PS V15, f, p

// SIGMOID sets s = 1/(1+exp(-x)); t and p are scratch.
#define SIGMOID(x, s, t, p) \
	ZERO(s)             \
	VSUBPS x, s, s      \
	VMULPS V14, s, s    \
	EXP2(s, t, p)       \
	VADDPS V15, s, s    \
	VDIVPS s, V15, s

// func dot(x, y *float32, n int) float32
TEXT DOT(SB), NOSPLIT, $0-28
	MOVQ x+0(FP), SI
	MOVQ y+8(FP), DI
	MOVQ n+16(FP), CX
	ZERO(V0)
loop:
	VMOVUPS     (SI), V1
	VFMADD231PS (DI), V1, V0
	ADDQ        $VB, SI
	ADDQ        $VB, DI
	SUBQ        $(VB/4), CX
	JNE         loop
	HSUM
	MOVSS       X0, ret+24(FP)
	VZEROUPPER
	RET

// func dot3(x, y, z *float32, n int) float32
TEXT DOT3(SB), NOSPLIT, $0-36
	MOVQ x+0(FP), SI
	MOVQ y+8(FP), DI
	MOVQ z+16(FP), DX
	MOVQ n+24(FP), CX
	ZERO(V0)
loop:
	VMOVUPS     (SI), V1
	VMULPS      (DI), V1, V1
	VFMADD231PS (DX), V1, V0
	ADDQ        $VB, SI
	ADDQ        $VB, DI
	ADDQ        $VB, DX
	SUBQ        $(VB/4), CX
	JNE         loop
	HSUM
	MOVSS       X0, ret+32(FP)
	VZEROUPPER
	RET

// func dots(dst, x, w *float32, n, ld, rows int)
// Row after row, in the order of memory: four rows abreast defeat the prefetcher
// and run at 40 % of the bandwidth.
TEXT DOTS(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ w+16(FP), R8
	MOVQ ld+32(FP), R9
	MOVQ rows+40(FP), BX
	SHLQ $2, R9
	MOVQ n+24(FP), CX
	CMPQ CX, $(VB/2)
	JEQ  two
rows4:
	MOVQ SI, R11
	MOVQ R8, R10
	MOVQ n+24(FP), CX
	ZERO(V0)
row0:
	VMOVUPS     (R11), V4
	VFMADD231PS (R10), V4, V0
	ADDQ        $VB, R11
	ADDQ        $VB, R10
	SUBQ        $(VB/4), CX
	JNE         row0
	ADDQ        R9, R8
	MOVQ SI, R11
	MOVQ R8, R10
	MOVQ n+24(FP), CX
	ZERO(V1)
row1:
	VMOVUPS     (R11), V4
	VFMADD231PS (R10), V4, V1
	ADDQ        $VB, R11
	ADDQ        $VB, R10
	SUBQ        $(VB/4), CX
	JNE         row1
	ADDQ        R9, R8
	MOVQ SI, R11
	MOVQ R8, R10
	MOVQ n+24(FP), CX
	ZERO(V2)
row2:
	VMOVUPS     (R11), V4
	VFMADD231PS (R10), V4, V2
	ADDQ        $VB, R11
	ADDQ        $VB, R10
	SUBQ        $(VB/4), CX
	JNE         row2
	ADDQ        R9, R8
	MOVQ SI, R11
	MOVQ R8, R10
	MOVQ n+24(FP), CX
	ZERO(V3)
row3:
	VMOVUPS     (R11), V4
	VFMADD231PS (R10), V4, V3
	ADDQ        $VB, R11
	ADDQ        $VB, R10
	SUBQ        $(VB/4), CX
	JNE         row3
	ADDQ        R9, R8
	FOLD4
	VHADDPS      Y1, Y0, Y0
	VHADDPS      Y3, Y2, Y2
	VHADDPS      Y2, Y0, Y0
	VEXTRACTF128 $1, Y0, X1
	VADDPS       X1, X0, X0
	VMOVUPS      X0, (DI)
	ADDQ         $16, DI
	SUBQ         $4, BX
	JNE          rows4
	VZEROUPPER
	RET

	// Rows of two vectors, as the keys of a head often are: x stays in registers.
two:
	VMOVUPS (SI), V8
	VMOVUPS VB(SI), V9
	LEAQ    (R9)(R9*2), R11
two4:
	VMULPS       (R8), V8, V0
	VMULPS       (R8)(R9*1), V8, V1
	VMULPS       (R8)(R9*2), V8, V2
	VMULPS       (R8)(R11*1), V8, V3
	VFMADD231PS  VB(R8), V9, V0
	VFMADD231PS  VB(R8)(R9*1), V9, V1
	VFMADD231PS  VB(R8)(R9*2), V9, V2
	VFMADD231PS  VB(R8)(R11*1), V9, V3
	LEAQ         (R8)(R9*4), R8
	FOLD4
	VHADDPS      Y1, Y0, Y0
	VHADDPS      Y3, Y2, Y2
	VHADDPS      Y2, Y0, Y0
	VEXTRACTF128 $1, Y0, X1
	VADDPS       X1, X0, X0
	VMOVUPS      X0, (DI)
	ADDQ         $16, DI
	SUBQ         $4, BX
	JNE          two4
	VZEROUPPER
	RET

// func wsum(dst, p, v *float32, n, ld, rows int)
TEXT WSUM(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DI
	MOVQ v+16(FP), R8
	MOVQ n+24(FP), CX
	MOVQ ld+32(FP), R9
	SHLQ $2, R9
cols2: // two vectors of columns, two rows at a time
	CMPQ    CX, $(VB/2)
	JLT     cols
	MOVQ    p+8(FP), SI
	MOVQ    rows+40(FP), BX
	MOVQ    R8, R10
	VMOVUPS (DI), V0
	VMOVUPS VB(DI), V1
	ZERO(V2)
	ZERO(V3)
	SUBQ    $2, BX
	JLT     rest2
rows2:
	VBROADCASTSS (SI), V4
	VBROADCASTSS 4(SI), V5
	VFMADD231PS  (R10), V4, V0
	VFMADD231PS  VB(R10), V4, V1
	VFMADD231PS  (R10)(R9*1), V5, V2
	VFMADD231PS  VB(R10)(R9*1), V5, V3
	ADDQ         $8, SI
	LEAQ         (R10)(R9*2), R10
	SUBQ         $2, BX
	JGE          rows2
rest2:
	ADDQ $2, BX
	JEQ  done2
	VBROADCASTSS (SI), V4
	VFMADD231PS  (R10), V4, V0
	VFMADD231PS  VB(R10), V4, V1
done2:
	VADDPS  V2, V0, V0
	VADDPS  V3, V1, V1
	VMOVUPS V0, (DI)
	VMOVUPS V1, VB(DI)
	ADDQ    $(2*VB), DI
	ADDQ    $(2*VB), R8
	SUBQ    $(VB/2), CX
	JNE     cols2
	VZEROUPPER
	RET
cols: // the last vector of columns
	MOVQ    p+8(FP), SI
	MOVQ    rows+40(FP), BX
	VMOVUPS (DI), V0
row:
	VBROADCASTSS (SI), V4
	VFMADD231PS  (R8), V4, V0
	ADDQ         $4, SI
	ADDQ         R9, R8
	SUBQ         $1, BX
	JNE          row
	VMOVUPS V0, (DI)
	VZEROUPPER
	RET

// func maximum(x *float32, n int) float32
TEXT MAXIMUM(SB), NOSPLIT, $0-20
	MOVQ    x+0(FP), SI
	MOVQ    n+8(FP), CX
	VMOVUPS (SI), V0
loop:
	VMAXPS       (SI), V0, V0
	ADDQ         $VB, SI
	SUBQ         $(VB/4), CX
	JNE          loop
	HMAX
	VPERMILPS    $0x4e, X0, X1
	VMAXPS       X1, X0, X0
	VPERMILPS    $0xb1, X0, X1
	VMAXPS       X1, X0, X0
	MOVSS        X0, ret+16(FP)
	VZEROUPPER
	RET

// func axpy(y, x *float32, a float32, n int)
TEXT AXPY(SB), NOSPLIT, $0-32
	MOVQ         y+0(FP), DI
	MOVQ         x+8(FP), SI
	VBROADCASTSS a+16(FP), V2
	MOVQ         n+24(FP), CX
loop:
	VMOVUPS     (DI), V0
	VFMADD231PS (SI), V2, V0
	VMOVUPS     V0, (DI)
	ADDQ        $VB, SI
	ADDQ        $VB, DI
	SUBQ        $(VB/4), CX
	JNE         loop
	VZEROUPPER
	RET

// func scale(x *float32, a float32, n int)
TEXT SCALE(SB), NOSPLIT, $0-24
	MOVQ         x+0(FP), DI
	VBROADCASTSS a+8(FP), V2
	MOVQ         n+16(FP), CX
loop:
	VMULPS  (DI), V2, V0
	VMOVUPS V0, (DI)
	ADDQ    $VB, DI
	SUBQ    $(VB/4), CX
	JNE     loop
	VZEROUPPER
	RET

// func mul(dst, x, w *float32, a float32, n int)
TEXT MUL(SB), NOSPLIT, $0-40
	MOVQ         dst+0(FP), DI
	MOVQ         x+8(FP), SI
	MOVQ         w+16(FP), DX
	VBROADCASTSS a+24(FP), V2
	MOVQ         n+32(FP), CX
loop:
	VMULPS  (SI), V2, V0
	VMULPS  (DX), V0, V0
	VMOVUPS V0, (DI)
	ADDQ    $VB, SI
	ADDQ    $VB, DI
	ADDQ    $VB, DX
	SUBQ    $(VB/4), CX
	JNE     loop
	VZEROUPPER
	RET

// func mulAdd(dst, x, w *float32, a float32, n int)
TEXT MULADD(SB), NOSPLIT, $0-40
	MOVQ         dst+0(FP), DI
	MOVQ         x+8(FP), SI
	MOVQ         w+16(FP), DX
	VBROADCASTSS a+24(FP), V2
	MOVQ         n+32(FP), CX
loop:
	VMULPS      (SI), V2, V0
	VMOVUPS     (DI), V1
	VFMADD231PS (DX), V0, V1
	VMOVUPS     V1, (DI)
	ADDQ        $VB, SI
	ADDQ        $VB, DI
	ADDQ        $VB, DX
	SUBQ        $(VB/4), CX
	JNE         loop
	VZEROUPPER
	RET

// func expSub(dst, x *float32, m float32, n int) float32
TEXT EXPSUB(SB), NOSPLIT, $0-36
	CONSTANTS
	MOVQ         dst+0(FP), DI
	MOVQ         x+8(FP), SI
	VBROADCASTSS m+16(FP), V7
	MOVQ         n+24(FP), CX
	VBROADCASTSS exp2c<>+32(SB), V6
	ZERO(V0)
loop:
	VMOVUPS (SI), V1
	VSUBPS  V7, V1, V1
	VMULPS  V14, V1, V1
	VMAXPS  V1, V6, V1
	EXP2(V1, V2, V3)
	VMOVUPS V1, (DI)
	VADDPS  V1, V0, V0
	ADDQ    $VB, SI
	ADDQ    $VB, DI
	SUBQ    $(VB/4), CX
	JNE     loop
	HSUM
	MOVSS   X0, ret+32(FP)
	VZEROUPPER
	RET

// func silu(y, x *float32, n int)
TEXT SILU(SB), NOSPLIT, $0-24
	CONSTANTS
	MOVQ y+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
loop:
	VMOVUPS (SI), V0
	SIGMOID(V0, V1, V2, V3)
	VMULPS  V0, V1, V1
	VMOVUPS V1, (DI)
	ADDQ    $VB, SI
	ADDQ    $VB, DI
	SUBQ    $(VB/4), CX
	JNE     loop
	VZEROUPPER
	RET

// func siluBack(dx, dy, x *float32, n int)
TEXT SILUBACK(SB), NOSPLIT, $0-32
	CONSTANTS
	MOVQ dx+0(FP), DI
	MOVQ dy+8(FP), DX
	MOVQ x+16(FP), SI
	MOVQ n+24(FP), CX
loop:
	VMOVUPS     (SI), V0
	SIGMOID(V0, V1, V2, V3)
	VSUBPS      V1, V15, V2
	VFMADD213PS V15, V0, V2
	VMULPS      V1, V2, V2
	VMULPS      (DX), V2, V2
	VMOVUPS     V2, (DI)
	ADDQ        $VB, SI
	ADDQ        $VB, DI
	ADDQ        $VB, DX
	SUBQ        $(VB/4), CX
	JNE         loop
	VZEROUPPER
	RET

// func swiglu(h, g, u *float32, n int)
TEXT SWIGLU(SB), NOSPLIT, $0-32
	CONSTANTS
	MOVQ h+0(FP), DI
	MOVQ gate+8(FP), SI
	MOVQ u+16(FP), DX
	MOVQ n+24(FP), CX
loop:
	VMOVUPS (SI), V0
	SIGMOID(V0, V1, V2, V3)
	VMULPS  V0, V1, V1
	VMULPS  (DX), V1, V1
	VMOVUPS V1, (DI)
	ADDQ    $VB, SI
	ADDQ    $VB, DI
	ADDQ    $VB, DX
	SUBQ    $(VB/4), CX
	JNE     loop
	VZEROUPPER
	RET

// func swigluBack(dg, du, dh, g, u *float32, n int)
TEXT SWIGLUBACK(SB), NOSPLIT, $0-48
	CONSTANTS
	MOVQ dg+0(FP), DI
	MOVQ du+8(FP), R8
	MOVQ dh+16(FP), R9
	MOVQ gate+24(FP), SI
	MOVQ u+32(FP), DX
	MOVQ n+40(FP), CX
loop:
	VMOVUPS     (SI), V0
	SIGMOID(V0, V1, V2, V3)
	VMULPS      (R9), V1, V4
	VSUBPS      V1, V15, V2
	VFMADD213PS V15, V0, V2
	VMULPS      (DX), V2, V2
	VMULPS      V4, V2, V2
	VMULPS      V4, V0, V0
	VMOVUPS     V2, (DI)
	VMOVUPS     V0, (R8)
	ADDQ        $VB, SI
	ADDQ        $VB, DI
	ADDQ        $VB, DX
	ADDQ        $VB, R8
	ADDQ        $VB, R9
	SUBQ        $(VB/4), CX
	JNE         loop
	VZEROUPPER
	RET

// func softplus(y, x *float32, n int)
TEXT SOFTPLUS(SB), NOSPLIT, $0-24
	CONSTANTS
	MOVQ y+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
loop:
	VMOVUPS      (SI), V0
	ZERO(V4)
	VSUBPS       V0, V4, V1
	VMINPS       V0, V1, V1
	VMULPS       V14, V1, V1
	EXP2(V1, V2, V3)
	VADDPS       V15, V15, V2
	VADDPS       V1, V2, V2
	VDIVPS       V2, V1, V1
	VMULPS       V1, V1, V2
	VBROADCASTSS atanh<>+0(SB), V3
	VBROADCASTSS atanh<>+4(SB), V5
	VFMADD213PS  V5, V2, V3
	VBROADCASTSS atanh<>+8(SB), V5
	VFMADD213PS  V5, V2, V3
	VBROADCASTSS atanh<>+12(SB), V5
	VFMADD213PS  V5, V2, V3
	VBROADCASTSS atanh<>+16(SB), V5
	VFMADD213PS  V5, V2, V3
	VBROADCASTSS atanh<>+20(SB), V5
	VFMADD213PS  V5, V2, V3
	VBROADCASTSS atanh<>+24(SB), V5
	VFMADD213PS  V5, V2, V3
	VBROADCASTSS atanh<>+28(SB), V5
	VFMADD213PS  V5, V2, V3
	VMAXPS       V0, V4, V4
	VFMADD231PS  V1, V3, V4
	VMOVUPS      V4, (DI)
	ADDQ         $VB, SI
	ADDQ         $VB, DI
	SUBQ         $(VB/4), CX
	JNE          loop
	VZEROUPPER
	RET

// func softplusBack(dx, dy, x *float32, n int)
TEXT SOFTPLUSBACK(SB), NOSPLIT, $0-32
	CONSTANTS
	MOVQ dx+0(FP), DI
	MOVQ dy+8(FP), DX
	MOVQ x+16(FP), SI
	MOVQ n+24(FP), CX
loop:
	VMOVUPS (SI), V0
	SIGMOID(V0, V1, V2, V3)
	VMULPS  (DX), V1, V1
	VMOVUPS V1, (DI)
	ADDQ    $VB, SI
	ADDQ    $VB, DI
	ADDQ    $VB, DX
	SUBQ    $(VB/4), CX
	JNE     loop
	VZEROUPPER
	RET

// func scan(a *scanArgs)
TEXT SCAN(SB), NOSPLIT, $0-8
	CONSTANTS
	MOVQ a+0(FP), AX
	MOVQ scanArgs_steps(AX), CX
	MOVQ scanArgs_delta(AX), SI
	MOVQ scanArgs_u(AX), DI
	MOVQ scanArgs_y(AX), R8
	MOVQ scanArgs_ld(AX), R9
	MOVQ scanArgs_b(AX), R10
	MOVQ scanArgs_c(AX), R11
	MOVQ scanArgs_n(AX), BX
	MOVQ scanArgs_d(AX), R14
	SHLQ $2, R9
step:
	VMOVUPS    (SI), V0
	VMOVUPS    (DI), V1
	PREFETCHT0 (SI)(R9*4)
	PREFETCHT0 (DI)(R9*4)
	VMULPS     (R14), V1, V2
	VMULPS     V0, V1, V1
	MOVQ       scanArgs_a(AX), R12
	MOVQ       scanArgs_h(AX), R13
	XORQ       DX, DX
state:
	VMULPS       (R12), V0, V3
	EXP2(V3, V4, V5)
	VBROADCASTSS (R10)(DX*4), V4
	VBROADCASTSS (R11)(DX*4), V5
	VMULPS       (R13), V3, V3
	VFMADD231PS  V4, V1, V3
	VMOVUPS      V3, (R13)
	VFMADD231PS  V5, V3, V2
	ADDQ         $64, R12
	ADDQ         $64, R13
	INCQ         DX
	CMPQ         DX, BX
	JNE          state
	VMOVUPS      V2, (R8)
	ADDQ         R9, SI
	ADDQ         R9, DI
	ADDQ         R9, R8
	LEAQ         (R10)(BX*4), R10
	LEAQ         (R11)(BX*4), R11
	SUBQ         $1, CX
	JNE          step
	VZEROUPPER
	RET

// func scanSave(a *scanArgs)
TEXT SCANSAVE(SB), NOSPLIT, $0-8
	CONSTANTS
	MOVQ a+0(FP), AX
	MOVQ scanArgs_steps(AX), CX
	MOVQ scanArgs_delta(AX), SI
	MOVQ scanArgs_u(AX), DI
	MOVQ scanArgs_ld(AX), R9
	MOVQ scanArgs_b(AX), R10
	MOVQ scanArgs_rec(AX), R13
	MOVQ scanArgs_n(AX), BX
	MOVQ BX, R11
	SHLQ $8, R11
	ADDQ R13, R11
	SHLQ $2, R9
step:
	VMOVUPS    (SI), V0
	VMOVUPS    (DI), V1
	PREFETCHT0 (SI)(R9*4)
	PREFETCHT0 (DI)(R9*4)
	VMULPS     V0, V1, V1
	MOVQ       scanArgs_a(AX), R12
	XORQ       DX, DX
state:
	VMULPS       (R12), V0, V3
	EXP2(V3, V4, V5)
	VBROADCASTSS (R10)(DX*4), V4
	VMOVUPS      V3, 64(R11)
	VMULPS       (R13), V3, V3
	VFMADD231PS  V4, V1, V3
	VMOVUPS      V3, (R11)
	ADDQ         $64, R12
	ADDQ         $256, R13
	ADDQ         $256, R11
	INCQ         DX
	CMPQ         DX, BX
	JNE          state
	ADDQ         R9, SI
	ADDQ         R9, DI
	LEAQ         (R10)(BX*4), R10
	SUBQ         $1, CX
	JNE          step
	VZEROUPPER
	RET

// func scanBack(a *scanArgs)
TEXT SCANBACK(SB), NOSPLIT, $0-8
	MOVQ  a+0(FP), AX
	MOVQ  scanArgs_ld(AX), R9
	MOVQ  scanArgs_n(AX), BX
	SHLQ  $2, R9
	MOVQ  scanArgs_steps(AX), CX
	MOVQ  CX, R8
	SUBQ  $1, R8
	MOVQ  R8, DX
	IMULQ R9, DX
	IMULQ BX, R8
	MOVQ  scanArgs_b(AX), R10
	LEAQ  (R10)(R8*4), R10
	MOVQ  scanArgs_c(AX), R11
	LEAQ  (R11)(R8*4), R11
	SHLQ  $8, R8
	ADDQ  scanArgs_rec(AX), R8 // the row of records before the last step's
step:
	MOVQ    scanArgs_delta(AX), SI
	VMOVUPS (SI)(DX*1), V0
	MOVQ    scanArgs_u(AX), SI
	VMOVUPS (SI)(DX*1), V1
	MOVQ    scanArgs_y(AX), SI
	VMOVUPS (SI)(DX*1), V2
	VMULPS  V0, V1, V3
	ZERO(V4)
	ZERO(V5)
	MOVQ    R8, DI
	MOVQ    BX, CX
	MOVQ    CX, SI
	SHLQ    $8, SI
	ADDQ    R8, SI
	MOVQ    scanArgs_a(AX), R12
	MOVQ    scanArgs_h(AX), R13
	MOVQ    scanArgs_da(AX), R14
state:
	VBROADCASTSS (R11), V6
	VBROADCASTSS (R10), V10
	VMOVUPS      (R13), V7
	VFMADD231PS  V6, V2, V7    // dh = carry + dy C
	VMOVUPS      128(SI), V8
	VFMADD231PS  V7, V3, V8    // dB += dh delta u
	VMOVUPS      V8, 128(SI)
	VMOVUPS      192(SI), V9
	VFMADD231PS  (SI), V2, V9  // dC += dy h
	VMOVUPS      V9, 192(SI)
	VFMADD231PS  V10, V7, V4   // sum of dh B
	VMULPS       64(SI), V7, V7
	VMOVUPS      V7, (R13)     // carry = a dh
	VMULPS       (DI), V7, V7  // gradient of delta A
	VFMADD231PS  (R12), V7, V5
	VMOVUPS      (R14), V8
	VFMADD231PS  V7, V0, V8
	VMOVUPS      V8, (R14)
	ADDQ         $256, SI
	ADDQ         $256, DI
	ADDQ         $64, R12
	ADDQ         $64, R13
	ADDQ         $64, R14
	ADDQ         $4, R10
	ADDQ         $4, R11
	SUBQ         $1, CX
	JNE          state

	MOVQ         scanArgs_d(AX), SI
	VMULPS       (SI), V2, V6
	VFMADD231PS  V4, V0, V6
	MOVQ         scanArgs_du(AX), SI
	VMOVUPS      V6, (SI)(DX*1)
	VBROADCASTSS exp2c<>+0(SB), V7 // a is A log2(e), so times ln 2
	VMULPS       V7, V5, V5
	VFMADD231PS  V4, V1, V5
	MOVQ         scanArgs_ddelta(AX), SI
	VMOVUPS      V5, (SI)(DX*1)
	MOVQ         scanArgs_dd(AX), SI
	VMOVUPS      (SI), V6
	VFMADD231PS  V2, V1, V6
	VMOVUPS      V6, (SI)
	SUBQ         R9, DX
	MOVQ         BX, CX
	SHLQ         $3, CX
	SUBQ         CX, R10
	SUBQ         CX, R11
	SHLQ         $5, CX
	SUBQ         CX, R8
	SUBQ         $1, scanArgs_steps(AX)
	JNE          step
	VZEROUPPER
	RET
