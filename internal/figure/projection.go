package figure

import (
	"fmt"
	"math"
	"strings"
)

// A Projection maps the sphere to the plane. Angles are in radians.
type Projection interface {
	// Forward returns the place of a point, and whether it is visible.
	Forward(lat, lon float64) (x, y float64, ok bool)
	// Inverse returns the point at a place, and whether there is one.
	Inverse(x, y float64) (lat, lon float64, ok bool)
	// Extent returns the half width and half height of the map.
	Extent() (w, h float64)
	// Wraps reports whether a short line between two longitudes crosses the seam
	// of the map.
	Wraps(a, b float64) bool
	// Outline returns the edge of the map as a closed line.
	Outline() [][2]float64
}

// ParseProjection returns a projection by its name: mollweide, equirectangular
// (both centred on the meridian lon) or orthographic (seen from above lat, lon).
// Degrees.
func ParseProjection(name string, lat, lon float64) (Projection, error) {
	lat, lon = lat*math.Pi/180, lon*math.Pi/180
	switch name {
	case "mollweide":
		return mollweide{lon}, nil
	case "equirectangular":
		return equirectangular{lon}, nil
	case "orthographic":
		return orthographic{lat, lon}, nil
	}
	return nil, fmt.Errorf("figure: unknown projection %q, want %s", name, strings.Join([]string{"mollweide", "orthographic", "equirectangular"}, ", "))
}

// east returns lon - lon0 in [-π, π].
func east(lon, lon0 float64) float64 { return math.Remainder(lon-lon0, 2*math.Pi) }

// equirectangular is the plate carrée.
type equirectangular struct{ lon0 float64 }

func (p equirectangular) Forward(lat, lon float64) (x, y float64, ok bool) {
	return east(lon, p.lon0), lat, true
}

func (p equirectangular) Inverse(x, y float64) (lat, lon float64, ok bool) {
	return y, x + p.lon0, math.Abs(x) <= math.Pi && math.Abs(y) <= math.Pi/2
}

func (p equirectangular) Wraps(a, b float64) bool {
	return math.Abs(east(a, p.lon0)-east(b, p.lon0)) > math.Pi
}

func (p equirectangular) Extent() (w, h float64) { return math.Pi, math.Pi / 2 }

func (p equirectangular) Outline() [][2]float64 {
	const w, h = math.Pi, math.Pi / 2
	return [][2]float64{{-w, -h}, {w, -h}, {w, h}, {-w, h}, {-w, -h}}
}

// mollweide is the equal-area projection of that name (Snyder 1987, p. 249),
// scaled to a unit half height.
type mollweide struct{ lon0 float64 }

func (p mollweide) Forward(lat, lon float64) (x, y float64, ok bool) {
	// 2θ + sin 2θ = π sin lat, by Newton, from a start good near the poles.
	target := math.Pi * math.Sin(lat)
	t := lat
	if a := math.Pi/2 - math.Abs(lat); a < 0.3 {
		t = math.Copysign(math.Pi/2-math.Cbrt(3*math.Pi*a*a/8), lat)
	}
	for range 30 {
		f := 2*t + math.Sin(2*t) - target
		d := 2 + 2*math.Cos(2*t)
		if d < 1e-12 || math.Abs(f) < 1e-14 {
			break
		}
		t -= f / d
		t = math.Max(-math.Pi/2, math.Min(math.Pi/2, t))
	}
	return 2 / math.Pi * east(lon, p.lon0) * math.Cos(t), math.Sin(t), true
}

func (p mollweide) Inverse(x, y float64) (lat, lon float64, ok bool) {
	if x*x/4+y*y > 1 {
		return 0, 0, false
	}
	t := math.Asin(y)
	lat = math.Asin(math.Max(-1, math.Min(1, (2*t+math.Sin(2*t))/math.Pi)))
	c := math.Cos(t)
	if c < 1e-9 {
		return lat, p.lon0, true
	}
	return lat, p.lon0 + math.Pi*x/(2*c), true
}

func (p mollweide) Wraps(a, b float64) bool { return equirectangular(p).Wraps(a, b) }

func (p mollweide) Extent() (w, h float64) { return 2, 1 }

func (p mollweide) Outline() [][2]float64 { return ellipse(2, 1) }

func ellipse(a, b float64) (line [][2]float64) {
	for i := range 361 {
		s, c := math.Sincos(float64(i) * math.Pi / 180)
		line = append(line, [2]float64{a * c, b * s})
	}
	return line
}

// orthographic is the view from far above (lat0, lon0).
type orthographic struct{ lat0, lon0 float64 }

func (p orthographic) Forward(lat, lon float64) (x, y float64, ok bool) {
	s0, c0 := math.Sincos(p.lat0)
	s, c := math.Sincos(lat)
	sl, cl := math.Sincos(lon - p.lon0)
	return c * sl, c0*s - s0*c*cl, s0*s+c0*c*cl >= 0
}

func (p orthographic) Inverse(x, y float64) (lat, lon float64, ok bool) {
	r2 := x*x + y*y
	if r2 > 1 {
		return 0, 0, false
	}
	z := math.Sqrt(1 - r2)
	s0, c0 := math.Sincos(p.lat0)
	return math.Asin(math.Max(-1, math.Min(1, z*s0+y*c0))), p.lon0 + math.Atan2(x, z*c0-y*s0), true
}

func (p orthographic) Wraps(_, _ float64) bool { return false }

func (p orthographic) Extent() (w, h float64) { return 1, 1 }

func (p orthographic) Outline() [][2]float64 { return ellipse(1, 1) }

// cut projects a line on the sphere, given in degrees as lon, lat, and cuts it
// where it leaves the visible side or jumps across the edge of the map.
func cut(p Projection, line [][2]float64) (pieces [][][2]float64) {
	var piece [][2]float64
	flush := func() {
		if len(piece) > 1 {
			pieces = append(pieces, piece)
		}
		piece = nil
	}
	for i, q := range line {
		x, y, ok := p.Forward(q[1]*math.Pi/180, q[0]*math.Pi/180)
		if !ok {
			if len(piece) > 0 {
				piece = append(piece, limb(p, line[i-1], q))
			}
			flush()
			continue
		}
		if len(piece) == 0 && i > 0 {
			if _, _, was := p.Forward(line[i-1][1]*math.Pi/180, line[i-1][0]*math.Pi/180); !was {
				piece = append(piece, limb(p, q, line[i-1]))
			}
		}
		if len(piece) > 0 && p.Wraps(line[i-1][0]*math.Pi/180, q[0]*math.Pi/180) {
			flush()
		}
		piece = append(piece, [2]float64{x, y})
	}
	flush()
	return pieces
}

// limb returns where the line from in, which is visible, to out, which is not,
// meets the edge, by bisection.
func limb(p Projection, in, out [2]float64) [2]float64 {
	a, b := in, out
	d := math.Remainder(b[0]-a[0], 360)
	for range 30 {
		m := [2]float64{a[0] + d/2, (a[1] + b[1]) / 2}
		d /= 2
		if _, _, ok := p.Forward(m[1]*math.Pi/180, m[0]*math.Pi/180); ok {
			a = m
		} else {
			b = m
		}
	}
	x, y, _ := p.Forward(a[1]*math.Pi/180, a[0]*math.Pi/180)
	return [2]float64{x, y}
}
