//go:build cuda && linux && (amd64 || arm64)

package cuda

/*
#cgo LDFLAGS: -ldl
#include "load.h"
*/
import "C"

import (
	"errors"
	"fmt"

	"gorgonia.org/cu"
)

// Devices returns the number of GPUs, at least 1. It is an error if there is no
// driver, or if the driver finds no device it can use.
func Devices() (int, error) {
	if C.mflow_cuda_driver() == nil {
		return 0, fmt.Errorf("cuda: no NVIDIA driver on this machine: %s", C.GoString(C.mflow_cuda_driver_error()))
	}
	if status := C.mflow_cuda_init_status(); status != 0 {
		words := "no description"
		if p := C.mflow_cuda_error(status); p != nil {
			words = C.GoString(p)
		}
		return 0, fmt.Errorf("cuda: the NVIDIA driver finds no device it can use: cuInit says %d, %s", int(status), words)
	}
	n, err := cu.NumDevices()
	if err != nil {
		return 0, fmt.Errorf("cuda: counting devices: %w", err)
	}
	if n == 0 {
		return 0, errors.New("cuda: the NVIDIA driver counts 0 devices")
	}
	return n, nil
}

// BLAS returns the file name of the cuBLAS library in use, or an error if the
// dynamic linker finds none of a version that the driver knows.
func BLAS() (string, error) {
	p := C.mflow_cuda_blas()
	if p == nil {
		return "", errors.New("cuda: no cuBLAS: the dynamic linker finds no libcublas.so.11, .12 or .13 " +
			"as old as the driver or older; LD_LIBRARY_PATH may name its directory")
	}
	return C.GoString(p), nil
}
