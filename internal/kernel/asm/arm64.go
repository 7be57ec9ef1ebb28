package main

import "log"

// Go's assembler for arm64 knows few vector instructions of floating point; the
// others are written as words. All act on four numbers of 32 bits, and with bit 22
// on two of 64.
var neonWords = map[string]uint32{
	"FADD": 0x4E20D400, "FSUB": 0x4EA0D400, "FMUL": 0x6E20DC00, "FDIV": 0x6E20FC00,
	"FMAX": 0x4E20F400, "FMIN": 0x4EA0F400, "FMLA": 0x4E20CC00, "FMLS": 0x4EA0CC00,
	"FADDP": 0x6E20D400, "FSQRT": 0x6EA1F800, "FRINTN": 0x4E218800, "FCVTNS": 0x4E21A800,
	"AND": 0x4E201C00, "ORR": 0x4EA01C00, "EOR": 0x6E201C00, "BSL": 0x6E601C00,
	"ADD": 0x4EA08400, "SUB": 0x6EA08400,
	"ZIP1": 0x4E803800, "ZIP2": 0x4E807800, "ZIP1D": 0x4EC03800, "ZIP2D": 0x4EC07800,
}

// neon writes the instruction d = x op y; unary ones take V0 for y, which adds
// nothing to the word.
func (f *fn) neon(op, d, x, y string) {
	w, ok := neonWords[op]
	if !ok {
		log.Fatalf("no encoding of %s", op)
	}
	if f.double && !bitwise[op] {
		w |= 1 << 22 // two numbers of 64 bits
	}
	f.word(w, op, d, x, y)
}

// bitwise instructions do not know the size of numbers.
var bitwise = map[string]bool{"AND": true, "ORR": true, "EOR": true, "BSL": true}

func (f *fn) word(w uint32, op, d, x, y string) {
	w |= uint32(index(y))<<16 | uint32(index(x))<<5 | uint32(index(d))
	f.p("WORD $0x%08x // %s %s.4S, %s, %s", w, op, d, x, y)
}
