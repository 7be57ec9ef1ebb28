package figure

import (
	"strings"
	"testing"
)

// TestTicks: labels of an axis that spans little tell its ticks apart, and others
// are short.
func TestTicks(t *testing.T) {
	for _, c := range []struct {
		lo, hi float64
		want   string
	}{
		{1, 1.0012, "1 1.0005 1.001"},
		{0, 8000, "0 4000 8000"},
	} {
		var labels []string
		for _, k := range (distinct{}).Ticks(c.lo, c.hi) {
			if !k.IsMinor() {
				labels = append(labels, k.Label)
			}
		}
		if got := strings.Join(labels, " "); got != c.want {
			t.Errorf("from %g to %g: %s, want %s", c.lo, c.hi, got, c.want)
		}
	}
}
