//go:build cuda && linux && (amd64 || arm64)

package cuda

import (
	"fmt"
	"unsafe"

	"gorgonia.org/cu"
	cublas "gorgonia.org/cu/blas"
)

// A GPU is an open device. Its methods belong to the goroutine that called Open,
// which stays on its thread until Close.
type GPU struct {
	Name         string
	Memory       int64 // bytes
	Major, Minor int   // compute capability
	Driver       int   // CUDA version of the driver: 1000 major + 10 minor

	device  cu.Device
	context cu.CUContext
	module  cu.Module
	swish   cu.Function
	blas    *cublas.Standard
}

// Open opens device number i, counted from 0, with its primary context, which
// is also the one cuBLAS uses.
func Open(i int) (*GPU, error) {
	n, err := Devices()
	if err != nil {
		return nil, err
	}
	if i < 0 || i >= n {
		return nil, fmt.Errorf("cuda: device %d of %d: valid are 0 to %d", i, n, n-1)
	}
	g := &GPU{Driver: cu.Version()}
	if g.device, err = cu.GetDevice(i); err != nil {
		return nil, fmt.Errorf("cuda: device %d: %w", i, err)
	}
	if err := g.describe(); err != nil {
		return nil, fmt.Errorf("cuda: device %d: %w", i, err)
	}
	if g.context, err = g.device.RetainPrimaryCtx(); err != nil {
		return nil, fmt.Errorf("cuda: device %d (%s): retaining the primary context: %w", i, g.Name, err)
	}
	if err := g.context.Lock(); err != nil {
		return nil, fmt.Errorf("cuda: device %d (%s): taking the primary context: %w", i, g.Name, err)
	}
	return g, nil
}

func (g *GPU) describe() (err error) {
	if g.Name, err = g.device.Name(); err != nil {
		return err
	}
	if g.Memory, err = g.device.TotalMem(); err != nil {
		return err
	}
	if g.Major, err = g.device.Attribute(cu.ComputeCapabilityMajor); err != nil {
		return err
	}
	g.Minor, err = g.device.Attribute(cu.ComputeCapabilityMinor)
	return err
}

// Close releases the context and with it all that was loaded. Memory is freed
// by its owners, before.
func (g *GPU) Close() error {
	if g.blas != nil {
		if err := g.blas.Close(); err != nil {
			return fmt.Errorf("cuda: closing cuBLAS: %w", err)
		}
	}
	if err := g.context.Unlock(); err != nil {
		return fmt.Errorf("cuda: %w", err)
	}
	return g.device.ReleasePrimaryCtx()
}

// Synchronize waits until the device has done all that was asked of it. Errors
// of kernels show here.
func (g *GPU) Synchronize() error {
	if err := cu.Synchronize(); err != nil {
		return fmt.Errorf("cuda: %w", err)
	}
	return nil
}

// A Vector is n float32 numbers in the memory of the device.
type Vector struct {
	at cu.DevicePtr
	n  int
}

// Vector allocates n numbers, n > 0. They are not cleared.
func (g *GPU) Vector(n int) (Vector, error) {
	at, err := cu.MemAlloc(4 * int64(n))
	if err != nil {
		return Vector{}, fmt.Errorf("cuda: allocating %d float32: %w", n, err)
	}
	return Vector{at, n}, nil
}

// Upload allocates len(x) > 0 numbers and copies x there.
func (g *GPU) Upload(x []float32) (Vector, error) {
	v, err := g.Vector(len(x))
	if err != nil {
		return v, err
	}
	if err := cu.MemcpyHtoD(v.at, unsafe.Pointer(&x[0]), 4*int64(len(x))); err != nil {
		v.Free()
		return Vector{}, fmt.Errorf("cuda: copying %d float32 to the device: %w", len(x), err)
	}
	return v, nil
}

// Download waits for the device and returns a copy of v.
func (v Vector) Download() ([]float32, error) {
	x := make([]float32, v.n)
	if err := cu.MemcpyDtoH(unsafe.Pointer(&x[0]), v.at, 4*int64(v.n)); err != nil {
		return nil, fmt.Errorf("cuda: copying %d float32 from the device: %w", v.n, err)
	}
	return x, nil
}

// Free gives the memory back.
func (v Vector) Free() error { return cu.MemFree(v.at) }

// slice is v as cu/blas takes it: the address is the device's, and no one may
// read or write through it here.
func (v Vector) slice() []float32 {
	return unsafe.Slice(*(**float32)(unsafe.Pointer(&v.at)), v.n)
}
