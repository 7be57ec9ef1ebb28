package safetensors

import (
	"encoding/binary"
	"fmt"
	"math"
)

// A DType is the type of a tensor's elements, by its name in the format.
type DType string

// The element types that are read and written.
const (
	F64  DType = "F64"
	F32  DType = "F32"
	F16  DType = "F16"
	BF16 DType = "BF16"
	I64  DType = "I64"
	I32  DType = "I32"
	I16  DType = "I16"
	I8   DType = "I8"
	U8   DType = "U8"
	Bool DType = "BOOL"
)

// bytes returns the size of a tensor, or an error if it has none.
func (d DType) bytes(shape []int) (int, error) {
	n := d.Size()
	if n == 0 {
		return 0, fmt.Errorf("has type %q, want one of F64 F32 F16 BF16 I64 I32 I16 I8 U8 BOOL", d)
	}
	for _, s := range shape {
		if s < 0 {
			return 0, fmt.Errorf("has shape %v", shape)
		}
		if s > 0 && n > math.MaxInt/s {
			return 0, fmt.Errorf("of shape %v is larger than any file", shape)
		}
		n *= s
	}
	return n, nil
}

// Size returns the bytes of one element, or 0 for an unknown type.
func (d DType) Size() int {
	switch d {
	case F64, I64:
		return 8
	case F32, I32:
		return 4
	case F16, BF16, I16:
		return 2
	case I8, U8, Bool:
		return 1
	}
	return 0
}

// A Tensor is a named array. Data holds its elements in the bytes of the file;
// for a tensor of an open file it is a view that ends with the file.
type Tensor struct {
	Name  string
	DType DType
	Shape []int
	Data  []byte
}

// Len returns the number of elements.
func (t Tensor) Len() int {
	if s := t.DType.Size(); s > 0 {
		return len(t.Data) / s
	}
	return 0
}

// Float64s returns the elements of a tensor of floating-point numbers, exactly.
func (t Tensor) Float64s() ([]float64, error) {
	out := make([]float64, t.Len())
	switch t.DType {
	case F64:
		for i := range out {
			out[i] = math.Float64frombits(binary.LittleEndian.Uint64(t.Data[8*i:]))
		}
		return out, nil
	case F32, F16, BF16:
		x, err := t.Float32s()
		for i, v := range x {
			out[i] = float64(v)
		}
		return out, err
	}
	return nil, fmt.Errorf("tensor %s is of type %s, want floating-point numbers", t.Name, t.DType)
}

// Float32s returns the elements of a tensor of floating-point numbers, rounded
// to nearest if they are of float64.
func (t Tensor) Float32s() ([]float32, error) {
	out := make([]float32, t.Len())
	return out, t.CopyFloat32s(out)
}

// CopyFloat32s is Float32s into dst, which must be as long as the tensor.
func (t Tensor) CopyFloat32s(dst []float32) error {
	if len(dst) != t.Len() {
		return fmt.Errorf("tensor %s has %d elements, want %d", t.Name, t.Len(), len(dst))
	}
	switch t.DType {
	case F32:
		for i := range dst {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(t.Data[4*i:]))
		}
	case BF16:
		for i := range dst {
			dst[i] = FromBF16(binary.LittleEndian.Uint16(t.Data[2*i:]))
		}
	case F16:
		for i := range dst {
			dst[i] = FromF16(binary.LittleEndian.Uint16(t.Data[2*i:]))
		}
	case F64:
		for i := range dst {
			dst[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(t.Data[8*i:])))
		}
	default:
		return fmt.Errorf("tensor %s is of type %s, want floating-point numbers", t.Name, t.DType)
	}
	return nil
}

// Int64s returns the elements of a tensor of whole numbers.
func (t Tensor) Int64s() ([]int64, error) {
	out := make([]int64, t.Len())
	for i := range out {
		switch t.DType {
		case I64:
			out[i] = int64(binary.LittleEndian.Uint64(t.Data[8*i:]))
		case I32:
			out[i] = int64(int32(binary.LittleEndian.Uint32(t.Data[4*i:])))
		case I16:
			out[i] = int64(int16(binary.LittleEndian.Uint16(t.Data[2*i:])))
		case I8:
			out[i] = int64(int8(t.Data[i]))
		case U8, Bool:
			out[i] = int64(t.Data[i])
		default:
			return nil, fmt.Errorf("tensor %s is of type %s, want whole numbers", t.Name, t.DType)
		}
	}
	return out, nil
}

// Int8s returns the elements of a tensor of type I8.
func (t Tensor) Int8s() ([]int8, error) {
	if t.DType != I8 {
		return nil, fmt.Errorf("tensor %s is of type %s, want I8", t.Name, t.DType)
	}
	out := make([]int8, len(t.Data))
	for i, b := range t.Data {
		out[i] = int8(b)
	}
	return out, nil
}

// Float32 returns a tensor of type F32 with a copy of x.
func Float32(name string, x []float32, shape ...int) Tensor {
	b := make([]byte, 0, 4*len(x))
	for _, v := range x {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return Tensor{name, F32, shape, b}
}

// Float64 returns a tensor of type F64 with a copy of x.
func Float64(name string, x []float64, shape ...int) Tensor {
	b := make([]byte, 0, 8*len(x))
	for _, v := range x {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return Tensor{name, F64, shape, b}
}

// BFloat16 returns a tensor of type BF16 with x rounded to nearest, ties to even.
func BFloat16(name string, x []float32, shape ...int) Tensor {
	b := make([]byte, 0, 2*len(x))
	for _, v := range x {
		b = binary.LittleEndian.AppendUint16(b, ToBF16(v))
	}
	return Tensor{name, BF16, shape, b}
}

// Float16 returns a tensor of type F16 with x rounded to nearest, ties to even.
func Float16(name string, x []float32, shape ...int) Tensor {
	b := make([]byte, 0, 2*len(x))
	for _, v := range x {
		b = binary.LittleEndian.AppendUint16(b, ToF16(v))
	}
	return Tensor{name, F16, shape, b}
}

// Int8 returns a tensor of type I8 with a copy of x.
func Int8(name string, x []int8, shape ...int) Tensor {
	b := make([]byte, len(x))
	for i, v := range x {
		b[i] = byte(v)
	}
	return Tensor{name, I8, shape, b}
}

// Int64 returns a tensor of type I64 with a copy of x.
func Int64(name string, x []int64, shape ...int) Tensor {
	b := make([]byte, 0, 8*len(x))
	for _, v := range x {
		b = binary.LittleEndian.AppendUint64(b, uint64(v))
	}
	return Tensor{name, I64, shape, b}
}

// FromBF16 returns the number with the given upper half.
func FromBF16(b uint16) float32 { return math.Float32frombits(uint32(b) << 16) }

// ToBF16 rounds to nearest, ties to even. NaN stays NaN.
func ToBF16(v float32) uint16 {
	u := math.Float32bits(v)
	if v != v {
		return uint16(u>>16) | 0x40
	}
	return uint16((u + 0x7fff + u>>16&1) >> 16)
}

// FromF16 returns the number of IEEE half precision.
func FromF16(h uint16) float32 {
	sign, exp, frac := uint32(h>>15)<<31, uint32(h>>10&31), uint32(h&1023)
	switch exp {
	case 0: // zero and subnormal numbers, frac · 2⁻²⁴
		v := math.Float32bits(float32(frac) * (1.0 / (1 << 24)))
		return math.Float32frombits(sign | v)
	case 31:
		return math.Float32frombits(sign | 0xff<<23 | frac<<13)
	}
	return math.Float32frombits(sign | (exp+112)<<23 | frac<<13)
}

// ToF16 rounds to nearest, ties to even. What is beyond the largest number, 65504,
// by half a step or more becomes infinite, and NaN stays NaN.
func ToF16(v float32) uint16 {
	u := math.Float32bits(v)
	sign, mag := uint16(u>>31)<<15, u&(1<<31-1)
	switch {
	case mag > 0xff<<23:
		return sign | 0x7e00
	case mag >= 143<<23: // 2¹⁶
		return sign | 0x7c00
	case mag < 113<<23: // below 2⁻¹⁴: a multiple of 2⁻²⁴
		return sign | uint16(math.RoundToEven(float64(math.Float32frombits(mag))*(1<<24)))
	}
	return sign | uint16((mag-112<<23+0xfff+mag>>13&1)>>13)
}
