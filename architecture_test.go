package mflow_test

import (
	"os/exec"
	"strings"
	"testing"
)

// order is the import chain of ARCHITECTURE.md: a package may import what
// stands before it, never what stands after.
var order = []string{
	"mflow/manifold",
	"mflow/internal/atomicfile", "mflow/internal/directional",
	"mflow/datasets",
	"mflow/internal/op", "mflow/internal/kernel", "mflow/internal/cuda", "mflow/internal/safetensors",
	"mflow/internal/figure", "mflow/internal/export",
	"mflow/score",
	"mflow/flow/prior", "mflow/flow/nn", "mflow/flow/jamba", "mflow/flow",
	"mflow/divergence",
	"mflow/train", "mflow/sample",
	"mflow/cmd", "mflow/bench",
}

// rank is the place of a package in order, by the longest prefix.
func rank(pkg string) int {
	best, length := -1, 0
	for i, p := range order {
		if (pkg == p || strings.HasPrefix(pkg, p+"/")) && len(p) > length {
			best, length = i, len(p)
		}
	}
	return best
}

func TestImportsGoLeftToRight(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}} {{join .Imports \" \"}}", "./...").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		pkg, imports, _ := strings.Cut(line, " ")
		if pkg == "mflow" {
			continue
		}
		if rank(pkg) < 0 {
			t.Errorf("%s has no place in the import order", pkg)
		}
		for _, imp := range strings.Fields(imports) {
			if strings.HasPrefix(imp, "mflow/") && rank(imp) > rank(pkg) {
				t.Errorf("%s imports %s, which stands to its right", pkg, imp)
			}
		}
	}
}

// TestSiblings: train and sample know nothing of each other, data sets nothing
// of models, and scores nothing of either.
func TestSiblings(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}} {{join .Deps \" \"}}", "./train", "./sample", "./datasets", "./score").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		pkg, deps, _ := strings.Cut(line, " ")
		for _, d := range strings.Fields(deps) {
			switch {
			case pkg == "mflow/train" && d == "mflow/sample",
				pkg == "mflow/sample" && d == "mflow/train",
				pkg == "mflow/datasets" && strings.HasPrefix(d, "mflow/flow"),
				pkg == "mflow/score" && (strings.HasPrefix(d, "mflow/flow") || d == "mflow/datasets"):
				t.Errorf("%s depends on %s", pkg, d)
			}
		}
	}
}
