package main

import (
	"fmt"
	"math"
	"strings"

	"mflow/bench/dimension"
)

// dimension writes the section on high dimension.
func (c *contents) dimension(b *pageText) {
	b.p("## Up to which dimension the penalty holds\n")
	b.p(`Plain Moser flows fitted to densities known in closed form, 20,000 training points, %d steps of training, one training seed.
"swells" has four kernels, each two nats from uniform in every dimension; "bumps" grows sharper with the dimension. The
mixture prior is fitted, and kept broader than the truth. The penalty is an integral over 1,024 fresh points a step: uniform
ones, or under the mixture half of them from the prior. Divergences (KL) are relative entropies of the truth to a density, in
nats: zero is perfect. Z is measured as 1 + ∫ max(0, ε - μ), with the effective number of points behind it; as ∫ μ₊ with
points of the truth and uniform ones, which share nothing with the first; and, under the mixture, once more with uniform
points alone, to show what importance sampling is worth. The first is blind where few points fall below ε, so a fit holds if either
Z is within %.0f %% of one and known to %.0f %%, the two agree within %d standard errors, and the model is nearer to the truth than
its prior by two standard errors. These densities are smooth: on torsions of RNA, sharp ones on T⁷, the plain flow fails (its Z
stands in the table above).
`, dimensionSteps, 100*dimension.MaxZ, 100*dimension.MaxSE, dimension.Sigma)
	b.p("| truth | manifold | prior | divergence | fit, s | KL of uniform | of the prior | of the model | Z (effective points) | Z by ∫ μ₊ | Z by uniform points (effective) | negative mass | holds |")
	b.p("|---|---|---|---|---|---|---|---|---|---|---|---|---|")
	for i, s := range study() {
		r := c.study[i]
		if r == nil {
			b.p("| %s | %s | %s | %s | %s | | | | | | | | |", s.Target, space(s.Manifold), s.Prior, s.Divergence(), missing)
			continue
		}
		flat := ""
		if s.Prior != "uniform" {
			flat = fmt.Sprintf("%s (%.0f)", measured(r.ZFlat), r.FlatESS)
		}
		holds := "yes"
		if f := r.Faults(); len(f) > 0 {
			holds = "no: " + strings.Join(f, ", ")
		}
		b.p("| %s | %s | %s | %s | %.0f | %.3f | %.3f | %.3f ±%.3f | %s (%.0f) | %s | %s | %.2f %% ±%.2f | %s |", s.Target, space(s.Manifold), s.Prior, s.Divergence(), r.Took,
			r.Uniform.Mean, r.Start.Mean, r.KL.Mean, r.KL.SE, measured(r.Z), r.ESS, measured(r.ZPlain), flat, 100*r.Negative.Mean, 100*r.Negative.SE, holds)
	}
	b.p("\n%s\n", readStudy(c.study))
}

func measured(v dimension.Value) string { return fmt.Sprintf("%.4f ±%.4f", v.Mean, v.SE) }

// space writes a manifold as one says it: S³, T⁷.
func space(spec string) string {
	name, n, _ := strings.Cut(spec, ":")
	letter := map[string]string{"sphere": "S", "torus": "T"}[name]
	if letter == "" {
		return spec
	}
	return letter + strings.NewReplacer("0", "⁰", "1", "¹", "2", "²", "3", "³", "4", "⁴", "5", "⁵", "6", "⁶", "7", "⁷", "8", "⁸", "9", "⁹").Replace(n)
}

// readStudy says up to which dimension the fits hold, for every way of fitting.
func readStudy(rows []*dimension.Row) string {
	var out, order []string
	by := map[string][]*dimension.Row{}
	lost := 0
	for _, r := range rows {
		if r == nil {
			lost++
			continue
		}
		kind, _, _ := strings.Cut(r.Manifold, ":")
		k := fmt.Sprintf("%s on %s, %s prior, %s divergence", r.Target, map[string]string{"sphere": "spheres", "torus": "tori"}[kind], r.Prior, strings.Split(r.Divergence(), ",")[0])
		if by[k] == nil {
			order = append(order, k)
		}
		by[k] = append(by[k], r)
	}
	if len(order) == 0 {
		return "Nothing of this table has been measured yet."
	}
	for _, k := range order {
		var yes, no []string
		for _, r := range by[k] {
			if f := r.Faults(); len(f) == 0 {
				yes = append(yes, space(r.Manifold))
			} else {
				no = append(no, fmt.Sprintf("%s (%s)", space(r.Manifold), strings.Join(f, ", ")))
			}
		}
		switch {
		case len(no) == 0:
			out = append(out, fmt.Sprintf("- %s: holds on all of %s.", k, strings.Join(yes, ", ")))
		case len(yes) == 0:
			out = append(out, fmt.Sprintf("- %s: holds nowhere; %s.", k, strings.Join(no, "; ")))
		default:
			out = append(out, fmt.Sprintf("- %s: holds on %s; not on %s.", k, strings.Join(yes, ", "), strings.Join(no, "; ")))
		}
	}
	if r := ratio(rows); len(r) > 0 {
		out = append(out, "- "+upper(strings.Join(r, "; "))+".")
	}
	if lost > 0 {
		out = append(out, fmt.Sprintf("- %d of %s are missing.", lost, count(len(rows), "fit")))
	}
	return strings.Join(out, "\n")
}

// ratio says what importance sampling by the prior does to the error of Z, in the
// highest dimensions.
func ratio(rows []*dimension.Row) []string {
	var out []string
	for _, r := range rows {
		if r == nil || r.Prior == "uniform" || r.Probes > 0 || r.Dim < 7 || !(r.Z.SE > 0) || !(r.ZFlat.SE > 0) {
			continue
		}
		q := r.ZFlat.SE / r.Z.SE
		word := "smaller"
		if q < 1 {
			q, word = 1/q, "larger"
		}
		if math.IsInf(q, 0) || math.IsNaN(q) {
			continue
		}
		out = append(out, fmt.Sprintf("with half of the points from the prior the error of Z on %s (%s) is %.1f times %s than with uniform points", space(r.Manifold), r.Target, q, word))
	}
	return out
}
