package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestReadme: every figure with an error in the README stands on the page of results.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/results.md")
	if err != nil {
		t.Fatal(err)
	}
	figures := regexp.MustCompile(`-?\d+\.\d+ ±\d+\.\d+(; \d+\.\d+)?`).FindAllString(string(readme), -1)
	if len(figures) < 20 {
		t.Fatalf("only %d figures found", len(figures))
	}
	for _, f := range figures {
		if !strings.Contains(string(page), f) {
			t.Errorf("%s is not in docs/results.md", f)
		}
	}
}
