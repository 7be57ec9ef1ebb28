//go:build cuda && linux && (amd64 || arm64)

package cuda

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// hostLibraries builds the stand-ins of testdata and returns their directory.
func hostLibraries(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for source, library := range map[string]string{"hostcuda.c": "libcuda.so.1", "hostcublas.c": "libcublas.so.12"} {
		out, err := exec.Command("cc", "-O1", "-w", "-shared", "-fPIC", "-Iinclude", "-o", filepath.Join(dir, library),
			filepath.Join("testdata", source), "-lm").CombinedOutput()
		if err != nil {
			t.Fatalf("cc %s: %v\n%s", source, err, out)
		}
	}
	return dir
}

// again runs this test binary anew, as libraries are looked for when a program
// starts, and returns what it prints.
func again(t *testing.T, test string, env ...string) string {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.v", "-test.run", test)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", test, env, err, out)
	}
	return string(out)
}

// TestThroughHostLibraries runs the tests of the device on the host's memory:
// every call must reach its library with its arguments in their places.
func TestThroughHostLibraries(t *testing.T) {
	out := again(t, "^(TestDevice|TestSwish|TestGemm)$", "LD_LIBRARY_PATH="+hostLibraries(t))
	for _, test := range []string{"TestDevice", "TestSwish", "TestGemm"} {
		if !strings.Contains(out, "--- PASS: "+test) {
			t.Errorf("%s did not pass:\n%s", test, out)
		}
	}
	if want := "host memory, 3221225472 bytes, compute capability 8.9, CUDA 12040"; !strings.Contains(out, want) {
		t.Errorf("got\n%s, want %q in it", out, want)
	}
}

// TestRefusal: what Devices says of a driver that finds no device.
func TestRefusal(t *testing.T) {
	if os.Getenv("MFLOW_CUDA_SAY") != "" {
		_, err := Devices()
		fmt.Println(err)
		_, err = Open(0)
		fmt.Println(err)
		return
	}
	dir := hostLibraries(t)
	for status, words := range map[int]string{
		100: "no CUDA-capable device is detected",
		803: "no description",
	} {
		out := again(t, "^TestRefusal$", "MFLOW_CUDA_SAY=1", "LD_LIBRARY_PATH="+dir, fmt.Sprintf("HOSTCUDA_INIT=%d", status))
		want := fmt.Sprintf("cuda: the NVIDIA driver finds no device it can use: cuInit says %d, %s\n", status, words)
		if strings.Count(out, want) != 2 {
			t.Errorf("got %q, want %q from Devices and from Open", out, want)
		}
	}
}
