package prior

import (
	"math"
	"math/rand/v2"
	"slices"
)

// without returns unweighted kernels made without the points of a fold, and the rows
// of these.
func (f *fitter) without(fold int) (q *Kernels, held []int, err error) {
	for i, g := range f.o.Folds {
		if g == fold {
			held = append(held, i)
		}
	}
	q, err = f.kernels(func(j int) bool { return f.o.Folds[j] != fold })
	return q, held, err
}

// crossFit returns, for every point that is sampled, the density there of every part
// of the kernels made without its fold, nil for the others, and the mean share of
// the points that each class of p has in these kernels.
func (f *fitter) crossFit(p *Kernels) (held [][]float64, share []float64, err error) {
	n := f.space.ambient()
	points := len(f.x) / n
	chosen := make([]bool, points)
	for i, r := range rand.New(rand.NewPCG(f.o.Seed, 11)).Perm(points) {
		chosen[r] = f.o.Sample <= 0 || i < f.o.Sample
	}
	held = make([][]float64, points)
	share = make([]float64, len(p.members))
	var all float64
	for _, fold := range f.folds() {
		q, rows, err := f.without(fold)
		if err != nil {
			return nil, nil, err
		}
		for c, rows := range q.members {
			share[c] += float64(len(rows))
			all += float64(len(rows))
		}
		parallel(len(rows), func(k int) {
			if i := rows[k]; chosen[i] {
				held[i] = q.sums(nil, f.x[i*n:(i+1)*n])
			}
		})
	}
	for c := range share {
		share[c] /= all
	}
	return held, share, nil
}

// weighted gives kernels of a fold the weights that were fitted.
func (f *fitter) weighted(q *Kernels) {
	q.Weight = slices.Clone(f.weight)
	for c, rows := range q.members {
		if len(rows) == 0 { // it has points only with the fold
			clear(q.Weight[c*q.parts() : (c+1)*q.parts()])
		}
	}
}

// rest fills in the cross-fitted density of the points that were not sampled, once
// the weights are known.
func (f *fitter) rest(nu []float64) error {
	if f.o.Sample <= 0 {
		return nil
	}
	n := f.space.ambient()
	for _, fold := range f.folds() {
		q, rows, err := f.without(fold)
		if err != nil {
			return err
		}
		f.weighted(q)
		if err := q.trim(q.inUse()); err != nil {
			return err
		}
		parallel(len(rows), func(k int) {
			if i := rows[k]; nu[i] == 0 {
				nu[i] = math.Exp(q.LogProb(f.x[i*n : (i+1)*n]))
			}
		})
	}
	return nil
}

// folds returns the numbers of the folds.
func (f *fitter) folds() []int {
	folds := slices.Clone(f.o.Folds)
	slices.Sort(folds)
	return slices.Compact(folds)
}

// settle carries weights over from kernels whose classes had the given shares
// of the points. A class that has less of them now, as the single points of a
// set of pairs, keeps weight in proportion. The rest goes to the same parts of
// the classes that have more now, in proportion to how much more.
func (p *Kernels) settle(share []float64) {
	parts := p.parts()
	total := float64(len(p.Points) / p.space.ambient())
	grown := make([]float64, len(share))
	var sum float64
	for c, rows := range p.members {
		grown[c] = math.Max(0, float64(len(rows))/total-share[c])
		sum += grown[c]
	}
	if sum == 0 {
		return
	}
	next := slices.Clone(p.Weight)
	for c, rows := range p.members {
		now := float64(len(rows)) / total
		if now >= share[c] {
			continue
		}
		for s := range parts {
			rest := (1 - now/share[c]) * p.Weight[c*parts+s]
			next[c*parts+s] -= rest
			for to, g := range grown {
				next[to*parts+s] += rest * g / sum
			}
		}
	}
	for c, rows := range p.members {
		if len(rows) == 0 {
			clear(next[c*parts : (c+1)*parts]) // what rounding left
		}
	}
	p.Weight = next
}

// inUse returns the parts that any class gives weight to.
func (p *Kernels) inUse() []int {
	var keep []int
	for s := range p.parts() {
		if p.used(s) {
			keep = append(keep, s)
		}
	}
	if len(keep) == 0 { // the uniform density has all the weight
		keep = []int{0}
	}
	return keep
}

// trim drops the parts that are not to be kept, and prepares what is left.
func (p *Kernels) trim(keep []int) error {
	q := *p
	p.Fixed, p.Near, p.Shape, p.Weight = nil, nil, nil, nil
	for _, s := range keep {
		switch near := s - len(q.Fixed); {
		case near < 0:
			p.Fixed = append(p.Fixed, q.Fixed[s])
		case near < len(q.Near):
			p.Near = append(p.Near, q.Near[near])
		default:
			p.Shape = append(p.Shape, q.Shape[near-len(q.Near)])
		}
	}
	for c := range q.members {
		for _, s := range keep {
			p.Weight = append(p.Weight, q.Weight[c*q.parts()+s])
		}
	}
	p.Weight = append(p.Weight, q.Weight[len(q.Weight)-1])
	return p.prepare()
}

// weigh fits the weights to the held-out densities by expectation-maximisation.
// So many points in proportion to the size of a class and the weight of the
// part in all classes are added to what is counted.
func (p *Kernels) weigh(held [][]float64, prior float64) {
	parts := p.parts()
	total := len(p.Points) / p.space.ambient()
	for j := range p.Weight { // a class without points now may have had some in a fold
		p.Weight[j] = 1 / float64(len(p.Weight))
	}
	for range 500 {
		next := p.shares(held)
		if prior > 0 {
			all := make([]float64, parts)
			for j := range len(next) - 1 {
				all[j%parts] += next[j] / float64(len(held))
			}
			for j := range len(next) - 1 {
				next[j] += prior * all[j%parts] * float64(len(p.members[j/parts])) / float64(total)
			}
		}
		var sum float64
		for j := range next {
			next[j] /= float64(len(held))
			if j < len(next)-1 && next[j] < 1e-6 { // a hundredth of a point of ten thousand
				next[j] = 0
			}
			if j == len(next)-1 { // ν stays positive everywhere
				next[j] = math.Max(next[j], 1e-4)
			}
			sum += next[j]
		}
		var change float64
		for j := range next {
			next[j] /= sum
			change = math.Max(change, math.Abs(next[j]-p.Weight[j]))
		}
		p.Weight = next
		if change < 1e-6 {
			return
		}
	}
}

// shares returns the expected number of points that each kernel made: the sum over
// points of its share of the density there.
func (p *Kernels) shares(held [][]float64) []float64 {
	const chunk = 256 // sums do not depend on the number of processors
	var used []int
	for j, w := range p.Weight {
		if w > 0 {
			used = append(used, j)
		}
	}
	sums := make([][]float64, (len(held)+chunk-1)/chunk)
	parallel(len(sums), func(c int) {
		sum, row := make([]float64, len(used)), make([]float64, len(used))
		for _, at := range held[c*chunk : min(len(held), (c+1)*chunk)] {
			var f float64
			for k, j := range used {
				row[k] = p.Weight[j] * at[j]
				f += row[k]
			}
			for k, v := range row {
				sum[k] += v / f
			}
		}
		sums[c] = sum
	})
	next := make([]float64, len(p.Weight))
	for _, sum := range sums {
		for k, j := range used {
			next[j] += sum[k]
		}
	}
	return next
}
