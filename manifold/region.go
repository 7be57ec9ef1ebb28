package manifold

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// EarthRadius is the mean radius of the Earth in kilometres, (2a + b)/3 of the
// GRS 80 ellipsoid, by which distances in kilometres become angles.
const EarthRadius = 6371.0088

// A Region is a part of S².
type Region interface {
	Contains(x []float64) bool
	Area() float64 // in steradians, exact
	String() string
}

var (
	_ Region = Cap{}
	_ Region = LatLonBox{}
	_ Region = Polygon{}
)

// Cap is the set of points within Radius, an angle in radians, of Center.
type Cap struct {
	Center [3]float64
	Radius float64
}

// Contains reports whether x lies in the cap or on its rim.
func (c Cap) Contains(x []float64) bool {
	// |x - c| = 2 sin(angle/2) keeps its digits for small caps, and
	// |x + c| = 2 cos(angle/2) for the small rest beyond large ones.
	sign := -1.0
	if c.Radius > math.Pi/2 {
		sign = 1
	}
	var s float64
	for i, v := range c.Center {
		s += (x[i] + sign*v) * (x[i] + sign*v)
	}
	if sign < 0 {
		return math.Sqrt(s) <= 2*math.Sin(c.Radius/2)
	}
	return c.Radius >= math.Pi || math.Sqrt(s) >= 2*math.Cos(c.Radius/2)
}

// Area returns 4π sin²(Radius/2).
func (c Cap) Area() float64 {
	s := math.Sin(c.Radius / 2)
	return 4 * math.Pi * s * s
}

func (c Cap) String() string {
	lat, lon := LatLon(c.Center[:])
	return fmt.Sprintf("cap of %.4g km about %.4f, %.4f", c.Radius*EarthRadius, lat, lon)
}

// LatLonBox is bounded by two parallels and two meridians, in degrees. It runs
// east from West to East, across the antimeridian if East is less than West.
type LatLonBox struct{ South, West, North, East float64 }

// Contains reports whether x lies in the box or on its edge.
func (b LatLonBox) Contains(x []float64) bool {
	lat, lon := LatLon(x)
	return lat >= b.South && lat <= b.North && wrap(lon-b.West, 360) <= b.width()
}

func (b LatLonBox) width() float64 {
	if b.East-b.West >= 360 {
		return 360
	}
	return wrap(b.East-b.West, 360)
}

// Area returns Δλ (sin North - sin South), the difference as a product, which
// keeps the digits of low boxes.
func (b LatLonBox) Area() float64 {
	const half = math.Pi / 360
	return b.width() * 4 * half * math.Cos((b.North+b.South)*half) * math.Sin((b.North-b.South)*half)
}

func (b LatLonBox) String() string {
	return fmt.Sprintf("box %g to %g N, %g to %g E", b.South, b.North, b.West, b.East)
}

// ParseCap reads "LAT,LON,RADIUS", the radius with its unit: km, deg or rad.
func ParseCap(s string) (Cap, error) {
	f := strings.Split(s, ",")
	if len(f) != 3 {
		return Cap{}, fmt.Errorf("manifold: cap %q, want LAT,LON,RADIUS as in 35.7,139.7,300km", s)
	}
	lat, err1 := strconv.ParseFloat(strings.TrimSpace(f[0]), 64)
	lon, err2 := strconv.ParseFloat(strings.TrimSpace(f[1]), 64)
	if err1 != nil || err2 != nil || !(math.Abs(lat) <= 90) || !(math.Abs(lon) <= 360) {
		return Cap{}, fmt.Errorf("manifold: cap %q: centre %s,%s, want latitude in [-90, 90] and longitude in [-360, 360] degrees", s, f[0], f[1])
	}
	r, err := parseAngle(strings.TrimSpace(f[2]))
	if err != nil {
		return Cap{}, fmt.Errorf("manifold: cap %q: %w", s, err)
	}
	return Cap{FromLatLon(lat, lon), r}, nil
}

func parseAngle(s string) (float64, error) {
	for _, u := range []struct {
		name string
		size float64
	}{{"km", 1 / EarthRadius}, {"deg", math.Pi / 180}, {"rad", 1}} {
		text, ok := strings.CutSuffix(s, u.name)
		if !ok {
			continue
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err == nil && v > 0 && v*u.size <= math.Pi {
			return v * u.size, nil
		}
		break
	}
	return 0, fmt.Errorf("radius %q, want a positive number up to half way round with its unit, as 300km, 2.5deg or 0.05rad", s)
}

// ParseLatLonBox reads "SOUTH,WEST,NORTH,EAST" in degrees.
func ParseLatLonBox(s string) (LatLonBox, error) {
	var v [4]float64
	f := strings.Split(s, ",")
	ok := len(f) == 4
	for i := 0; ok && i < 4; i++ {
		var err error
		v[i], err = strconv.ParseFloat(strings.TrimSpace(f[i]), 64)
		ok = err == nil && math.Abs(v[i]) <= 360
	}
	if !ok {
		return LatLonBox{}, fmt.Errorf("manifold: box %q, want SOUTH,WEST,NORTH,EAST in degrees as in 30,130,46,146", s)
	}
	b := LatLonBox{v[0], v[1], v[2], v[3]}
	if !(b.South < b.North && b.South >= -90 && b.North <= 90) || b.width() == 0 {
		return b, fmt.Errorf("manifold: box %q has south %g, north %g, west %g, east %g; want south below north in [-90, 90] and west apart from east", s, b.South, b.North, b.West, b.East)
	}
	return b, nil
}
