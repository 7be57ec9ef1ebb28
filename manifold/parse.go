package manifold

import (
	"fmt"
	"strconv"
	"strings"
)

// Forms lists what Parse reads.
const Forms = `sphere, sphere:N, circle, torus, torus:N, revolution:R,r, so3, box:LO..HI,LO..HIp (p for periodic sides), and products as sphere*box:0..700`

// Parse returns the manifold of the given name. It is the inverse of String.
func Parse(spec string) (Manifold, error) {
	m, err := parse(spec)
	if err != nil {
		return nil, fmt.Errorf("manifold: %q: %w; valid are %s", spec, err, Forms)
	}
	return m, nil
}

func parse(spec string) (Manifold, error) {
	if names := strings.Split(spec, "*"); len(names) > 1 {
		var fs []Manifold
		for _, name := range names {
			f, err := parse(name)
			if err != nil {
				return nil, err
			}
			fs = append(fs, f)
		}
		return NewProduct(fs...)
	}
	kind, arg, given := strings.Cut(strings.TrimSpace(spec), ":")
	switch kind {
	case "sphere":
		n, err := dimension(arg, given, 2)
		return Sphere{n}, err
	case "torus":
		n, err := dimension(arg, given, 2)
		return Torus{n}, err
	case "box":
		return parseBox(arg)
	case "revolution":
		return parseRevolution(arg, given)
	}
	if given {
		return nil, fmt.Errorf("%q is unknown or takes no %q", kind, arg)
	}
	switch kind {
	case "circle":
		return Torus{1}, nil
	case "so3":
		return SO3{}, nil
	}
	return nil, fmt.Errorf("unknown manifold %q", kind)
}

// maxDim bounds the dimension that a name may ask for, so that a slip of the
// keyboard is an error and not a run out of memory.
const maxDim = 1000

func dimension(arg string, given bool, def int) (int, error) {
	if !given {
		return def, nil
	}
	n, err := strconv.Atoi(arg)
	if err != nil || n < 1 || n > maxDim {
		return 1, fmt.Errorf("dimension %q, want a whole number from 1 to %d", arg, maxDim)
	}
	return n, nil
}

func parseRevolution(arg string, given bool) (Manifold, error) {
	if !given {
		return Revolution{2, 1}, nil
	}
	a, b, _ := strings.Cut(arg, ",")
	R, err1 := strconv.ParseFloat(strings.TrimSpace(a), 64)
	r, err2 := strconv.ParseFloat(strings.TrimSpace(b), 64)
	if err1 != nil || err2 != nil || !(r > 0 && R > r) || R > 1e100 {
		return nil, fmt.Errorf("radii %q, want R,r with R > r > 0", arg)
	}
	return Revolution{R, r}, nil
}

func parseBox(arg string) (Manifold, error) {
	var lo, hi []float64
	var periodic []bool
	for _, side := range strings.Split(arg, ",") {
		text, p := strings.CutSuffix(strings.TrimSpace(side), "p")
		a, b, ok := strings.Cut(text, "..")
		l, err1 := strconv.ParseFloat(a, 64)
		h, err2 := strconv.ParseFloat(b, 64)
		if !ok || err1 != nil || err2 != nil {
			return nil, fmt.Errorf("side %q, want LO..HI", side)
		}
		lo, hi, periodic = append(lo, l), append(hi, h), append(periodic, p)
	}
	b := Box{lo, hi, periodic}
	return b, b.check()
}
