package main

import (
	"fmt"
	"strings"
)

// Products of numbers rounded to bfloat16. A word of 32 bits holds two of them
// that follow one another along k, so the tiles are those of single precision,
// with an instruction that multiplies and adds pairs in the place of the fused
// multiply-add. Go's assembler knows neither these instructions nor those of the
// tile unit: they are written as bytes, which TestEncodings disassembles.

var bf16 = &target{
	name: "bf16", arch: "amd64", lanes: 16, regs: 32, pairs: true,
	tiles: [][2]int{{14, 2}, {8, 2}, {4, 2}, {2, 2}, {1, 2}},
}

var amx = &target{name: "amx", arch: "amd64", lanes: 16, regs: 32}

// encodings are the instructions written as bytes, with what they should be.
var encodings = map[string][]byte{}

// raw writes an instruction as bytes; text is what a disassembler must call it.
func (f *fn) raw(text string, b ...byte) {
	encodings[text] = b
	parts := make([]string, len(b))
	for i, v := range b {
		parts[i] = fmt.Sprintf("BYTE $0x%02x", v)
	}
	f.p("%s // %s", strings.Join(parts, "; "), text)
}

// evex encodes op d, x, y on 512 bits with the prefix pp and a three-byte opcode.
func (f *fn) evex(name string, pp, op byte, d, x, y string) {
	i, j, k := index(d), index(x), index(y)
	not := func(v, bit int) byte { return byte(^v >> bit & 1) }
	f.raw(fmt.Sprintf("%s %%zmm%d,%%zmm%d,%%zmm%d", name, k, j, i),
		0x62,
		not(i, 3)<<7|not(k, 4)<<6|not(k, 3)<<5|not(i, 4)<<4|2,
		byte(^j&15)<<3|4|pp,
		2<<5|not(j, 4)<<3,
		op, 0xc0|byte(i&7)<<3|byte(k&7))
}

// dotPairs adds to every word of acc the two products of the pairs in x and y.
func (f *fn) dotPairs(acc, x, y string) { f.evex("vdpbf16ps", 2, 0x52, acc, x, y) }

// toPairs rounds two vectors to bfloat16, lo to the lower half of d.
func (f *fn) toPairs(d, lo, hi string) { f.evex("vcvtne2ps2bf16", 3, 0x72, d, hi, lo) }

// bf16 writes the kernels of AVX512_BF16.
func (u *unit) bf16() {
	u.data("weave", 2, func(i int) int { return i/2 + i%2*16 }) // 0, 16, 1, 17, …
	for _, s := range u.t.tiles {
		u.tile(s[0], s[1])
	}
	u.peak()
	for parts := 1; parts <= 3; parts++ {
		u.halves(parts)
		u.weave(parts)
	}
	t := u.t
	fmt.Fprintf(u.stubs, "\n// bf16 lists the kernels in AVX512_BF16 instructions.\nvar bf16 = pairUnit{\nname: %q, rows: 28, tiles: []tile{\n", "avx512_bf16")
	for _, s := range t.tiles {
		fmt.Fprintf(u.stubs, "{%d, %d, %s},\n", s[0], s[1]*t.lanes, u.name(tileName(s)))
	}
	fmt.Fprintf(u.stubs, "},\nhalves: [...]func(n int, src, dst *float32, part int){halves1Bf16, halves2Bf16, halves3Bf16},\n")
	fmt.Fprintf(u.stubs, "weave: [...]func(n int, src *float32, ss int, dst *float32, part int){weave1Bf16, weave2Bf16, weave3Bf16},\ntranspose: transposeAvx512,\npeak: peakBf16,\npeakFlop: %d,\n}\n", 4*peakWide*t.lanes)
}

// parts rounds lo and hi to bfloat16, and what the rounding left again, and hands
// every part to store. What is left of infinities and NaN is zero.
func (f *fn) parts(n int, lo, hi string, store func(part int, x string)) {
	d, t := f.v(), f.v()
	for i := range n {
		f.toPairs(d, lo, hi)
		store(i, d)
		if i == n-1 {
			break
		}
		for half, x := range []string{lo, hi} {
			f.p("VEXTRACTI64X4 $%d, %s, Y%d", half, d, index(t))
			f.p("VPMOVZXWD Y%d, %s", index(t), t)
			f.shiftLeft(t, t, 16)
			f.sub(x, x, t)
			f.p("VFPCLASSPSZ $0x99, %s, K1", x) // NaN and infinities
			f.p("KNOTW K1, K1")
			f.p("VMOVUPS.Z %s, K1, %s", x, x)
		}
	}
	f.drop(d, t)
}

// halves rounds n numbers, a multiple of 32, to pairs in n/2 words, each part
// after the first part bytes further on.
func (u *unit) halves(parts int) {
	f := u.begin(fmt.Sprintf("halves%d", parts), "n int, src, dst *float32, part int")
	n, src, dst, part, at := f.arg("n"), f.arg("src"), f.arg("dst"), f.arg("part"), f.reg()
	f.p("SHRQ $5, %s", n)
	lo, hi := f.v(), f.v()
	f.label("loop")
	f.load(lo, src, 0)
	f.load(hi, src, 64)
	f.move(at, dst)
	f.parts(parts, lo, hi, func(i int, x string) {
		f.store(at, 0, x)
		f.addTo(at, part)
	})
	f.addImm(src, 128)
	f.addImm(dst, 64)
	f.countDown(n, "loop")
	f.end()
}

// weave rounds n pairs of rows of 32 numbers, ss bytes apart, to rows of 32 words
// that hold one number of either row.
func (u *unit) weave(parts int) {
	f := u.begin(fmt.Sprintf("weave%d", parts), "n int, src *float32, ss int, dst *float32, part int")
	n, src, ss, dst, part, at := f.arg("n"), f.arg("src"), f.arg("ss"), f.arg("dst"), f.arg("part"), f.reg()
	next := f.reg()
	lo, hi, order, woven := f.v(), f.v(), f.v(), f.v()
	f.p("VMOVDQU64 weave<>(SB), %s", order)
	f.label("loop")
	f.p("LEAQ (%s)(%s*1), %s", src, ss, next)
	for half := range 2 {
		f.load(lo, src, 64*half)
		f.load(hi, next, 64*half)
		f.move(at, dst)
		f.parts(parts, lo, hi, func(i int, x string) {
			f.p("VPERMW %s, %s, %s", x, order, woven)
			f.store(at, 64*half, woven)
			f.addTo(at, part)
		})
	}
	f.p("LEAQ (%s)(%s*1), %s", next, ss, src)
	f.addImm(dst, 128)
	f.countDown(n, "loop")
	f.end()
}

// data writes 64 bytes of constants, numbers of size bytes.
func (u *unit) data(name string, size int, at func(i int) int) {
	fmt.Fprintf(&u.body, "\n")
	for i := range 64 / size {
		fmt.Fprintf(&u.body, "DATA %s<>+%d(SB)/%d, $%d\n", name, i*size, size, at(i))
	}
	fmt.Fprintf(&u.body, "GLOBL %s<>(SB), RODATA|NOPTR, $64\n", name)
}

// amx writes the kernel of the tile unit: 32 rows of A by 32 columns of B, k words
// long, a multiple of 16. The state of the tiles lives from LDTILECFG to
// TILERELEASE, within one function, in which Go does not switch goroutines; the
// caller bounds its time by k.
func (u *unit) amx() {
	// Palette 1, eight tiles of 16 rows of 64 bytes.
	u.data("tiles", 1, func(i int) int {
		switch {
		case i == 0:
			return 1
		case i >= 16 && i < 32 && i%2 == 0:
			return 64
		case i >= 48 && i < 56:
			return 16
		}
		return 0
	})
	f := u.begin(tileName([2]int{32, 2}), "k int, a *float32, rs, cs int, b *float32, bs int, c *float32, ldc, add int")
	for _, arg := range [][2]string{{"k", "R10"}, {"a", "SI"}, {"rs", "CX"}, {"b", "DI"}, {"bs", "BX"}, {"c", "DX"}, {"ldc", "R8"}, {"add", "R9"}} {
		f.reload(arg[0], arg[1])
	}
	f.p("SHRQ $4, R10")
	for _, far := range [][3]string{{"CX", "SI", "R11"}, {"R8", "DX", "R12"}, {"BX", "", "R13"}} {
		f.p("MOVQ %s, %s", far[0], far[2])
		f.p("SHLQ $4, %s", far[2])
		if far[1] != "" {
			f.addTo(far[2], far[1])
		}
	}
	f.p("LEAQ tiles<>(SB), AX")
	f.raw("ldtilecfg (%rax)", 0xc4, 0xe2, 0x78, 0x49, 0x00)
	c := []tileAt{{"DX", "R8", 0}, {"DX", "R8", 64}, {"R12", "R8", 0}, {"R12", "R8", 64}}
	f.ifZero("R9", "zero")
	for i, at := range c {
		f.tileLoad(i, at)
	}
	f.jump("loop")
	f.label("zero")
	for i := range c {
		f.raw(fmt.Sprintf("tilezero %%tmm%d", i), 0xc4, 0xe2, 0x7b, 0x49, 0xc0|byte(i)<<3)
	}
	f.label("loop")
	f.tileLoad(4, tileAt{"SI", "CX", 0})
	f.tileLoad(6, tileAt{"DI", "BX", 0})
	f.tileDot(0, 4, 6)
	f.tileLoad(7, tileAt{"DI", "BX", 64})
	f.tileDot(1, 4, 7)
	f.tileLoad(5, tileAt{"R11", "CX", 0})
	f.tileDot(2, 5, 6)
	f.tileDot(3, 5, 7)
	f.addImm("SI", 64)
	f.addImm("R11", 64)
	f.addTo("DI", "R13")
	f.countDown("R10", "loop")
	for i, at := range c {
		f.tileStore(i, at)
	}
	f.raw("tilerelease", 0xc4, 0xe2, 0x78, 0x49, 0xc0)
	f.p("RET")
	u.body.Write(f.head.Bytes())
	u.body.Write(f.code.Bytes())
}

// A tileAt is a tile in memory: rows from base+off, index bytes apart.
type tileAt struct {
	base, index string
	off         int
}

var numbers = map[string]byte{"AX": 0, "CX": 1, "DX": 2, "BX": 3, "SI": 6, "DI": 7, "R8": 8, "R9": 9, "R10": 10, "R11": 11, "R12": 12, "R13": 13}

func (f *fn) tileLoad(t int, m tileAt) {
	f.raw(fmt.Sprintf("tileloadd %s,%%tmm%d", m, t), m.encode(0x7b, t)...)
}

func (f *fn) tileStore(t int, m tileAt) {
	f.raw(fmt.Sprintf("tilestored %%tmm%d,%s", t, m), m.encode(0x7a, t)...)
}

func (f *fn) tileDot(d, a, b int) {
	f.raw(fmt.Sprintf("tdpbf16ps %%tmm%d,%%tmm%d,%%tmm%d", b, a, d), 0xc4, 0xe2, byte(^b&15)<<3|2, 0x5c, 0xc0|byte(d)<<3|byte(a))
}

func (m tileAt) encode(pp byte, t int) []byte {
	b, x := numbers[m.base], numbers[m.index]
	high := byte(0xe2) &^ (b >> 3 << 5) &^ (x >> 3 << 6)
	return []byte{0xc4, high, pp, 0x4b, 0x44 | byte(t)<<3, x&7<<3 | b&7, byte(m.off)}
}

// String is the operand as a disassembler writes it.
func (m tileAt) String() string {
	name := func(r string) string {
		if r[0] == 'R' {
			return "%" + strings.ToLower(r)
		}
		return "%r" + strings.ToLower(r)
	}
	return fmt.Sprintf("0x%x(%s,%s,1)", m.off, name(m.base), name(m.index))
}
