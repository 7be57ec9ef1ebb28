//go:build !amd64

package kernel

func findPairUnit() *pairUnit { return nil }
