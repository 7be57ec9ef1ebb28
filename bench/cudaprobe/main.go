//go:build cuda && linux && (amd64 || arm64)

// Cudaprobe shows whether a GPU can be used: it names the device, runs one kernel
// of our own and one matrix product of cuBLAS, and compares both with the CPU.
// It exits with 1 if there is no device or a result is wrong. See docs/gpu.md.
package main

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"time"

	"mflow/internal/cuda"
	"mflow/internal/kernel"
)

const usage = `Usage: cudaprobe [flags]

Names an NVIDIA GPU, runs swish and a float32 matrix product on it, compares
both with the CPU and times them. Exits with 1 if there is no GPU or a result
is wrong.

Examples:
  cudaprobe                  the first device, matrices of 2048×2048
  cudaprobe -device 1        the second one
  cudaprobe -size 8192       larger matrices

Flags:
`

// The largest errors taken for rounding, relative to the largest number of the
// result. Swish: |x| ≤ 8 and a few roundings of 6e-8. Product: the roundings of
// a sum of k random terms, about √k of 6e-8, for both sides; TF32, which cuBLAS
// uses if NVIDIA_TF32_OVERRIDE=1, is near 3e-4 and fails.
const (
	swishTolerance = 2e-6
	gemmTolerance  = 2e-5
)

func main() {
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), usage)
		flag.PrintDefaults()
	}
	device := flag.Int("device", 0, "number of the device, from 0")
	size := flag.Int("size", 2048, "rows and columns of the matrices, from 1 to 16384")
	flag.Parse()
	if flag.NArg() > 0 {
		fail(2, fmt.Errorf("argument %q: it takes flags only", flag.Arg(0)))
	}
	if *size < 1 || *size > 16384 {
		fail(2, fmt.Errorf("-size %d: valid are 1 to 16384", *size))
	}
	if err := probe(*device, *size); err != nil {
		fail(1, err)
	}
}

func fail(code int, err error) {
	fmt.Fprintln(os.Stderr, "cudaprobe:", err)
	os.Exit(code)
}

func probe(device, size int) error {
	g, err := cuda.Open(device)
	if err != nil {
		return err
	}
	fmt.Printf("device   %d: %s, %.1f GiB, compute capability %d.%d\n",
		device, g.Name, float64(g.Memory)/(1<<30), g.Major, g.Minor)
	fmt.Printf("driver   CUDA %d.%d\n", g.Driver/1000, g.Driver%1000/10)
	fmt.Printf("cpu      %s, %d threads\n", kernel.Features(), kernel.Threads())
	if err := swish(g, size*size); err != nil {
		return err
	}
	library, err := cuda.BLAS()
	if err != nil {
		return err
	}
	fmt.Printf("cublas   %s\n", library)
	if err := gemm(g, size); err != nil {
		return err
	}
	return g.Close()
}

// swish compares n values on [-8, 8].
func swish(g *cuda.GPU, n int) error {
	x := random(n, 8)
	want := make([]float32, n)
	cpu := seconds(func() error {
		kernel.ActJet(kernel.Swish, 1, n, 0, x, nil, want, nil, nil)
		return nil
	})
	dx, err := g.Upload(x)
	if err != nil {
		return err
	}
	defer dx.Free()
	dy, err := g.Vector(n)
	if err != nil {
		return err
	}
	defer dy.Free()
	gpu, err := timed(g, func() error { return g.Swish(dy, dx) })
	if err != nil {
		return err
	}
	got, err := dy.Download()
	if err != nil {
		return err
	}
	const bytes = 8 // per element: one number read, one written
	fmt.Printf("swish    %d numbers: %.1f GB/s, cpu %.1f GB/s\n",
		n, bytes*float64(n)/gpu/1e9, bytes*float64(n)/cpu/1e9)
	return check("swish", got, want, swishTolerance)
}

// gemm compares the product of two random size×size matrices.
func gemm(g *cuda.GPU, size int) error {
	a, b := random(size*size, 1), random(size*size, 1)
	want := make([]float32, size*size)
	cpu := seconds(func() error {
		kernel.Gemm(false, false, size, size, size, 1, a, size, b, size, 0, want, size)
		return nil
	})
	da, err := g.Upload(a)
	if err != nil {
		return err
	}
	defer da.Free()
	db, err := g.Upload(b)
	if err != nil {
		return err
	}
	defer db.Free()
	dc, err := g.Vector(size * size)
	if err != nil {
		return err
	}
	defer dc.Free()
	gpu, err := timed(g, func() error { return g.Gemm(dc, da, db, size, size, size) })
	if err != nil {
		return err
	}
	got, err := dc.Download()
	if err != nil {
		return err
	}
	flops := 2 * math.Pow(float64(size), 3)
	fmt.Printf("sgemm    %d×%d by %d×%d: %.0f GFLOP/s, cpu %.0f GFLOP/s\n",
		size, size, size, size, flops/gpu/1e9, flops/cpu/1e9)
	return check("sgemm", got, want, gemmTolerance)
}

// check prints the largest difference relative to the largest number, and is an
// error if it exceeds the tolerance or is no number.
func check(what string, got, want []float32, tolerance float64) error {
	var diff, largest float64
	for i, w := range want {
		d := math.Abs(float64(got[i]) - float64(w))
		if d > diff || math.IsNaN(d) {
			diff = d // a NaN stays, as nothing is greater
		}
		largest = max(largest, math.Abs(float64(w)))
	}
	diff /= largest
	fmt.Printf("         largest difference from the cpu %.1e of the largest number, allowed %.0e\n", diff, tolerance)
	if !(diff <= tolerance) {
		return fmt.Errorf("%s differs from the cpu by %.1e, more than %.0e", what, diff, tolerance)
	}
	return nil
}

// timed runs f once to load and compile what it needs, then the fewest times
// that last 0.2 seconds, and returns seconds per run.
func timed(g *cuda.GPU, f func() error) (float64, error) {
	run := func(n int) (float64, error) {
		start := time.Now()
		for range n {
			if err := f(); err != nil {
				return 0, err
			}
		}
		err := g.Synchronize()
		return time.Since(start).Seconds(), err
	}
	if _, err := run(1); err != nil {
		return 0, err
	}
	for n := 1; ; n *= 2 {
		s, err := run(n)
		if err != nil || s >= 0.2 {
			return s / float64(n), err
		}
	}
}

// seconds is the time of the second of two runs.
func seconds(f func() error) float64 {
	f()
	start := time.Now()
	f()
	return time.Since(start).Seconds()
}

// random returns n numbers uniform on [-a, a], the same ones every time.
func random(n int, a float32) []float32 {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	x := make([]float32, n)
	for i := range x {
		x[i] = a * (2*r.Float32() - 1)
	}
	return x
}
