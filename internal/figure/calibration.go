package figure

import (
	"cmp"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	vgdraw "gonum.org/v1/plot/vg/draw"
)

// An Interval is the share of test points found in a cell, with its interval, in
// units of the predicted mass.
type Interval struct{ Ratio, Lo, Hi float64 }

// Ratios shows the cells of a calibration in the order of observed over predicted
// mass: those whose interval misses 1 in another colour.
type Ratios struct {
	Title string
	Cells []Interval
	Width vg.Length
}

// Size returns 4.4 by 3.5 inches, or the given width in that aspect.
func (f *Ratios) Size() (w, h vg.Length) {
	w = f.Width
	if w == 0 {
		w = 4.4 * vg.Inch
	}
	return w, w * 0.8
}

// Draw draws the intervals.
func (f *Ratios) Draw(c vgdraw.Canvas) {
	c.SetColor(color.White)
	c.Fill(rectPath(c.Rectangle))
	p := plot.New()
	styled(p)
	p.Title.Text = f.Title
	p.X.Label.Text = "cell, in the order of the ratio"
	p.Y.Label.Text = "observed / predicted mass"
	cells := slices.Clone(f.Cells)
	slices.SortFunc(cells, func(a, b Interval) int { return cmp.Compare(a.Ratio, b.Ratio) })
	top := 2.0
	for _, v := range cells {
		top = math.Max(top, 1.15*v.Ratio)
	}
	for i, v := range cells {
		col := blue
		if v.Lo > 1 || v.Hi < 1 {
			col = orange
		}
		x := float64(i + 1)
		if bar, err := plotter.NewLine(plotter.XYs{{X: x, Y: math.Max(0, v.Lo)}, {X: x, Y: math.Min(top, v.Hi)}}); err == nil {
			bar.LineStyle = vgdraw.LineStyle{Color: color.NRGBA{col.R, col.G, col.B, 110}, Width: 0.8}
			p.Add(bar)
		}
		if s, err := plotter.NewScatter(plotter.XYs{{X: x, Y: v.Ratio}}); err == nil {
			s.GlyphStyle = vgdraw.GlyphStyle{Color: col, Radius: 1.5, Shape: vgdraw.CircleGlyph{}}
			p.Add(s)
		}
	}
	p.Add(dashed(plotter.XYs{{X: 0, Y: 1}, {X: float64(len(cells) + 1), Y: 1}}))
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, float64(len(cells)+1), 0, top
	p.Draw(vgdraw.Crop(c, 6, -12, 4, -4))
}

func dashed(line plotter.XYs) *plotter.Line {
	l, err := plotter.NewLine(line)
	if err != nil {
		panic(err) // the callers' constants are finite
	}
	l.LineStyle = vgdraw.LineStyle{Color: ink, Width: 0.7, Dashes: []vg.Length{3, 2}}
	return l
}

// A Marginal is test points moved to the unit interval by the predicted mass
// below them, sorted.
type Marginal struct {
	Name string
	U    []float64
}

// Marginals shows how far the share of test points below each place departs from
// the predicted share, with the band that 95 % of true models keep to (of the
// Kolmogorov-Smirnov statistic, 1.358/√n).
type Marginals struct {
	Title string
	Of    []Marginal
	Width vg.Length
}

// Size returns 4.4 by 3.5 inches, or the given width in that aspect.
func (f *Marginals) Size() (w, h vg.Length) {
	w = f.Width
	if w == 0 {
		w = 4.4 * vg.Inch
	}
	return w, w * 0.8
}

// Draw draws one line for each marginal.
func (f *Marginals) Draw(c vgdraw.Canvas) {
	c.SetColor(color.White)
	c.Fill(rectPath(c.Rectangle))
	p := plot.New()
	styled(p)
	p.Title.Text = f.Title
	p.X.Label.Text = "predicted share below"
	p.Y.Label.Text = "observed − predicted"
	p.Legend.Top = true
	p.Legend.Padding = 2
	reach := 0.0
	for i, m := range f.Of {
		n := float64(len(m.U))
		band := 1.358 / math.Sqrt(n)
		if i == 0 {
			if ring, err := plotter.NewPolygon(plotter.XYs{{X: 0, Y: -band}, {X: 1, Y: -band}, {X: 1, Y: band}, {X: 0, Y: band}}); err == nil {
				ring.Color = color.NRGBA{0x1f, 0x77, 0xb4, 28}
				ring.LineStyle.Width = 0
				p.Add(ring)
			}
			p.Add(dashed(plotter.XYs{{X: 0, Y: 0}, {X: 1, Y: 0}}))
			reach = 1.2 * band
		}
		steps := plotter.XYs{{X: 0, Y: 0}}
		for k, u := range m.U {
			for _, below := range []float64{float64(k) / n, float64(k+1) / n} {
				steps = append(steps, plotter.XY{X: u, Y: below - u})
				reach = math.Max(reach, 1.1*math.Abs(below-u))
			}
		}
		steps = append(steps, plotter.XY{X: 1, Y: 0})
		l, err := plotter.NewLine(steps)
		if err != nil {
			continue // no finite points
		}
		l.LineStyle = vgdraw.LineStyle{Color: hues[i%len(hues)], Width: 1}
		p.Add(l)
		p.Legend.Add(m.Name, l)
	}
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, 1, -reach, reach*1.25
	p.Draw(vgdraw.Crop(c, 6, -12, 4, -4))
}

// hues tell lines apart, also for the colour-blind (Wong 2011).
var hues = []color.RGBA{blue, orange, {0x00, 0x9e, 0x73, 255}, {0xcc, 0x79, 0xa7, 255}, {0x56, 0xb4, 0xe9, 255}, {0x88, 0x88, 0x88, 255}}
