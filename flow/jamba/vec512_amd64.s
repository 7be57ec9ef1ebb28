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

#define VB 64
#define V0 Z0
#define V1 Z1
#define V2 Z2
#define V3 Z3
#define V4 Z4
#define V5 Z5
#define V6 Z6
#define V7 Z7
#define V8 Z8
#define V9 Z9
#define V10 Z10
#define V11 Z11
#define V12 Z12
#define V13 Z13
#define V14 Z14
#define V15 Z15

#define ZERO(r) VPXORD r, r, r

// EXP2 sets x = 2^x; t and p are scratch.
#define EXP2(x, t, p) \
	VRNDSCALEPS $8, x, t \
	VSUBPS      t, x, x  \
	POLY(x, p)           \
	VSCALEFPS   t, p, x

// HSUM sets X0 to the sum of the lanes of V0.
#define HSUM \
	VEXTRACTF64X4 $1, Z0, Y1 \
	VADDPS        Y1, Y0, Y0 \
	VEXTRACTF128  $1, Y0, X1 \
	VADDPS        X1, X0, X0 \
	VHADDPS       X0, X0, X0 \
	VHADDPS       X0, X0, X0

// FOLD4 adds the upper halves of V0 to V3 to the lower.
#define FOLD4 \
	VEXTRACTF64X4 $1, Z0, Y4 \
	VEXTRACTF64X4 $1, Z1, Y5 \
	VEXTRACTF64X4 $1, Z2, Y6 \
	VEXTRACTF64X4 $1, Z3, Y7 \
	VADDPS        Y4, Y0, Y0 \
	VADDPS        Y5, Y1, Y1 \
	VADDPS        Y6, Y2, Y2 \
	VADDPS        Y7, Y3, Y3

// HMAX sets X0 to four lanes among which is the largest of V0.
#define HMAX \
	VEXTRACTF64X4 $1, Z0, Y1 \
	VMAXPS        Y1, Y0, Y0 \
	VEXTRACTF128  $1, Y0, X1 \
	VMAXPS        X1, X0, X0

#define DOT ·dot512
#define DOT3 ·dot3512
#define DOTS ·dots512
#define WSUM ·wsum512
#define MAXIMUM ·maximum512
#define AXPY ·axpy512
#define SCALE ·scale512
#define MUL ·mul512
#define MULADD ·mulAdd512
#define EXPSUB ·expSub512
#define SILU ·silu512
#define SILUBACK ·siluBack512
#define SWIGLU ·swiglu512
#define SWIGLUBACK ·swigluBack512
#define SOFTPLUS ·softplus512
#define SOFTPLUSBACK ·softplusBack512
#define SCAN ·scan512
#define SCANSAVE ·scanSave512
#define SCANBACK ·scanBack512

#include "vec_amd64.h"
