package kernel

import (
	"fmt"
	"strings"
)

// A path is a set of instructions that kernels are written in.
type path int

const (
	plain path = iota
	avx2
	avx512
)

var pathNames = [...]string{"plain", "avx2", "avx512"}

// active is the path in use, at most best.
var (
	best   = detect()
	active = best
)

// Features names the instructions in use: plain, avx2 or avx512.
func Features() string { return pathNames[active] }

// Use selects the instructions by name, for tests and comparisons. It is not
// safe while kernels run.
func Use(name string) error {
	for p, n := range pathNames {
		if n != name {
			continue
		}
		if path(p) > best {
			return fmt.Errorf("kernel: this processor has no %s; it has %s", name, strings.Join(pathNames[:best+1], ", "))
		}
		active = path(p)
		return nil
	}
	return fmt.Errorf("kernel: unknown instructions %q, want %s", name, strings.Join(pathNames[:], ", "))
}
