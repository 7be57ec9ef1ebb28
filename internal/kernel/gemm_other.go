//go:build !amd64

package kernel

func detect() path { return plain }

func tiles() *tileSet { panic("kernel: no tiles on this processor") }

func dotKernel(x, y []float32) float32 { return dotPlain(x, y) }
