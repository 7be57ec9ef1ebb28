package prior

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
)

// Kernels is a kernel density at several widths at once. Every point carries
// kernels of fixed concentrations, kernels as wide as a k-th neighbour is far,
// and normal kernels in stereographic coordinates with the covariance of the
// neighbours, moved towards their mean. Points fall into classes by how crowded
// they stand and how many share the position; each class has its own weights of
// the parts, so that a part counts where it serves, and a gain may change the
// weight of every single kernel. The rest of the weight is the uniform density.
// No kernel is narrower than the resolution floor in any direction.
type Kernels struct {
	Points []float64   // N×ambient
	Fixed  []float64   // concentrations of the fixed kernels, rising
	Near   [][]float64 // per adaptive part, the concentration at every point
	Shape  [][]float64 // per normal part, N×(d + d(d+1)/2): mean, and lower triangle of A; the precision is AᵀA
	Class  []int       // class of every point; nil if there is one
	Weight []float64   // classes×parts, fixed before adaptive before normal; then the uniform
	Gain   []float64   // N×parts, factors of the weights that leave their sum; nil for one
	Floor  float64     // standard deviation of the narrowest kernel, radians

	space     space
	logVol    float64
	members   [][]int   // rows of every class
	own       []float64 // N×parts, weight of every kernel
	upTo      []float64 // N, sums of the weights of the points so far
	fixedNorm []float64
	nearNorm  []float64 // N×adaptive parts
	shapeNorm []float64 // N×normal parts
	reach     []float64 // N×(adaptive + normal), squared chord
	local     []float64 // N, the farthest of a row of reach
	wide      float64   // reach of the widest fixed kernel in use
	search    *search
}

// negligible is the exponent beyond which a kernel is dropped: e⁻⁴⁰ of its peak
// is far below the uniform part.
const negligible = 40

// narrowest returns the concentration whose kernel has the standard deviation of
// the floor.
func narrowest(floor float64) float64 { return 1 / (floor * floor) }

// parts returns the number of kernels at a point.
func (p *Kernels) parts() int { return len(p.Fixed) + len(p.Near) + len(p.Shape) }

func (p *Kernels) class(i int) int {
	if p.Class == nil {
		return 0
	}
	return p.Class[i]
}

// prepare checks the numbers and derives the rest from them.
func (p *Kernels) prepare() error {
	n, d := p.space.ambient(), p.space.dim()
	points := len(p.Points) / n
	classes := (len(p.Weight) - 1) / max(1, p.parts())
	if points == 0 || len(p.Points)%n != 0 || classes < 1 || len(p.Weight) != classes*p.parts()+1 {
		return fmt.Errorf("prior: kernels with %d coordinates and %d weights for %d parts", len(p.Points), len(p.Weight), p.parts())
	}
	if p.Class == nil && classes > 1 || p.Class != nil && (len(p.Class) != points || slices.Min(p.Class) < 0 || slices.Max(p.Class) >= classes) {
		return fmt.Errorf("prior: points of the kernels want one class each, from 0 to %d", classes-1)
	}
	for i, v := range p.Points {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("prior: point %d of the kernels has the coordinate %g", i/n, v)
		}
	}
	for i, w := range p.Weight {
		if !(w >= 0) || math.IsInf(w, 0) {
			return fmt.Errorf("prior: weight %d of the kernels is %g", i, w)
		}
	}
	p.members = make([][]int, classes)
	for i := range points {
		c := p.class(i)
		p.members[c] = append(p.members[c], i)
	}
	for i, w := range p.Weight[:len(p.Weight)-1] {
		if w > 0 && len(p.members[i/p.parts()]) == 0 {
			return fmt.Errorf("prior: weight %g for class %d, which has no points", w, i/p.parts())
		}
	}
	if err := p.weights(); err != nil {
		return err
	}
	p.logVol = math.Log(p.space.m.Volume())
	p.fixedNorm = p.fixedNorm[:0]
	p.wide = -1
	for s, k := range p.Fixed {
		if !(k > 0) || math.IsInf(k, 0) {
			return fmt.Errorf("prior: concentration %g of a kernel", k)
		}
		p.fixedNorm = append(p.fixedNorm, math.Exp(-p.space.logNorm(k)))
		if p.used(s) {
			p.wide = max(p.wide, 2*negligible/k)
		}
	}
	local := len(p.Near) + len(p.Shape)
	p.nearNorm = make([]float64, points*len(p.Near))
	p.shapeNorm = make([]float64, points*len(p.Shape))
	p.reach = make([]float64, points*local)
	p.local = make([]float64, points)
	for s, ks := range p.Near {
		if len(ks) != points {
			return fmt.Errorf("prior: %d adaptive widths for %d points", len(ks), points)
		}
		for i, k := range ks {
			if !(k > 0) || math.IsInf(k, 0) {
				return fmt.Errorf("prior: concentration %g of point %d", k, i)
			}
			p.nearNorm[i*len(p.Near)+s] = math.Exp(-p.space.logNorm(k))
			p.reach[i*local+s] = 2 * negligible / k
		}
	}
	size := p.space.packed()
	for s, as := range p.Shape {
		if len(as) != points*size {
			return fmt.Errorf("prior: %d numbers of covariances for %d points, want %d each", len(as), points, size)
		}
		for i := range points {
			mean, a := as[i*size:i*size+d], as[i*size+d:(i+1)*size]
			det := logDet(a, d)
			off := math.Sqrt(dot(mean, mean))
			if math.IsNaN(det+off) || math.IsInf(det+off, 0) {
				return fmt.Errorf("prior: normal kernel of point %d has no finite mean or no positive covariance", i)
			}
			p.shapeNorm[i*len(p.Shape)+s] = math.Exp(det - float64(d)/2*math.Log(2*math.Pi))
			p.reach[i*local+len(p.Near)+s] = square(off + math.Sqrt(2*negligible*spread(a, d)))
		}
	}
	reach := make([]float64, points)
	for i := range points {
		p.local[i] = -1
		for s, r := range p.reach[i*local : (i+1)*local] {
			if p.own[i*p.parts()+len(p.Fixed)+s] > 0 {
				p.local[i] = max(p.local[i], r)
			} else {
				p.reach[i*local+s] = -1
			}
		}
		reach[i] = max(p.local[i], p.wide)
	}
	var at []float64
	for i := range points {
		at = append(at, p.space.embed(p.Points[i*n:(i+1)*n])...)
	}
	p.search = newSearch(at, len(at)/points, reach)
	return nil
}

// used reports whether any class gives weight to the part.
func (p *Kernels) used(part int) bool {
	for c := part; c < len(p.Weight)-1; c += p.parts() {
		if p.Weight[c] > 0 {
			return true
		}
	}
	return false
}

// weights derives the weight of every kernel.
func (p *Kernels) weights() error {
	parts, points := p.parts(), len(p.Points)/p.space.ambient()
	if p.Gain != nil && len(p.Gain) != points*parts {
		return fmt.Errorf("prior: %d gains for %d points of %d kernels", len(p.Gain), points, parts)
	}
	p.own, p.upTo = make([]float64, points*parts), make([]float64, points)
	var sum float64
	for i := range points {
		c := p.class(i)
		for s, w := range p.Weight[c*parts : (c+1)*parts] {
			w /= float64(len(p.members[c]))
			if p.Gain != nil {
				g := p.Gain[i*parts+s]
				if !(g >= 0) || math.IsInf(g, 0) {
					return fmt.Errorf("prior: gain %g of kernel %d of point %d", g, s, i)
				}
				w *= g
			}
			p.own[i*parts+s] = w
			sum += w
		}
		p.upTo[i] = sum
	}
	if total := sum + p.Weight[len(p.Weight)-1]; p.Gain != nil && math.Abs(total-1) > 1e-6 {
		return fmt.Errorf("prior: the weights of the kernels sum to %g with their gains, want 1", total)
	}
	return nil
}

// LogProb returns the log-density at x. It visits the points whose kernels
// reach x.
func (p *Kernels) LogProb(x []float64) float64 {
	parts, fixed := p.parts(), len(p.Fixed)
	f := p.Weight[len(p.Weight)-1] * math.Exp(-p.logVol)
	var room [128]float64
	row := append(room[:0], make([]float64, parts-fixed)...)
	var charts [32]float64
	d := p.space.dim()
	v := append(charts[:0], make([]float64, 2*d)...)
	first := p.widest()
	x = p.space.embed(x)
	p.search.walk(x, func(i int, at []float64, chord float64) {
		own := p.own[i*parts : (i+1)*parts]
		t := chord / 2
		for s := first; s < fixed; s++ {
			k := p.Fixed[s]
			if k*t > negligible {
				break
			}
			if own[s] > 0 {
				f += own[s] * p.fixedNorm[s] * math.Exp(-k*t)
			}
		}
		if chord <= p.local[i] {
			clear(row)
			p.adaptive(row, i, x, at, chord, v[:d], v[d:])
			f += dot(own[fixed:], row)
		}
	})
	return math.Log(f)
}

// widest returns the first of the fixed kernels that is in use.
func (p *Kernels) widest() int {
	first := 0
	for first < len(p.Fixed) && !p.used(first) {
		first++
	}
	return first
}

// sums returns the density at x of every part of every class by itself, and of
// the uniform. Parts without weight are left out.
func (p *Kernels) sums(dst, x []float64) []float64 {
	parts := p.parts()
	dst = append(dst, make([]float64, len(p.Weight))...)
	p.visit(x, func(i int) []float64 { return dst[p.class(i)*parts : (p.class(i)+1)*parts] }, func(int) {})
	for c, rows := range p.members {
		for s := range parts {
			dst[c*parts+s] /= float64(max(1, len(rows)))
		}
	}
	dst[len(dst)-1] = math.Exp(-p.logVol)
	return dst
}

// visit adds the density at x of every kernel of point i to the row of i, for
// all points whose kernels reach x, and then calls done.
func (p *Kernels) visit(x []float64, row func(i int) []float64, done func(i int)) {
	d := p.space.dim()
	var room [32]float64
	v := append(room[:0], make([]float64, 2*d)...)
	v, z := v[:d], v[d:]
	first := p.widest()
	x = p.space.embed(x)
	p.search.walk(x, func(i int, at []float64, chord float64) {
		row, t := row(i), chord/2
		for s := first; s < len(p.Fixed); s++ {
			k := p.Fixed[s]
			if k*t > negligible {
				break
			}
			row[s] += p.fixedNorm[s] * math.Exp(-k*t)
		}
		if chord <= p.local[i] {
			p.adaptive(row[len(p.Fixed):], i, x, at, chord, v, z)
		}
		done(i)
	})
}

// adaptive adds the densities at x of the kernels of point i that have a width or
// shape of their own. Chart coordinates are written to v and z.
func (p *Kernels) adaptive(row []float64, i int, x, at []float64, chord float64, v, z []float64) {
	d, size, local := p.space.dim(), p.space.packed(), len(p.Near)+len(p.Shape)
	reach := p.reach[i*local : (i+1)*local]
	for s, ks := range p.Near {
		if chord <= reach[s] {
			row[s] += p.nearNorm[i*len(p.Near)+s] * math.Exp(-ks[i]*chord/2)
		}
	}
	row, reach = row[len(p.Near):], reach[len(p.Near):]
	charted, jac := false, 0.0
	for s, as := range p.Shape {
		if chord > reach[s] {
			continue
		}
		if !charted {
			charted, jac = true, p.space.chart(v, x, at)
		}
		for c, mean := range as[i*size : i*size+d] {
			z[c] = v[c] - mean
		}
		if q := whiten(as[i*size+d:(i+1)*size], z, 2*negligible); q < 2*negligible {
			row[s] += p.shapeNorm[i*len(p.Shape)+s] * math.Exp(jac-q/2)
		}
	}
}

// Rand writes a point of the density to x.
func (p *Kernels) Rand(x []float64, rnd *rand.Rand) {
	u := rnd.Float64()
	i := sort.SearchFloat64s(p.upTo, u)
	if i == len(p.upTo) {
		p.space.m.Rand(x, rnd)
		return
	}
	if i > 0 {
		u -= p.upTo[i-1]
	}
	own := p.own[i*p.parts() : (i+1)*p.parts()]
	s := 0
	for s < len(own)-1 && (u > own[s] || own[s] == 0) {
		u -= own[s]
		s++
	}
	n, d := p.space.ambient(), p.space.dim()
	m := p.Points[i*n : (i+1)*n]
	if s < len(p.Fixed) {
		p.space.rand(x, m, p.Fixed[s], rnd)
		return
	}
	s -= len(p.Fixed)
	if s < len(p.Near) {
		p.space.rand(x, m, p.Near[s][i], rnd)
		return
	}
	s -= len(p.Near)
	size := p.space.packed()
	v := make([]float64, d)
	shape := p.Shape[s][i*size : (i+1)*size]
	colour(v, shape[d:], rnd)
	for c := range v {
		v[c] += shape[c]
	}
	p.space.unchart(x, m, v)
}
