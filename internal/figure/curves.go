package figure

import (
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	vgdraw "gonum.org/v1/plot/vg/draw"
)

// Curves shows how a run went: scores above, the normaliser below, against
// steps.
type Curves struct {
	Title         string
	Step          []float64
	Train, Val, Z []float64 // Val may be nil
	ValSE         []float64
	Best          float64 // step that was kept; 0 for none
	Width         vg.Length
}

// Size returns 5.5 by 4.6 inches, or the given width in that aspect.
func (f *Curves) Size() (w, h vg.Length) {
	w = f.Width
	if w == 0 {
		w = 5.5 * vg.Inch
	}
	return w, w * 0.84
}

var (
	blue   = color.RGBA{0x1f, 0x77, 0xb4, 255}
	orange = color.RGBA{0xd9, 0x5f, 0x02, 255}
	grey   = color.RGBA{0x88, 0x88, 0x88, 255}
)

func series(x, y []float64) plotter.XYs {
	var pts plotter.XYs
	for i := range x {
		if i < len(y) && !math.IsNaN(y[i]) && !math.IsInf(y[i], 0) {
			pts = append(pts, plotter.XY{X: x[i], Y: y[i]})
		}
	}
	return pts
}

// Draw draws the two panels with a common axis of steps.
func (f *Curves) Draw(c vgdraw.Canvas) {
	c.SetColor(color.White)
	c.Fill(rectPath(c.Rectangle))
	up, down := plot.New(), plot.New()
	styled(up)
	styled(down)
	up.Title.Text = f.Title
	up.Y.Label.Text = "NLL, nats"
	down.Y.Label.Text = "Z"
	down.X.Label.Text = "step"
	up.Legend.Top = true
	up.Legend.Padding = 2
	add := func(p *plot.Plot, name string, y []float64, col color.Color) {
		pts := series(f.Step, y)
		if len(pts) == 0 {
			return
		}
		l, err := plotter.NewLine(pts)
		if err != nil {
			return // no finite points
		}
		l.LineStyle = vgdraw.LineStyle{Color: col, Width: 1.1}
		p.Add(l)
		if name != "" {
			p.Legend.Add(name, l)
		}
	}
	if band := f.band(); band != nil {
		up.Add(band)
	}
	add(up, "training", f.Train, blue)
	add(up, "validation", f.Val, orange)
	add(down, "", f.Z, blue)
	if f.Best > 0 {
		for i, p := range []*plot.Plot{up, down} {
			lo, hi := p.Y.Min, p.Y.Max
			l, err := plotter.NewLine(plotter.XYs{{X: f.Best, Y: lo}, {X: f.Best, Y: hi}})
			if err != nil {
				continue
			}
			l.LineStyle = vgdraw.LineStyle{Color: grey, Width: 0.7, Dashes: []vg.Length{3, 2}}
			p.Add(l)
			if i == 0 {
				p.Legend.Add("kept", l)
			}
		}
	}
	for _, p := range []*plot.Plot{up, down} {
		p.X.Min = 0
	}
	cut := c.Min.Y + c.Size().Y*0.36
	a := vgdraw.Crop(c, 6, -10, cut-c.Min.Y+4, -4)
	b := vgdraw.Crop(c, 6, -10, 4, cut-c.Max.Y)
	// Both panels start at the same place, whatever their labels' widths.
	shift := up.DataCanvas(a).Min.X - down.DataCanvas(b).Min.X
	if shift > 0 {
		b = vgdraw.Crop(b, shift, 0, 0, 0)
	} else {
		a = vgdraw.Crop(a, -shift, 0, 0, 0)
	}
	up.Draw(a)
	down.Draw(b)
}

// band is the validation score's standard error.
func (f *Curves) band() *plotter.Polygon {
	var ring plotter.XYs
	for i, v := range f.Val {
		if i < len(f.ValSE) {
			ring = append(ring, plotter.XY{X: f.Step[i], Y: v - f.ValSE[i]})
		}
	}
	for i := len(ring) - 1; i >= 0; i-- {
		ring = append(ring, plotter.XY{X: f.Step[i], Y: f.Val[i] + f.ValSE[i]})
	}
	if len(ring) < 4 {
		return nil
	}
	p, err := plotter.NewPolygon(ring)
	if err != nil {
		return nil // no finite points
	}
	p.Color = color.NRGBA{0xd9, 0x5f, 0x02, 50}
	p.LineStyle.Width = 0
	return p
}

// A Cell is a part of the space with the mass a model gives it and the number
// of test points found there.
type Cell struct {
	Predicted float64
	Observed  int
}

// Reliability shows observed against predicted mass of cells, on logarithmic
// axes, with 95 % intervals (Wilson) of what was observed.
type Reliability struct {
	Title string
	Cells []Cell
	Total int // test points
	Width vg.Length
}

// Size returns a square of 4.4 inches, or of the given width.
func (f *Reliability) Size() (w, h vg.Length) {
	w = f.Width
	if w == 0 {
		w = 4.4 * vg.Inch
	}
	return w, w
}

// Wilson returns the 95 % interval of a share of k in n.
func Wilson(k, n int) (lo, hi float64) {
	const z = 1.959963984540054
	p, m := float64(k)/float64(n), float64(n)
	mid := (p + z*z/(2*m)) / (1 + z*z/m)
	half := z / (1 + z*z/m) * math.Sqrt(p*(1-p)/m+z*z/(4*m*m))
	return math.Max(0, mid-half), math.Min(1, mid+half)
}

// Inside returns how many cells have their predicted mass inside the interval
// of the observed one.
func (f *Reliability) Inside() int {
	n := 0
	for _, c := range f.Cells {
		if lo, hi := Wilson(c.Observed, f.Total); c.Predicted >= lo && c.Predicted <= hi {
			n++
		}
	}
	return n
}

// Draw draws the diagram.
func (f *Reliability) Draw(c vgdraw.Canvas) {
	c.SetColor(color.White)
	c.Fill(rectPath(c.Rectangle))
	p := plot.New()
	styled(p)
	p.Title.Text = f.Title
	p.X.Label.Text = "predicted mass of a cell"
	p.Y.Label.Text = "share of test points in it"
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = decades{}, decades{}
	floor := 0.3 / float64(max(1, f.Total))
	low, high := floor, floor
	for _, cell := range f.Cells {
		low = math.Min(low, math.Max(floor/10, cell.Predicted))
		high = math.Max(high, math.Max(cell.Predicted, float64(cell.Observed)/float64(f.Total)))
	}
	high *= 2
	for _, cell := range f.Cells {
		lo, hi := Wilson(cell.Observed, f.Total)
		x := math.Max(low, cell.Predicted)
		col := blue
		if cell.Predicted < lo || cell.Predicted > hi {
			col = orange
		}
		bar, err := plotter.NewLine(plotter.XYs{{X: x, Y: math.Max(low, lo)}, {X: x, Y: math.Max(low, hi)}})
		if err != nil {
			continue
		}
		bar.LineStyle = vgdraw.LineStyle{Color: color.NRGBA{col.R, col.G, col.B, 90}, Width: 0.6}
		s, err := plotter.NewScatter(plotter.XYs{{X: x, Y: math.Max(low, float64(cell.Observed)/float64(f.Total))}})
		if err != nil {
			continue
		}
		s.GlyphStyle = vgdraw.GlyphStyle{Color: col, Radius: 1.4, Shape: vgdraw.CircleGlyph{}}
		p.Add(bar, s)
	}
	line, err := plotter.NewLine(plotter.XYs{{X: low, Y: low}, {X: high, Y: high}})
	if err == nil {
		line.LineStyle = vgdraw.LineStyle{Color: ink, Width: 0.7, Dashes: []vg.Length{3, 2}}
		p.Add(line)
	}
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = low, high, low, high
	p.Draw(vgdraw.Crop(c, 6, -12, 4, -4))
}

// decades marks powers of ten.
type decades struct{}

func (decades) Ticks(lo, hi float64) (ticks []plot.Tick) {
	for e := math.Floor(math.Log10(lo)); e <= math.Ceil(math.Log10(hi)); e++ {
		for m := 1.0; m < 10; m++ {
			v := m * math.Pow(10, e)
			if v < lo*0.999 || v > hi*1.001 {
				continue
			}
			t := plot.Tick{Value: v}
			if m == 1 {
				t.Label = power(v)
			}
			ticks = append(ticks, t)
		}
	}
	return ticks
}

func power(v float64) string {
	e := int(math.Round(math.Log10(v)))
	if e >= -3 && e <= 3 {
		return trim(v)
	}
	return "1e" + trim(float64(e))
}
