package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
)

// machine names the processor, its cores as seen here, and the system.
var machine = sync.OnceValue(func() string {
	cpu := "unknown processor"
	if raw, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		one, _, _ := strings.Cut(string(raw), "\n\n")
		about := map[string]string{}
		for _, line := range strings.Split(one, "\n") {
			k, v, _ := strings.Cut(line, ":")
			about[strings.TrimSpace(k)] = strings.TrimSpace(v)
		}
		if name := about["model name"]; name != "" {
			cpu = name
		}
		if f := about["cpu family"]; f != "" {
			cpu += " (family " + f + ", model " + about["model"] + ")"
		}
	}
	return fmt.Sprintf("%s, %d cores, %s/%s", cpu, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
})

// load is how many processes ran or waited for a core over the last minute; zero
// where the system does not tell.
func load() float64 {
	raw, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	var l float64
	if _, err := fmt.Sscan(string(raw), &l); err != nil {
		return 0
	}
	return l
}

// digest identifies a program by its content.
func digest(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:6]), nil
}
