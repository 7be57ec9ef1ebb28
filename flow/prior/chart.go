package prior

import (
	"math"
	"math/rand/v2"

	"mflow/internal/kernel"
)

// A chart about a point m of a sphere or torus has tangent coordinates v in R^d
// that cover everything but a set without volume: stereographic ones on S^d,
//
//	v = 2 tan(θ/2) in the direction of x,    dx = (1 + |v|²/4)^-d dv,
//
// and v = 2 tan(δ/2) of every angle δ of a torus. A normal density of v is
// therefore a density on the manifold that integrates to one as it stands, for
// every covariance.

// dim returns the dimension of the manifold.
func (s space) dim() int { return s.n }

// chart writes the coordinates of x about m, both embedded, and returns the log
// of dv/dx there.
func (s space) chart(v, x, m []float64) float64 {
	if s.torus {
		jac := 1.0
		for i := range s.n {
			xc, xs, mc, ms := x[2*i], x[2*i+1], m[2*i], m[2*i+1]
			u := (xs*mc - xc*ms) / math.Max(1+xc*mc+xs*ms, 1e-300) // tan(δ/2)
			v[i] = 2 * u
			jac *= 1 + u*u
		}
		return math.Log(jac)
	}
	// The frame is that of the reflection that takes the first axis to ∓m.
	sign := math.Copysign(1, m[0])
	chord := (x[0] - m[0]) * (x[0] - m[0])
	along := (m[0] + sign) * (x[0] - m[0])
	for i := 1; i < len(x); i++ {
		d := x[i] - m[i]
		chord += d * d
		along += m[i] * d
	}
	c := along / (1 + math.Abs(m[0]))
	b := math.Max(1-chord/4, 1e-300) // cos²(θ/2)
	for i := 1; i < len(x); i++ {
		v[i-1] = (x[i] - m[i] - c*m[i]) / b
	}
	return -float64(s.n) * math.Log(b)
}

// opposite is 1 - cos of an angle beyond which the coordinates have no digits left,
// and normal densities of them are zero.
const opposite = 2 - 1e-9

// charts is chart for the points of a block; jac is dv/dx itself, zero opposite m,
// and t half the squared chords.
func (s space) charts(v, jac, x, m, t []float64) {
	if !s.torus {
		kernel.SphereChart(v, jac, x, m, t)
		for j, t := range t {
			if t > opposite {
				jac[j] = 0
			}
		}
		return
	}
	kernel.TorusChart(v, jac, x, m)
	for j, sum := range t {
		if sum < opposite {
			continue
		}
		for c := 0; c < len(x); c += 2 {
			if 1-x[c]*m[c*len(t)+j]-x[c+1]*m[(c+1)*len(t)+j] > opposite {
				jac[j] = 0
			}
		}
	}
}

// unchart writes the point with coordinates v about m, both points as the
// manifold has them.
func (s space) unchart(x, m, v []float64) {
	if s.torus {
		for i, a := range m {
			x[i] = a + 2*math.Atan(v[i]/2)
		}
		s.m.Project(x)
		return
	}
	var sq, along float64
	for i, a := range v {
		sq += a * a
		along += m[i+1] * a
	}
	sign := math.Copysign(1, m[0])
	c := along / (1 + math.Abs(m[0]))
	cos, sin := (1-sq/4)/(1+sq/4), 1/(1+sq/4) // sin θ / |v|
	x[0] = m[0]*cos - c*(m[0]+sign)*sin
	for i, a := range v {
		x[i+1] = m[i+1]*cos + (a-c*m[i+1])*sin
	}
	s.m.Project(x)
}

// packed returns how many numbers the mean and factor of a normal density have.
func (s space) packed() int { return s.n + s.n*(s.n+1)/2 }

func square(v float64) float64 { return v * v }

func dot(a, b []float64) float64 {
	var sum float64
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

// A factor is the packed lower triangle A of a precision AᵀA.

// logDet returns log |A|.
func logDet(a []float64, d int) float64 {
	var sum float64
	for i, at := 0, 0; i < d; i++ {
		sum += math.Log(a[at+i])
		at += i + 1
	}
	return sum
}

// factor writes A of the covariance c, the lower triangle of a matrix, which it
// destroys.
func factor(a, c []float64, d int) {
	// c = L Lᵀ, then A = L⁻¹.
	for i := range d {
		for j := range i + 1 {
			sum := c[i*d+j]
			for k := range j {
				sum -= c[i*d+k] * c[j*d+k]
			}
			if i == j {
				c[i*d+i] = math.Sqrt(sum)
			} else {
				c[i*d+j] = sum / c[j*d+j]
			}
		}
	}
	for j := range d {
		a[j*(j+1)/2+j] = 1 / c[j*d+j]
		for i := j + 1; i < d; i++ {
			var sum float64
			for k := j; k < i; k++ {
				sum -= c[i*d+k] * a[k*(k+1)/2+j]
			}
			a[i*(i+1)/2+j] = sum / c[i*d+i]
		}
	}
}

// colour writes v with A v = z, z standard normal.
func colour(v, a []float64, rnd *rand.Rand) {
	for i := range v {
		y := rnd.NormFloat64()
		for j := range i {
			y -= a[j] * v[j]
		}
		v[i] = y / a[i]
		a = a[i+1:]
	}
}

// spread returns a bound on the variance in any direction: the trace of the
// covariance (AᵀA)⁻¹ = BBᵀ with B = A⁻¹ column by column.
func spread(a []float64, d int) float64 {
	var sum float64
	var room [16]float64
	b := append(room[:0], make([]float64, d)...)
	for j := range d {
		for i := j; i < d; i++ {
			y := 0.0
			if i == j {
				y = 1
			}
			row := a[i*(i+1)/2:]
			for k := j; k < i; k++ {
				y -= row[k] * b[k]
			}
			b[i] = y / row[i]
			sum += b[i] * b[i]
		}
	}
	return sum
}
