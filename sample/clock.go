package sample

import "math"

// nodes are the points of Lobatto's quadrature on [0, 1], exact to degree 7.
var nodes = [...]float64{
	0, 0.1726731646460114, 0.5, 0.8273268353539886, 1,
}

// A curve is a polynomial by its values at the nodes, in Newton's form.
type curve [len(nodes)]float64

func fit(values []float64) (c curve) {
	copy(c[:], values)
	for j := 1; j < len(c); j++ {
		for i := len(c) - 1; i >= j; i-- {
			c[i] = (c[i] - c[i-1]) / (nodes[i] - nodes[i-j])
		}
	}
	return c
}

func (c *curve) at(θ float64) (y float64) {
	for j := len(c) - 1; j >= 0; j-- {
		y = y*(θ-nodes[j]) + c[j]
	}
	return y
}

// A clock tells t along one step of s, of length h: with θ from 0 to 1,
//
//	dt/dθ = h m,   m = (1-t) ν + t max(ε, μ) .
type clock struct {
	h, eps float64
	nu, mu curve
}

func (c *clock) rate(θ, t float64, floor bool) float64 {
	m := c.eps
	if !floor {
		m = c.mu.at(θ)
	}
	return c.h * ((1-t)*c.nu.at(θ) + t*m)
}

// run starts at t and returns where it stops, at θ = 1 or when it is end.
func (c *clock) run(t, end float64) (θ, at float64) {
	const parts = 6
	for i := range parts {
		if θ, t = c.stretch(float64(i)/parts, float64(i+1)/parts, t, end); t == end {
			break
		}
	}
	return θ, t
}

// stretch is run from a to b. Where μ passes the floor the equation has a kink, and
// the way is cut in two.
func (c *clock) stretch(a, b, t, end float64) (θ, at float64) {
	floor := c.mu.at(a) < c.eps
	if below := c.mu.at(b) < c.eps; below != floor {
		lo, hi := a, b
		for range 30 {
			if mid := (lo + hi) / 2; (c.mu.at(mid) < c.eps) == floor {
				lo = mid
			} else {
				hi = mid
			}
		}
		if θ, t = c.smooth(a, hi, t, end, floor); t == end {
			return θ, t
		}
		a, floor = hi, below
	}
	return c.smooth(a, b, t, end, floor)
}

// smooth is run from a to b without a kink.
func (c *clock) smooth(a, b, t, end float64, floor bool) (θ, at float64) {
	at = c.step(a, b, t, floor)
	if (at-end)*c.h < 0 {
		return b, at
	}
	// Newton's method, kept within what is known to hold the end.
	lo, hi := a, b
	θ = a + (b-a)*(end-t)/(at-t)
	for range 20 {
		y := c.step(a, θ, t, floor)
		if (y-end)*c.h < 0 {
			lo = θ
		} else {
			hi = θ
		}
		d := (end - y) / c.rate(θ, y, floor)
		if θ += d; !(θ >= lo && θ <= hi) {
			θ = (lo + hi) / 2
		} else if math.Abs(d) < 1e-12 {
			break
		}
	}
	return θ, end
}

// step is one step of the classical method of order four.
func (c *clock) step(a, b, t float64, floor bool) float64 {
	h, mid := b-a, (a+b)/2
	k1 := c.rate(a, t, floor)
	k2 := c.rate(mid, t+h/2*k1, floor)
	k3 := c.rate(mid, t+h/2*k2, floor)
	k4 := c.rate(b, t+h*k3, floor)
	return t + h/6*(k1+2*k2+2*k3+k4)
}

// err estimates the error of s when the clock shows t at θ, from the last
// coefficients of ν and μ: as much as one more of the same size would count, if it
// were not for the nodes, at which most of it cancels over a whole step.
func (c *clock) err(θ, t float64) float64 {
	// The integral of |Πⱼ(θ-θⱼ)| is 1.7e-3. With this share of it the error of t was
	// measured to be as large as that of x, on models of earthquakes.
	const area = 6e-6
	last := len(nodes) - 1
	e := math.Max(math.Abs(c.nu[last]), math.Abs(c.mu[last])) * area
	m := c.rate(θ, t, c.mu.at(θ) < c.eps) / c.h
	return math.Abs(e * c.h / m)
}
