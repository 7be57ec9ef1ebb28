package export

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// A Dataset is what a NetCDF file holds: dimensions, variables on them, and
// attributes of the whole.
type Dataset struct {
	Dims  []Dim
	Vars  []Var
	Attrs []Attr
}

// A Dim is a named length.
type Dim struct {
	Name string
	Len  int
}

// A Var is a variable of float64 on the named dimensions, row-major.
type Var struct {
	Name  string
	Dims  []string
	Attrs []Attr
	Data  []float64
}

// An Attr is a text or, if Text is empty, a number.
type Attr struct {
	Name  string
	Text  string
	Value float64
}

// Tags of the classic format.
const (
	ncDimension, ncVariable, ncAttribute = 10, 11, 12
	ncChar, ncDouble                     = 2, 6
)

// NetCDF writes the dataset in the classic format with 64-bit offsets (CDF-2 of
// the NetCDF format specification), which every reader of NetCDF knows.
func NetCDF(w io.Writer, d Dataset) error {
	ids := map[string]int{}
	for i, dim := range d.Dims {
		if dim.Len < 1 {
			return fmt.Errorf("export: dimension %s of length %d", dim.Name, dim.Len)
		}
		ids[dim.Name] = i
	}
	for _, v := range d.Vars {
		size := 1
		for _, n := range v.Dims {
			id, ok := ids[n]
			if !ok {
				return fmt.Errorf("export: variable %s has an unknown dimension %s", v.Name, n)
			}
			size *= d.Dims[id].Len
		}
		if size != len(v.Data) {
			return fmt.Errorf("export: variable %s has %d numbers, want %d", v.Name, len(v.Data), size)
		}
		if size > (math.MaxInt32-8)/8 {
			return fmt.Errorf("export: variable %s of %d numbers is too large for this format", v.Name, size)
		}
	}
	// The header's length does not depend on the offsets in it: it is made twice.
	head := d.header(ids, 0)
	head = d.header(ids, int64(len(head)))
	if _, err := w.Write(head); err != nil {
		return err
	}
	for _, v := range d.Vars {
		raw := make([]byte, 0, 8*len(v.Data))
		for _, x := range v.Data {
			raw = binary.BigEndian.AppendUint64(raw, math.Float64bits(x))
		}
		if _, err := w.Write(raw); err != nil {
			return err
		}
	}
	return nil
}

func (d Dataset) header(ids map[string]int, data int64) []byte {
	var b ncBuffer
	b.WriteString("CDF\x02")
	b.int(0) // no records
	b.list(ncDimension, len(d.Dims))
	for _, dim := range d.Dims {
		b.name(dim.Name)
		b.int(dim.Len)
	}
	b.attrs(d.Attrs)
	b.list(ncVariable, len(d.Vars))
	for _, v := range d.Vars {
		b.name(v.Name)
		b.int(len(v.Dims))
		for _, n := range v.Dims {
			b.int(ids[n])
		}
		b.attrs(v.Attrs)
		b.int(ncDouble)
		b.int(8 * len(v.Data))
		b.Write(binary.BigEndian.AppendUint64(nil, uint64(data)))
		data += int64(8 * len(v.Data))
	}
	return b.Bytes()
}

// ncBuffer writes the primitives of the format.
type ncBuffer struct{ bytes.Buffer }

func (b *ncBuffer) int(v int) { b.Write(binary.BigEndian.AppendUint32(nil, uint32(v))) }

func (b *ncBuffer) list(tag, n int) {
	if n == 0 {
		tag = 0
	}
	b.int(tag)
	b.int(n)
}

// name writes a string with its length, padded to a multiple of four bytes.
func (b *ncBuffer) name(s string) {
	b.int(len(s))
	b.WriteString(s)
	for b.Len()%4 != 0 {
		b.WriteByte(0)
	}
}

func (b *ncBuffer) attrs(as []Attr) {
	b.list(ncAttribute, len(as))
	for _, a := range as {
		b.name(a.Name)
		if a.Text != "" {
			b.int(ncChar)
			b.name(a.Text)
			continue
		}
		b.int(ncDouble)
		b.int(1)
		b.Write(binary.BigEndian.AppendUint64(nil, math.Float64bits(a.Value)))
	}
}

// Conventions are the attributes that every file of mflow has.
func Conventions(title, source, history string) []Attr {
	return []Attr{{Name: "Conventions", Text: "CF-1.8"}, {Name: "title", Text: title}, {Name: "source", Text: source}, {Name: "history", Text: history}}
}

// Latitude and Longitude are CF coordinate variables, in degrees.
func Latitude(dim string, v []float64) Var {
	return Var{"lat", []string{dim}, []Attr{{Name: "standard_name", Text: "latitude"}, {Name: "units", Text: "degrees_north"}, {Name: "axis", Text: "Y"}}, v}
}

// Longitude is the CF coordinate variable lon.
func Longitude(dim string, v []float64) Var {
	return Var{"lon", []string{dim}, []Attr{{Name: "standard_name", Text: "longitude"}, {Name: "units", Text: "degrees_east"}, {Name: "axis", Text: "X"}}, v}
}

// Points returns the dataset of a table: one variable a column on the dimension
// obs, with lat and lon as CF has them.
func Points(cols []Column, attrs []Attr) (Dataset, error) {
	n, err := rows(cols)
	if err != nil {
		return Dataset{}, err
	}
	d := Dataset{Dims: []Dim{{"obs", n}}, Attrs: attrs}
	globe := false
	for _, c := range cols {
		switch c.Name {
		case "lat":
			v := Latitude("obs", c.Values)
			v.Attrs = v.Attrs[:2] // not an axis here
			d.Vars = append(d.Vars, v)
			globe = true
		case "lon":
			v := Longitude("obs", c.Values)
			v.Attrs = v.Attrs[:2]
			d.Vars = append(d.Vars, v)
		default:
			v := Var{Name: c.Name, Dims: []string{"obs"}, Data: c.Values}
			if c.Long != "" {
				v.Attrs = append(v.Attrs, Attr{Name: "long_name", Text: c.Long})
			}
			if c.Units != "" {
				v.Attrs = append(v.Attrs, Attr{Name: "units", Text: c.Units})
			}
			if globe {
				v.Attrs = append(v.Attrs, Attr{Name: "coordinates", Text: "lat lon"})
			}
			d.Vars = append(d.Vars, v)
		}
	}
	if globe {
		d.Attrs = append(append([]Attr(nil), attrs...), Attr{Name: "featureType", Text: "point"})
	}
	return d, nil
}
