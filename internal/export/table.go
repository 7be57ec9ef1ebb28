package export

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
)

// A Column is a named sequence of numbers.
type Column struct {
	Name   string
	Units  string // as udunits has them; empty for none
	Long   string // a longer name; empty for none
	Values []float64
}

func rows(cols []Column) (int, error) {
	if len(cols) == 0 {
		return 0, fmt.Errorf("export: no columns")
	}
	n := len(cols[0].Values)
	for _, c := range cols {
		if len(c.Values) != n {
			return 0, fmt.Errorf("export: column %s has %d values, %s has %d", c.Name, len(c.Values), cols[0].Name, n)
		}
	}
	return n, nil
}

// CSV writes a header and one row per point, with as many digits as give the
// same numbers back.
func CSV(w io.Writer, cols []Column) error {
	n, err := rows(cols)
	if err != nil {
		return err
	}
	b := bufio.NewWriter(w)
	for i, c := range cols {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(c.Name)
	}
	b.WriteByte('\n')
	var text []byte
	for r := range n {
		for i, c := range cols {
			if i > 0 {
				b.WriteByte(',')
			}
			text = strconv.AppendFloat(text[:0], c.Values[r], 'g', -1, 64)
			b.Write(text)
		}
		b.WriteByte('\n')
	}
	return b.Flush()
}

// GeoJSON writes a FeatureCollection of points. The columns lat and lon, in
// degrees, are the positions; the others are properties.
func GeoJSON(w io.Writer, cols []Column) error {
	n, err := rows(cols)
	if err != nil {
		return err
	}
	lat, lon := -1, -1
	for i, c := range cols {
		switch c.Name {
		case "lat":
			lat = i
		case "lon":
			lon = i
		}
	}
	if lat < 0 || lon < 0 {
		return fmt.Errorf("export: GeoJSON needs columns lat and lon: only points of the globe have a place in it")
	}
	b := bufio.NewWriter(w)
	b.WriteString(`{"type":"FeatureCollection","features":[`)
	for r := range n {
		if r > 0 {
			b.WriteByte(',')
		}
		properties := map[string]float64{}
		for i, c := range cols {
			if i != lat && i != lon {
				properties[c.Name] = c.Values[r]
			}
		}
		p, err := json.Marshal(properties)
		if err != nil {
			return fmt.Errorf("export: point %d: %w", r, err)
		}
		fmt.Fprintf(b, "\n"+`{"type":"Feature","geometry":{"type":"Point","coordinates":[%s,%s]},"properties":%s}`,
			strconv.FormatFloat(cols[lon].Values[r], 'g', -1, 64), strconv.FormatFloat(cols[lat].Values[r], 'g', -1, 64), p)
	}
	b.WriteString("\n]}\n")
	return b.Flush()
}
