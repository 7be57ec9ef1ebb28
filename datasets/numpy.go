package datasets

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/sbinet/npyio"
	"github.com/sbinet/npyio/npz"

	"mflow/manifold"
)

func isNumpy(raw []byte) bool {
	return bytes.HasPrefix(raw, []byte("\x93NUMPY")) || bytes.HasPrefix(raw, []byte("PK\x03\x04"))
}

// numpy reads an array of N×n numbers: the only one of an .npy file; in an .npz
// file that called x, or points, or the only one; on S² also lat and lon.
func (s *Set) numpy(path string, raw []byte) (err error) {
	defer func() { // the reader panics on some damaged files
		if r := recover(); r != nil {
			err = fmt.Errorf("%s: damaged numpy file (%v)", path, r)
		}
	}()
	if raw[0] != 'P' {
		x, shape, err := array(bytes.NewReader(raw))
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		return s.fromArray(path, x, shape)
	}
	z, err := npz.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return fmt.Errorf("%s: damaged .npz file (%w)", path, err)
	}
	read := func(key string) ([]float64, []int, error) {
		f, err := z.Open(key)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: array %s: %w", path, key, err)
		}
		defer f.Close()
		x, shape, err := array(f)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: array %s: %w", path, key, err)
		}
		return x, shape, nil
	}
	keys := map[string]string{}
	for _, k := range z.Keys() {
		keys[strings.TrimSuffix(k, ".npy")] = k
	}
	if lat, lon := keys["lat"], keys["lon"]; lat != "" && lon != "" {
		a, _, err := read(lat)
		if err != nil {
			return err
		}
		b, _, err := read(lon)
		if err != nil {
			return err
		}
		if len(a) != len(b) {
			return fmt.Errorf("%s: %d latitudes and %d longitudes", path, len(a), len(b))
		}
		pairs := make([]float64, 0, 2*len(a))
		for i := range a {
			pairs = append(pairs, a[i], b[i])
		}
		return s.fromArray(path, pairs, []int{len(a), 2})
	}
	for _, want := range []string{"x", "points"} {
		if k, ok := keys[want]; ok {
			x, shape, err := read(k)
			if err != nil {
				return err
			}
			return s.fromArray(path, x, shape)
		}
	}
	if len(keys) == 1 {
		x, shape, err := read(z.Keys()[0])
		if err != nil {
			return err
		}
		return s.fromArray(path, x, shape)
	}
	return fmt.Errorf("%s: arrays %s; want one called x of N×%d numbers, or lat and lon", path, strings.Join(z.Keys(), ", "), s.Dim())
}

// array reads one array of floating-point numbers.
func array(r io.Reader) ([]float64, []int, error) {
	n, err := npyio.NewReader(r)
	if err != nil {
		return nil, nil, fmt.Errorf("damaged numpy array (%w)", err)
	}
	h := n.Header.Descr
	if h.Fortran && len(h.Shape) > 1 {
		return nil, nil, errors.New("array in Fortran order; save numpy.ascontiguousarray of it")
	}
	switch strings.TrimLeft(h.Type, "<|=") {
	case "f8":
		var x []float64
		err = n.Read(&x)
		return x, h.Shape, err
	case "f4":
		var x []float32
		err = n.Read(&x)
		y := make([]float64, len(x))
		for i, v := range x {
			y[i] = float64(v)
		}
		return y, h.Shape, err
	}
	return nil, nil, fmt.Errorf("array of type %s, want float64 or float32", h.Type)
}

func (s *Set) fromArray(path string, x []float64, shape []int) error {
	width := s.Dim()
	sphere := s.Manifold == manifold.Manifold(manifold.Sphere{N: 2})
	if len(shape) != 2 || shape[0] == 0 || shape[1] != width && !(sphere && shape[1] == 2) || shape[0]*shape[1] != len(x) {
		return fmt.Errorf("%s: array of shape %v, want N×%d numbers for %s", path, shape, width, s.Manifold)
	}
	l := first(shape[1], nil)
	l.latlon = sphere && shape[1] == 2
	for i := range shape[0] {
		row := x[i*shape[1] : (i+1)*shape[1]]
		for j, v := range row {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("%s: row %d: column %d is %g, want a finite number", path, i, j, v)
			}
		}
		p, err := s.point(row, l, false, Options{Radians: true})
		if err != nil {
			return fmt.Errorf("%s: row %d: %w", path, i, err)
		}
		s.X = append(s.X, p...)
	}
	return nil
}
