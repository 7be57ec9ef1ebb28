package manifold_test

import (
	"fmt"
	"log"

	"mflow/manifold"
)

// The divergence of the tangential part of the constant field v = (0, 0, 1) on
// the sphere, a flow towards the north pole, is -2 sin(latitude).
func Example() {
	var m manifold.Manifold = manifold.Sphere{N: 2}
	d, n := m.Dims()
	E, h := make([]float64, d*n), make([]float64, n)

	x := manifold.FromLatLon(30, 10)
	m.Frame(E, x[:])
	m.MeanCurvature(h, x[:])

	v, Dv := [3]float64{0, 0, 1}, [3][3]float64{}
	var div float64
	for c := range n {
		div += h[c] * v[c]
		for j := range d {
			for k := range n {
				div += E[j*n+c] * Dv[c][k] * E[j*n+k]
			}
		}
	}
	fmt.Printf("%.3f\n", div)
	// Output: -1.000
}

func ExampleParse() {
	m, err := manifold.Parse("sphere*box:0..700")
	if err != nil {
		log.Fatal(err)
	}
	d, n := m.Dims()
	fmt.Println(m, "has dimension", d, "in", n, "coordinates")
	// Output: sphere*box:0..700 has dimension 3 in 4 coordinates
}

func ExampleDist() {
	tokyo, lima := manifold.FromLatLon(35.69, 139.69), manifold.FromLatLon(-12.05, -77.05)
	fmt.Printf("%.0f km\n", manifold.EarthRadius*manifold.Dist(manifold.Sphere{N: 2}, tokyo[:], lima[:]))
	// Output: 15491 km
}

// Optional abilities are found by type assertion: a product is a Geodesic if
// all of its factors are.
func ExampleNewProduct() {
	for _, factors := range [][]manifold.Manifold{
		{manifold.Sphere{N: 2}, manifold.Torus{N: 1}},
		{manifold.Sphere{N: 2}, manifold.Revolution{Major: 2, Minor: 1}},
	} {
		m, err := manifold.NewProduct(factors...)
		if err != nil {
			log.Fatal(err)
		}
		_, ok := m.(manifold.Geodesic)
		fmt.Printf("%s: volume %.1f, geodesics %v\n", m, m.Volume(), ok)
	}
	// Output:
	// sphere*circle: volume 79.0, geodesics true
	// sphere*revolution:2,1: volume 992.2, geodesics false
}

func ExampleParseCap() {
	c, err := manifold.ParseCap("35.7,139.7,300km")
	if err != nil {
		log.Fatal(err)
	}
	kyoto := manifold.FromLatLon(35.0, 135.8)
	fmt.Println(c.Contains(kyoto[:]))
	fmt.Printf("%.0f km²\n", c.Area()*manifold.EarthRadius*manifold.EarthRadius)
	// Output:
	// false
	// 282691 km²
}

// A polygon across the antimeridian, around Fiji.
func ExampleNewPolygon() {
	p, err := manifold.NewPolygon([][2]float64{{-21, 176}, {-21, -178}, {-15, -178}, {-15, 176}})
	if err != nil {
		log.Fatal(err)
	}
	suva, apia := manifold.FromLatLon(-18.1, 178.4), manifold.FromLatLon(-13.8, -171.8)
	fmt.Println(p.Contains(suva[:]), p.Contains(apia[:]))
	fmt.Printf("%.0f km²\n", p.Area()*manifold.EarthRadius*manifold.EarthRadius)
	// Output:
	// true false
	// 423413 km²
}
