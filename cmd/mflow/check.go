package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"

	"github.com/spf13/cobra"

	"mflow/divergence"
	"mflow/flow"
	"mflow/manifold"
	"mflow/sample"
)

func (a *app) checkCmd() *cobra.Command {
	points, paths := 200000, 64
	cmd := &cobra.Command{
		Use:   "check MODEL",
		Short: "Check the laws that a model must obey",
		Long: `Check the laws that a model must obey, on fresh random points:

  the manifold's frames are orthonormal, its mean curvature is normal to them,
  and its projection keeps points of it
  the weights are finite
  the signed density integrates to one, within 4 standard errors
  the stored normaliser Z agrees with a fresh one, within 4 standard errors
  the closed-form density agrees with the change of variables along the flow,
  for points whose trajectories keep to a density above the floor

The exit status is 1 if one fails.`,
		Example: `  mflow check model.mflow
  mflow check model.mflow --points 1000000 --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.check(cmd, args[0], points, paths) },
	}
	cmd.Flags().IntVar(&points, "points", points, "Monte Carlo points of the integrals")
	cmd.Flags().IntVar(&paths, "paths", paths, "points to follow along the flow")
	return cmd
}

// A law is one checked statement: it holds if value is at most limit.
type law struct {
	Law   string `json:"law"`
	Value real   `json:"value"`
	Limit real   `json:"limit"`
	OK    bool   `json:"ok"`
	Note  string `json:"note,omitempty"`
}

func newLaw(name string, value, limit float64, format string, args ...any) law {
	return law{name, real(value), real(limit), value <= limit, fmt.Sprintf(format, args...)}
}

func (a *app) check(cmd *cobra.Command, path string, points, paths int) error {
	if points < 2 || paths < 1 {
		return usagef("--points is %d and --paths %d, want at least 2 and 1", points, paths)
	}
	f, err := flow.Load(path)
	if err != nil {
		return err
	}
	laws, err := checkLaws(cmd.Context(), f, points, paths, rand.New(rand.NewPCG(a.seed, checkStream)))
	if err != nil {
		return err
	}
	broken := 0
	for _, l := range laws {
		if !l.OK {
			broken++
		}
	}
	err = a.emit(struct {
		Model string `json:"model"`
		OK    bool   `json:"ok"`
		Laws  []law  `json:"laws"`
	}{path, broken == 0, laws}, func(w io.Writer) {
		for _, l := range laws {
			verdict := "holds"
			if !l.OK {
				verdict = "FAILS"
			}
			fmt.Fprintf(w, "%s  %-34s %9.2g ≤ %-9.2g %s\n", verdict, l.Law, float64(l.Value), float64(l.Limit), l.Note)
		}
	})
	if err == nil && broken > 0 {
		err = fmt.Errorf("check: %s breaks %d of %d laws", path, broken, len(laws))
	}
	return err
}

func checkLaws(ctx context.Context, f *flow.Flow, points, paths int, rnd *rand.Rand) ([]law, error) {
	m, ok := f.Manifold.(manifold.Measurer)
	if !ok {
		return nil, fmt.Errorf("check: %s has no uniform sampler to check with", f.Manifold)
	}
	laws := frameLaws(m, 1000, rnd)
	laws = append(laws, weightLaw(f))
	if !laws[len(laws)-1].OK {
		return laws, nil // nothing else can be computed
	}
	z, mass, err := divergence.Normaliser(f, points, rnd)
	if err != nil {
		return nil, err
	}
	laws = append(laws, newLaw("the signed density integrates to 1", math.Abs(mass.Value-1), 4*mass.SE+1e-6,
		"%.5f ±%.5f", mass.Value, mass.SE))
	laws = append(laws, newLaw("the stored Z is the measured one", math.Abs(f.Z-z.Value), 4*math.Hypot(z.SE, f.ZSE)+1e-6,
		"%.5f ±%.5f, measured %.5f ±%.5f", f.Z, f.ZSE, z.Value, z.SE))
	l, err := densityLaw(ctx, f, paths, rnd)
	if err != nil {
		return nil, err
	}
	return append(laws, l), nil
}

// frameLaws checks the geometry at random points.
func frameLaws(m manifold.Measurer, points int, rnd *rand.Rand) []law {
	d, n := m.Dims()
	x, y, h, frame := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, d*n)
	var orthonormal, normal, idempotent float64
	for range points {
		m.Rand(x, rnd)
		m.Frame(frame, x)
		m.MeanCurvature(h, x)
		for i := range d {
			for j := range d {
				want := 0.0
				if i == j {
					want = 1
				}
				orthonormal = math.Max(orthonormal, math.Abs(dot(frame[i*n:(i+1)*n], frame[j*n:(j+1)*n])-want))
			}
			normal = math.Max(normal, math.Abs(dot(frame[i*n:(i+1)*n], h)))
		}
		copy(y, x)
		m.Project(y)
		for i := range y {
			idempotent = math.Max(idempotent, math.Abs(y[i]-x[i]))
		}
	}
	const rounding = 1e-9 // a few thousand roundings of 1e-16, with room for curved walls
	return []law{
		newLaw("frames are orthonormal", orthonormal, rounding, "at %d points", points),
		newLaw("the mean curvature is normal", normal, rounding, ""),
		newLaw("the projection keeps points", idempotent, rounding, ""),
	}
}

func dot(a, b []float64) (s float64) {
	for i, v := range a {
		s += v * b[i]
	}
	return s
}

func weightLaw(f *flow.Flow) law {
	bad := 0
	all := 0
	for _, net := range f.Nets {
		for _, p := range net.Params {
			if v := float64(p); math.IsNaN(v) || math.IsInf(v, 0) {
				bad++
			}
		}
		all += len(net.Params)
	}
	return newLaw("the weights are finite", float64(bad), 0, "%d weights", all)
}

// densityLaw compares log μ with the change of variables along the flow, at
// points of the model where μ > 10 ε and whose trajectories never pass below ε:
// there μ₊ is not μ, and the two need not agree.
func densityLaw(ctx context.Context, f *flow.Flow, paths int, rnd *rand.Rand) (law, error) {
	const limit = 1e-3 // of a solver asked for 1e-6 over trajectories of bounded stiffness
	const name = "both log-densities agree"
	_, n := f.Manifold.Dims()
	x, _, err := sample.Reject(ctx, f, paths, rnd)
	if err != nil {
		return law{}, err
	}
	mu := make([]float64, paths)
	divergence.New(f).Eval64(x, nil, mu, nil)
	kept := 0
	for i, m := range mu {
		if m > 10*f.Eps {
			copy(x[kept*n:], x[i*n:(i+1)*n])
			mu[kept] = m
			kept++
		}
	}
	if kept == 0 {
		return newLaw(name, math.Inf(1), limit, "no sample has a density over 10 ε"), nil
	}
	along, clear, _, err := sample.LogProb(ctx, f, x[:kept*n], sample.Solver{})
	if errors.Is(err, context.Canceled) {
		return law{}, err
	} else if err != nil {
		return newLaw(name, math.Inf(1), limit, "%v", err), nil
	}
	worst, followed := 0.0, 0
	for i, l := range along {
		if clear[i] {
			followed++
			worst = math.Max(worst, math.Abs(l-math.Log(mu[i])))
		}
	}
	return newLaw(name, worst, limit, "at %d points whose trajectories keep to μ > ε, of %d", followed, kept), nil
}
