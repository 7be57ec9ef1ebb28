//go:build cuda && linux && (amd64 || arm64)

package main

import (
	"math"
	"testing"
)

func TestCheck(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		got []float32
		ok  bool
	}{
		{[]float32{1, -2, 0}, true},
		{[]float32{1, -2, 1e-6}, true},
		{[]float32{1, -2, 1e-4}, false},
		{[]float32{nan, -2, 0}, false},
		{[]float32{1, -2, nan}, false},
	} {
		if err := check("test", c.got, []float32{1, -2, 0}, 1e-6); (err == nil) != c.ok {
			t.Errorf("%v: got error %v, want ok = %t", c.got, err, c.ok)
		}
	}
}
