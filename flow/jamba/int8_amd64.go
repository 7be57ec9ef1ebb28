package jamba

// int8 returns the loops over integers that go with k.
func (k *kernels) int8() int8Kernels {
	switch k.name {
	case kernels512.name:
		return int8Kernels{dotsInt8x512, widenInt8x512}
	case kernels256.name:
		return int8Kernels{dotsInt8x256, widenInt8x256}
	}
	return int8Kernels{}
}

//go:noescape
func dotsInt8x512(dst, x *float32, q *int8, n, ld, rows int)

//go:noescape
func widenInt8x512(dst *float32, q *int8, n int)

//go:noescape
func dotsInt8x256(dst, x *float32, q *int8, n, ld, rows int)

//go:noescape
func widenInt8x256(dst *float32, q *int8, n int)
