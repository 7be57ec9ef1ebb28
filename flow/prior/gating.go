package prior

import (
	"cmp"
	"math"
	"slices"

	"mflow/internal/kernel"
	"mflow/manifold"
)

// Gating is what the weights of kernels are learned from: for every fold the
// kernels of the other folds, what is known about the points they stand at, and
// what each of them gives at the held-out points. Making the weight ωᵢₛ of kernel
// s at point i a function of what is known about the point moves mass between
// kernels, as a field does whose divergence is closed-form,
//
//	μ = ν - div u ,   u = Σᵢₛ (ωᵢₛ - ω'ᵢₛ) Gᵢₛ ,   div Gᵢₛ = Kᵢₛ - 1/vol ,
//
// so the density stays normalised whatever the function.
type Gating struct {
	Features int // known about a point
	Parts    int // kernels at a point
	Folds    []Fold
	Whole    Fold      // of all points, with nothing held out
	Nu       []float64 // cross-fitted density at every point before gating

	kernels *Kernels
}

// A Fold is kernels made without some points, and their densities there.
type Fold struct {
	Rows   []int     // of the points that the kernels stand at
	X      []float32 // points×features, standardised
	Weight []float64 // points×parts, weights of the kernels before gating
	Held   []Held
}

// Held is a held-out point: the kernels of Value, those of the points At, matter
// there; the others and the uniform density together give Rest.
type Held struct {
	Row   int
	At    []int32
	Value []float32 // len(At)×parts
	Rest  float64
}

// FitGating fits Kernels as FitKernels does and returns what a gate on them is
// trained on.
func FitGating(m manifold.Manifold, x []float64, o KernelOptions) (*Gating, error) {
	f, err := newFitter(m, x, o)
	if err != nil {
		return nil, err
	}
	p, nu, err := f.fit()
	if err != nil {
		return nil, err
	}
	g := &Gating{kernels: p, Nu: nu, Parts: p.parts()}
	for _, fold := range f.folds() {
		q, rows, err := f.without(fold)
		if err != nil {
			return nil, err
		}
		f.weighted(q)
		if err := q.trim(f.keep); err != nil {
			return nil, err
		}
		at := f.gated(q, func(i int) bool { return f.o.Folds[i] != fold })
		n := f.space.ambient()
		at.Held = make([]Held, len(rows))
		parallel(len(rows), func(i int) {
			at.Held[i] = q.held(f.x[rows[i]*n : (rows[i]+1)*n])
			at.Held[i].Row = rows[i]
		})
		g.Folds = append(g.Folds, at)
	}
	g.Whole = f.gated(p, func(int) bool { return true })
	g.standardise()
	return g, nil
}

// gated returns a fold without points held out.
func (f *fitter) gated(p *Kernels, counts func(int) bool) Fold {
	var out Fold
	for i := range f.at {
		if counts(i) {
			out.Rows = append(out.Rows, i)
		}
	}
	each := make([][]float32, len(out.Rows))
	parallel(len(each), func(j int) { each[j] = f.features(out.Rows[j], counts) })
	out.X = slices.Concat(each...)
	// Every part that any class uses starts with a little weight, or no gain
	// could ever raise it.
	const little = 1e-3
	parts := p.parts()
	out.Weight = make([]float64, len(each)*parts)
	for j := range each {
		own := p.own[j*parts : (j+1)*parts]
		var sum float64
		for _, w := range own {
			sum += w
		}
		for s, w := range own {
			out.Weight[j*parts+s] = w + little*sum/float64(parts)
		}
	}
	return out
}

// crowds are the neighbours whose distances a gate knows, and clouds the numbers
// of neighbours whose spread it knows.
var crowds, clouds = []int{1, 2, 4, 8, 16, 32}, []int{4, 16}

// features returns what is known about point i: logarithms of the distances to
// neighbours at other positions, and of the number of points at its own; how
// stretched the clouds of its neighbours are and how far off their centres; and
// where it is.
func (f *fitter) features(i int, counts func(int) bool) []float32 {
	n, d := f.space.ambient(), f.space.dim()
	near := f.others(i, counts)
	var out []float32
	for _, k := range crowds {
		out = append(out, float32(math.Log(near[min(len(near), k)-1].t+square(f.o.Floor)/2)/2))
	}
	same := 1
	for _, q := range f.near[i] {
		if counts(q.index) && f.at[q.index] == f.at[i] {
			same++
		}
	}
	out = append(out, float32(math.Log(float64(same))))
	m := f.space.embed(f.x[i*n : (i+1)*n])
	v := make([]float64, d)
	for _, k := range clouds {
		k = min(k, len(near))
		mean, c := make([]float64, d), make([]float64, d*d)
		for _, q := range near[:k] {
			f.space.chart(v, f.space.embed(f.x[q.index*n:(q.index+1)*n]), m)
			for a := range d {
				mean[a] += v[a] / float64(k)
				for b := range d {
					c[a*d+b] += v[a] * v[b] / float64(k)
				}
			}
		}
		var trace float64
		for a := range d {
			trace += c[a*d+a]
		}
		trace = math.Max(trace, 1e-300)
		out = append(out, float32(dot(c, c)/(trace*trace)), float32(dot(mean, mean)/trace))
	}
	for _, v := range m {
		out = append(out, float32(v))
	}
	return out
}

// held returns the kernels that matter at x: those of the points that give the
// most, up to all but a thousandth of the density.
func (p *Kernels) held(x []float64) Held {
	const most, enough = 150, 0.999
	parts := p.parts()
	type point struct {
		i     int
		gives float64
	}
	var all []point
	var total float64
	var sum [kernel.SumBlock]float64
	p.blocks.add(sum[:], 0, x, p.blocks.weight, func(rows []int) {
		for j, f := range sum {
			if f > 0 {
				total += f
				all = append(all, point{rows[j], f})
			}
		}
		clear(sum[:])
	})
	// Points that each give less than this are less than a thousandth together.
	least := (1 - enough) * total / float64(len(all)+1)
	all = slices.DeleteFunc(all, func(q point) bool { return q.gives < least })
	slices.SortFunc(all, func(a, b point) int { return cmp.Or(cmp.Compare(b.gives, a.gives), a.i-b.i) })
	var h Held
	h.Rest = total + p.Weight[len(p.Weight)-1]*math.Exp(-p.logVol)
	number := map[int]int{}
	for _, q := range all[:min(most, len(all))] {
		if h.Rest < (1-enough)*total {
			break
		}
		h.Rest -= q.gives
		number[q.i] = len(h.At)
		h.At = append(h.At, int32(q.i))
	}
	h.Value = make([]float32, len(h.At)*parts)
	values := make([]float64, parts*kernel.SumBlock)
	p.blocks.add(values, kernel.SumBlock, x, p.blocks.norm, func(rows []int) {
		for j, i := range rows {
			if k, ok := number[i]; ok {
				for s := range parts {
					h.Value[k*parts+s] = float32(values[s*kernel.SumBlock+j])
				}
			}
		}
		clear(values)
	})
	h.Rest = math.Max(h.Rest, p.Weight[len(p.Weight)-1]*math.Exp(-p.logVol))
	return h
}

// standardise brings every feature to mean zero and variance one over all folds,
// and cuts off what is beyond four.
func (g *Gating) standardise() {
	g.Features = len(g.Whole.X) / (len(g.Whole.Weight) / g.Parts)
	for c := range g.Features {
		var n, mean, sq float64
		for _, f := range g.Folds {
			for i := c; i < len(f.X); i += g.Features {
				n++
				d := float64(f.X[i]) - mean
				mean += d / n
				sq += d * (float64(f.X[i]) - mean)
			}
		}
		sd := math.Sqrt(sq/n) + 1e-9
		for _, f := range append(g.Folds, g.Whole) {
			for i := c; i < len(f.X); i += g.Features {
				f.X[i] = float32(math.Max(-4, math.Min(4, (float64(f.X[i])-mean)/sd)))
			}
		}
	}
}

// Kernels returns the kernels with the given weights, points×parts, in place of
// those of Whole; both have the same sum. With nil they are as fitted.
func (g *Gating) Kernels(weight []float64) (*Kernels, error) {
	p := *g.kernels
	if weight == nil {
		return &p, nil
	}
	// One class with even weights carries any weights as gains.
	p.Class, p.Gain = nil, make([]float64, len(weight))
	uniform := p.Weight[len(p.Weight)-1]
	points := float64(len(weight) / g.Parts)
	p.Weight = make([]float64, g.Parts+1)
	for s := range g.Parts {
		p.Weight[s] = (1 - uniform) / float64(g.Parts)
	}
	p.Weight[g.Parts] = uniform
	var sum float64
	for _, w := range weight {
		sum += w
	}
	for i, w := range weight {
		p.Gain[i] = w / sum * (1 - uniform) / (p.Weight[0] / points)
	}
	return &p, p.prepare()
}
