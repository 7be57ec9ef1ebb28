package prior

import (
	"fmt"
	"math"

	"mflow/manifold"
)

// A sheaf is the points of a covering manifold above those of another.
type sheaf interface {
	// sheets returns how many points are above one.
	sheets() int

	// lift writes the points above x one after the other, and returns the log of
	// the volume at x per volume at any of them.
	lift(above, x []float64) (logJ float64)

	// drop writes the point below c.
	drop(x, c []float64)
}

// A covering is a sheaf over a sphere or flat torus in Rⁿ.
type covering struct {
	sheaf
	over manifold.Manifold
	n    int
}

// maxSheets bounds the work for one density: four sides between walls.
const maxSheets = 16

func coveringOf(m manifold.Manifold) (*covering, error) {
	if _, ok := m.(manifold.SO3); ok {
		return &covering{quaternions{}, manifold.Sphere{N: 3}, 4}, nil
	}
	parts, err := sides(nil, m)
	if err != nil {
		return nil, err
	}
	c := together(parts)
	if s := c.sheets(); s > maxSheets {
		return nil, fmt.Errorf("prior: no kernels on %s, which needs %d sheets; at most four sides between walls", m, s)
	}
	return &covering{c, manifold.Torus{N: c.angles()}, c.angles()}, nil
}

// sides appends the parts of m that angles cover.
func sides(parts []part, m manifold.Manifold) ([]part, error) {
	switch m := m.(type) {
	case manifold.Torus:
		return append(parts, part{turns(m.N), m.N, m.N}), nil
	case manifold.Revolution:
		return append(parts, part{ring{m}, 3, 2}), nil
	case manifold.Box:
		for i, lo := range m.Lo {
			parts = append(parts, part{side{lo, m.Hi[i], m.Periodic[i]}, 1, 1})
		}
		return parts, nil
	case interface{ Factors() []manifold.Manifold }:
		for _, f := range m.Factors() {
			var err error
			if parts, err = sides(parts, f); err != nil {
				return nil, err
			}
		}
		return parts, nil
	}
	return nil, fmt.Errorf("prior: no kernels on %s, only on spheres, SO(3), and flat tori, tori of revolution, boxes and products of these", m)
}

// quaternions cover SO(3), whose metric is of √2 times the angle of rotation,
// itself twice that between quaternions.
type quaternions struct{}

func (quaternions) sheets() int { return 2 }

func (quaternions) lift(above, x []float64) float64 {
	q := manifold.Quaternion(x)
	copy(above, q[:])
	for i, v := range q {
		above[4+i] = -v
	}
	return 3 * math.Log(2*math.Sqrt2)
}

func (quaternions) drop(x, c []float64) {
	r := manifold.FromQuaternion([4]float64(c))
	copy(x, r[:])
}

// turns are the angles of a flat torus themselves.
type turns int

func (turns) sheets() int { return 1 }

func (turns) lift(above, x []float64) float64 {
	copy(above, x)
	return 0
}

func (turns) drop(x, c []float64) { copy(x, c) }

// ring is the angles of a torus of revolution, with the area r (R + r cos φ).
type ring struct{ m manifold.Revolution }

func (ring) sheets() int { return 1 }

func (r ring) lift(above, x []float64) float64 {
	above[0], above[1] = r.m.Angles(x)
	logJ := math.Log(r.m.Minor * (r.m.Major + r.m.Minor*math.Cos(above[1])))
	manifold.Torus{N: 2}.Project(above[:2])
	return logJ
}

func (r ring) drop(x, c []float64) {
	p := r.m.Point(c[0], c[1])
	copy(x, p[:])
}

// side is the angle of a side of a box: from 0 to π between walls, and back.
type side struct {
	lo, hi   float64
	periodic bool
}

func (s side) sheets() int {
	if s.periodic {
		return 1
	}
	return 2
}

// unit is the length of a radian.
func (s side) unit() float64 { return (s.hi - s.lo) * float64(s.sheets()) / (2 * math.Pi) }

func (s side) lift(above, x []float64) float64 {
	a := (x[0] - s.lo) / s.unit()
	above[0] = a
	if !s.periodic {
		above[1] = -a
	}
	for i := range s.sheets() {
		manifold.Torus{N: 1}.Project(above[i : i+1])
	}
	return math.Log(s.unit())
}

func (s side) drop(x, c []float64) {
	a := c[0]
	if !s.periodic {
		a = math.Min(a, 2*math.Pi-a)
	}
	x[0] = math.Min(s.hi, s.lo+a*s.unit())
}

// part is a sheaf of a factor in Rⁿ with so many angles.
type part struct {
	sheaf
	n, angles int
}

// together is the product of its parts.
type together []part

func (t together) angles() (n int) {
	for _, p := range t {
		n += p.angles
	}
	return n
}

func (t together) sheets() int {
	s := 1
	for _, p := range t {
		s *= p.sheets()
	}
	return s
}

// lift writes all combinations, the first part's changing fastest.
func (t together) lift(above, x []float64) (logJ float64) {
	n, sheets := t.angles(), t.sheets()
	var room [64]float64
	at, every := 0, 1
	for _, p := range t {
		own := append(room[:0], make([]float64, p.sheets()*p.angles)...)
		logJ += p.lift(own, x[:p.n])
		for s := range sheets {
			i := s / every % p.sheets()
			copy(above[s*n+at:s*n+at+p.angles], own[i*p.angles:])
		}
		x, at, every = x[p.n:], at+p.angles, every*p.sheets()
	}
	return logJ
}

func (t together) drop(x, c []float64) {
	for _, p := range t {
		p.drop(x[:p.n], c[:p.angles])
		x, c = x[p.n:], c[p.angles:]
	}
}
