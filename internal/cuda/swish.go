//go:build cuda && linux && (amd64 || arm64)

package cuda

import (
	_ "embed"
	"fmt"
	"unsafe"

	"gorgonia.org/cu"
)

//go:embed swish.ptx
var swishPTX string

// swishBlock is the number of threads of a block, which swish.ptx counts on.
const swishBlock = 256

// Swish starts y = x / (1 + exp(-x)), element by element; y may be x. It panics
// if the lengths differ. The driver compiles the kernel on first use.
//
// The argument of the exponential is rounded in units of its logarithm to base
// 2, which costs |x| 2⁻²⁴ of relative error where x is negative, besides a few
// roundings.
func (g *GPU) Swish(y, x Vector) error {
	if y.n != x.n {
		panic(fmt.Sprintf("cuda: Swish of %d numbers into %d", x.n, y.n))
	}
	if g.swish == (cu.Function{}) {
		if err := g.loadSwish(); err != nil {
			return err
		}
	}
	n := uint64(x.n)
	// cu reads eight bytes for every parameter.
	params := []unsafe.Pointer{unsafe.Pointer(&x.at), unsafe.Pointer(&y.at), unsafe.Pointer(&n)}
	blocks := (x.n + swishBlock - 1) / swishBlock
	if err := g.swish.Launch(blocks, 1, 1, swishBlock, 1, 1, 0, cu.Stream{}, params); err != nil {
		return fmt.Errorf("cuda: launching swish on %d numbers: %w", x.n, err)
	}
	return nil
}

func (g *GPU) loadSwish() (err error) {
	if g.module, err = cu.LoadData(swishPTX); err != nil {
		return fmt.Errorf("cuda: compiling swish.ptx: %w", err)
	}
	if g.swish, err = g.module.Function("swish"); err != nil {
		return fmt.Errorf("cuda: finding swish in its module: %w", err)
	}
	return nil
}
