package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

func (e *evaluation) write(w io.Writer) {
	fmt.Fprintf(w, "%s on %s, %s split, seed %d: %d test points, %d (%.1f %%) of them copies of training points%s\n",
		e.Model, e.Data, e.Split, e.SplitSeed, e.NTest, e.Duplicates, 100*float64(e.Share), e.copies())
	if e.Groups < e.NTest {
		fmt.Fprintf(w, "errors are clustered by the %d cells held out\n", e.Groups)
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "\tNLL, nats\t±\tbaseline minus model\t±\tnovel points: NLL\t±\tbaseline minus model\t±\t\n")
	fmt.Fprintf(t, "model\t%.3f\t%.3f\t\t\t%s\t%s\t\t\t\n", e.NLL, e.NLLSE, optional("%.3f", e.NLLNovel), optional("%.3f", e.NLLNovelSE))
	for _, name := range baselineNames {
		if b := e.Baselines[name]; b != nil {
			if b.N < e.NTest {
				name += fmt.Sprintf(" (%d points)", b.N)
			}
			fmt.Fprintf(t, "%s\t%.3f\t%.3f\t%+.3f\t%.3f\t%s\t%s\t%s\t%s\t\n", name, b.NLL, b.NLLSE, b.Delta, b.DeltaSE,
				optional("%.3f", b.NLLNovel), optional("%.3f", b.NLLNovelSE), optional("%+.3f", b.DeltaNovel), optional("%.3f", b.DeltaNovelSE))
		}
	}
	t.Flush()
	fmt.Fprintf(w, "kernels of the baselines are no narrower than %g rad\n\n", e.Floor)
	fmt.Fprintf(w, "normaliser Z %.4f ±%.4f by Monte Carlo%s; not normalised the model would score %.3f\n", e.Z, e.ZSE, e.Quad, e.NLLRaw)
	if e.NLLODE != nil {
		fmt.Fprintf(w, "along the flow, at %d of the test points: %.3f ±%.3f\n", e.NODE, *e.NLLODE, *e.NLLODESE)
	}
	e.writeCalibration(w)
}

// copies names the first rows that are copies.
func (e *evaluation) copies() string {
	const most = 8
	if len(e.DuplicateRows) == 0 {
		return ""
	}
	var s []string
	for _, r := range e.DuplicateRows[:min(most, len(e.DuplicateRows))] {
		s = append(s, fmt.Sprint(r))
	}
	text := " (rows " + strings.Join(s, ", ")
	if len(e.DuplicateRows) > most {
		text += ", …"
	}
	return text + ")"
}

// optional writes a number if there is one.
func optional(format string, v *real) string {
	if v == nil {
		return ""
	}
	return fmt.Sprintf(format, *v)
}

// String says what the quadrature found, as the second half of a sentence.
func (q *quadrature) String() string {
	if q == nil {
		return ""
	}
	s := fmt.Sprintf(", %.4f ±%.4f by %s", q.Z, q.ZSE, q.Rule)
	if q.Plain != nil {
		s += fmt.Sprintf(" (∫μ₊ %.4f ±%.4f)", *q.Plain, *q.PlainS)
	}
	if !q.Agree {
		s += fmt.Sprintf(" — they DISAGREE by %.1f standard errors", q.Sigma)
	}
	return s
}

func (e *evaluation) writeCalibration(w io.Writer) {
	if c := e.Calibration; c != nil {
		where := ""
		if c.Within != nil {
			where = fmt.Sprintf(", given the cells held out (mass %.3f)", *c.Within)
		}
		fmt.Fprintf(w, "\ncalibration%s: %d of %d cells of equal mass have the prediction in their 95 %% interval (%.0f %%); chi-square %.1f for %d, p = %.3g\n",
			where, c.Inside, c.Cells, 100*float64(c.Coverage), c.Chi2, c.DoF, c.P)
	}
	for _, p := range e.PIT {
		fmt.Fprintf(w, "along %s: Kolmogorov-Smirnov %.3f, p = %.3g\n", p.Name, p.KS, p.P)
	}
	if d := e.Energy; d != nil {
		fmt.Fprintf(w, "%d samples against %d test points: energy distance %.2g, p = %.3g\n", d.N, d.N, d.Value, d.P)
	}
	if c := e.C2ST; c != nil {
		fmt.Fprintf(w, "a classifier tells them apart with accuracy %.3f ±%.3f, p = %.3g\n", c.Accuracy, c.SE, c.P)
	}
}

// writeTable writes several evaluations as a Markdown table.
func writeTable(w io.Writer, all []*evaluation) {
	fmt.Fprint(w, "| data | split | n | NLL | novel | Z | raw NLL |")
	for _, name := range baselineNames {
		fmt.Fprintf(w, " %s |", name)
	}
	fmt.Fprintln(w, " floor | copies | coverage |")
	fmt.Fprintln(w, strings.Repeat("|---", 10+len(baselineNames))+"|")
	for _, e := range all {
		fmt.Fprintf(w, "| %s | %s, seed %d | %d | %.3f ±%.3f | %s | %.4f ±%.4f | %.3f |",
			e.Data, e.Split, e.SplitSeed, e.NTest, e.NLL, e.NLLSE, optional("%.3f", e.NLLNovel), e.Z, e.ZSE, e.NLLRaw)
		for _, name := range baselineNames {
			if b := e.Baselines[name]; b != nil {
				fmt.Fprintf(w, " %.3f |", b.NLL)
			} else {
				fmt.Fprint(w, "  |")
			}
		}
		cover := ""
		if e.Coverage != nil {
			cover = fmt.Sprintf("%.0f %%", 100*float64(*e.Coverage))
		}
		fmt.Fprintf(w, " %g | %.1f %% | %s |\n", e.Floor, 100*float64(e.Share), cover)
	}
}
