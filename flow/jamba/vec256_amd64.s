#include "textflag.h"
#include "go_asm.h"

// Coefficients of 2^f - 1 on [-1/2, 1/2], minimax to 2e-9, then log2(e), 1 and the
// least exponent that is raised.
DATA exp2c<>+0(SB)/4, $0x3f317218
DATA exp2c<>+4(SB)/4, $0x3e75fdee
DATA exp2c<>+8(SB)/4, $0x3d635774
DATA exp2c<>+12(SB)/4, $0x3c1d96a6
DATA exp2c<>+16(SB)/4, $0x3aaf9f2b
DATA exp2c<>+20(SB)/4, $0x3920fddc
DATA exp2c<>+24(SB)/4, $0x3fb8aa3b
DATA exp2c<>+28(SB)/4, $0x3f800000
DATA exp2c<>+32(SB)/4, $0xc3160000
DATA exp2c<>+36(SB)/4, $0xc2fc0000
DATA exp2c<>+40(SB)/4, $0x42fe0000
GLOBL exp2c<>(SB), RODATA|NOPTR, $44

// 2 atanh(s)/s = 2 + 2/3 s^2 + 2/5 s^4 + ..., highest power first.
DATA atanh<>+0(SB)/4, $0x3e088889
DATA atanh<>+4(SB)/4, $0x3e1d89d9
DATA atanh<>+8(SB)/4, $0x3e3a2e8c
DATA atanh<>+12(SB)/4, $0x3e638e39
DATA atanh<>+16(SB)/4, $0x3e924925
DATA atanh<>+20(SB)/4, $0x3ecccccd
DATA atanh<>+24(SB)/4, $0x3f2aaaab
DATA atanh<>+28(SB)/4, $0x40000000
GLOBL atanh<>(SB), RODATA|NOPTR, $32

#define VB 32
#define V0 Y0
#define V1 Y1
#define V2 Y2
#define V3 Y3
#define V4 Y4
#define V5 Y5
#define V6 Y6
#define V7 Y7
#define V8 Y8
#define V9 Y9
#define V10 Y10
#define V11 Y11
#define V12 Y12
#define V13 Y13
#define V14 Y14
#define V15 Y15

#define ZERO(r) VPXOR r, r, r

// EXP2 sets x = 2^x for x in [-126, 127] and clamps it to that; t and p are scratch.
#define EXP2(x, t, p) \
	VBROADCASTSS exp2c<>+36(SB), t \
	VMAXPS       x, t, x           \
	VBROADCASTSS exp2c<>+40(SB), t \
	VMINPS       x, t, x           \
	VROUNDPS     $8, x, t          \
	VSUBPS       t, x, x           \
	POLY(x, p)                     \
	VCVTPS2DQ    t, t              \
	VPSLLD       $23, t, t         \
	VPADDD       t, p, x

// HSUM sets X0 to the sum of the lanes of V0.
#define HSUM \
	VEXTRACTF128 $1, Y0, X1 \
	VADDPS       X1, X0, X0 \
	VHADDPS      X0, X0, X0 \
	VHADDPS      X0, X0, X0

#define FOLD4

// HMAX sets X0 to four lanes among which is the largest of V0.
#define HMAX \
	VEXTRACTF128  $1, Y0, X1 \
	VMAXPS        X1, X0, X0

#define DOT ·dot256
#define DOT3 ·dot3256
#define DOTS ·dots256
#define WSUM ·wsum256
#define MAXIMUM ·maximum256
#define AXPY ·axpy256
#define SCALE ·scale256
#define MUL ·mul256
#define MULADD ·mulAdd256
#define EXPSUB ·expSub256
#define SILU ·silu256
#define SILUBACK ·siluBack256
#define SWIGLU ·swiglu256
#define SWIGLUBACK ·swigluBack256
#define SOFTPLUS ·softplus256
#define SOFTPLUSBACK ·softplusBack256
#define SCAN ·scan256
#define SCANSAVE ·scanSave256
#define SCANBACK ·scanBack256

#include "vec_amd64.h"
