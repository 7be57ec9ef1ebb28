package figure

import (
	"strconv"

	"gonum.org/v1/plot"
)

// distinct are plot's ticks, with as many digits as tell their labels apart: by
// themselves 1.0005 and 1 are both written 1.
type distinct struct{ plot.DefaultTicks }

func (d distinct) Ticks(lo, hi float64) []plot.Tick {
	ticks := d.DefaultTicks.Ticks(lo, hi)
	for digits := 5; digits <= 17 && !apart(ticks); digits++ {
		for i, t := range ticks {
			if !t.IsMinor() {
				ticks[i].Label = strconv.FormatFloat(t.Value, 'g', digits, 64)
			}
		}
	}
	return ticks
}

// apart tells whether no two labels are the same.
func apart(ticks []plot.Tick) bool {
	seen := map[string]bool{}
	for _, t := range ticks {
		if t.IsMinor() {
			continue
		}
		if seen[t.Label] {
			return false
		}
		seen[t.Label] = true
	}
	return true
}
