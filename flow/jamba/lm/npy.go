package lm

import (
	"encoding/binary"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

const npyMagic = "\x93NUMPY"

// npyHeader is the Python dictionary that numpy.save writes, with its keys in the order
// that it writes them in.
var npyHeader = regexp.MustCompile(`^\{'descr': '([^']*)', 'fortran_order': (True|False), 'shape': \(([0-9, ]*)\),? *\}\s*$`)

// parseNPY reads an array of whole numbers, one sequence or one in every row.
func parseNPY(raw []byte) ([][]int, error) {
	if len(raw) < 12 {
		return nil, fmt.Errorf("NumPy file of %d bytes: truncated", len(raw))
	}
	at, n := 10, int(binary.LittleEndian.Uint16(raw[8:]))
	if raw[6] > 1 {
		at, n = 12, int(binary.LittleEndian.Uint32(raw[8:]))
	}
	if n > len(raw)-at {
		return nil, fmt.Errorf("NumPy header of %d bytes in a file of %d: truncated", n, len(raw))
	}
	h := npyHeader.FindStringSubmatch(string(raw[at : at+n]))
	if h == nil {
		return nil, fmt.Errorf("NumPy header %.60q is not understood", raw[at:at+n])
	}
	size, get := npyType(h[1])
	if size == 0 || h[2] == "True" {
		return nil, fmt.Errorf("NumPy array of type %s, Fortran order %s: want whole numbers, little-endian, row by row (i1 i2 i4 i8 u1 u2 u4)", h[1], h[2])
	}
	data := raw[at+n:]
	rows, cols := 1, 0
	shape := strings.FieldsFunc(h[3], func(c rune) bool { return c == ',' || c == ' ' })
	dims := make([]int, len(shape))
	for i, s := range shape {
		var err error
		if dims[i], err = strconv.Atoi(s); err != nil {
			return nil, fmt.Errorf("NumPy array of shape (%s): %w", h[3], err)
		}
	}
	switch len(dims) {
	case 1:
		cols = dims[0]
	case 2:
		rows, cols = dims[0], dims[1]
	default:
		return nil, fmt.Errorf("NumPy array of shape (%s), want one or two dimensions", h[3])
	}
	if cols == 0 || rows == 0 || rows > len(data) || len(data)%size != 0 || len(data)/size/rows != cols || len(data)/size%rows != 0 {
		return nil, fmt.Errorf("NumPy array of type %s and shape (%s) with %d bytes of data: empty, truncated or oversized", h[1], h[3], len(data))
	}
	seqs := make([][]int, rows)
	for i := range seqs {
		seqs[i] = make([]int, cols)
		for j := range seqs[i] {
			seqs[i][j] = get(data[(i*cols+j)*size:])
		}
	}
	return seqs, nil
}

// npyType returns the size of an element and what reads one, or zero.
func npyType(descr string) (int, func([]byte) int) {
	le := binary.LittleEndian
	switch descr {
	case "|i1":
		return 1, func(b []byte) int { return int(int8(b[0])) }
	case "|u1":
		return 1, func(b []byte) int { return int(b[0]) }
	case "<i2":
		return 2, func(b []byte) int { return int(int16(le.Uint16(b))) }
	case "<u2":
		return 2, func(b []byte) int { return int(le.Uint16(b)) }
	case "<i4":
		return 4, func(b []byte) int { return int(int32(le.Uint32(b))) }
	case "<u4":
		return 4, func(b []byte) int { return int(le.Uint32(b)) }
	case "<i8":
		return 8, func(b []byte) int { return int(le.Uint64(b)) }
	}
	return 0, nil
}
