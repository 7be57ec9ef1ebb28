package main

import (
	"os"
	"testing"
)

// TestGenerated: the committed assembly is what this program writes.
func TestGenerated(t *testing.T) {
	for name, want := range files() {
		got, err := os.ReadFile("../" + name)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("%s differs from what asm writes: run go generate ./internal/kernel", name)
		}
	}
}
