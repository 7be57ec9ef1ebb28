package figure

import (
	_ "embed"
	"fmt"
	"image"
	"image/color"
	"math"
	"strconv"
	"strings"
	"sync"

	"gonum.org/v1/plot/vg"
	vgdraw "gonum.org/v1/plot/vg/draw"
)

//go:embed coast/coast110.txt
var coastText string

// coast returns the coastlines as lines of lon, lat in degrees.
var coast = sync.OnceValue(func() [][][2]float64 {
	var lines [][][2]float64
	for _, text := range strings.Split(strings.TrimSpace(coastText), "\n") {
		var line [][2]float64
		for _, p := range strings.Fields(text) {
			a, b, _ := strings.Cut(p, ",")
			lon, _ := strconv.Atoi(a)
			lat, _ := strconv.Atoi(b)
			line = append(line, [2]float64{float64(lon) / 100, float64(lat) / 100})
		}
		lines = append(lines, line)
	}
	return lines
})

// Points are marks on a figure: on a globe lat, lon in degrees, on a torus
// angles in degrees.
type Points struct {
	Name  string
	At    [][2]float64
	Color color.Color
	Size  vg.Length // radius
}

// A Globe is a map of a density on S², with coastlines and graticule.
type Globe struct {
	Title      string
	Projection Projection

	// Density returns the density at many points at once, lat and lon in degrees;
	// nil for a map without. Unit is what it is called below the colour bar.
	Density  func(latlon [][2]float64) []float64
	Unit     string
	Colormap Colormap
	Scale    *Scale // nil for RobustScale

	Points []Points
	Width  vg.Length // 6.5 inches if zero
}

const (
	titleRoom = 24
	barRoom   = 44
	margin    = 12
)

// Size returns the width and the height that keeps the projection's aspect.
func (g *Globe) Size() (w, h vg.Length) {
	w = g.Width
	if w == 0 {
		w = 6.5 * vg.Inch
	}
	ew, eh := g.Projection.Extent()
	h = (w-2*g.side())*vg.Length(eh/ew) + margin + titleRoom + g.foot()
	return w, h
}

// side is the room left and right of the map, for labels of parallels.
func (g *Globe) side() vg.Length { return margin + 14 }

func (g *Globe) foot() vg.Length {
	f := vg.Length(margin)
	if g.Density != nil {
		f += barRoom
	}
	if len(g.Points) > 0 {
		f += 12
	}
	return f + g.axis()
}

// axis is the room for longitudes below the rectangular map.
func (g *Globe) axis() vg.Length {
	if _, ok := g.Projection.(equirectangular); ok {
		return 10
	}
	return 0
}

// Draw draws the map.
func (g *Globe) Draw(c vgdraw.Canvas) {
	c.SetColor(color.White)
	c.Fill(rectPath(c.Rectangle))
	ew, eh := g.Projection.Extent()
	width, height := c.Size().X-2*g.side(), c.Size().Y-margin-titleRoom-g.foot()
	scale := width / vg.Length(2*ew)
	if s := height / vg.Length(2*eh); s < scale { // the aspect is never stretched
		scale = s
	}
	mid := vg.Point{X: c.Min.X + c.Size().X/2, Y: c.Min.Y + g.foot() + height/2}
	place := func(x, y float64) vg.Point {
		return vg.Point{X: mid.X + vg.Length(x)*scale, Y: mid.Y + vg.Length(y)*scale}
	}
	box := vg.Rectangle{Min: place(-ew, -eh), Max: place(ew, eh)}
	c.FillText(label(11, center, top), vg.Point{X: mid.X, Y: c.Max.Y - 7}, g.Title)

	land := color.Color(color.Gray{0x55})
	grid := color.Color(color.NRGBA{0, 0, 0, 45})
	if g.Density != nil {
		s := g.raster(c, box)
		land, grid = color.NRGBA{0xff, 0xff, 0xff, 210}, faint
		bar := vg.Rectangle{
			Min: vg.Point{X: mid.X - width*0.3, Y: c.Min.Y + margin + 22},
			Max: vg.Point{X: mid.X + width*0.3, Y: c.Min.Y + margin + 29},
		}
		colorBar(c, bar, g.Colormap, s, g.Unit)
	}
	stroke := func(style vgdraw.LineStyle, line [][2]float64) {
		for _, piece := range cut(g.Projection, line) {
			pts := make([]vg.Point, len(piece))
			for i, q := range piece {
				pts[i] = place(q[0], q[1])
			}
			c.StrokeLines(style, pts)
		}
	}
	for _, line := range graticule() {
		stroke(vgdraw.LineStyle{Color: grid, Width: 0.35}, line)
	}
	for _, line := range coast() {
		stroke(vgdraw.LineStyle{Color: land, Width: 0.55}, line)
	}
	g.marks(c, place, mid)
	var edge []vg.Point
	for _, q := range g.Projection.Outline() {
		edge = append(edge, place(q[0], q[1]))
	}
	c.StrokeLines(vgdraw.LineStyle{Color: ink, Width: 0.7}, edge)
	g.labels(c, place)
}

func rectPath(r vg.Rectangle) vg.Path {
	var p vg.Path
	p.Move(r.Min)
	p.Line(vg.Point{X: r.Max.X, Y: r.Min.Y})
	p.Line(r.Max)
	p.Line(vg.Point{X: r.Min.X, Y: r.Max.Y})
	p.Close()
	return p
}

func newRaster(w, h int) *image.RGBA { return image.NewRGBA(image.Rect(0, 0, w, h)) }

// raster draws the density, pixel by pixel, and returns the scale used.
func (g *Globe) raster(c vgdraw.Canvas, box vg.Rectangle) Scale {
	w, h := pixels(box.Size().X), pixels(box.Size().Y)
	ew, eh := g.Projection.Extent()
	var at [][2]float64
	var where []int // pixel of every point
	for j := range h {
		for i := range w {
			x := ew * (2*(float64(i)+0.5)/float64(w) - 1)
			y := eh * (1 - 2*(float64(j)+0.5)/float64(h))
			if lat, lon, ok := g.Projection.Inverse(x, y); ok {
				at = append(at, [2]float64{lat * 180 / math.Pi, lon * 180 / math.Pi})
				where = append(where, j*w+i)
			}
		}
	}
	values := g.Density(at)
	s := RobustScale(values)
	if g.Scale != nil {
		s = *g.Scale
	}
	img := newRaster(w, h)
	for k, pixel := range where {
		img.SetRGBA(pixel%w, pixel/w, g.Colormap.At(s.Unit(values[k])))
	}
	drawImage(c, box, img)
	return s
}

// marks draws the points and their legend.
func (g *Globe) marks(c vgdraw.Canvas, place func(x, y float64) vg.Point, mid vg.Point) {
	y := c.Min.Y + g.foot() - g.axis() - 10
	var total vg.Length
	style := label(8, left, center)
	for _, p := range g.Points {
		total += style.Width(p.Name) + 24
	}
	x := mid.X - total/2
	for _, p := range g.Points {
		for _, q := range p.At {
			if px, py, ok := g.Projection.Forward(q[0]*math.Pi/180, q[1]*math.Pi/180); ok {
				dot(c, place(px, py), p)
			}
		}
		big := p
		big.Size = max(p.Size, 1.8)
		dot(c, vg.Point{X: x + 4, Y: y}, big)
		c.FillText(style, vg.Point{X: x + 10, Y: y}, p.Name)
		x += style.Width(p.Name) + 24
	}
}

func dot(c vgdraw.Canvas, at vg.Point, p Points) {
	r := p.Size
	if r == 0 {
		r = 0.9
	}
	var path vg.Path
	path.Move(vg.Point{X: at.X + r, Y: at.Y})
	path.Arc(at, r, 0, 2*math.Pi)
	path.Close()
	col := p.Color
	if col == nil {
		col = color.NRGBA{0xff, 0x6a, 0x3d, 200}
	}
	c.SetColor(col)
	c.Fill(path)
}

// graticule returns meridians and parallels every 30 degrees. Meridians stop
// short of the poles, where they would crowd.
func graticule() (lines [][][2]float64) {
	for lon := -180.0; lon < 180; lon += 30 {
		var line [][2]float64
		for lat := -85.0; lat <= 85; lat += 2.5 {
			line = append(line, [2]float64{lon, lat})
		}
		lines = append(lines, line)
	}
	for lat := -60.0; lat <= 60; lat += 30 {
		var line [][2]float64
		for lon := -180.0; lon <= 180; lon += 2.5 {
			line = append(line, [2]float64{lon, lat})
		}
		lines = append(lines, line)
	}
	return lines
}

// labels writes the latitudes at the left edge, and on the rectangular map the
// longitudes below.
func (g *Globe) labels(c vgdraw.Canvas, place func(x, y float64) vg.Point) {
	if _, ok := g.Projection.(orthographic); ok {
		return
	}
	var lon0 float64
	switch p := g.Projection.(type) {
	case mollweide:
		lon0 = p.lon0
	case equirectangular:
		lon0 = p.lon0
	}
	for lat := -60; lat <= 60; lat += 30 {
		x, y, _ := g.Projection.Forward(float64(lat)*math.Pi/180, lon0-math.Pi+1e-9)
		at := place(x, y)
		c.FillText(label(7.5, right, center), vg.Point{X: at.X - 3, Y: at.Y}, degrees(lat, "N", "S"))
	}
	if _, ok := g.Projection.(equirectangular); !ok {
		return
	}
	for lon := -120; lon <= 120; lon += 60 {
		at := place(float64(lon)*math.Pi/180, -math.Pi/2)
		east := int(math.Round(math.Remainder(float64(lon)+lon0*180/math.Pi, 360)))
		c.FillText(label(7.5, center, top), vg.Point{X: at.X, Y: at.Y - 2}, degrees(east, "E", "W"))
	}
}

func degrees(v int, plus, minus string) string {
	switch {
	case v == 0 || v == 180 || v == -180:
		return fmt.Sprintf("%d°", max(v, -v))
	case v > 0:
		return fmt.Sprintf("%d°%s", v, plus)
	}
	return fmt.Sprintf("%d°%s", -v, minus)
}
