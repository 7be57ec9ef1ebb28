package main

import (
	"bytes"
	"fmt"
	"log"
	"math"
	"strings"
)

// A unit is one assembly file under way, of kernels on float32 or, if double, on
// float64 numbers.
type unit struct {
	t      *target
	double bool
	body   bytes.Buffer
	stubs  *bytes.Buffer
	consts []uint64
}

// elem is the size of a number in bytes, and lanes how many are in a vector.
func (u *unit) elem() int {
	if u.double {
		return 8
	}
	return 4
}

func (u *unit) lanes() int { return u.t.lanes * 4 / u.elem() }

// constants is the symbol of the table of constants.
func (u *unit) constants() string {
	if u.double {
		return "consts_" + u.t.name + "_double<>"
	}
	return "consts_" + u.t.name + "<>"
}

func (u *unit) name(kernel string) string {
	return kernel + strings.ToUpper(u.t.name[:1]) + u.t.name[1:]
}

// constant returns the place of a number in the table of constants.
func (u *unit) constant(bits uint64) int {
	for i, c := range u.consts {
		if c == bits {
			return i
		}
	}
	u.consts = append(u.consts, bits)
	return len(u.consts) - 1
}

// stride is the distance of constants in bytes: each fills a vector, so that it
// can be an operand in memory. On targets with 32 registers it is loaded once.
func (u *unit) stride() int {
	if u.t.regs == 32 && u.t.arch == "amd64" {
		return u.elem() // broadcast when loaded
	}
	return 4 * u.t.lanes
}

func (u *unit) bytes() []byte {
	var b bytes.Buffer
	b.WriteString(header + "\n#include \"textflag.h\"\n")
	if len(u.consts) > 0 {
		sym := u.constants()
		b.WriteString("\n")
		for i, c := range u.consts {
			if u.double {
				fmt.Fprintf(&b, "// %g\n", math.Float64frombits(c))
			} else {
				fmt.Fprintf(&b, "// %g\n", math.Float32frombits(uint32(c)))
			}
			for at := 0; at < u.stride(); at += u.elem() {
				fmt.Fprintf(&b, "DATA %s+%d(SB)/%d, $0x%0*x\n", sym, i*u.stride()+at, u.elem(), 2*u.elem(), c)
			}
		}
		fmt.Fprintf(&b, "GLOBL %s(SB), RODATA|NOPTR, $%d\n", sym, len(u.consts)*u.stride())
	}
	b.Write(u.body.Bytes())
	return b.Bytes()
}

// An fn is one function under way. Registers are strings as the assembler reads
// them; general ones come from arg and reg, vectors from v and vs.
type fn struct {
	*unit
	sym    string
	args   []string
	head   bytes.Buffer // argument loads
	code   bytes.Buffer
	gprs   []string
	free   []bool            // vector registers
	loaded map[string]string // constants in registers
	preset bytes.Buffer      // their loads
	labels int
}

// begin starts a function whose arguments, all of eight bytes, are given as in
// Go: "n, k int, x *float32".
func (u *unit) begin(kernel, args string) *fn {
	f := &fn{unit: u, sym: u.name(kernel), loaded: map[string]string{}}
	for _, group := range strings.Split(args, ",") {
		f.args = append(f.args, strings.Fields(group)[0])
	}
	if u.t.arch == "amd64" {
		f.gprs = strings.Fields("SI DI DX CX BX R8 R9 R10 R11 R12 R13 AX")
	} else {
		f.gprs = strings.Fields("R0 R1 R2 R3 R4 R5 R6 R7 R8 R9 R10 R11 R12 R13 R14 R15 R19 R20 R21 R22")
	}
	f.free = make([]bool, u.t.regs)
	for i := range f.free {
		f.free[i] = true
	}
	fmt.Fprintf(u.stubs, "\n//go:noescape\nfunc %s(%s)\n", f.sym, args)
	fmt.Fprintf(&f.head, "\n// func %s(%s)\nTEXT ·%s(SB), NOSPLIT, $0-%d\n", f.sym, args, f.sym, 8*len(f.args))
	return f
}

// end finishes the function.
func (f *fn) end() {
	f.ret()
	f.unit.body.Write(f.head.Bytes())
	if f.t.arch == "arm64" && f.preset.Len() > 0 {
		fmt.Fprintf(&f.unit.body, "	MOVD $%s(SB), R25\n", f.constants())
	}
	f.unit.body.Write(f.preset.Bytes())
	f.unit.body.Write(f.code.Bytes())
}

func (f *fn) p(format string, args ...any) { fmt.Fprintf(&f.code, "	"+format+"\n", args...) }

func (f *fn) label(l string) { fmt.Fprintf(&f.code, "%s:\n", l) }

// newLabel returns a label that no other part of the function uses.
func (f *fn) newLabel(stem string) string {
	f.labels++
	return fmt.Sprintf("%s%d", stem, f.labels)
}

// slot is where an argument lies.
func (f *fn) slot(arg string) string {
	for i, a := range f.args {
		if a == arg {
			return fmt.Sprintf("%s+%d(FP)", arg, 8*i)
		}
	}
	log.Fatalf("%s has no argument %s", f.sym, arg)
	return ""
}

// reg takes a free general register.
func (f *fn) reg() string {
	if len(f.gprs) == 0 {
		log.Fatalf("%s: out of general registers", f.sym)
	}
	r := f.gprs[0]
	f.gprs = f.gprs[1:]
	return r
}

// arg loads an argument to a register of its own, reload to a given one.
func (f *fn) arg(name string) string {
	r := f.reg()
	f.reload(name, r)
	return r
}

// v takes a free vector register.
func (f *fn) v() string {
	for i, ok := range f.free {
		if ok {
			f.free[i] = false
			return f.vector(i)
		}
	}
	log.Fatalf("%s: out of vector registers", f.sym)
	return ""
}

// vs takes n.
func (f *fn) vs(n int) []string {
	r := make([]string, n)
	for i := range r {
		r[i] = f.v()
	}
	return r
}

// drop gives vector registers back.
func (f *fn) drop(vs ...string) {
	for _, v := range vs {
		f.free[index(v)] = true
	}
}

// index is the number of a vector register.
func index(v string) int {
	n, err := fmt.Sscanf(v[1:], "%d", new(int))
	if n != 1 || err != nil {
		log.Fatalf("%q is no vector register", v)
	}
	var i int
	fmt.Sscanf(v[1:], "%d", &i)
	return i
}

// c is a constant as an operand: a register that is loaded before the function
// begins or, where these are few, memory. bits is the same by its bits.
func (f *fn) c(x float64) string {
	if f.double {
		return f.bits(math.Float64bits(x))
	}
	return f.bits(uint64(math.Float32bits(float32(x))))
}

func (f *fn) bits(b uint64) string {
	at := f.constant(b) * f.stride()
	mem := fmt.Sprintf("%s+%d(SB)", f.constants(), at)
	if f.t.regs < 32 {
		return mem
	}
	if r := f.loaded[mem]; r != "" {
		return r
	}
	for i := len(f.free) - 1; i >= 0; i-- {
		if f.free[i] {
			f.free[i] = false
			r := f.vector(i)
			f.loaded[mem] = r
			if f.t.arch == "amd64" {
				fmt.Fprintf(&f.preset, "	%s %s, %s\n", f.sized("VBROADCASTSS"), mem, r)
			} else {
				fmt.Fprintf(&f.preset, "	FMOVQ %d(R25), F%d\n", at, i)
			}
			return r
		}
	}
	log.Fatalf("%s: no register for a constant", f.sym)
	return ""
}

// set writes d = x y + c.
func (f *fn) set(d, x, y, c string) {
	f.mov(d, c)
	f.fma(d, x, y)
}

// poly writes p = c₀ + c₁ r + … by Horner's rule.
func (f *fn) poly(p, r string, c ...float64) {
	f.mov(p, f.c(c[len(c)-1]))
	for i := len(c) - 2; i >= 0; i-- {
		f.horner(p, r, f.c(c[i]))
	}
}
