package manifold

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

var (
	_ Measurer = Product{}
	_ Geodesic = geodesicProduct{}
	_ Walled   = walledProduct{}
)

// Product is the product of manifolds, with the coordinates of its factors one
// after the other. NewProduct makes one.
type Product struct{ factors []Manifold }

// NewProduct returns the product of at least two manifolds. It is a Geodesic if
// all factors are, and Walled if any factor is.
func NewProduct(factors ...Manifold) (Measurer, error) {
	if len(factors) < 2 {
		return nil, errors.New("manifold: a product needs at least two factors")
	}
	walled, geodesic := false, true
	for _, f := range factors {
		if _, ok := f.(Measurer); !ok {
			return nil, fmt.Errorf("manifold: a product needs the volume of %s, which is not known", f)
		}
		_, ok := f.(Geodesic)
		geodesic = geodesic && ok
		_, ok = f.(Walled)
		walled = walled || ok
	}
	p := Product{slices.Clone(factors)}
	switch {
	case walled:
		return walledProduct{p}, nil
	case geodesic:
		return geodesicProduct{p}, nil
	}
	return p, nil
}

// Factors returns the factors, in the order of their coordinates.
func (p Product) Factors() []Manifold { return p.factors }

// Dims returns the sums of the factors' dimensions.
func (p Product) Dims() (d, n int) {
	for _, f := range p.factors {
		fd, fn := f.Dims()
		d, n = d+fd, n+fn
	}
	return d, n
}

// String joins the names of the factors by "*".
func (p Product) String() string {
	var names []string
	for _, f := range p.factors {
		names = append(names, f.String())
	}
	return strings.Join(names, "*")
}

// each calls do for every factor, with the place of its coordinates and of its
// frame vectors.
func (p Product) each(do func(f Manifold, at, n, frame, d int)) {
	at, frame := 0, 0
	for _, f := range p.factors {
		d, n := f.Dims()
		do(f, at, n, frame, d)
		at, frame = at+n, frame+d
	}
}

// Project projects every factor.
func (p Product) Project(x []float64) {
	p.each(func(f Manifold, at, n, _, _ int) { f.Project(x[at : at+n]) })
}

// Frame writes the frames of the factors as diagonal blocks.
func (p Product) Frame(E, x []float64) {
	_, total := p.Dims()
	clear(E)
	p.each(func(f Manifold, at, n, frame, d int) {
		// The block is written tight into its own rows, then spread, last row
		// first, so that no row is overwritten before it is moved.
		rows := E[frame*total:]
		f.Frame(rows[:d*n], x[at:at+n])
		for j := d - 1; j >= 0; j-- {
			var row [64]float64
			tight := append(row[:0], rows[j*n:(j+1)*n]...)
			clear(rows[j*n : (j+1)*n])
			copy(rows[j*total+at:], tight)
		}
	})
}

// MeanCurvature writes the vectors of the factors one after the other.
func (p Product) MeanCurvature(h, x []float64) {
	p.each(func(f Manifold, at, n, _, _ int) { f.MeanCurvature(h[at:at+n], x[at:at+n]) })
}

// Volume returns the product of the volumes.
func (p Product) Volume() float64 {
	v := 1.0
	for _, f := range p.factors {
		v *= f.(Measurer).Volume()
	}
	return v
}

// Rand writes independent uniform points of the factors.
func (p Product) Rand(x []float64, rnd *rand.Rand) {
	p.each(func(f Manifold, at, n, _, _ int) { f.(Measurer).Rand(x[at:at+n], rnd) })
}

type geodesicProduct struct{ Product }

func (p geodesicProduct) Exp(dst, x, v []float64) {
	p.each(func(f Manifold, at, n, _, _ int) {
		f.(Geodesic).Exp(dst[at:at+n], x[at:at+n], v[at:at+n])
	})
}

func (p geodesicProduct) Log(dst, x, y []float64) {
	p.each(func(f Manifold, at, n, _, _ int) {
		f.(Geodesic).Log(dst[at:at+n], x[at:at+n], y[at:at+n])
	})
}

type walledProduct struct{ Product }

func (p walledProduct) Taper(b, g, x []float64) {
	p.each(func(f Manifold, at, n, frame, d int) {
		if w, ok := f.(Walled); ok {
			w.Taper(b[frame:frame+d], g[at:at+n], x[at:at+n])
			return
		}
		for j := range d {
			b[frame+j] = 1
		}
		clear(g[at : at+n])
	})
}
