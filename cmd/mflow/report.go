package main

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"image/color"
	"io"
	"math/rand/v2"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mflow/internal/atomicfile"
	"mflow/internal/figure"
)

//go:embed report.html
var reportText string

var reportTemplate = template.Must(template.New("report").Parse(reportText))

// A report is one page on one model.
type report struct {
	Title    string
	Commands []string // that made it
	Notes    []string // what must be known to read it
	Tables   []figure.Table
	Wide     figure.Figure // the map; nil where there is none
	Small    []figure.Figure
}

// newReport gathers the page of an evaluation. The command is that of this
// evaluation.
func (a *app) newReport(e *evaluation, command string) (*report, error) {
	r := &report{Title: fmt.Sprintf("%s: %s, %s split, seed %d", e.Model, e.Data, e.Split, e.SplitSeed)}
	if line := trainLine(e.Model); line != "" {
		r.Commands = append(r.Commands, line)
	}
	r.Commands = append(r.Commands, command)
	r.Notes = append(r.Notes, fmt.Sprintf("%d training and %d test points, %d (%.1f %%) of them copies of training points%s. %s",
		e.NTrain, e.NTest, e.Duplicates, 100*float64(e.Share), e.copies(), e.errorsOf()))
	r.Tables = []figure.Table{e.scoreTable(), e.checkTable()}
	if err := r.figures(e); err != nil {
		return nil, err
	}
	return r, nil
}

// trainLine is the command line of the run beside a model, if it is there.
func trainLine(model string) string {
	d := &runDir{path: runDirOf(model), model: model}
	raw, err := os.ReadFile(d.config())
	if err != nil {
		return ""
	}
	keys, err := readConfig(d.config(), raw)
	if err != nil {
		return ""
	}
	f := fit{args: []string{"train"}}
	for _, first := range []bool{true, false} { // what was fitted, then how
		for _, k := range keys {
			if first != (k.name == "data" || k.name == "split" || k.name == "split-seed") {
				continue
			}
			if k.value == "true" || k.value == "false" { // a switch takes no word after it
				f.args = append(f.args, "--"+k.name+"="+k.value)
			} else {
				f.args = append(f.args, "--"+k.name, k.value)
			}
		}
	}
	f.args = append(f.args, "-o", model)
	return f.String()
}

// evalLine is the command line of an evaluation, as it was given.
func evalLine(cmd *cobra.Command, model string) string {
	f := fit{args: []string{"eval", model}}
	cmd.Flags().Visit(func(g *pflag.Flag) {
		v := g.Value.String()
		if s, ok := g.Value.(pflag.SliceValue); ok {
			v = strings.Join(s.GetSlice(), ",")
		}
		switch {
		case g.Name == "quiet" || g.Name == "threads" || g.Name == "json": // change nothing on the page
		case g.Value.Type() == "bool":
			f.args = append(f.args, "--"+g.Name+"="+v)
		default:
			f.args = append(f.args, "--"+g.Name, v)
		}
	})
	return f.String()
}

func (e *evaluation) errorsOf() string {
	if e.Groups < e.NTest {
		return fmt.Sprintf("Errors are clustered by the %d cells held out.", e.Groups)
	}
	return "Errors are those of independent points."
}

func (e *evaluation) scoreTable() figure.Table {
	pm := func(v, se real) string { return fmt.Sprintf("%.3f ± %.3f", v, se) }
	maybe := func(format string, v, se *real) string {
		if v == nil {
			return "–"
		}
		return fmt.Sprintf(format+" ± %.3f", *v, *se)
	}
	t := figure.Table{
		Head: []string{"nats, lower is better", "NLL", "minus model", "NLL, novel", "minus model"},
		Rows: [][]string{{"model", pm(e.NLL, e.NLLSE), "", maybe("%.3f", e.NLLNovel, e.NLLNovelSE), ""}},
	}
	for _, name := range baselineNames {
		if b := e.Baselines[name]; b != nil {
			if b.N < e.NTest {
				name += fmt.Sprintf(" (%d points)", b.N)
			}
			t.Rows = append(t.Rows, []string{
				name, pm(b.NLL, b.NLLSE), fmt.Sprintf("%+.3f ± %.3f", b.Delta, b.DeltaSE),
				maybe("%.3f", b.NLLNovel, b.NLLNovelSE), maybe("%+.3f", b.DeltaNovel, b.DeltaNovelSE),
			})
		}
	}
	t.Rows = append(t.Rows, []string{"model, not normalised", fmt.Sprintf("%.3f", e.NLLRaw), "", "", ""})
	if e.NLLODE != nil {
		t.Rows = append(t.Rows, []string{fmt.Sprintf("model along the flow, %d points", e.NODE), pm(*e.NLLODE, *e.NLLODESE), "", "", ""})
	}
	return t
}

func (e *evaluation) checkTable() figure.Table {
	t := figure.Table{Head: []string{"check", "value", "expected", "p"}}
	row := func(cells ...string) { t.Rows = append(t.Rows, cells) }
	row("normaliser Z by Monte Carlo", fmt.Sprintf("%.4f ± %.4f", e.Z, e.ZSE), "", "")
	if q := e.Quad; q != nil {
		verdict := "the same"
		if !q.Agree {
			verdict = fmt.Sprintf("%.1f errors off", q.Sigma)
		}
		row("Z by "+q.Rule, fmt.Sprintf("%.4f ± %.4f", q.Z, q.ZSE), verdict, "")
		row("∫ μ by the same", fmt.Sprintf("%.4f ± %.4f", q.Mass, q.MassSE), "1", "")
	}
	if c := e.Calibration; c != nil {
		given := ""
		if c.Within != nil {
			given = fmt.Sprintf(", given the cells held out (%.3f)", *c.Within)
		}
		row("cells covered"+given, fmt.Sprintf("%d of %d", c.Inside, c.Cells), "≥ 95 %", "")
		row("chi-square of the cells", fmt.Sprintf("%.1f", c.Chi2), fmt.Sprint(c.DoF), fmt.Sprintf("%.3g", c.P))
	}
	for _, p := range e.PIT {
		row("Kolmogorov-Smirnov along "+p.Name, fmt.Sprintf("%.3f", p.KS), "", fmt.Sprintf("%.3g", p.P))
	}
	if d := e.Energy; d != nil {
		row(fmt.Sprintf("energy distance, %d samples", d.N), fmt.Sprintf("%.2g", d.Value), "", fmt.Sprintf("%.3g", d.P))
	}
	if c := e.C2ST; c != nil {
		row(fmt.Sprintf("accuracy of a classifier, %d samples", c.N), fmt.Sprintf("%.3f ± %.3f", c.Accuracy, c.SE), fmt.Sprintf("%.3f", c.Chance), fmt.Sprintf("%.3g", c.P))
	}
	return t
}

// figures makes the pictures that the model has.
func (r *report) figures(e *evaluation) error {
	const most = 3000
	_, n := e.flow.Manifold.Dims()
	var x []float64
	rows := rand.New(rand.NewPCG(0, 0)).Perm(e.NTest)
	for _, i := range rows[:min(most, len(rows))] {
		x = append(x, e.test.x[i*n:(i+1)*n]...)
	}
	p := &plotOptions{projection: "mollweide", center: []float64{0, 0}, title: "density and test points"}
	marks := []marked{{"test points", x, color.NRGBA{0xff, 0x6a, 0x3d, 190}}}
	if f, err := p.density(e.flow, figure.Colormaps[0], marks); err == nil { // else none of this manifold
		r.Wide = f
	}
	if e.test.group == nil {
		// Of a blocked split most cells have no test points, whatever the model says.
		if f, err := reliability(e.flow, e.test.points, "reliability"); err == nil {
			r.Small = append(r.Small, f)
		}
	}
	if e.cal != nil {
		f := &figure.Ratios{Title: fmt.Sprintf("%d of %d cells of equal mass covered", e.cal.Inside, len(e.cal.Cells))}
		for _, c := range e.cal.Cells {
			share := float64(c.Observed) / float64(e.cal.N)
			f.Cells = append(f.Cells, figure.Interval{Ratio: share / c.Predicted, Lo: c.Lo / c.Predicted, Hi: c.Hi / c.Predicted})
		}
		r.Small = append(r.Small, f)
	}
	if len(e.pits) > 0 {
		f := &figure.Marginals{Title: "marginals, with the 95 % band"}
		for _, m := range e.pits {
			f.Of = append(f.Of, figure.Marginal{Name: m.Name, U: m.U})
		}
		r.Small = append(r.Small, f)
	}
	if f, err := curves(e.Model, "training"); err == nil { // else the run is not there
		r.Small = append(r.Small, f)
	}
	return nil
}

// save writes the report, as HTML or PDF by the extension of the file.
func (r *report) save(path string) error {
	if strings.HasSuffix(strings.ToLower(path), ".pdf") {
		return figure.Save(path, &figure.Page{Title: r.Title, Lines: append(append([]string(nil), r.Commands...), r.Notes...), Wide: r.Wide, Tables: r.Tables, Small: r.Small})
	}
	err := atomicfile.Write(path, r.html)
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	return nil
}

// html writes a page that needs no other file.
func (r *report) html(w io.Writer) error {
	inline := func(f figure.Figure) (template.URL, error) {
		var b bytes.Buffer
		err := figure.Write(&b, f, "png")
		return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(b.Bytes())), err
	}
	page := struct {
		*report
		Map    template.URL
		Panels []template.URL
	}{report: r}
	var err error
	if r.Wide != nil {
		if page.Map, err = inline(r.Wide); err != nil {
			return err
		}
	}
	for _, f := range r.Small {
		u, err := inline(f)
		if err != nil {
			return err
		}
		page.Panels = append(page.Panels, u)
	}
	return reportTemplate.Execute(w, page)
}
