package jamba

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

func bestKernels() kernels {
	switch {
	case cpu.X86.HasAVX512F && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512VL:
		return kernels512
	case cpu.X86.HasAVX2 && cpu.X86.HasFMA:
		return kernels256
	}
	return kernels{name: "plain"}
}

var kernels512 = kernels{
	name:         "AVX-512",
	dot:          dot512,
	dots:         dots512,
	dot3:         dot3512,
	wsum:         wsum512,
	axpy:         axpy512,
	maximum:      maximum512,
	mul:          mul512,
	scale:        scale512,
	mulAdd:       mulAdd512,
	expSub:       expSub512,
	silu:         silu512,
	siluBack:     siluBack512,
	swiglu:       swiglu512,
	swigluBack:   swigluBack512,
	softplus:     softplus512,
	softplusBack: softplusBack512,
	scan:         scan512,
	scanSave:     scanSave512,
	scanBack:     scanBack512,
}

var kernels256 = kernels{
	name:         "AVX2",
	dot:          dot256,
	dots:         dots256,
	dot3:         dot3256,
	wsum:         wsum256,
	axpy:         axpy256,
	maximum:      maximum256,
	mul:          mul256,
	scale:        scale256,
	mulAdd:       mulAdd256,
	expSub:       expSub256,
	silu:         silu256,
	siluBack:     siluBack256,
	swiglu:       swiglu256,
	swigluBack:   swigluBack256,
	softplus:     softplus256,
	softplusBack: softplusBack256,
	scan:         twice(scan256),
	scanSave:     twice(scanSave256),
	scanBack:     twice(scanBack256),
}

//go:noescape
func dot512(x, y *float32, n int) float32

//go:noescape
func dot3512(x, y, z *float32, n int) float32

//go:noescape
func dots512(dst, x, w *float32, n, ld, rows int)

//go:noescape
func wsum512(dst, p, v *float32, n, ld, rows int)

//go:noescape
func maximum512(x *float32, n int) float32

//go:noescape
func axpy512(y, x *float32, a float32, n int)

//go:noescape
func scale512(x *float32, a float32, n int)

//go:noescape
func mul512(dst, x, w *float32, a float32, n int)

//go:noescape
func mulAdd512(dst, x, w *float32, a float32, n int)

//go:noescape
func expSub512(dst, x *float32, m float32, n int) float32

//go:noescape
func silu512(y, x *float32, n int)

//go:noescape
func siluBack512(dx, dy, x *float32, n int)

//go:noescape
func swiglu512(h, g, u *float32, n int)

//go:noescape
func swigluBack512(dg, du, dh, g, u *float32, n int)

//go:noescape
func softplus512(y, x *float32, n int)

//go:noescape
func softplusBack512(dx, dy, x *float32, n int)

//go:noescape
func scan512(a *scanArgs)

//go:noescape
func scanSave512(a *scanArgs)

//go:noescape
func scanBack512(a *scanArgs)

//go:noescape
func dot256(x, y *float32, n int) float32

//go:noescape
func dot3256(x, y, z *float32, n int) float32

//go:noescape
func dots256(dst, x, w *float32, n, ld, rows int)

//go:noescape
func wsum256(dst, p, v *float32, n, ld, rows int)

//go:noescape
func maximum256(x *float32, n int) float32

//go:noescape
func axpy256(y, x *float32, a float32, n int)

//go:noescape
func scale256(x *float32, a float32, n int)

//go:noescape
func mul256(dst, x, w *float32, a float32, n int)

//go:noescape
func mulAdd256(dst, x, w *float32, a float32, n int)

//go:noescape
func expSub256(dst, x *float32, m float32, n int) float32

//go:noescape
func silu256(y, x *float32, n int)

//go:noescape
func siluBack256(dx, dy, x *float32, n int)

//go:noescape
func swiglu256(h, g, u *float32, n int)

//go:noescape
func swigluBack256(dg, du, dh, g, u *float32, n int)

//go:noescape
func softplus256(y, x *float32, n int)

//go:noescape
func softplusBack256(dx, dy, x *float32, n int)

//go:noescape
func scan256(a *scanArgs)

//go:noescape
func scanSave256(a *scanArgs)

//go:noescape
func scanBack256(a *scanArgs)

// twice runs a kernel of eight lanes on both halves of a block.
func twice(f func(*scanArgs)) func(*scanArgs) {
	return func(a *scanArgs) {
		b := *a // before f, which counts the steps down in place
		f(a)
		for _, p := range []**float32{
			&b.delta, &b.u, &b.y, &b.a, &b.d, &b.h, &b.rec, &b.da, &b.dd, &b.du, &b.ddelta,
		} {
			if *p != nil {
				*p = (*float32)(unsafe.Add(unsafe.Pointer(*p), 4*lanes/2))
			}
		}
		f(&b)
	}
}
