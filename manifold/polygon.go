package manifold

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Polygon is bounded by arcs of great circles between successive vertices, in
// either sense of rotation, and is the smaller of the two parts they bound. It
// may hold poles and cross the antimeridian. NewPolygon makes one.
type Polygon struct {
	vertices [][3]float64
	area     float64
	bound    Cap

	ref     [3]float64   // a point in general position
	refIn   bool         // whether it lies inside
	normals [][3]float64 // 2 a×b of every edge ab
	refLeft []bool       // whether ref lies to the left of it
}

// NewPolygon returns the polygon with the given vertices, latitude and
// longitude in degrees. Vertices that repeat the one before, as the last of a
// closed ring repeats the first, are dropped.
func NewPolygon(latlon [][2]float64) (Polygon, error) {
	var p Polygon
	for i, v := range latlon {
		if !(math.Abs(v[0]) <= 90) || !(math.Abs(v[1]) <= 360) {
			return Polygon{}, fmt.Errorf("manifold: vertex %d of the polygon is %g, %g, want latitude in [-90, 90] and longitude in [-360, 360]", i+1, v[0], v[1])
		}
		x := FromLatLon(v[0], v[1])
		if k := len(p.vertices); k > 0 && chord(p.vertices[k-1], x) < samePoint {
			continue
		}
		p.vertices = append(p.vertices, x)
	}
	if k := len(p.vertices); k > 1 && chord(p.vertices[0], p.vertices[k-1]) < samePoint {
		p.vertices = p.vertices[:k-1]
	}
	if len(p.vertices) < 3 {
		return Polygon{}, fmt.Errorf("manifold: a polygon of %d different vertices, want at least 3", len(p.vertices))
	}
	for i := range p.vertices {
		if a, b := p.edge(i); chord(a, b) > 2-1e-9 {
			return Polygon{}, fmt.Errorf("manifold: the polygon's vertices %s and %s are antipodes, which no single arc joins", place(a), place(b))
		}
	}
	if err := p.simple(); err != nil {
		return Polygon{}, err
	}
	p.bound = p.cap()
	left := p.measure()
	if p.area == 0 {
		return Polygon{}, errors.New("manifold: the polygon has no area")
	}
	p.refer(left)
	return p, nil
}

// samePoint is the chord below which two vertices are one: 6 µm on the Earth.
const samePoint = 1e-12

// edge returns the ends of edge i, from vertex i to the next.
func (p *Polygon) edge(i int) (a, b [3]float64) {
	return p.vertices[i], p.vertices[(i+1)%len(p.vertices)]
}

// simple reports a pair of edges that cross. Only edges that come near each
// other are compared, which also leaves rounding no say on edges that lie in one
// line: an arc stays within its half chord of its middle.
func (p *Polygon) simple() error {
	type arc struct {
		a, b, middle [3]float64
		half         float64
	}
	arcs := make([]arc, len(p.vertices))
	for i := range arcs {
		a, b := p.edge(i)
		m := middle(a, b)
		arcs[i] = arc{a, b, m, chord(a, m)}
	}
	low := func(s arc) float64 { return s.middle[2] - s.half }
	slices.SortFunc(arcs, func(s, t arc) int { return cmp.Compare(low(s), low(t)) })
	for k, s := range arcs {
		for _, t := range arcs[k+1:] {
			if low(t) > s.middle[2]+s.half {
				break
			}
			if s.a == t.a || s.a == t.b || s.b == t.a || s.b == t.b {
				continue // neighbours, or a ring that touches itself in a vertex
			}
			if chord(s.middle, t.middle) < s.half+t.half && crosses(s.a, s.b, t.a, t.b) {
				return fmt.Errorf("manifold: the polygon's edge from %s to %s crosses the one from %s to %s", place(s.a), place(s.b), place(t.a), place(t.b))
			}
		}
	}
	return nil
}

// cap returns a cap that holds the polygon, or the whole sphere if the vertices
// do not fit well inside the hemisphere about their mean. Caps smaller than a
// hemisphere are convex, so the edges stay within.
func (p *Polygon) cap() Cap {
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
	if far > 1.5 {
		far = math.Pi
	}
	return Cap{c, far}
}

// measure finds the area and reports whether the inside lies to the left of the
// edges. In a hemisphere it sums triangles from the centre, which keeps the
// digits of small polygons. Else it sums the angles of turn, since triangles
// are ambiguous where a side joins antipodes: by Gauss and Bonnet the part to
// the left has the area 2π - Σ turns.
func (p *Polygon) measure() (left bool) {
	var onLeft float64
	if p.bound.Radius < math.Pi {
		for i := range p.vertices {
			a, b := p.edge(i)
			onLeft += excess(p.bound.Center, a, b)
		}
		p.area = math.Abs(onLeft)
		return onLeft > 0
	}
	onLeft = 2 * math.Pi
	for i := range p.vertices {
		a, b := p.edge(i)
		_, c := p.edge((i + 1) % len(p.vertices))
		// With n = 2 a×b and m = 2 b×c the sine of the turn is a·b×c = a·m/2 and
		// the cosine (a×b)·(b×c) = n·m/4, both times the sines of the sides.
		n, m := cross(a, b), cross(b, c)
		onLeft -= math.Atan2(2*dot(a[:], m[:]), dot(n[:], m[:]))
	}
	p.area = math.Min(onLeft, 4*math.Pi-onLeft)
	return onLeft <= 2*math.Pi
}

// refer chooses the reference point from which Contains counts edges. It lies
// in no special direction from the centre, so that arcs from it to the points
// of a grid do not run through vertices. Which side it is on is read off where
// the arc to it leaves an edge's middle, for the edge that it leaves at the
// widest angle: no small distance enters, however thin the polygon.
func (p *Polygon) refer(left bool) {
	r := math.Min(p.bound.Radius, 1)
	E := make([]float64, 6)
	Sphere{2}.Frame(E, p.bound.Center[:])
	for i, c := range p.bound.Center {
		p.ref[i] = c + r*(0.0732*E[i]-0.1391*E[3+i])
	}
	Sphere{2}.Project(p.ref[:])
	var widest float64
	start := 0
	for i := range p.vertices {
		a, b := p.edge(i)
		n := cross(a, b)
		// The sine of the distance from ref to the edge's circle against that to
		// its middle.
		if w := math.Abs(dot(n[:], p.ref[:])) / norm(n[:]) / chord(middle(a, b), p.ref); w > widest {
			widest, start = w, i
		}
	}
	a, b := p.edge(start)
	n, m := cross(a, b), middle(a, b)
	p.refIn = (dot(n[:], p.ref[:]) > 0) == left
	for i := range p.vertices {
		c, d := p.edge(i)
		normal := cross(c, d)
		p.normals = append(p.normals, normal)
		p.refLeft = append(p.refLeft, dot(normal[:], p.ref[:]) >= 0)
		if i != start && crosses(m, p.ref, c, d) {
			p.refIn = !p.refIn
		}
	}
}

// Contains reports whether x lies inside: the arc from a point whose side is
// known to x crosses an even or an odd number of edges. Points within rounding
// of an edge may go either way.
func (p Polygon) Contains(x []float64) bool {
	if !p.bound.Contains(x) {
		return false
	}
	n := cross(p.ref, [3]float64(x))
	in := p.refIn
	for i, m := range p.normals {
		left := m[0]*x[0]+m[1]*x[1]+m[2]*x[2] >= 0
		if left == p.refLeft[i] {
			continue // as most edges; what follows is the rest of crosses
		}
		a, b := p.edge(i)
		if sa, sb := dot(n[:], a[:]) >= 0, dot(n[:], b[:]) >= 0; sa == left && sb != left {
			in = !in
		}
	}
	return in
}

// Area returns the area in steradians.
func (p Polygon) Area() float64 { return p.area }

// Bound returns a cap that holds the polygon, the whole sphere if it does not
// fit in a hemisphere about the mean of its vertices.
func (p Polygon) Bound() Cap { return p.bound }

func (p Polygon) String() string { return fmt.Sprintf("polygon of %d vertices", len(p.vertices)) }

// crosses reports whether the shorter arcs pq and ab cross: a and b lie on
// different sides of pq, and p and q on different sides of ab, in the one order
// of the two in which it is not the opposite arcs that meet. A point on a
// circle counts as to its left, the same for every edge that ends there, so
// that a path through a vertex crosses one of two edges or neither or both.
func crosses(p, q, a, b [3]float64) bool {
	n, m := cross(p, q), cross(a, b)
	sa, sb := dot(n[:], a[:]) >= 0, dot(n[:], b[:]) >= 0
	sp, sq := dot(m[:], p[:]) >= 0, dot(m[:], q[:]) >= 0
	return sa != sb && sp == sb && sq == sa
}

// cross returns 2 a×b as (a + b)×(b - a), which keeps the direction of the
// product where a and b nearly agree.
func cross(a, b [3]float64) [3]float64 {
	s, d := [3]float64{}, [3]float64{}
	for i := range a {
		s[i], d[i] = a[i]+b[i], b[i]-a[i]
	}
	return [3]float64{s[1]*d[2] - s[2]*d[1], s[2]*d[0] - s[0]*d[2], s[0]*d[1] - s[1]*d[0]}
}

// excess returns the signed area of a spherical triangle, positive if its
// vertices turn left (Eriksson 1990), with the triple product of the sides
// a·(b - a)×(c - a), in which small triangles keep their digits.
func excess(a, b, c [3]float64) float64 {
	var u, v [3]float64
	for i := range a {
		u[i], v[i] = b[i]-a[i], c[i]-a[i]
	}
	triple := a[0]*(u[1]*v[2]-u[2]*v[1]) + a[1]*(u[2]*v[0]-u[0]*v[2]) + a[2]*(u[0]*v[1]-u[1]*v[0])
	return 2 * math.Atan2(triple, 1+dot(a[:], b[:])+dot(b[:], c[:])+dot(c[:], a[:]))
}

// middle returns the middle of the shorter arc ab.
func middle(a, b [3]float64) [3]float64 {
	for i := range a {
		a[i] += b[i]
	}
	Sphere{2}.Project(a[:])
	return a
}

func chord(a, b [3]float64) float64 {
	return math.Sqrt((a[0]-b[0])*(a[0]-b[0]) + (a[1]-b[1])*(a[1]-b[1]) + (a[2]-b[2])*(a[2]-b[2]))
}

// place writes a point of S² for a reader: "12.5, -70".
func place(x [3]float64) string {
	lat, lon := LatLon(x[:])
	return fmt.Sprintf("%.6g, %.6g", lat, lon)
}
