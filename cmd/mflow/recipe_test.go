package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestRecipe: what a model is made of when nothing is said, and what is said of
// it.
func TestRecipe(t *testing.T) {
	for _, c := range []struct {
		name, flags string
		want        []string // in the result
		not         string
	}{
		{"default", "", []string{`"prior":"kernel density`, `"gate":{`, `"z":1`}, `"mixture"`},
		{"few points", "--points-of-set 300", []string{`"prior":"kernel density`}, `"gate"`},
		{"quick", "--effort quick", []string{`"prior":"kernel density`}, `"gate"`},
		{"steps", "--steps 30 --nets 2 --hidden 8 --waves 8 --points-of-set 300", []string{`"mixture":{`, `"steps":60`}, `"gate"`},
		{"mixture asked for", "--field mixture --steps 200 --nets 2 --hidden 16 --waves 16 --points-of-set 300 --floor 0.3", []string{`"kept":true`, "+ "}, `"gate"`},
		{"Kent", "--prior kent --field none", []string{`Kent densities"`, `"z":1`}, `"gate"`},
		{"covered manifold", "--manifold so3 --data bumps", []string{`"prior":"kernel density`, `"z":1`}, `"gate"`},
		{"network on it", "--manifold so3 --data bumps --prior uniform --steps 20 --hidden 8 --waves 8", []string{`"prior":"uniform"`, `"best_step":20`}, `"gate"`},
		{"average", "--prior uniform --nets 3 --steps 20 --hidden 8 --waves 8", []string{`"prior":"uniform"`, `"steps":60`}, `"mixture"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := []string{"train", "--data", "plates", "--points-of-set", "700", "--z-points", "2000", "--json", "-o", filepath.Join(t.TempDir(), "m.mflow")}
			r := mflow(t, append(args, strings.Fields(c.flags)...)...)
			if r.code != exitOK {
				t.Fatalf("status %d: %s", r.code, r.err)
			}
			for _, want := range c.want {
				if !strings.Contains(r.out, want) {
					t.Errorf("the result lacks %s: %s", want, r.out)
				}
			}
			if strings.Contains(r.out, c.not) {
				t.Errorf("the result has %s: %s", c.not, r.out)
			}
		})
	}
	for flags, want := range map[string]string{
		"--effort much":                   "want quick, good or best",
		"--field some":                    "want auto, none, network or mixture",
		"--prior some":                    "want auto, uniform, vmf, kent, kde or gated",
		"--prior uniform --field mixture": "want --prior gated or kde",
		"--prior kent --field mixture":    "want --prior gated or kde",
		"--field mixture --nets 1":        "and 2 in a mixture",
	} {
		args := []string{"train", "--data", "plates", "--points-of-set", "300", "-o", filepath.Join(t.TempDir(), "m.mflow")}
		if r := mflow(t, append(args, strings.Fields(flags)...)...); r.code != exitUsage || !strings.Contains(r.err, want) {
			t.Errorf("%s: status %d, %s", flags, r.code, r.err)
		}
	}
}
