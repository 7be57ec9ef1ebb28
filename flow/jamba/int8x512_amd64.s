#include "textflag.h"

#define VB 64
#define V0 Z0
#define V1 Z1
#define V2 Z2
#define V3 Z3
#define V4 Z4
#define V5 Z5
#define V6 Z6
#define V7 Z7

#define ZERO(r) VPXORD r, r, r

// HSUM sets X0 to the sum of the lanes of V0.
#define HSUM \
	VEXTRACTF64X4 $1, Z0, Y1 \
	VADDPS        Y1, Y0, Y0 \
	VEXTRACTF128  $1, Y0, X1 \
	VADDPS        X1, X0, X0 \
	VHADDPS       X0, X0, X0 \
	VHADDPS       X0, X0, X0

#define DOTS ·dotsInt8x512
#define WIDEN ·widenInt8x512

#include "int8_amd64.h"
