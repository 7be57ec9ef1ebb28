// Package cuda is the first contact with NVIDIA GPUs: device memory, one kernel
// of our own and the matrix product of cuBLAS, through gorgonia.org/cu. All of
// it stands behind the build tag cuda and needs cgo, on Linux; without the tag
// the package is empty. See docs/gpu.md.
//
// Neither NVIDIA's headers nor its libraries are needed to build: include/
// declares what gorgonia.org/cu calls, and load.c finds libcuda and libcublas
// when the program starts.
package cuda
