package sample

import (
	"fmt"
	"strings"
)

// A Tableau is an explicit Runge-Kutta method,
//
//	kᵢ = f(t + cᵢ h, x + h Σ aᵢⱼ kⱼ),   x' = x + h Σ bᵢ kᵢ .
//
// An adaptive method also has the weights E of its error estimate h Σ eᵢ kᵢ, of
// order h^Order. If the last stage is f at the new point (FSAL) it serves as the
// first of the next step.
type Tableau struct {
	Name  string
	Order int
	A     [][]float64 // row i: aᵢⱼ, j < i
	B, C  []float64
	E     []float64 // b - b̂; nil for a fixed step
	D     []float64 // of the point between the ends of a step that paths has; nil if there is none
	FSAL  bool
}

// RK4 is the classical method of order four.
var RK4 = Tableau{
	Name:  "rk4",
	Order: 4,
	A:     [][]float64{{}, {1. / 2}, {0, 1. / 2}, {0, 0, 1}},
	B:     []float64{1. / 6, 1. / 3, 1. / 3, 1. / 6},
	C:     []float64{0, 1. / 2, 1. / 2, 1},
}

// DormandPrince is the pair of orders 5 and 4 of Dormand and Prince (1980).
var DormandPrince = Tableau{
	Name:  "dopri5",
	Order: 5,
	A: [][]float64{
		{},
		{1. / 5},
		{3. / 40, 9. / 40},
		{44. / 45, -56. / 15, 32. / 9},
		{19372. / 6561, -25360. / 2187, 64448. / 6561, -212. / 729},
		{9017. / 3168, -355. / 33, 46732. / 5247, 49. / 176, -5103. / 18656},
		{35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84},
	},
	B: []float64{35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84, 0},
	C: []float64{0, 1. / 5, 3. / 10, 4. / 5, 8. / 9, 1, 1},
	D: []float64{
		-12715105075. / 11282082432, 0, 87487479700. / 32700410799, -10690763975. / 1880347072,
		701980252875. / 199316789632, -1453857185. / 822651844, 69997945. / 29380423,
	},
	E:    []float64{71. / 57600, 0, -71. / 16695, 71. / 1920, -17253. / 339200, 22. / 525, -1. / 40},
	FSAL: true,
}

// ParseTableau returns the method of the given name.
func ParseTableau(name string) (Tableau, error) {
	var names []string
	for _, t := range []Tableau{DormandPrince, RK4} {
		if t.Name == name {
			return t, nil
		}
		names = append(names, t.Name)
	}
	return Tableau{}, fmt.Errorf("sample: unknown method %q, want %s", name, strings.Join(names, " or "))
}
