package figure

import (
	"fmt"
	"image/color"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A Colormap is a sequence of colours from low to high values.
type Colormap struct {
	Name   string
	colors []color.RGBA
}

// Colormaps are the colour maps by name. All are perceptually uniform and
// readable by the colour-blind.
var Colormaps = []Colormap{parseHex("viridis", viridisHex), parseHex("magma", magmaHex), parseHex("cividis", cividisHex)}

func parseHex(name, hex string) Colormap {
	m := Colormap{Name: name}
	for i := 0; i+6 <= len(hex); i += 6 {
		v, err := strconv.ParseUint(hex[i:i+6], 16, 32)
		if err != nil {
			panic(err) // a constant of this package
		}
		m.colors = append(m.colors, color.RGBA{uint8(v >> 16), uint8(v >> 8), uint8(v), 255})
	}
	return m
}

// ParseColormap returns the colour map of the given name.
func ParseColormap(name string) (Colormap, error) {
	var names []string
	for _, m := range Colormaps {
		if m.Name == name {
			return m, nil
		}
		names = append(names, m.Name)
	}
	return Colormap{}, fmt.Errorf("figure: unknown colour map %q, want one of %s", name, strings.Join(names, ", "))
}

// At returns the colour of t, from 0 to 1; beyond, that of the nearer end.
func (m Colormap) At(t float64) color.RGBA {
	if m.colors == nil {
		m = Colormaps[0]
	}
	last := len(m.colors) - 1
	t = math.Max(0, math.Min(1, t)) * float64(last)
	if math.IsNaN(t) {
		return color.RGBA{}
	}
	i := min(int(t), last-1)
	f := t - float64(i)
	a, b := m.colors[i], m.colors[i+1]
	lerp := func(a, b uint8) uint8 { return uint8(float64(a) + f*(float64(b)-float64(a)) + 0.5) }
	return color.RGBA{lerp(a.R, b.R), lerp(a.G, b.G), lerp(a.B, b.B), 255}
}

// A Scale maps values to [0, 1] for colouring, by their logarithm if Log.
type Scale struct {
	Lo, Hi float64
	Log    bool
}

// RobustScale spans the values between their 2nd and 99.8th percentile, so that
// a few sharp peaks do not leave the rest of the picture in one colour. If the
// span is more than a factor of thirty it is logarithmic, over at most five
// powers of ten.
func RobustScale(values []float64) Scale {
	v := make([]float64, 0, len(values))
	for _, x := range values {
		if !math.IsNaN(x) && !math.IsInf(x, 0) {
			v = append(v, x)
		}
	}
	if len(v) == 0 {
		return Scale{0, 1, false}
	}
	slices.Sort(v)
	at := func(q float64) float64 { return v[int(q*float64(len(v)-1))] }
	s := Scale{at(0.02), at(0.998), false}
	if s.Hi > 0 && s.Lo >= 0 && s.Hi > 30*s.Lo {
		s.Log = true
		s.Lo = math.Max(s.Lo, s.Hi*1e-5)
	}
	if !(s.Hi > s.Lo) {
		s.Hi = s.Lo + math.Max(1e-12, math.Abs(s.Lo))
	}
	return s
}

// Unit returns the place of v in the scale.
func (s Scale) Unit(v float64) float64 {
	if s.Log {
		return (math.Log(math.Max(v, 1e-300)) - math.Log(s.Lo)) / (math.Log(s.Hi) - math.Log(s.Lo))
	}
	return (v - s.Lo) / (s.Hi - s.Lo)
}

// Ticks returns round values within the scale, and how to write them.
func (s Scale) Ticks() (values []float64, labels []string) {
	if s.Log {
		decades := math.Log10(s.Hi / s.Lo)
		steps := []float64{1}
		if decades < 2.5 {
			steps = []float64{1, 3}
		}
		if decades < 1.2 {
			steps = []float64{1, 2, 3, 5, 7}
		}
		for e := math.Floor(math.Log10(s.Lo)); e <= math.Ceil(math.Log10(s.Hi)); e++ {
			for _, m := range steps {
				v := m * math.Pow(10, e)
				if v >= s.Lo*0.999 && v <= s.Hi*1.001 {
					values = append(values, v)
				}
			}
		}
	} else {
		raw := (s.Hi - s.Lo) / 5
		step := math.Pow(10, math.Floor(math.Log10(raw)))
		for _, m := range []float64{1, 2, 5, 10} {
			if m*step >= raw {
				step *= m
				break
			}
		}
		for k := math.Ceil(s.Lo / step); k*step <= s.Hi*(1+1e-12); k++ {
			values = append(values, k*step)
		}
	}
	for _, v := range values {
		labels = append(labels, strconv.FormatFloat(v, 'g', 4, 64))
	}
	return values, labels
}

func trim(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }
