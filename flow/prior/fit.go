package prior

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"mflow/manifold"
)

// KernelOptions say how Kernels are fitted. Zeros mean the defaults given.
type KernelOptions struct {
	Floor float64 // 1e-3 radians
	Folds []int   // fold of every point, for cross-fitting; nil for random ones

	// Sample, if positive, fits the weights to so many random points only.
	Sample int
	Seed   uint64

	images int // so many points in a row are one point, which is on as many sheets: 1
}

// A rule makes a kernel at a point from its neighbours at other positions: as
// wide as scale times the distance to the k-th; or with scale² times the
// covariance of the first k, of which a share is made isotropic, about a share of
// the way to their mean.
type rule struct {
	k      int
	scale  float64
	shrink float64
	mean   float64
}

// A recipe says which parts and classes Kernels have.
type recipe struct {
	widths      int    // number of fixed kernels, from 1 radian to the floor
	near, shape []rule // shapes by rising k share work
	crowd       int    // classes by the distance to the crowd-th neighbour
	classes     int    // number of these
	copies      []int  // classes by points at the same position: one more class from so many on
	folds       int
	prior       float64 // weight of the class-blind proportions, in points
}

// many points are smooth enough for the plain recipe, and slow with a richer one.
const many = 20_000

// recipeFor returns what did best by cross-fitted densities of the training
// points of sets on S², and of the torsions of RNA on T⁷.
func recipeFor(s space, points int, o KernelOptions) recipe {
	r := recipe{
		widths: 2 + int(2*math.Ceil(-math.Log10(o.Floor))),
		near:   []rule{{k: 1, scale: 1}, {k: 2, scale: 1}, {k: 4, scale: 1}, {k: 8, scale: 1}, {k: 16, scale: 1}},
		// Volcanoes stand in arcs, so covariances of few neighbours are trusted, and even
		// the line to the nearest one.
		shape: []rule{
			{1, 1, 0.1, 0},
			{1, 0.5, 0.1, 0.5},
			{2, 1, 0.1, 0},
			{2, 0.7, 0.01, 0},
			{4, 0.7, 0.05, 0},
			{4, 0.7, 0.005, 0},
			{8, 0.7, 0.05, 0},
			{8, 0.7, 0.005, 0},
			{16, 0.7, 0.03, 0},
			{16, 1, 0.1, 0.5},
			{32, 0.5, 0.03, 0},
			{32, 0.7, 0.05, 0.5},
		},
		crowd:   2,
		classes: 4,
		copies:  []int{2, 4},
		folds:   20,
		prior:   30,
	}
	if s.dim() > 2 {
		r.widths, r.classes, r.folds, r.prior = 4, 8, 5, 10
		r.near = []rule{{k: 1, scale: 1}, {k: 2, scale: 1}, {k: 8, scale: 1}}
		r.copies = []int{2}
		r.shape = []rule{
			{10, 1, 0.02, 0.7},
			{20, 1, 0.01, 0.7},
			{50, 0.5, 0.003, 0.5},
			{50, 1, 0.003, 0.7},
			{100, 0.7, 0.003, 0.7},
			{100, 1, 0.003, 0.8},
		}
	}
	if s.dim() <= 2 && points >= 8000 && points < many {
		// Enough to tell more classes apart, and widths next to each other: of fires
		// seen by a satellite half have their nearest neighbour one pixel away.
		r.widths, r.crowd, r.classes = 4*r.widths, 1, 8
	}
	if points >= many {
		r.folds = 5
	}
	if o.Folds != nil {
		// Folds that leave out whole places are too few to tell classes apart by.
		r.classes, r.copies = 1, nil
	}
	return r
}

// FitKernels fits Kernels to the points x. It also returns the cross-fitted
// density at every point: that of the kernels of the other folds. A flow on top
// must be trained with it, since the density in sample leaves nothing to learn.
func FitKernels(m manifold.Manifold, x []float64, o KernelOptions) (*Kernels, []float64, error) {
	f, err := newFitter(m, x, o)
	if err != nil {
		return nil, nil, err
	}
	return f.fit()
}

// A fitter makes kernels of some of the points.
type fitter struct {
	space  space
	x      []float64
	o      KernelOptions
	r      recipe
	near   [][]neighbour
	at     []int     // number of every point's position
	limits []float64 // of the classes by crowding, in t, rising

	weight []float64 // of all parts, as the folds gave them, once fitted
	keep   []int     // parts that have any
}

// newFitter readies a fit: folds, and the neighbours of every point.
func newFitter(m manifold.Manifold, x []float64, o KernelOptions) (*fitter, error) {
	s, err := spaceOf(m)
	if err != nil {
		return nil, err
	}
	if o.Floor == 0 {
		o.Floor = 1e-3
	}
	if !(o.Floor > 0 && o.Floor <= 1) {
		return nil, fmt.Errorf("prior: resolution floor of %g radians, want between 0 and 1", o.Floor)
	}
	o.images = max(1, o.images)
	n := s.ambient()
	points := len(x) / n
	if points < 20 {
		return nil, errors.New("prior: kernels need at least 20 points")
	}
	for i, v := range x {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("prior: point %d has the coordinate %g", i/n, v)
		}
	}
	r := recipeFor(s, points, o)
	if o.Folds == nil {
		rnd := rand.New(rand.NewPCG(o.Seed, 10))
		o.Folds = make([]int, points)
		perm := rnd.Perm(points / o.images)
		for i := range o.Folds {
			o.Folds[i] = perm[i/o.images] % r.folds
		}
	}
	if len(o.Folds) != points {
		return nil, fmt.Errorf("prior: %d folds for %d points", len(o.Folds), points)
	}
	f := &fitter{space: s, x: x, o: o, r: r, at: positions(x, s.ambient())}
	most := r.crowd
	for _, q := range slices.Concat(r.near, r.shape) {
		most = max(most, q.k)
	}
	most = max(most, slices.Max(crowds))
	// Enough that the k-th is still there when a fold is left out.
	keep := 3*most + 16
	if s.dim() > 2 {
		keep = most + most/2 + 16 // a search takes long there
	}
	f.near = neighbours(s, x, keep, o.images)
	if r.classes > 1 {
		var ts []float64
		for i := range f.near {
			near := f.others(i, func(int) bool { return true })
			ts = append(ts, near[min(len(near), r.crowd)-1].t)
		}
		slices.Sort(ts)
		for c := 1; c < r.classes; c++ {
			f.limits = append(f.limits, ts[len(ts)*c/r.classes])
		}
	}
	return f, nil
}

// fit returns the kernels of all points, and their cross-fitted densities.
func (f *fitter) fit() (p *Kernels, nu []float64, err error) {
	p, err = f.kernels(func(int) bool { return true })
	if err != nil {
		return nil, nil, err
	}
	held, share, err := f.crossFit(p)
	if err != nil {
		return nil, nil, err
	}
	p.weigh(slices.DeleteFunc(slices.Clone(held), func(sums []float64) bool { return sums == nil }), f.r.prior)
	f.weight = p.Weight
	nu = make([]float64, len(f.at))
	for i, sums := range held {
		if sums != nil {
			nu[i] = dot(p.Weight, sums)
		}
	}
	if err := f.rest(nu); err != nil {
		return nil, nil, err
	}
	p.settle(share)
	f.keep = p.inUse()
	return p, nu, p.trim(f.keep)
}

// others returns the neighbours of point i at other positions than its own, one
// for each, of the points that count.
func (f *fitter) others(i int, counts func(int) bool) []neighbour {
	var out []neighbour
	last := neighbour{index: i, t: -1}
	for _, q := range f.near[i] {
		if !counts(q.index) || f.at[q.index] == f.at[i] || q.t == last.t && f.at[q.index] == f.at[last.index] {
			continue
		}
		out = append(out, q)
		last = q
	}
	if len(out) == 0 {
		out = append(out, neighbour{i, 0.5})
	}
	return out
}

// classOf returns the class of point i with its neighbours at other positions.
func (f *fitter) classOf(i int, near []neighbour, counts func(int) bool) int {
	c := 0
	if f.r.classes > 1 {
		t := near[min(len(near), f.r.crowd)-1].t
		for c < len(f.limits) && t >= f.limits[c] {
			c++
		}
	}
	if len(f.r.copies) == 0 {
		return c
	}
	same := 1
	for _, q := range f.near[i] {
		if counts(q.index) && f.at[q.index] == f.at[i] {
			same++
		}
	}
	m := 0
	for m < len(f.r.copies) && same >= f.r.copies[m] {
		m++
	}
	return c + max(1, f.r.classes)*m
}

// kernels returns unweighted kernels of the points that count.
func (f *fitter) kernels(counts func(int) bool) (*Kernels, error) {
	n, d := f.space.ambient(), f.space.dim()
	p := &Kernels{Floor: f.o.Floor, space: f.space}
	for i := range f.r.widths {
		width := math.Pow(f.o.Floor, float64(i)/float64(max(1, f.r.widths-1)))
		p.Fixed = append(p.Fixed, 1/(width*width))
	}
	var rows []int
	for i := range len(f.x) / n {
		if counts(i) {
			rows = append(rows, i)
			p.Points = append(p.Points, f.x[i*n:(i+1)*n]...)
		}
	}
	size := f.space.packed()
	p.Near = make([][]float64, len(f.r.near))
	for s := range p.Near {
		p.Near[s] = make([]float64, len(rows))
	}
	p.Shape = make([][]float64, len(f.r.shape))
	for s := range p.Shape {
		p.Shape[s] = make([]float64, len(rows)*size)
	}
	p.Class = make([]int, len(rows))
	parallel(len(rows), func(j int) {
		i := rows[j]
		near := f.others(i, counts)
		p.Class[j] = f.classOf(i, near, counts)
		for s, q := range f.r.near {
			t := near[min(len(near), q.k)-1].t * q.scale * q.scale
			p.Near[s][j] = math.Min(narrowest(f.o.Floor), 1/math.Max(2*t, 1e-300))
		}
		f.shapes(i, near, func(s int, mean, c []float64) {
			shape := p.Shape[s][j*size : (j+1)*size]
			copy(shape, mean)
			factor(shape[d:], c, d)
		})
	})
	classes := max(1, f.r.classes) * (1 + len(f.r.copies))
	p.Weight = make([]float64, classes*p.parts()+1)
	if classes == 1 {
		p.Class = nil
	}
	member := make([]bool, classes)
	for j := range rows {
		member[p.class(j)] = true
	}
	for i := range p.Weight {
		if i == len(p.Weight)-1 || member[i/p.parts()] {
			p.Weight[i] = 1 / float64(len(p.Weight))
		}
	}
	return p, p.prepare()
}

// shapes calls give with the mean and covariance of every normal part at point
// i. Neighbours beyond a right angle count as if they were at one.
func (f *fitter) shapes(i int, near []neighbour, give func(s int, mean, c []float64)) {
	n, d := f.space.ambient(), f.space.dim()
	most := 0
	for _, q := range f.r.shape {
		most = max(most, q.k)
	}
	near = near[:min(len(near), most)]
	m := f.space.embed(f.x[i*n : (i+1)*n])
	vs := make([]float64, len(near)*d)
	for j, q := range near {
		f.space.chart(vs[j*d:(j+1)*d], f.space.embed(f.x[q.index*n:(q.index+1)*n]), m)
	}
	for j, v := range vs {
		vs[j] = math.Max(-2, math.Min(2, v))
	}
	sum, scatter := make([]float64, d), make([]float64, d*d)
	mean, c := make([]float64, d), make([]float64, d*d)
	used := 0
	for s, q := range f.r.shape {
		if s > 0 && q.k < f.r.shape[s-1].k {
			used = 0
			clear(sum)
			clear(scatter)
		}
		for ; used < min(q.k, len(near)); used++ {
			v := vs[used*d : (used+1)*d]
			for a := range d {
				sum[a] += v[a]
				for b := range a + 1 {
					scatter[a*d+b] += v[a] * v[b]
				}
			}
		}
		// Second moments about mean·(mean of the neighbours).
		count := float64(used)
		moved := q.mean * (2 - q.mean) / count
		var trace, far float64
		for a := range d {
			mean[a] = q.mean * sum[a] / count
			far += square(mean[a])
			for b := range a + 1 {
				c[a*d+b] = square(q.scale) * (scatter[a*d+b] - moved*sum[a]*sum[b]) / count
			}
			trace += c[a*d+a]
		}
		least := square(f.o.Floor * (1 + far/4)) // lengths are 1 + |v|²/4 times as long there
		for a := range d {
			for b := range a + 1 {
				c[a*d+b] *= 1 - q.shrink
			}
			c[a*d+a] += q.shrink*trace/float64(d) + least
		}
		give(s, mean, c)
	}
}
