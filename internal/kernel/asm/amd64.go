package main

import (
	"fmt"
	"strings"
)

// Operations of the vector language, d first, then operands in the order of the
// formula. The last operand of a binary operation may be a constant in memory.
// Each method lowers to either architecture; neon's encodings are in arm64.go.

func (f *fn) arm() bool { return f.t.arch == "arm64" }

func (f *fn) wide() bool { return f.t.arch == "amd64" && f.t.regs == 32 }

// size is that of a vector in bytes.
func (f *fn) size() int { return 4 * f.t.lanes }

func (f *fn) vector(i int) string {
	switch {
	case f.arm():
		return fmt.Sprintf("V%d", i)
	case f.wide():
		return fmt.Sprintf("Z%d", i)
	}
	return fmt.Sprintf("Y%d", i)
}

func (f *fn) ret() {
	if !f.arm() {
		f.p("VZEROUPPER")
	}
	f.p("RET")
}

// General registers.

func (f *fn) reload(arg, r string) { f.p("%s %s, %s", f.pick("MOVQ", "MOVD"), f.slot(arg), r) }

func (f *fn) keep(r, arg string) { f.p("%s %s, %s", f.pick("MOVQ", "MOVD"), r, f.slot(arg)) }

func (f *fn) pick(amd64, arm64 string) string {
	if f.arm() {
		return arm64
	}
	return amd64
}

func (f *fn) move(d, s string) { f.p("%s %s, %s", f.pick("MOVQ", "MOVD"), s, d) }

func (f *fn) addTo(d, s string) { f.p("%s %s, %s", f.pick("ADDQ", "ADD"), s, d) }

func (f *fn) addImm(d string, n int) { f.p("%s $%d, %s", f.pick("ADDQ", "ADD"), n, d) }

// vectors turns a count of numbers into one of whole vectors.
func (f *fn) vectors(r string) {
	n := map[int]int{2: 1, 4: 2, 8: 3, 16: 4}[f.lanes()]
	f.p("%s $%d, %s", f.pick("SHRQ", "LSR"), n, r)
}

func (f *fn) ifZero(r, label string) {
	if f.arm() {
		f.p("CBZ %s, %s", r, label)
		return
	}
	f.p("TESTQ %s, %s", r, r)
	f.p("JZ %s", label)
}

func (f *fn) countDown(r, label string) {
	if f.arm() {
		f.p("SUBS $1, %s", r)
		f.p("BNE %s", label)
		return
	}
	f.p("DECQ %s", r)
	f.p("JNZ %s", label)
}

func (f *fn) jump(label string) { f.p("%s %s", f.pick("JMP", "B"), label) }

// Vectors and memory.

func (f *fn) load(d, base string, off int) {
	if f.arm() {
		f.p("FMOVQ %d(%s), F%d", off, base, index(d))
		return
	}
	f.p("VMOVUPS %d(%s), %s", off, base, d)
}

func (f *fn) store(base string, off int, s string) {
	if f.arm() {
		f.p("FMOVQ F%d, %d(%s)", index(s), off, base)
		return
	}
	f.p("VMOVUPS %s, %d(%s)", s, off, base)
}

// Arithmetic.

func (f *fn) mov(d, x string) {
	if f.arm() {
		f.p("VMOV %s.B16, %s.B16", x, d)
		return
	}
	f.p("VMOVUPS %s, %s", x, d)
}

func (f *fn) zero(d string) {
	switch {
	case f.arm():
		f.p("VEOR %s.B16, %s.B16, %s.B16", d, d, d)
	case f.wide():
		f.p("VPXORQ %s, %s, %s", d, d, d)
	default:
		f.p("VXORPS %s, %s, %s", d, d, d)
	}
}

// sized is the amd64 instruction for numbers of the unit's size.
func (f *fn) sized(op string) string {
	if !f.double {
		return op
	}
	for single, double := range map[string]string{"PS": "PD", "SS": "SD"} {
		if rest, ok := strings.CutSuffix(op, single); ok {
			return rest + double
		}
	}
	return map[string]string{"VPADDD": "VPADDQ", "VPSUBD": "VPSUBQ", "VPSLLD": "VPSLLQ"}[op]
}

// arrangement is the arm64 suffix of a vector of numbers of the unit's size.
func (f *fn) arrangement() string {
	if f.double {
		return "D2"
	}
	return "S4"
}

func (f *fn) binary(amd64, arm64, d, x, y string) {
	if f.arm() {
		f.neon(arm64, d, x, y)
		return
	}
	f.p("%s %s, %s, %s", f.sized(amd64), y, x, d)
}

func (f *fn) add(d, x, y string)     { f.binary("VADDPS", "FADD", d, x, y) }
func (f *fn) sub(d, x, y string)     { f.binary("VSUBPS", "FSUB", d, x, y) }
func (f *fn) mul(d, x, y string)     { f.binary("VMULPS", "FMUL", d, x, y) }
func (f *fn) div(d, x, y string)     { f.binary("VDIVPS", "FDIV", d, x, y) }
func (f *fn) and(d, x, y string)     { f.binary("VANDPS", "AND", d, x, y) }
func (f *fn) or(d, x, y string)      { f.binary("VORPS", "ORR", d, x, y) }
func (f *fn) xor(d, x, y string)     { f.binary("VXORPS", "EOR", d, x, y) }
func (f *fn) addInt(d, x, y string)  { f.binary("VPADDD", "ADD", d, x, y) }
func (f *fn) subInt(d, x, y string)  { f.binary("VPSUBD", "SUB", d, x, y) }
func (f *fn) minus(acc, x, y string) { f.fused("VFNMADD231PS", "FMLS", acc, x, y) }

// fma adds the products of x and y to acc, on targets of pairs those of both
// halves of a word.
func (f *fn) fma(acc, x, y string) {
	if f.t.pairs {
		f.dotPairs(acc, x, y)
		return
	}
	f.fused("VFMADD231PS", "FMLA", acc, x, y)
}

// fused writes acc ± x y with one rounding.
func (f *fn) fused(amd64, arm64, acc, x, y string) { f.binary(amd64, arm64, acc, x, y) }

// most and least are the larger and the smaller of x and a constant c; a NaN in x
// stays one, for amd64 returns its second operand when there is a NaN. d is not x.
func (f *fn) most(d, x, c string) {
	if f.arm() {
		f.neon("FMAX", d, x, c)
		return
	}
	f.mov(d, c)
	f.p("%s %s, %s, %s", f.sized("VMAXPS"), x, d, d)
}

func (f *fn) least(d, x, c string) {
	if f.arm() {
		f.neon("FMIN", d, x, c)
		return
	}
	f.mov(d, c)
	f.p("%s %s, %s, %s", f.sized("VMINPS"), x, d, d)
}

// horner writes p = p r + c.
func (f *fn) horner(p, r, c string) {
	if f.arm() {
		t := f.v()
		f.set(t, p, r, c)
		f.mov(p, t)
		f.drop(t)
		return
	}
	f.p("%s %s, %s, %s", f.sized("VFMADD213PS"), c, r, p)
}

// round takes the nearest whole number, ties to even.
func (f *fn) round(d, x string) {
	switch {
	case f.arm():
		f.neon("FRINTN", d, x, "V0")
	case f.wide():
		f.p("%s $8, %s, %s", f.sized("VRNDSCALEPS"), x, d)
	default:
		f.p("%s $8, %s, %s", f.sized("VROUNDPS"), x, d)
	}
}

// toInt converts whole numbers.
func (f *fn) toInt(d, x string) {
	if f.arm() {
		f.neon("FCVTNS", d, x, "V0")
		return
	}
	f.p("VCVTPS2DQ %s, %s", x, d)
}

func (f *fn) sqrt(d, x string) {
	if f.arm() {
		f.neon("FSQRT", d, x, "V0")
		return
	}
	f.p("VSQRTPS %s, %s", x, d)
}

func (f *fn) shiftLeft(d, x string, n int) {
	if f.arm() {
		f.p("VSHL $%d, %s.%s, %s.%s", n, x, f.arrangement(), d, f.arrangement())
		return
	}
	f.p("%s $%d, %s, %s", f.sized("VPSLLD"), n, x, d)
}

// shiftRight keeps the sign.
func (f *fn) shiftRight(d, x string, n int) {
	if f.arm() {
		f.word(0x4F000400|uint32(64-n)<<16, "SSHR", d, x, "V0")
		return
	}
	f.p("VPSRAD $%d, %s, %s", n, x, d)
}

// choose takes neg where the sign bit of s is set, else pos.
func (f *fn) choose(d, s, neg, pos string) {
	switch {
	case f.arm():
		t := f.v()
		f.shiftRight(t, s, 31)
		f.neon("BSL", t, neg, pos)
		f.mov(d, t)
		f.drop(t)
	case f.wide():
		f.p("VPMOVD2M %s, K1", s)
		f.p("VBLENDMPS %s, %s, K1, %s", neg, pos, d)
	default:
		f.p("VBLENDVPS %s, %s, %s, %s", s, neg, pos, d)
	}
}

// ldexp scales p by 2ⁿ for whole n from -150 to 128, rounding once; n is lost.
func (f *fn) ldexp(p, n string) {
	if f.wide() {
		f.p("VSCALEFPS %s, %s, %s", n, p, p)
		return
	}
	half := f.v()
	f.toInt(n, n)
	f.shiftRight(half, n, 1)
	f.subInt(n, n, half)
	for _, e := range []string{half, n} {
		f.shiftLeft(e, e, 23)
		f.addInt(e, e, f.c(1))
		f.mul(p, p, e)
	}
	f.drop(half)
}

// ldexpSmall is ldexp where p and the result are normal.
func (f *fn) ldexpSmall(p, n string) {
	if f.wide() {
		f.p("%s %s, %s, %s", f.sized("VSCALEFPS"), n, p, p)
		return
	}
	if f.double { // the sum ends in n as an integer
		f.add(n, n, f.c(3<<51))
		f.shiftLeft(n, n, 52)
		f.addInt(p, p, n)
		return
	}
	f.toInt(n, n)
	f.shiftLeft(n, n, 23)
	f.addInt(p, p, n)
}

// broadcast fills d with one number.
func (f *fn) broadcast(d, base string, off int) {
	if f.arm() {
		f.p("ADD $%d, %s, R25", off, base)
		f.p("VLD1R (R25), [%s.%s]", d, f.arrangement())
		return
	}
	f.p("%s %d(%s), %s", f.sized("VBROADCASTSS"), off, base, d)
}

func (f *fn) lessThan(r string, n int, label string) {
	if f.arm() {
		f.p("CMP $%d, %s", n, r)
		f.p("BLT %s", label)
		return
	}
	f.p("CMPQ %s, $%d", r, n)
	f.p("JLT %s", label)
}
