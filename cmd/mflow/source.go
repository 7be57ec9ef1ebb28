package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mflow/datasets"
	"mflow/flow"
	"mflow/manifold"
)

// A source says which points to read and how to split them.
type source struct {
	data      string
	manifold  string
	split     string
	splitSeed uint64
	fractions []float64
	columns   []string
	unit      string
	points    int
	offline   bool
}

// flags adds the flags of a source. Without a default protocol they may be left
// out, and what the model remembers is used.
func (s *source) flags(cmd *cobra.Command, protocol string) {
	flags(cmd, "Data", func(fs *pflag.FlagSet) {
		fs.StringVar(&s.data, "data", "", "named set (mflow data list), or `file` of points")
		fs.StringVar(&s.manifold, "manifold", "", "manifold of a file's points (default sphere):\nsphere[:N], circle, torus[:N], revolution:R,r, so3,\nbox:LO..HI,LO..HIp (p: periodic), A*B")
		fs.StringVar(&s.split, "split", protocol, "published (random rows), distinct (positions)\nor blocked (cells of 10 degrees)")
		fs.Uint64Var(&s.splitSeed, "split-seed", 0, "seed of the split")
		listVar(fs, &s.fractions, "fractions", []float64{0.8, 0.1, 0.1}, "shares for training, validation, test")
		fs.StringSliceVar(&s.columns, "columns", nil, "columns of a file by name or number, as lat,lon")
		fs.StringVar(&s.unit, "unit", "", "unit of angles on a torus: deg or rad (default by the file)")
		fs.IntVar(&s.points, "points-of-set", 5000, "size of a synthetic set")
		fs.BoolVar(&s.offline, "offline", false, "never fetch a data set")
	})
}

// points are the points of a source, split.
type points struct {
	m                manifold.Manifold
	set              *datasets.Set
	split            datasets.Split
	train, val, test []float64
	summary          *flow.DataSummary
}

// rows returns the number of points of a part.
func (p *points) rows(x []float64) int {
	_, n := p.m.Dims()
	return len(x) / n
}

// load reads and splits the points.
func (s *source) load(ctx context.Context) (*points, error) {
	var m manifold.Manifold
	var err error
	if s.manifold != "" {
		if m, err = manifold.Parse(s.manifold); err != nil {
			return nil, &usageError{err}
		}
	}
	o := datasets.Options{Columns: s.columns, N: s.points}
	switch s.unit {
	case "":
	case "deg":
		o.Degrees = true
	case "rad":
		o.Radians = true
	default:
		return nil, usagef("--unit is %q, want deg or rad", s.unit)
	}
	protocol, err := datasets.ParseProtocol(s.split)
	if err != nil {
		return nil, &usageError{err}
	}
	if len(s.fractions) != 3 {
		return nil, usagef("--fractions are %d numbers, want three: training, validation, test", len(s.fractions))
	}
	set, err := datasets.Store{Offline: s.offline}.Load(ctx, s.data, m, o)
	if err != nil {
		return nil, err
	}
	return s.cut(set, protocol)
}

// cut splits a set that was read.
func (s *source) cut(set *datasets.Set, protocol datasets.Protocol) (*points, error) {
	sp, err := set.Split(protocol, s.splitSeed, datasets.Fractions{Train: s.fractions[0], Val: s.fractions[1], Test: s.fractions[2]})
	if err != nil {
		return nil, err
	}
	return &points{
		m: set.Manifold, set: set, split: sp,
		train: set.Points(sp.Train), val: set.Points(sp.Val), test: set.Points(sp.Test),
		summary: &flow.DataSummary{
			Source: s.data, SHA256: set.SHA256, Options: s.options(), Protocol: s.split, SplitSeed: s.splitSeed,
			Fractions: s.fractions, Rows: set.N(), Train: len(sp.Train), Val: len(sp.Val), Test: len(sp.Test), Duplicates: sp.Duplicates,
		},
	}, nil
}

// withoutVal returns the points that were read, those of validation among those of
// training.
func (s source) withoutVal(p *points) (*points, error) {
	s.fractions = []float64{s.fractions[0] + s.fractions[1], 0, s.fractions[2]}
	protocol, err := datasets.ParseProtocol(s.split)
	if err != nil {
		return nil, err
	}
	return s.cut(p.set, protocol)
}

// options are what a model must remember to read its points again.
func (s *source) options() map[string]string {
	o := map[string]string{"manifold": s.manifold, "columns": strings.Join(s.columns, ","), "unit": s.unit}
	if s.points != 5000 {
		o["points-of-set"] = strconv.Itoa(s.points)
	}
	for k, v := range o {
		if v == "" {
			delete(o, k)
		}
	}
	return o
}

// loadFor reads the points that a model was trained on, or those that the flags
// given say instead.
func (s source) loadFor(cmd *cobra.Command, path string, f *flow.Flow) (*points, error) {
	d := f.Data
	given := cmd.Flags().Changed
	if !given("data") {
		if d == nil {
			return nil, fmt.Errorf("%s does not remember its data; give them by --data", path)
		}
		s.data = d.Source
		o := d.Options
		s.manifold, s.unit = o["manifold"], o["unit"]
		if o["columns"] != "" {
			s.columns = strings.Split(o["columns"], ",")
		}
		if n, err := strconv.Atoi(o["points-of-set"]); err == nil {
			s.points = n
		}
	} else if s.manifold == "" {
		s.manifold = f.Manifold.String()
	}
	if !given("split") {
		s.split = datasets.Published.String()
		if d != nil {
			s.split = d.Protocol
		}
	}
	if d != nil && !given("split-seed") {
		s.splitSeed = d.SplitSeed
	}
	if d != nil && !given("fractions") && len(d.Fractions) == 3 {
		s.fractions = d.Fractions
	}
	p, err := s.load(cmd.Context())
	if errors.Is(err, os.ErrNotExist) && !given("data") {
		return nil, fmt.Errorf("%s was trained on %s, which is not there: %w; give it by --data", path, s.data, err)
	}
	if err != nil {
		return nil, err
	}
	if !given("data") && d.SHA256 != "" && d.SHA256 != p.set.SHA256 {
		return nil, fmt.Errorf("%s has changed since %s was trained on it (SHA-256 %.12s, then %.12s); give the file by --data to score on it all the same",
			s.data, path, p.set.SHA256, d.SHA256)
	}
	if p.m.String() != f.Manifold.String() {
		return nil, fmt.Errorf("%s is a model on %s, but %s lies on %s", path, f.Manifold, s.data, p.m)
	}
	return p, nil
}
