package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"mflow/divergence"
	"mflow/flow"
)

// TestResolution: no model is sharper than a single kernel at the resolution
// floor. Of a mixture of kernels with standard deviations of at least σ in every
// direction, log p curves downwards by at most 1/σ²: -(log p)″ is the mean of the
// kernels' 1/σᵢ² less the variance of their slopes. Points come in copies, on a line
// and by themselves, so that everything asks for less than the floor.
func TestResolution(t *testing.T) {
	rnd := rand.New(rand.NewPCG(6, 6))
	var text strings.Builder
	text.WriteString("lat,lon\n")
	for i := range 200 {
		lat, lon := 40*rnd.Float64(), 60*rnd.Float64()
		if i%4 == 0 { // a line
			lat, lon = 10, float64(i)/20
		}
		for range 1 + i%5 {
			fmt.Fprintf(&text, "%.3f,%.3f\n", lat, lon)
		}
	}
	data := writeTemp(t, "copies.csv", text.String())
	for _, c := range []struct {
		args  string
		floor float64
	}{
		{"--prior kde --field none", 0.01},
		{"--prior gated --field none", 0.01},
		{"--prior kde --field network --steps 100", 0.01},
		{"--field mixture --nets 2 --steps 150 --scales 1,4,16,64", 0.001},
		{"--prior uniform --steps 300 --scales 1,4,16,64", 0.001}, // waves of the default for sharp data
	} {
		floor := c.floor
		path := filepath.Join(t.TempDir(), "m.mflow")
		must(t, append([]string{"train", "--data", data, "--floor", fmt.Sprint(floor), "--z-points", "2000", "-o", path}, strings.Fields(c.args)...)...)
		f, err := flow.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		pts, err := (&source{data: data, split: "published", fractions: []float64{0.9, 0, 0.1}}).load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		h := floor / 10
		worst := 0.0
		density := divergence.New(f)
		for i := 0; i < len(pts.train); i += 3 {
			x := pts.train[i : i+3]
			d := make([]float64, 3)
			for j := range d {
				d[j] = rnd.NormFloat64()
			}
			var along float64
			for j, v := range d {
				along += v * x[j]
			}
			for j := range d {
				d[j] -= along * x[j]
			}
			var len2 float64
			for _, v := range d {
				len2 += v * v
			}
			var at []float64
			for _, s := range []float64{-h, 0, h} {
				for j := range d {
					at = append(at, x[j]*math.Cos(s)+d[j]/math.Sqrt(len2)*math.Sin(s))
				}
			}
			lp := make([]float64, 3)
			density.LogProb(lp, at)
			if lp[1] < -math.Log(4*math.Pi) {
				continue // where a flow's density is nearly nothing, its logarithm says nothing of peaks
			}
			worst = max(worst, -(lp[0]-2*lp[1]+lp[2])/(h*h))
		}
		if most := 1.02 / (floor * floor); worst > most { // 1.02: differences, and charts that are not quite flat
			t.Errorf("%s: log p curves by %.0f, a kernel at the floor by %.0f", c.args, worst, 1/(floor*floor))
		}
		t.Logf("%s: the sharpest curve is %.2f of a kernel's at the floor", c.args, worst*floor*floor)
	}
}
