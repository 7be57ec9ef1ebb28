package manifold

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestQuaternion(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	x := make([]float64, 9)
	for range 1000 {
		SO3{}.Rand(x, rnd)
		r := FromQuaternion(Quaternion(x))
		for i := range x {
			if math.Abs(r[i]-x[i]) > 1e-14 {
				t.Fatalf("%v became %v", x, r)
			}
		}
	}
}

// TestSO3HalfTurn: the logarithm is right at and near rotations by π.
func TestSO3HalfTurn(t *testing.T) {
	id := []float64{1, 0, 0, 0, 1, 0, 0, 0, 1}
	v, y, z := make([]float64, 9), make([]float64, 9), make([]float64, 9)
	for _, gap := range []float64{0, 1e-15, 1e-12, 1e-8, 1e-4} {
		a := math.Pi - gap // about the axis (1, 2, 2)/3
		w := [3]float64{a / 3, 2 * a / 3, 2 * a / 3}
		copy(v, []float64{0, -w[2], w[1], w[2], 0, -w[0], -w[1], w[0], 0})
		SO3{}.Exp(y, id, v)
		SO3{}.Log(v, id, y)
		// A few roundings of numbers of size π.
		if got, want := norm(v), math.Sqrt2*a; math.Abs(got-want) > 1e-14 {
			t.Errorf("π - %g: distance %.17g, want %.17g", gap, got, want)
		}
		SO3{}.Exp(z, id, v)
		for i := range z {
			if math.Abs(z[i]-y[i]) > 1e-14 {
				t.Errorf("π - %g: Exp(Log) is off by %g", gap, z[i]-y[i])
			}
		}
	}
}

// TestSO3Project: no rotation found by search, near or far, is nearer than the
// projection, for matrices of either determinant.
func TestSO3Project(t *testing.T) {
	rnd := rand.New(rand.NewPCG(4, 4))
	x, r, near := make([]float64, 9), make([]float64, 9), make([]float64, 9)
	distance := func(a, b []float64) (s float64) {
		for i := range a {
			s += (a[i] - b[i]) * (a[i] - b[i])
		}
		return math.Sqrt(s)
	}
	for range 200 {
		for i := range x {
			x[i] = rnd.NormFloat64()
		}
		copy(near, x)
		SO3{}.Project(near)
		if d := det3(near); math.Abs(d-1) > 1e-14 {
			t.Fatalf("determinant %g", d)
		}
		best := distance(x, near)
		for k := range 300 {
			SO3{}.Rand(r, rnd)
			if k%2 == 1 { // half of the rivals close by
				for i := range r {
					r[i] = near[i] + 0.1*rnd.NormFloat64()
				}
				SO3{}.Project(r)
			}
			if d := distance(x, r); d < best-1e-12 {
				t.Fatalf("%v is %g from its projection and %g from another rotation", x, best, d)
			}
		}
	}
}

// TestSO3Path: ten thousand steps stay on the group.
func TestSO3Path(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 5))
	x, v, E := make([]float64, 9), make([]float64, 9), make([]float64, 27)
	SO3{}.Rand(x, rnd)
	for range 10000 {
		SO3{}.Frame(E, x)
		clear(v)
		for i := range v {
			v[i] = 0.3 * (E[i] - E[9+i] + 2*E[18+i])
		}
		y := make([]float64, 9)
		SO3{}.Exp(y, x, v)
		x = y
	}
	s := mulT(x, x)
	for i := range s {
		want := 0.0
		if i%4 == 0 {
			want = 1
		}
		if math.Abs(s[i]-want) > 4e-15 {
			t.Errorf("RᵀR differs from I by %g", s[i]-want)
		}
	}
}

// TestSO3Volume measures the volume by the Jacobian of FromQuaternion, which
// covers the rotations twice: a constant, since both metrics are invariant.
func TestSO3Volume(t *testing.T) {
	const h = 1e-6
	q := []float64{0.1, -0.7, 0.5, 0.5}
	Sphere{3}.Project(q)
	E := make([]float64, 12)
	Sphere{3}.Frame(E, q)
	var J, G [9]float64 // rows of frame coordinates of the images of e₁, e₂, e₃
	at := FromQuaternion([4]float64(q))
	F := make([]float64, 27)
	SO3{}.Frame(F, at[:])
	for j := range 3 {
		var a, b [4]float64
		for i := range q {
			a[i], b[i] = q[i]+h*E[4*j+i], q[i]-h*E[4*j+i]
		}
		ra, rb := FromQuaternion(a), FromQuaternion(b)
		for i := range 9 {
			G[i] = (ra[i] - rb[i]) / (2 * h)
		}
		for k := range 3 {
			J[3*j+k] = dot(F[9*k:9*k+9], G[:])
		}
	}
	want := math.Abs(det3(J[:])) * Sphere{3}.Volume() / 2
	if got := (SO3{}).Volume(); math.Abs(got/want-1) > 1e-8 { // central differences: h² and 1e-16/h
		t.Errorf("volume %g, by the Jacobian %g", got, want)
	}
}
