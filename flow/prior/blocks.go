package prior

import (
	"math"

	"mflow/internal/kernel"
)

// blocks are kernels as package kernel sums them, in the blocks of a tree: all
// numbers of a kind stand in rows, one number for each point of a block. What no
// class gives weight to has none here.
type blocks struct {
	space space
	tree  *tree

	fixed        []float64 // concentrations
	first        int       // of the fixed kernels that are in use
	parts        int
	near, shapes []float64 // per block a row for every adaptive part, and rows b and A for every normal part
	norm, weight []float64 // per block a row for every part: peak of every kernel, and weight times peak
	reach        []float64 // per block and part, the squared chord beyond which it is negligible
	boxes        []float64 // the farthest reach in every box
}

// newBlocks arranges kernels whose numbers are known to be right.
func newBlocks(p *Kernels) blocks {
	const width = kernel.SumBlock
	n, d, size := p.space.ambient(), p.space.dim(), p.space.packed()
	points, parts := len(p.Points)/n, p.parts()
	var at []float64
	for i := range points {
		at = append(at, p.space.embed(p.Points[i*n:(i+1)*n])...)
	}
	b := blocks{space: p.space, tree: newTree(at, len(at)/points), fixed: p.Fixed, parts: parts}
	for b.first < len(p.Fixed) && !p.used(b.first) {
		b.first++
	}
	slots := len(b.tree.order)
	b.near, b.shapes = make([]float64, slots*len(p.Near)), make([]float64, slots*len(p.Shape)*size)
	b.norm, b.weight = make([]float64, slots*parts), make([]float64, slots*parts)
	b.reach = make([]float64, slots/width*parts)
	farthest := make([]float64, slots/width)
	fixedNorm := make([]float64, len(p.Fixed))
	for s, k := range p.Fixed {
		fixedNorm[s] = math.Exp(-p.space.logNorm(k))
	}
	for i := range b.reach {
		b.reach[i] = -1
	}
	parallel(slots/width, func(block int) {
		for j, i := range b.tree.rows(block) {
			if i < 0 {
				continue
			}
			for s := range parts {
				row := block*parts + s
				own := p.own[i*parts+s]
				var peak, reach float64
				switch near := s - len(p.Fixed); {
				case near < 0:
					peak, reach = fixedNorm[s], 2*negligible/p.Fixed[s]
				case near < len(p.Near):
					k := p.Near[near][i]
					b.near[(block*len(p.Near)+near)*width+j] = k
					if own > 0 {
						peak, reach = math.Exp(-p.space.logNorm(k)), 2*negligible/k
					}
				default:
					shape := near - len(p.Near)
					mean, a := p.Shape[shape][i*size:i*size+d], p.Shape[shape][i*size+d:(i+1)*size]
					to := b.shapes[(block*len(p.Shape)+shape)*size*width+j:]
					for r, c := 0, 0; r < d; r++ { // A v - A mean
						to[r*width] = dot(a[c:c+r+1], mean)
						c += r + 1
					}
					for c, v := range a {
						to[(d+c)*width] = v
					}
					if own > 0 {
						peak = math.Exp(logDet(a, d) - float64(d)/2*math.Log(2*math.Pi))
						reach = square(math.Sqrt(dot(mean, mean)) + math.Sqrt(2*negligible*spread(a, d)))
					}
				}
				if own > 0 {
					b.norm[row*width+j], b.weight[row*width+j] = peak, own*peak
					b.reach[row] = math.Max(b.reach[row], reach)
				}
			}
		}
		farthest[block] = -1
		for _, r := range b.reach[block*parts : (block+1)*parts] {
			farthest[block] = math.Max(farthest[block], r)
		}
	})
	b.boxes = b.tree.reaches(farthest)
	return b
}

// add adds the densities of all kernels at x to dst, each times its number in
// weight: to one row if stride is zero, otherwise to one for every part, and then
// calls done after every block with the rows of its points.
func (b *blocks) add(dst []float64, stride int, x, weight []float64, done func(rows []int)) {
	const width = kernel.SumBlock
	d, size := b.space.dim(), b.space.packed()
	fixed := len(b.fixed)
	near := len(b.near) / len(b.tree.order)
	shapes := b.parts - fixed - near
	x = b.space.embed(x)
	var room [17 * width]float64
	t, jac := room[:width], room[width:2*width]
	v := append(room[2*width:2*width], make([]float64, d*width)...)
	b.tree.walk(x, b.boxes, func(block int, gap float64) {
		at := b.tree.at[block*len(x)*width : (block+1)*len(x)*width]
		reach := b.reach[block*b.parts : (block+1)*b.parts]
		w := weight[block*b.parts*width : (block+1)*b.parts*width]
		kernel.HalfChords(t, x, at)
		last := b.first
		for last < fixed && gap*b.fixed[last] <= 2*negligible {
			last++
		}
		kernel.AddDecays(dst[b.first*stride:], stride, b.fixed[b.first:last], t, w[b.first*width:])
		for s := range near {
			if part := fixed + s; gap <= reach[part] {
				k := b.near[(block*near+s)*width : (block*near+s+1)*width]
				kernel.AddOwnDecays(dst[part*stride:], stride, k, t, w[part*width:])
			}
		}
		charted := false
		for s := range shapes {
			part := fixed + near + s
			if gap > reach[part] {
				continue
			}
			if !charted {
				charted = true
				b.space.charts(v, jac, x, at, t)
			}
			a := b.shapes[(block*shapes+s)*size*width : (block*shapes+s+1)*size*width]
			kernel.AddNormals(dst[part*stride:], d, v, jac, a, w[part*width:])
		}
		if done != nil {
			done(b.tree.rows(block))
		}
	})
}
