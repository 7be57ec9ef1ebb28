package manifold

import (
	"errors"
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

var _, _, _ Region = Cap{}, LatLonBox{}, Polygon{}

// Cap is the set of points within Radius, an angle in radians, of Center.
type Cap struct {
	Center [3]float64
	Radius float64
}

// Contains reports whether x lies in the cap or on its rim.
func (c Cap) Contains(x []float64) bool {
	// |x - c| = 2 sin(angle/2) keeps its precision for small caps.
	var s float64
	for i, v := range c.Center {
		s += (x[i] - v) * (x[i] - v)
	}
	return math.Sqrt(s) <= 2*math.Sin(c.Radius/2)
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

// Area returns Δλ (sin North - sin South).
func (b LatLonBox) Area() float64 {
	return b.width() * math.Pi / 180 * (math.Sin(b.North*math.Pi/180) - math.Sin(b.South*math.Pi/180))
}

func (b LatLonBox) String() string {
	return fmt.Sprintf("box %g to %g N, %g to %g E", b.South, b.North, b.West, b.East)
}

// Polygon is bounded by arcs of great circles between successive vertices, in
// either sense of rotation, and is the smaller of the two parts they bound. No
// two successive vertices may be antipodes, and edges may not cross.
type Polygon struct {
	vertices [][3]float64
	inside   [3]float64 // a point off the polygon's edges whose side is known
	within   bool
	area     float64
}

// NewPolygon returns the polygon with the given vertices, latitude and
// longitude in degrees. A last vertex equal to the first is dropped.
func NewPolygon(latlon [][2]float64) (Polygon, error) {
	var p Polygon
	for i, v := range latlon {
		if !(math.Abs(v[0]) <= 90) || !(math.Abs(v[1]) <= 360) {
			return p, fmt.Errorf("manifold: vertex %d of the polygon is %g, %g, want latitude in [-90, 90] and longitude in [-180, 360]", i+1, v[0], v[1])
		}
		x := FromLatLon(v[0], v[1])
		if k := len(p.vertices); k > 0 && chord(p.vertices[k-1], x) < 1e-12 {
			continue
		}
		p.vertices = append(p.vertices, x)
	}
	if k := len(p.vertices); k > 1 && chord(p.vertices[0], p.vertices[k-1]) < 1e-12 {
		p.vertices = p.vertices[:k-1]
	}
	if len(p.vertices) < 3 {
		return p, fmt.Errorf("manifold: a polygon of %d different vertices, want at least 3", len(p.vertices))
	}
	for i, a := range p.vertices {
		if b := p.vertices[(i+1)%len(p.vertices)]; chord(a, b) > 2-1e-9 {
			return p, fmt.Errorf("manifold: vertices %d and %d of the polygon are antipodes, which no single arc joins", i+1, i+2)
		}
	}
	return p, p.orient()
}

func chord(a, b [3]float64) float64 {
	return math.Sqrt((a[0]-b[0])*(a[0]-b[0]) + (a[1]-b[1])*(a[1]-b[1]) + (a[2]-b[2])*(a[2]-b[2]))
}

func cross(a, b [3]float64) [3]float64 {
	return [3]float64{a[1]*b[2] - a[2]*b[1], a[2]*b[0] - a[0]*b[2], a[0]*b[1] - a[1]*b[0]}
}

// orient finds the signed area by triangles from the first vertex, makes the
// smaller part the inside, and finds a reference point just beside the middle
// of the first edge, on the side that the sense of rotation tells.
func (p *Polygon) orient() error {
	var signed float64
	for i := 1; i+1 < len(p.vertices); i++ {
		signed += excess(p.vertices[0], p.vertices[i], p.vertices[i+1])
	}
	signed = math.Remainder(signed, 4*math.Pi)
	if signed == 0 {
		return errors.New("manifold: the polygon has no area")
	}
	left := signed > 0 // the inside is to the left of the edges
	p.area = math.Abs(signed)
	a, b := p.vertices[0], p.vertices[1]
	side := cross(a, b)
	Sphere{2}.Project(side[:])
	step := 1e-4 * chord(a, b)
	for i := range p.inside {
		p.inside[i] = a[i] + b[i]
	}
	Sphere{2}.Project(p.inside[:])
	for i := range p.inside {
		p.inside[i] += step * side[i]
	}
	Sphere{2}.Project(p.inside[:])
	p.within = left
	return nil
}

// excess returns the signed area of a spherical triangle (Eriksson 1990).
func excess(a, b, c [3]float64) float64 {
	n := cross(b, c)
	return 2 * math.Atan2(dot(a[:], n[:]), 1+dot(a[:], b[:])+dot(b[:], c[:])+dot(c[:], a[:]))
}

// Contains reports whether x lies inside: it counts the edges between x and the
// reference point.
func (p Polygon) Contains(x []float64) bool {
	q := [3]float64{x[0], x[1], x[2]}
	in := p.within
	for i, a := range p.vertices {
		if crosses(p.inside, q, a, p.vertices[(i+1)%len(p.vertices)]) {
			in = !in
		}
	}
	return in
}

// crosses reports whether the shorter arcs pq and ab cross.
func crosses(p, q, a, b [3]float64) bool {
	n, m := cross(p, q), cross(a, b)
	sa, sb := dot(n[:], a[:]) >= 0, dot(n[:], b[:]) >= 0
	sp, sq := dot(m[:], p[:]) >= 0, dot(m[:], q[:]) >= 0
	if sa == sb || sp == sq {
		return false
	}
	// The great circles meet in ±t; the arcs meet if both hold the same one.
	t := cross(n, m)
	onPQ := dot(t[:], p[:])+dot(t[:], q[:]) > 0
	onAB := dot(t[:], a[:])+dot(t[:], b[:]) > 0
	return onPQ == onAB
}

// Area returns the area by the spherical excess.
func (p Polygon) Area() float64 { return p.area }

func (p Polygon) String() string { return fmt.Sprintf("polygon of %d vertices", len(p.vertices)) }

// ParseCap reads "LAT,LON,RADIUS", the radius with its unit: km, deg or rad.
func ParseCap(s string) (Cap, error) {
	f := strings.Split(s, ",")
	if len(f) != 3 {
		return Cap{}, fmt.Errorf("manifold: cap %q, want LAT,LON,RADIUS as in 35.7,139.7,300km", s)
	}
	lat, err1 := strconv.ParseFloat(strings.TrimSpace(f[0]), 64)
	lon, err2 := strconv.ParseFloat(strings.TrimSpace(f[1]), 64)
	if err1 != nil || err2 != nil || !(math.Abs(lat) <= 90) || !(math.Abs(lon) <= 360) {
		return Cap{}, fmt.Errorf("manifold: cap %q: centre %s,%s, want latitude in [-90, 90] and longitude in [-180, 360] degrees", s, f[0], f[1])
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

// Bound returns a cap that holds the polygon: about the mean of its vertices,
// or the whole sphere if they do not fit in a hemisphere.
func (p Polygon) Bound() Cap {
	var c [3]float64
	for _, v := range p.vertices {
		for i := range c {
			c[i] += v[i]
		}
	}
	Sphere{2}.Project(c[:])
	far := 0.0
	for _, v := range p.vertices {
		far = math.Max(far, 2*math.Asin(math.Min(1, chord(c, v)/2)))
	}
	if far > 1.5 { // caps up to a hemisphere are convex, so edges stay within
		far = math.Pi
	}
	return Cap{c, far}
}
