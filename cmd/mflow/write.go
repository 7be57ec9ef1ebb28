package main

import (
	"fmt"
	"io"
	"math"

	"mflow/flow"
	"mflow/internal/atomicfile"
	"mflow/internal/export"
	"mflow/manifold"
)

// columns returns points as named columns: lat and lon in degrees on the sphere,
// else the ambient coordinates.
func columns(m manifold.Manifold, x []float64) []export.Column {
	_, n := m.Dims()
	rows := len(x) / n
	if s, ok := m.(manifold.Sphere); ok && s.N == 2 {
		lat, lon := make([]float64, rows), make([]float64, rows)
		for i := range rows {
			lat[i], lon[i] = manifold.LatLon(x[i*n : (i+1)*n])
		}
		return []export.Column{{Name: "lat", Units: "degrees_north", Values: lat}, {Name: "lon", Units: "degrees_east", Values: lon}}
	}
	cols := make([]export.Column, n)
	for c := range cols {
		cols[c] = export.Column{Name: fmt.Sprintf("x%d", c+1), Values: make([]float64, rows)}
		if _, ok := m.(manifold.Torus); ok {
			cols[c].Name, cols[c].Units = fmt.Sprintf("angle%d", c+1), "rad"
		}
		for i := range rows {
			cols[c].Values[i] = x[i*n+c]
		}
	}
	return cols
}

// pointWriter returns what writes points to a file, in the format of its
// extension, or to w as CSV if there is no file.
func pointWriter(m manifold.Manifold, path string) (func(w io.Writer, x []float64) error, error) {
	write, err := tableWriter(path)
	if err != nil {
		return nil, err
	}
	return func(w io.Writer, x []float64) error { return write(w, columns(m, x)) }, nil
}

// tableWriter is pointWriter for columns.
func tableWriter(path string) (func(w io.Writer, cols []export.Column) error, error) {
	if path == "" {
		return export.CSV, nil
	}
	ext, err := extension(path, "csv", "npz", "nc", "geojson")
	if err != nil {
		return nil, err
	}
	fill := export.CSV
	switch ext {
	case "geojson":
		fill = export.GeoJSON
	case "npz":
		fill = func(w io.Writer, cols []export.Column) error {
			var as []export.Array
			for _, c := range cols {
				as = append(as, export.Array{Name: c.Name, Shape: []int{len(c.Values)}, Data: c.Values})
			}
			return export.NPZ(w, as)
		}
	case "nc":
		fill = func(w io.Writer, cols []export.Column) error {
			d, err := export.Points(cols, export.Conventions("points of a Moser flow", "mflow "+flow.Version, "written by mflow"))
			if err != nil {
				return err
			}
			return export.NetCDF(w, d)
		}
	}
	return func(_ io.Writer, cols []export.Column) error {
		err := atomicfile.Write(path, func(w io.Writer) error { return fill(w, cols) })
		if err != nil {
			return fmt.Errorf("cannot write %s: %w", path, err)
		}
		return nil
	}, nil
}

// radians and degrees convert angles.
func radians(d float64) float64 { return d * math.Pi / 180 }
