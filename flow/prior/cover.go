package prior

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"mflow/manifold"
)

// A Cover is a density on a manifold by way of one that covers it. If c is drawn
// from the density f on a sphere or flat torus C, and lies above the point π(c) of
// M, then π(c) has the density
//
//	p(x) = Σ f(c) / J(x)   over all c above x ,
//
// where J is the volume of M per volume of C. It integrates to one, is drawn by
// drawing c, and costs one f for each sheet. What covers what:
//
//	SO(3)        by unit quaternions in S³, q and -q: two sheets
//	revolution   by its two angles
//	box          by one angle a side, all the way round a periodic one, forth and
//	             back between walls, where kernels are thus reflected: two sheets
//	product      of these and of flat tori, by the product
//
// A width of the density on C is in radians there: on SO(3) half the angle of
// rotation; on a torus of revolution, times R + r cos φ about the axis and times r
// about the tube; along a side of a box, times its length over π between walls,
// over 2π if periodic.
type Cover struct {
	Of Density // on C

	by *covering
}

// NewCover returns the density on m below one on the manifold that covers it.
func NewCover(m manifold.Manifold, of Density) (*Cover, error) {
	by, err := coveringOf(m)
	if err != nil {
		return nil, err
	}
	return &Cover{of, by}, nil
}

// LogProb returns the log-density at x.
func (p *Cover) LogProb(x []float64) float64 {
	var room [64]float64
	c := append(room[:0], make([]float64, p.by.sheets()*p.by.n)...)
	logJ := p.by.lift(c, x)
	var terms [maxSheets]float64
	all := terms[:0]
	for i := 0; i < len(c); i += p.by.n {
		all = append(all, p.Of.LogProb(c[i:i+p.by.n]))
	}
	return logSumExp(all) - logJ
}

// Rand writes a point of the density to x.
func (p *Cover) Rand(x []float64, rnd *rand.Rand) {
	var room [16]float64
	c := append(room[:0], make([]float64, p.by.n)...)
	p.Of.Rand(c, rnd)
	p.by.drop(x, c)
}

// HasKernels tells whether Fit knows kernels on m.
func HasKernels(m manifold.Manifold) bool {
	if _, err := spaceOf(m); err == nil {
		return true
	}
	_, err := coveringOf(m)
	return err == nil
}

// Fit fits kernels to the points x as FitKernels does: on spheres and flat tori
// themselves, on other manifolds as a Cover, with every point on all sheets and all
// of these in one fold. Of these the floor is in radians of the covering manifold.
func Fit(m manifold.Manifold, x []float64, o KernelOptions) (Density, []float64, error) {
	if _, err := spaceOf(m); err == nil {
		p, nu, err := FitKernels(m, x, o)
		if err != nil {
			return nil, nil, err // not a nil *Kernels in an interface
		}
		return p, nu, nil
	}
	by, err := coveringOf(m)
	if err != nil {
		return nil, nil, err
	}
	above, logJ := by.above(m, x)
	sheets, points := by.sheets(), len(logJ)
	if o.Folds != nil {
		folds := make([]int, 0, points*sheets)
		for _, f := range o.Folds {
			folds = append(folds, slices.Repeat([]int{f}, sheets)...)
		}
		o.Folds = folds
	}
	o.Sample *= sheets
	o.images = sheets
	p, of, err := FitKernels(by.over, above, o)
	if err != nil {
		return nil, nil, err
	}
	nu := make([]float64, points)
	for i := range nu {
		for _, v := range of[i*sheets : (i+1)*sheets] {
			nu[i] += v * math.Exp(-logJ[i])
		}
	}
	return &Cover{p, by}, nu, nil
}

// above returns the points on all sheets, and log J for each of x.
func (by *covering) above(m manifold.Manifold, x []float64) (on, logJ []float64) {
	_, n := m.Dims()
	width := by.sheets() * by.n
	on, logJ = make([]float64, len(x)/n*width), make([]float64, len(x)/n)
	for i := range logJ {
		logJ[i] = by.lift(on[i*width:(i+1)*width], x[i*n:(i+1)*n])
	}
	return on, logJ
}

// coverHeader is what a model file says of a cover, whose tensors are those of
// the density above.
type coverHeader struct {
	Of blendPart `json:"of"`
}

func (p *Cover) marshal() (json.RawMessage, Tensors, error) {
	kind, meta, ts, err := Marshal(p.Of)
	if err != nil {
		return nil, nil, err
	}
	meta, err = json.Marshal(coverHeader{blendPart{kind, meta}})
	return meta, ts, err
}

func unmarshalCover(meta json.RawMessage, ts Tensors, m manifold.Manifold) (Density, error) {
	var h coverHeader
	if err := json.Unmarshal(meta, &h); err != nil {
		return nil, fmt.Errorf("prior: cover: %w", err)
	}
	by, err := coveringOf(m)
	if err != nil {
		return nil, err
	}
	of, err := Unmarshal(h.Of.Kind, h.Of.Meta, ts, by.over)
	if err != nil {
		return nil, err
	}
	return &Cover{of, by}, nil
}
