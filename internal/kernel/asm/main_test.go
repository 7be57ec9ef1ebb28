package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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

// TestEncodings: a disassembler calls the instructions that are written as bytes
// what they are meant to be.
func TestEncodings(t *testing.T) {
	objdump, err := exec.LookPath("objdump")
	if err != nil {
		t.Skip("needs objdump (binutils) to disassemble")
	}
	files()
	for want, code := range encodings {
		name := filepath.Join(t.TempDir(), "code")
		if err := os.WriteFile(name, code, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(objdump, "-D", "-b", "binary", "-m", "i386:x86-64", name).CombinedOutput()
		if err != nil {
			t.Skipf("objdump does not read x86-64: %v", err)
		}
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		var got []string
		for _, l := range lines {
			if f := strings.Split(l, "\t"); len(f) == 3 { // address, bytes, instruction
				got = append(got, strings.Join(strings.Fields(f[2]), " "))
			}
		}
		if len(got) != 1 || got[0] != want {
			t.Errorf("% x is %q, want %q", code, got, want)
		}
	}
}
