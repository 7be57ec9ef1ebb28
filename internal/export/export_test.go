package export

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var table = []Column{
	{Name: "lat", Values: []float64{1.5, -90}},
	{Name: "lon", Values: []float64{-170.25, 1e-300}},
	{Name: "density", Units: "sr-1", Long: "probability density", Values: []float64{math.Pi, 0.1}},
}

func TestCSV(t *testing.T) {
	var b bytes.Buffer
	if err := CSV(&b, table); err != nil {
		t.Fatal(err)
	}
	want := "lat,lon,density\n1.5,-170.25,3.141592653589793\n-90,1e-300,0.1\n"
	if b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
	if err := CSV(&b, []Column{{Name: "a", Values: []float64{1}}, {Name: "b"}}); err == nil {
		t.Error("columns of different lengths were written")
	}
}

func TestGeoJSON(t *testing.T) {
	var b bytes.Buffer
	if err := GeoJSON(&b, table); err != nil {
		t.Fatal(err)
	}
	var v struct {
		Type     string
		Features []struct {
			Geometry   struct{ Coordinates [2]float64 }
			Properties map[string]float64
		}
	}
	if err := json.Unmarshal(b.Bytes(), &v); err != nil {
		t.Fatal(err)
	}
	if f := v.Features[0]; v.Type != "FeatureCollection" || f.Geometry.Coordinates != [2]float64{-170.25, 1.5} || f.Properties["density"] != math.Pi {
		t.Errorf("got %+v", v)
	}
	if err := GeoJSON(&b, table[2:]); err == nil {
		t.Error("points without a position were written")
	}
}

func TestNetCDFErrors(t *testing.T) {
	for _, d := range []Dataset{
		{Dims: []Dim{{"x", 0}}},
		{Dims: []Dim{{"x", 2}}, Vars: []Var{{Name: "v", Dims: []string{"x"}, Data: []float64{1}}}},
		{Dims: []Dim{{"x", 1}}, Vars: []Var{{Name: "v", Dims: []string{"y"}, Data: []float64{1}}}},
	} {
		if err := NetCDF(&bytes.Buffer{}, d); err == nil {
			t.Errorf("%v was written", d)
		}
	}
}

// TestReaders has the programs that users have read the files.
func TestReaders(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, f func(b *bytes.Buffer) error) string {
		var b bytes.Buffer
		if err := f(&b); err != nil {
			t.Fatal(err)
		}
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return p
	}
	npz := write("a.npz", func(b *bytes.Buffer) error {
		return NPZ(b, []Array{{"x", []int{2, 3}, []float64{1, 2, 3, 4, 5, 6}}, {"z", []int{2}, []float64{0.1, -1}}})
	})
	grid := write("grid.nc", func(b *bytes.Buffer) error {
		return NetCDF(b, Dataset{
			Dims:  []Dim{{"lat", 2}, {"lon", 3}},
			Attrs: Conventions("a title", "a model", "made by a test"),
			Vars: []Var{
				Latitude("lat", []float64{-45, 45}), Longitude("lon", []float64{-120, 0, 120}),
				{
					Name: "density", Dims: []string{"lat", "lon"}, Data: []float64{1, 2, 3, 4, 5, 6},
					Attrs: []Attr{{Name: "units", Text: "sr-1"}, {Name: "_FillValue", Value: math.NaN()}},
				},
			},
		})
	})
	points := write("points.nc", func(b *bytes.Buffer) error {
		d, err := Points(table, Conventions("t", "s", "h"))
		if err != nil {
			return err
		}
		return NetCDF(b, d)
	})
	csv := write("a.csv", func(b *bytes.Buffer) error { return CSV(b, table) })
	out, err := exec.Command("/usr/bin/python3", "-c", `
import sys
try:
    import numpy as np, xarray as xr, pandas as pd
except ImportError as e:
    print("skip", e); sys.exit()
a = np.load(sys.argv[1])
assert a["x"].shape == (2, 3) and a["x"][1, 2] == 6 and a["z"][0] == 0.1
g = xr.open_dataset(sys.argv[2])
assert g.density.dims == ("lat", "lon") and float(g.density.sel(lat=45, lon=0)) == 5
assert g.density.units == "sr-1" and g.lat.units == "degrees_north" and g.Conventions == "CF-1.8"
p = xr.open_dataset(sys.argv[3])
assert p.density.values[0] == np.pi and "lat" in p.density.coords and p.featureType == "point"
c = pd.read_csv(sys.argv[4])
assert list(c.columns) == ["lat", "lon", "density"] and c.density[0] == np.pi
print("ok")
`, npz, grid, points, csv).CombinedOutput()
	if err != nil && !strings.Contains(string(out), "Error") || strings.HasPrefix(string(out), "skip") {
		t.Skipf("numpy, xarray and pandas are not all installed for /usr/bin/python3, so they do not read our files here: %s", out)
	}
	if strings.TrimSpace(string(out)) != "ok" {
		t.Errorf("python: %s", out)
	}
}
