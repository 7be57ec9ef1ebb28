#include "textflag.h"

#define VB 32
#define V0 Y0
#define V1 Y1
#define V2 Y2
#define V3 Y3
#define V4 Y4
#define V5 Y5
#define V6 Y6
#define V7 Y7

#define ZERO(r) VPXOR r, r, r

// HSUM sets X0 to the sum of the lanes of V0.
#define HSUM \
	VEXTRACTF128 $1, Y0, X1 \
	VADDPS       X1, X0, X0 \
	VHADDPS      X0, X0, X0 \
	VHADDPS      X0, X0, X0

#define DOTS ·dotsInt8x256
#define WIDEN ·widenInt8x256

#include "int8_amd64.h"
