package prior

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sort"
	"sync"

	"gonum.org/v1/gonum/spatial/kdtree"

	"mflow/manifold"
)

// Kernels is a kernel density at several widths at once: the mean over the
// points of kernels of fixed concentrations, of kernels whose width is the
// distance to a k-th neighbour, and the uniform density, with weights fitted by
// expectation-maximisation on cross-fitted densities. No kernel is narrower than
// the resolution floor.
type Kernels struct {
	Points []float64   // N×ambient
	Fixed  []float64   // concentrations of the fixed kernels, rising
	Near   [][]float64 // per k, the concentration at every point
	Weight []float64   // of each fixed, each adaptive, and the uniform
	Floor  float64     // standard deviation of the narrowest kernel, radians

	space     space
	fixedNorm []float64
	nearNorm  [][]float64
	logVol    float64
}

// KernelOptions say how Kernels are fitted. Zeros mean the defaults given.
type KernelOptions struct {
	Floor  float64 // 1e-3 radians
	Near   []int   // neighbours of the adaptive kernels: 2, 4, 8, 16
	Widths int     // number of fixed widths, from 1 radian to the floor: two a factor of ten, or more
	Folds  []int   // fold of every point, for cross-fitting; nil for ten random ones

	// Sample, if positive, fits the weights on the cross-fitted densities of so
	// many random points only, and returns none of them: enough for a baseline,
	// in time proportional to Sample times the points and not to their square.
	Sample int
	Seed   uint64
}

// Narrowest returns the concentration whose kernel has the standard deviation of
// the floor.
func narrowest(floor float64) float64 { return 1 / (floor * floor) }

func (p *Kernels) prepare() error {
	n := p.space.ambient()
	points := len(p.Points) / n
	if points == 0 || len(p.Points)%n != 0 || len(p.Weight) != len(p.Fixed)+len(p.Near)+1 {
		return fmt.Errorf("prior: kernels with %d coordinates and %d weights", len(p.Points), len(p.Weight))
	}
	p.logVol = math.Log(p.space.m.Volume())
	p.fixedNorm, p.nearNorm = nil, nil
	for _, k := range p.Fixed {
		p.fixedNorm = append(p.fixedNorm, math.Exp(-p.space.logNorm(k)))
	}
	for _, ks := range p.Near {
		if len(ks) != points {
			return fmt.Errorf("prior: %d adaptive widths for %d points", len(ks), points)
		}
		norms := make([]float64, points)
		for i, k := range ks {
			norms[i] = math.Exp(-p.space.logNorm(k))
		}
		p.nearNorm = append(p.nearNorm, norms)
	}
	return nil
}

// negligible is the exponent beyond which a kernel is dropped: e⁻⁴⁰ of its peak
// is far below the uniform part.
const negligible = 40

// LogProb returns the log-density at x, in time proportional to the points.
func (p *Kernels) LogProb(x []float64) float64 {
	var room [64]float64
	sums := p.sums(room[:0], x, nil, -1)
	var f float64
	for i, w := range p.Weight {
		f += w * sums[i]
	}
	return math.Log(f)
}

// sums returns the density at x of every part by itself: the fixed kernels, the
// adaptive ones, the uniform. Points of the given fold are left out.
func (p *Kernels) sums(dst, x []float64, folds []int, out int) []float64 {
	n := p.space.ambient()
	dst = append(dst[:0], make([]float64, len(p.Weight))...)
	used := 0
	for i := range len(p.Points) / n {
		if folds != nil && folds[i] == out {
			continue
		}
		used++
		t := p.space.t(x, p.Points[i*n:(i+1)*n])
		for s, k := range p.Fixed {
			if k*t > negligible {
				break
			}
			dst[s] += p.fixedNorm[s] * math.Exp(-k*t)
		}
		for s, ks := range p.Near {
			if k := ks[i]; k*t < negligible {
				dst[len(p.Fixed)+s] += p.nearNorm[s][i] * math.Exp(-k*t)
			}
		}
	}
	for s := range dst {
		dst[s] /= float64(max(1, used))
	}
	dst[len(dst)-1] = math.Exp(-p.logVol)
	return dst
}

// Rand writes a point of the density to x.
func (p *Kernels) Rand(x []float64, rnd *rand.Rand) {
	s := pick(p.Weight, rnd)
	if s == len(p.Weight)-1 {
		p.space.m.Rand(x, rnd)
		return
	}
	n := p.space.ambient()
	i := rnd.IntN(len(p.Points) / n)
	var kappa float64
	if s < len(p.Fixed) {
		kappa = p.Fixed[s]
	} else {
		kappa = p.Near[s-len(p.Fixed)][i]
	}
	p.space.rand(x, p.Points[i*n:(i+1)*n], kappa, rnd)
}

// FitKernels fits Kernels to the points x. It also returns the cross-fitted
// density at every point: that of the kernels of the other folds. A flow on top
// must be trained with it, since the density in sample leaves nothing to learn.
func FitKernels(m manifold.Manifold, x []float64, o KernelOptions) (*Kernels, []float64, error) {
	s, err := spaceOf(m)
	if err != nil {
		return nil, nil, err
	}
	n := s.ambient()
	points := len(x) / n
	if points < 20 {
		return nil, nil, errors.New("prior: kernels need at least 20 points")
	}
	if o.Floor == 0 {
		o.Floor = 1e-3
	}
	if !(o.Floor > 0 && o.Floor <= 1) {
		return nil, nil, fmt.Errorf("prior: resolution floor of %g radians, want between 0 and 1", o.Floor)
	}
	if o.Near == nil {
		o.Near = []int{2, 4, 8, 16}
	}
	if o.Widths == 0 {
		o.Widths = 2 + int(2*math.Ceil(-math.Log10(o.Floor)))
	}
	if o.Folds == nil {
		rnd := rand.New(rand.NewPCG(o.Seed, 10))
		o.Folds = make([]int, points)
		for i, r := range rnd.Perm(points) {
			o.Folds[i] = r % 10
		}
	}
	if len(o.Folds) != points {
		return nil, nil, fmt.Errorf("prior: %d folds for %d points", len(o.Folds), points)
	}
	p := &Kernels{Points: append([]float64(nil), x...), Floor: o.Floor, space: s}
	for i := range o.Widths {
		width := math.Pow(o.Floor, float64(i)/float64(max(1, o.Widths-1)))
		p.Fixed = append(p.Fixed, 1/(width*width))
	}
	near := neighbours(s, x, o)
	all := func(int) bool { return true }
	for _, k := range o.Near {
		ks := make([]float64, points)
		for i := range ks {
			ks[i] = adaptive(near[i], k, o.Floor, all)
		}
		p.Near = append(p.Near, ks)
	}
	parts := len(p.Fixed) + len(p.Near) + 1
	p.Weight = make([]float64, parts)
	for i := range p.Weight {
		p.Weight[i] = 1 / float64(parts)
	}
	if err := p.prepare(); err != nil {
		return nil, nil, err
	}
	held := p.crossFit(o, near)
	p.weigh(held)
	if o.Sample > 0 {
		return p, nil, nil
	}
	nu := make([]float64, points)
	for i, sums := range held {
		for j, w := range p.Weight {
			nu[i] += w * sums[j]
		}
	}
	return p, nu, nil
}

// crossFit returns, for every point, the density of every part without the
// points of its fold; the adaptive widths too are measured without them.
func (p *Kernels) crossFit(o KernelOptions, near [][]neighbour) [][]float64 {
	n := p.space.ambient()
	points := len(p.Points) / n
	chosen := make([]bool, points)
	for i, r := range rand.New(rand.NewPCG(o.Seed, 11)).Perm(points) {
		chosen[r] = o.Sample <= 0 || i < o.Sample
	}
	held := make([][]float64, points)
	var folds []int
	seen := map[int]bool{}
	for _, f := range o.Folds {
		if !seen[f] {
			seen[f] = true
			folds = append(folds, f)
		}
	}
	sort.Ints(folds)
	for _, fold := range folds {
		q := *p
		q.Near = nil
		for _, k := range o.Near {
			ks := make([]float64, points)
			for i := range ks {
				ks[i] = adaptive(near[i], k, o.Floor, func(j int) bool { return o.Folds[j] != fold })
			}
			q.Near = append(q.Near, ks)
		}
		if err := q.prepare(); err != nil {
			panic(err) // as p, which was sound
		}
		parallel(points, func(i int) {
			if o.Folds[i] == fold && chosen[i] {
				held[i] = q.sums(nil, p.Points[i*n:(i+1)*n], o.Folds, fold)
			}
		})
	}
	return slices.DeleteFunc(held, func(sums []float64) bool { return sums == nil })
}

// weigh fits the weights to the held-out densities.
func (p *Kernels) weigh(held [][]float64) {
	for range 300 {
		next := make([]float64, len(p.Weight))
		for _, sums := range held {
			var f float64
			for j, w := range p.Weight {
				f += w * sums[j]
			}
			for j, w := range p.Weight {
				next[j] += w * sums[j] / f
			}
		}
		var total float64
		for j := range next {
			next[j] /= float64(len(held))
			if j == len(next)-1 { // ν stays positive everywhere
				next[j] = math.Max(next[j], 1e-4)
			}
			total += next[j]
		}
		var change float64
		for j := range next {
			next[j] /= total
			change = math.Max(change, math.Abs(next[j]-p.Weight[j]))
		}
		p.Weight = next
		if change < 1e-6 {
			return
		}
	}
}

// A neighbour is another point and t of the two.
type neighbour struct {
	index int
	t     float64
}

// neighbours returns the nearest points of every point, nearest first: enough
// that the k-th is still there when a fold is left out.
func neighbours(s space, x []float64, o KernelOptions) [][]neighbour {
	n := s.ambient()
	points := len(x) / n
	most := 1
	for _, k := range o.Near {
		most = max(most, k)
	}
	keep := min(points-1, 3*most+16)
	all := make(places, points)
	for i := range all {
		all[i] = place{s.embed(x[i*n : (i+1)*n]), i}
	}
	tree := kdtree.New(append(places(nil), all...), false)
	near := make([][]neighbour, points)
	parallel(points, func(i int) {
		k := kdtree.NewNKeeper(keep + 1) // the point finds itself too
		tree.NearestSet(k, all[i])
		for _, c := range k.Heap {
			if q, ok := c.Comparable.(place); ok && q.index != i && len(near[i]) < keep {
				near[i] = append(near[i], neighbour{q.index, c.Dist / 2}) // t is half the squared chord
			}
		}
		sort.Slice(near[i], func(a, b int) bool {
			if near[i][a].t != near[i][b].t {
				return near[i][a].t < near[i][b].t
			}
			return near[i][a].index < near[i][b].index
		})
	})
	return near
}

// adaptive returns the concentration of the kernel whose width is the distance
// to the k-th neighbour that counts, at most the floor's.
func adaptive(near []neighbour, k int, floor float64, counts func(int) bool) float64 {
	t := 0.5
	for _, nb := range near {
		if counts(nb.index) {
			t = nb.t
			if k--; k == 0 {
				break
			}
		}
	}
	return math.Min(narrowest(floor), 1/math.Max(2*t, 1e-300))
}

// parallel calls f for every index on all processors.
func parallel(n int, f func(i int)) {
	var wg sync.WaitGroup
	workers := min(n, runtime.GOMAXPROCS(0))
	for w := range workers {
		wg.Go(func() {
			for i := w; i < n; i += workers {
				f(i)
			}
		})
	}
	wg.Wait()
}
