package prior

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"

	"mflow/internal/kernel"
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

	space   space
	logVol  float64
	members [][]int   // rows of every class
	own     []float64 // N×parts, weight of every kernel
	upTo    []float64 // N, sums of the weights of the points so far
	blocks  blocks
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
	for _, k := range p.Fixed {
		if !(k > 0) || math.IsInf(k, 0) {
			return fmt.Errorf("prior: concentration %g of a kernel", k)
		}
	}
	for _, ks := range p.Near {
		if len(ks) != points {
			return fmt.Errorf("prior: %d adaptive widths for %d points", len(ks), points)
		}
		for i, k := range ks {
			if !(k > 0) || math.IsInf(k, 0) {
				return fmt.Errorf("prior: concentration %g of point %d", k, i)
			}
		}
	}
	size := p.space.packed()
	for _, as := range p.Shape {
		if len(as) != points*size {
			return fmt.Errorf("prior: %d numbers of covariances for %d points, want %d each", len(as), points, size)
		}
		for i := range points {
			mean, a := as[i*size:i*size+d], as[i*size+d:(i+1)*size]
			if v := logDet(a, d) + math.Sqrt(dot(mean, mean)); math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("prior: normal kernel of point %d has no finite mean or no positive covariance", i)
			}
		}
	}
	p.blocks = newBlocks(p)
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
	var sum [kernel.SumBlock]float64
	p.blocks.add(sum[:], 0, x, p.blocks.weight, nil)
	f := p.Weight[len(p.Weight)-1] * math.Exp(-p.logVol)
	for _, v := range sum {
		f += v
	}
	return math.Log(f)
}

// sums returns the density at x of every part of every class by itself, and of
// the uniform. Parts without weight are left out.
func (p *Kernels) sums(dst, x []float64) []float64 {
	parts := p.parts()
	dst = append(dst, make([]float64, len(p.Weight))...)
	values := make([]float64, parts*kernel.SumBlock)
	var class [kernel.SumBlock]int // where the row of a point's class begins
	p.blocks.add(values, kernel.SumBlock, x, p.blocks.norm, func(rows []int) {
		for j, i := range rows {
			if i >= 0 {
				class[j] = p.class(i) * parts
			}
		}
		for k, v := range values {
			if v > 0 {
				dst[class[k%kernel.SumBlock]+k/kernel.SumBlock] += v
			}
		}
		clear(values)
	})
	for c, rows := range p.members {
		for s := range parts {
			dst[c*parts+s] /= float64(max(1, len(rows)))
		}
	}
	dst[len(dst)-1] = math.Exp(-p.logVol)
	return dst
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
