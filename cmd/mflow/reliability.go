package main

import (
	"math"
	"math/rand/v2"

	"mflow/divergence"
	"mflow/flow"
	"mflow/flow/prior"
	"mflow/internal/figure"
	"mflow/manifold"
)

// reliability compares the mass that the model gives to cells of 10 degrees
// with the test points found there.
func reliability(f *flow.Flow, p *points, title string) (figure.Figure, error) {
	c, err := newCells(f.Manifold)
	if err != nil {
		return nil, err
	}
	mass, err := c.masses(f)
	if err != nil {
		return nil, err
	}
	hits := make([]int, len(mass))
	_, n := f.Manifold.Dims()
	for i := 0; i < len(p.test); i += n {
		hits[c.of(p.test[i:i+n])]++
	}
	out := &figure.Reliability{Title: title + ", cells of 10°", Total: p.rows(p.test)}
	for i, m := range mass {
		out.Cells = append(out.Cells, figure.Cell{Predicted: m, Observed: hits[i]})
	}
	return out, nil
}

// cells are those of 10 degrees of a sphere or a torus of two angles.
type cells struct {
	grid   *grid
	sphere bool
	wide   int // cells in a row
	n      int
}

const cellDegrees, cellFine = 10.0, 10 // and points a side within a cell

func newCells(m manifold.Manifold) (*cells, error) {
	g, err := newGrid(m, cellDegrees/cellFine)
	if err != nil {
		return nil, err
	}
	c := &cells{grid: g, sphere: g.names[0] == "lat", wide: len(g.axes[1]) / cellFine}
	c.n = len(g.axes[0]) * len(g.axes[1]) / (cellFine * cellFine)
	return c, nil
}

// of returns the cell of a point.
func (c *cells) of(x []float64) int {
	a, b := math.Remainder(x[0]*180/math.Pi, 360), 0.0
	if c.sphere {
		a, b = manifold.LatLon(x)
		a += 90
	} else {
		a, b = a+180, math.Remainder(x[1]*180/math.Pi, 360)
	}
	row := min(int(a/cellDegrees), c.n/c.wide-1)
	return row*c.wide + min(int((b+180)/cellDegrees), c.wide-1)
}

// masses returns the model's mass of every cell: on a grid where the prior is
// uniform, since a network's density is smooth; else from random points, since a
// grid steps over narrow kernels.
func (c *cells) masses(f *flow.Flow) ([]float64, error) {
	mass := make([]float64, c.n)
	_, n := f.Manifold.Dims()
	rnd := rand.New(rand.NewPCG(0, reliabilityStream))
	switch f.Prior.(type) {
	case prior.Uniform:
		lp := make([]float64, len(c.grid.x)/n)
		divergence.New(f).LogProb(lp, c.grid.x)
		step := radians(cellDegrees / cellFine)
		for i, l := range lp {
			row, col := i/len(c.grid.axes[1]), i%len(c.grid.axes[1])
			area := step * step
			if c.sphere {
				lat := radians(c.grid.axes[0][row])
				area = step * (math.Sin(lat+step/2) - math.Sin(lat-step/2))
			}
			mass[row/cellFine*c.wide+col/cellFine] += math.Exp(l) * area
		}
		return mass, nil
	}
	if len(f.Nets) == 0 { // points of the prior are points of the model
		const draws = 400_000
		x := make([]float64, n)
		for range draws {
			f.Prior.Rand(x, rnd)
			mass[c.of(x)] += 1.0 / draws
		}
		return mass, nil
	}
	const draws = 40_000
	p, err := divergence.NewProposal(f)
	if err != nil {
		return nil, err
	}
	x, nu, w, lp := make([]float64, draws*n), make([]float64, draws), make([]float64, draws), make([]float64, draws)
	p.Rand(x, nu, w, rnd)
	divergence.New(f).LogProb(lp, x)
	for i, l := range lp {
		mass[c.of(x[i*n:(i+1)*n])] += w[i] * math.Exp(l)
	}
	return mass, nil
}
