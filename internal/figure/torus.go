package figure

import (
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"
	vgdraw "gonum.org/v1/plot/vg/draw"
)

// A Plane is a density of two coordinates in a square: two angles in degrees
// from -180 to 180, as in a Ramachandran plot.
type Plane struct {
	Title    string
	X, Y     string // names of the axes
	Density  func(xy [][2]float64) []float64
	Unit     string
	Colormap Colormap
	Scale    *Scale
	Points   []Points
	Width    vg.Length // 4.2 inches if zero
}

// Size returns the width and the height of a square with its labels.
func (p *Plane) Size() (w, h vg.Length) {
	w = p.Width
	if w == 0 {
		w = 4.2 * vg.Inch
	}
	return w, w - planeSide + planeFoot - 4
}

const (
	planeSide = 48 + margin // room left and right of the square
	planeFoot = 34 + barRoom + titleRoom + margin
)

// Draw draws the density, the axes and the colour bar.
func (p *Plane) Draw(c vgdraw.Canvas) {
	c.SetColor(color.White)
	c.Fill(rectPath(c.Rectangle))
	side := min(c.Size().X-planeSide, c.Size().Y-planeFoot+4)
	x0 := c.Min.X + 48
	y0 := c.Max.Y - titleRoom - side
	box := vg.Rectangle{Min: vg.Point{X: x0, Y: y0}, Max: vg.Point{X: x0 + side, Y: y0 + side}}
	place := func(x, y float64) vg.Point {
		return vg.Point{X: x0 + side*vg.Length(x+180)/360, Y: y0 + side*vg.Length(y+180)/360}
	}
	c.FillText(label(11, center, top), vg.Point{X: (box.Min.X + box.Max.X) / 2, Y: c.Max.Y - 7}, p.Title)
	n := pixels(side)
	at := make([][2]float64, 0, n*n)
	for j := range n {
		for i := range n {
			at = append(at, [2]float64{-180 + 360*(float64(i)+0.5)/float64(n), 180 - 360*(float64(j)+0.5)/float64(n)})
		}
	}
	values := p.Density(at)
	s := RobustScale(values)
	if p.Scale != nil {
		s = *p.Scale
	}
	img := newRaster(n, n)
	for k, v := range values {
		img.SetRGBA(k%n, k/n, p.Colormap.At(s.Unit(v)))
	}
	drawImage(c, box, img)
	for v := -120.0; v <= 120; v += 60 {
		for _, l := range [][2]vg.Point{{place(v, -180), place(v, 180)}, {place(-180, v), place(180, v)}} {
			c.StrokeLines(vgdraw.LineStyle{Color: faint, Width: 0.35}, l[:])
		}
	}
	for _, set := range p.Points {
		for _, q := range set.At {
			dot(c, place(math.Remainder(q[0], 360), math.Remainder(q[1], 360)), set)
		}
	}
	c.StrokeLines(vgdraw.LineStyle{Color: ink, Width: 0.6}, []vg.Point{box.Min, {X: box.Max.X, Y: box.Min.Y}, box.Max, {X: box.Min.X, Y: box.Max.Y}, box.Min})
	for v := -180; v <= 180; v += 60 {
		text := degrees(v, "", "")
		if v < 0 {
			text = "−" + text
		}
		a, b := place(float64(v), -180), place(-180, float64(v))
		c.StrokeLine2(hair, a.X, a.Y, a.X, a.Y-3)
		c.StrokeLine2(hair, b.X, b.Y, b.X-3, b.Y)
		c.FillText(label(8, center, top), vg.Point{X: a.X, Y: a.Y - 4}, text)
		c.FillText(label(8, right, center), vg.Point{X: b.X - 5, Y: b.Y}, text)
	}
	c.FillText(label(10, center, top), vg.Point{X: (box.Min.X + box.Max.X) / 2, Y: box.Min.Y - 16}, p.X)
	turned := label(10, center, bottom)
	turned.Rotation = math.Pi / 2
	c.FillText(turned, vg.Point{X: box.Min.X - 33, Y: (box.Min.Y + box.Max.Y) / 2}, p.Y)
	bar := vg.Rectangle{
		Min: vg.Point{X: box.Min.X + side*0.15, Y: c.Min.Y + margin + 22},
		Max: vg.Point{X: box.Max.X - side*0.15, Y: c.Min.Y + margin + 29},
	}
	colorBar(c, bar, p.Colormap, s, p.Unit)
}
