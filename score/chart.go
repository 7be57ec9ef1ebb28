package score

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mathext"

	"mflow/manifold"
)

// A Chart maps the unit cube to a manifold so that equal volumes go to equal
// volumes. Its inverse turns uniform points of the manifold into uniform points
// of the cube, coordinate by coordinate.
type Chart struct {
	Names    []string             // of the coordinates
	Periodic []bool               // where 0 and 1 are the same place
	To       func(x, u []float64) // cube to manifold
	From     func(u, x []float64) // manifold to cube
}

// NewChart returns the chart of m, and whether it has one. On S² the coordinates
// are (1 + sin latitude)/2 and longitude, on flat tori and boxes the sides in
// proportion.
func NewChart(m manifold.Manifold) (Chart, bool) {
	switch m := m.(type) {
	case manifold.Sphere:
		return sphereChart(m.N), true
	case manifold.Torus:
		lo, hi, p := make([]float64, m.N), make([]float64, m.N), make([]bool, m.N)
		for i := range lo {
			hi[i], p[i] = 2*math.Pi, true
		}
		return boxChart(lo, hi, p, "angle"), true
	case manifold.Box:
		return boxChart(m.Lo, m.Hi, m.Periodic, "side"), true
	case manifold.Revolution:
		return revolutionChart(m), true
	case interface{ Factors() []manifold.Manifold }:
		return productChart(m.Factors())
	}
	return Chart{}, false
}

// sphereChart takes the coordinates from the last axis down: on S^N the share of
// the volume below height t is I((1+t)/2; N/2, N/2), and what remains is a
// sphere of one dimension less.
func sphereChart(n int) Chart {
	c := Chart{Periodic: make([]bool, n)}
	c.Periodic[n-1] = true
	for i := range n - 1 {
		c.Names = append(c.Names, number("height", i+1, n-1))
	}
	c.Names = append(c.Names, "longitude")
	if n == 2 {
		c.Names[0] = "latitude"
	}
	c.To = func(x, u []float64) {
		r := 1.0
		for i := range n - 1 {
			k := n - i // of the sphere S^k that is left
			h := u[i]
			if k != 2 {
				h = mathext.InvRegIncBeta(float64(k)/2, float64(k)/2, u[i])
			}
			x[k] = r * (2*h - 1)
			r *= 2 * math.Sqrt(h*(1-h)) // √(1-t²), without cancellation
		}
		sin, cos := math.Sincos(2 * math.Pi * (u[n-1] - 0.5))
		x[0], x[1] = r*cos, r*sin
	}
	c.From = func(u, x []float64) {
		for i := range n - 1 {
			k := n - i
			var r float64
			for _, v := range x[:k] {
				r += v * v
			}
			r = math.Hypot(math.Sqrt(r), x[k])
			h := 0.5
			if r > 0 {
				h = math.Max(0, math.Min(1, (1+x[k]/r)/2))
			}
			if k != 2 {
				h = mathext.RegIncBeta(float64(k)/2, float64(k)/2, h)
			}
			u[i] = h
		}
		u[n-1] = unit(math.Atan2(x[1], x[0])/(2*math.Pi) + 0.5)
	}
	return c
}

func boxChart(lo, hi []float64, periodic []bool, name string) Chart {
	c := Chart{Periodic: periodic}
	for i := range lo {
		c.Names = append(c.Names, number(name, i+1, len(lo)))
	}
	c.To = func(x, u []float64) {
		for i, v := range u {
			x[i] = lo[i] + v*(hi[i]-lo[i])
		}
	}
	c.From = func(u, x []float64) {
		for i, v := range x {
			u[i] = (v - lo[i]) / (hi[i] - lo[i])
		}
	}
	return c
}

// revolutionChart: about the tube the area up to φ is in proportion to
// R φ + r sin φ, which Newton's iteration inverts.
func revolutionChart(m manifold.Revolution) Chart {
	q := m.Minor / m.Major
	return Chart{
		Names: []string{"about the axis", "about the tube"}, Periodic: []bool{true, true},
		To: func(x, u []float64) {
			want := 2 * math.Pi * (u[1] - 0.5)
			lo, hi := -math.Pi, math.Pi
			phi := want
			for range 60 {
				f := phi + q*math.Sin(phi) - want
				if f > 0 {
					hi = phi
				} else {
					lo = phi
				}
				next := phi - f/(1+q*math.Cos(phi))
				if !(next > lo && next < hi) {
					next = (lo + hi) / 2
				}
				if math.Abs(next-phi) < 1e-15 {
					break
				}
				phi = next
			}
			p := m.Point(2*math.Pi*(u[0]-0.5), phi)
			copy(x, p[:])
		},
		From: func(u, x []float64) {
			theta, phi := m.Angles(x)
			u[0] = unit(theta/(2*math.Pi) + 0.5)
			u[1] = unit((phi+q*math.Sin(phi))/(2*math.Pi) + 0.5)
		},
	}
}

func productChart(factors []manifold.Manifold) (Chart, bool) {
	var out Chart
	type part struct {
		c      Chart
		u, x   int // where its coordinates begin
		du, dx int
	}
	var parts []part
	var u, x int
	for _, f := range factors {
		c, ok := NewChart(f)
		if !ok {
			return Chart{}, false
		}
		d, n := f.Dims()
		parts = append(parts, part{c, u, x, d, n})
		for _, name := range c.Names {
			out.Names = append(out.Names, f.String()+" "+name)
		}
		out.Periodic = append(out.Periodic, c.Periodic...)
		u, x = u+d, x+n
	}
	out.To = func(x, u []float64) {
		for _, p := range parts {
			p.c.To(x[p.x:p.x+p.dx], u[p.u:p.u+p.du])
		}
	}
	out.From = func(u, x []float64) {
		for _, p := range parts {
			p.c.From(u[p.u:p.u+p.du], x[p.x:p.x+p.dx])
		}
	}
	return out, true
}

// unit keeps a coordinate that rounding put outside of the unit interval in it.
func unit(v float64) float64 { return math.Max(0, math.Min(1, v)) }

// number is a name with its number, if there are several.
func number(name string, i, of int) string {
	if of == 1 {
		return name
	}
	return fmt.Sprint(name, " ", i)
}
