package datasets

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"mflow/manifold"
)

// A layout says which columns hold the coordinates and what they are.
type layout struct {
	columns []int
	names   []string
	latlon  bool // latitude and longitude, in that order
	degrees bool
}

var (
	latNames = []string{"lat", "latitude", "y_lat", "lat_deg", "decimallatitude"}
	lonNames = []string{"lon", "long", "lng", "longitude", "x_lon", "lon_deg", "decimallongitude"}
)

// layout finds the columns of the coordinates.
func (s *Set) layout(header []string, width int, o Options) (layout, error) {
	n := s.Dim()
	sphere := s.Manifold == manifold.Manifold(manifold.Sphere{N: 2})
	var l layout
	var err error
	switch {
	case len(o.Columns) > 0:
		l, err = named(header, width, o.Columns)
		l.latlon = sphere && len(l.columns) == 2
	case sphere && header != nil && find(header, latNames) >= 0 && find(header, lonNames) >= 0:
		la, lo := find(header, latNames), find(header, lonNames)
		l = layout{columns: []int{la, lo}, names: []string{header[la], header[lo]}, latlon: true}
	case sphere && width == 2:
		l = first(2, []string{"latitude", "longitude"})
		l.latlon = true
		if header == nil {
			s.Notes = append(s.Notes, "the file has no header: the first column was read as latitude, the second as longitude")
		} else {
			return l, fmt.Errorf("no latitude and longitude among the columns %s; name them lat and lon, or choose columns", strings.Join(header, ", "))
		}
	case width == n:
		l = first(n, header)
	case header == nil && width > n && !sphere:
		l = first(n, nil)
		s.Notes = append(s.Notes, fmt.Sprintf("the file has no header and %d columns: the first %d were read", width, n))
	default:
		return l, fmt.Errorf("%d columns (%s) for %s, which has %d coordinates; choose columns by name or number",
			width, strings.Join(header, ", "), s.Manifold, n)
	}
	if err != nil {
		return l, err
	}
	if len(l.columns) != n && !l.latlon {
		return l, fmt.Errorf("%d columns chosen for %s, which has %d coordinates", len(l.columns), s.Manifold, n)
	}
	for _, name := range l.names {
		if strings.HasSuffix(strings.ToLower(name), "deg") || strings.HasSuffix(strings.ToLower(name), "degrees") {
			l.degrees = true
		}
	}
	return l, nil
}

func find(header, names []string) int {
	return slices.IndexFunc(header, func(h string) bool {
		return slices.Contains(names, strings.ToLower(strings.TrimSpace(h)))
	})
}

func first(n int, names []string) layout {
	l := layout{}
	for i := range n {
		l.columns = append(l.columns, i)
		if i < len(names) {
			l.names = append(l.names, names[i])
		} else {
			l.names = append(l.names, "column "+strconv.Itoa(i+1))
		}
	}
	return l
}

func named(header []string, width int, want []string) (layout, error) {
	var l layout
	for _, w := range want {
		i := slices.IndexFunc(header, func(h string) bool { return strings.EqualFold(h, w) })
		if i < 0 {
			k, err := strconv.Atoi(w)
			if err != nil || k < 1 || k > width {
				if header == nil {
					return l, fmt.Errorf("column %q: the file has no header, so want a number from 1 to %d", w, width)
				}
				return l, fmt.Errorf("column %q: want one of %s, or a number from 1 to %d", w, strings.Join(header, ", "), width)
			}
			i = k - 1
		}
		l.columns, l.names = append(l.columns, i), append(l.names, w)
	}
	return l, nil
}

var errLooksDegrees = errors.New("angle beyond 2π")

// point turns the coordinates of a row into a point of the manifold.
func (s *Set) point(v []float64, l layout, degrees bool, o Options) ([]float64, error) {
	if l.latlon {
		lat, lon := v[0], v[1]
		if math.Abs(lat) > 90 {
			hint := "check the row"
			if math.Abs(lon) <= 90 {
				hint = "are latitude and longitude swapped? name the columns lat and lon"
			}
			return nil, fmt.Errorf("latitude %g outside [-90, 90]; %s", lat, hint)
		}
		if lon < -180 || lon > 360 {
			return nil, fmt.Errorf("longitude %g outside [-180, 360]; want degrees east", lon)
		}
		p := manifold.FromLatLon(lat, lon)
		return p[:], nil
	}
	p := append([]float64(nil), v...)
	switch m := s.Manifold.(type) {
	case manifold.Torus:
		for i := range p {
			if degrees {
				p[i] *= math.Pi / 180
			}
			if math.Abs(p[i]) > 2*math.Pi+1e-3 {
				if degrees || o.Radians {
					unit := map[bool]string{true: "degrees, want [-360, 360]", false: "radians, want [-2π, 2π]"}[degrees]
					return nil, fmt.Errorf("angle %g %s", v[i], unit)
				}
				return nil, errLooksDegrees
			}
		}
		m.Project(p)
		return p, nil
	case manifold.Box:
		for i := range p {
			if !m.Periodic[i] && (p[i] < m.Lo[i] || p[i] > m.Hi[i]) {
				return nil, fmt.Errorf("%s is %g, outside the box's side %g..%g", l.names[i], p[i], m.Lo[i], m.Hi[i])
			}
		}
		m.Project(p)
		return p, nil
	}
	s.Manifold.Project(p)
	for i := range p {
		if math.Abs(p[i]-v[i]) > 1e-3 {
			return nil, fmt.Errorf("the point %v is not on %s: the nearest one is %.4g away in coordinate %d", v, s.Manifold, math.Abs(p[i]-v[i]), i+1)
		}
	}
	return p, nil
}
