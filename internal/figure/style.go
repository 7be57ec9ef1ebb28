package figure

import (
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	vgdraw "gonum.org/v1/plot/vg/draw"
)

// Sizes and colours shared by all figures.
var (
	ink   = color.RGBA{0x22, 0x22, 0x22, 255}
	faint = color.NRGBA{0xff, 0xff, 0xff, 70}
	hair  = vgdraw.LineStyle{Color: ink, Width: 0.4}
)

// label returns a text style of the sans-serif face.
func label(size vg.Length, x, y float64) text.Style {
	return text.Style{
		Color:   ink,
		Font:    font.Font{Typeface: "Liberation", Variant: "Sans", Size: size},
		XAlign:  text.XAlignment(x),
		YAlign:  text.YAlignment(y),
		Handler: plot.DefaultTextHandler,
	}
}

// Text alignments: -1 puts the text's right or top end at the point, 0 its
// middle, and so on, as package text has it.
const (
	left   = 0.0
	center = -0.5
	right  = -1.0
	bottom = 0.0
	top    = -1.0
)

func styled(p *plot.Plot) {
	for _, s := range []*text.Style{&p.Title.TextStyle, &p.X.Label.TextStyle, &p.Y.Label.TextStyle, &p.Legend.TextStyle, &p.X.Tick.Label, &p.Y.Tick.Label} {
		s.Font.Typeface, s.Font.Variant = "Liberation", "Sans"
		s.Font.Size = 9
		s.Color = ink
	}
	p.X.Tick.Label.Font.Size, p.Y.Tick.Label.Font.Size = 8, 8
	p.Title.TextStyle.Font.Size = 11
	p.Title.Padding = 4
	p.X.LineStyle.Width, p.Y.LineStyle.Width = 0.5, 0.5
	p.X.Tick.LineStyle.Width, p.Y.Tick.LineStyle.Width = 0.5, 0.5
	p.X.Padding, p.Y.Padding = 3, 3
	p.X.Tick.Marker, p.Y.Tick.Marker = distinct{}, distinct{}
}

// colorBar draws a horizontal bar of a scale in the given rectangle, ticks and
// label below.
func colorBar(c vgdraw.Canvas, rect vg.Rectangle, m Colormap, s Scale, name string) {
	n := pixels(rect.Size().X)
	img := newRaster(n, 1)
	for i := range n {
		img.Set(i, 0, m.At((float64(i)+0.5)/float64(n)))
	}
	drawImage(c, rect, img)
	c.StrokeLines(hair, []vg.Point{rect.Min, {X: rect.Max.X, Y: rect.Min.Y}, rect.Max, {X: rect.Min.X, Y: rect.Max.Y}, rect.Min})
	values, labels := s.Ticks()
	for i, v := range values {
		x := rect.Min.X + vg.Length(s.Unit(v))*rect.Size().X
		c.StrokeLine2(hair, x, rect.Min.Y, x, rect.Min.Y-2)
		c.FillText(label(7.5, center, top), vg.Point{X: x, Y: rect.Min.Y - 3}, labels[i])
	}
	c.FillText(label(8.5, center, top), vg.Point{X: (rect.Min.X + rect.Max.X) / 2, Y: rect.Min.Y - 14}, name)
}
