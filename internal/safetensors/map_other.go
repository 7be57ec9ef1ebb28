//go:build !unix

package safetensors

import "os"

// mapFile returns the bytes of a file and what releases them.
func mapFile(path string) ([]byte, func() error, error) {
	b, err := os.ReadFile(path)
	return b, func() error { return nil }, err
}
