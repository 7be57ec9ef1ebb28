package figure

import (
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"
	vgdraw "gonum.org/v1/plot/vg/draw"
)

// A Ring is a shaded picture of a torus of revolution, coloured by a density.
type Ring struct {
	Title        string
	Major, Minor float64
	Tilt         float64 // of the axis towards the viewer, degrees: 50 if zero

	// Density returns the density at many points of R³.
	Density  func(x [][3]float64) []float64
	Unit     string
	Colormap Colormap
	Scale    *Scale
	Points   [][3]float64 // marks, hidden behind the torus where they are
	Width    vg.Length    // 5.5 inches if zero
}

// Size returns the width and the height that fit the torus.
func (r *Ring) Size() (w, h vg.Length) {
	w = r.Width
	if w == 0 {
		w = 5.5 * vg.Inch
	}
	return w, (w-2*margin)*vg.Length(r.aspect()) + titleRoom + barRoom + 2*margin
}

func (r *Ring) tilt() float64 {
	if r.Tilt == 0 {
		return 50 * math.Pi / 180
	}
	return r.Tilt * math.Pi / 180
}

// aspect is the height over the width of the torus in parallel projection.
func (r *Ring) aspect() float64 {
	return (r.Major*math.Sin(r.tilt()) + r.Minor) / (r.Major + r.Minor)
}

// view turns a point of the scene so that the viewer looks along -z.
func (r *Ring) view(p [3]float64) [3]float64 {
	s, c := math.Sincos(math.Pi/2 - r.tilt())
	return [3]float64{p[0], c*p[1] + s*p[2], -s*p[1] + c*p[2]}
}

// unview is the inverse of view.
func (r *Ring) unview(p [3]float64) [3]float64 {
	s, c := math.Sincos(math.Pi/2 - r.tilt())
	return [3]float64{p[0], c*p[1] - s*p[2], s*p[1] + c*p[2]}
}

// inside returns the signed distance to the torus, negative within.
func (r *Ring) distance(p [3]float64) float64 {
	return math.Hypot(math.Hypot(p[0], p[1])-r.Major, p[2]) - r.Minor
}

// hit returns the first point of the torus on the line of sight at x, y, by
// steps of the distance, which never overshoot.
func (r *Ring) hit(x, y float64) ([3]float64, bool) {
	far := r.Major + 2*r.Minor
	for z := far; z > -far; {
		p := r.unview([3]float64{x, y, z})
		d := r.distance(p)
		if d < 1e-4*r.Minor {
			return p, true
		}
		z -= d
	}
	return [3]float64{}, false
}

// Draw draws the torus and the colour bar.
func (r *Ring) Draw(c vgdraw.Canvas) {
	c.SetColor(color.White)
	c.Fill(rectPath(c.Rectangle))
	mid := c.Min.X + c.Size().X/2
	c.FillText(label(11, center, top), vg.Point{X: mid, Y: c.Max.Y - 7}, r.Title)
	width := c.Size().X - 2*margin
	height := min(width*vg.Length(r.aspect()), c.Size().Y-titleRoom-barRoom-2*margin)
	width = height / vg.Length(r.aspect())
	box := vg.Rectangle{
		Min: vg.Point{X: mid - width/2, Y: c.Max.Y - titleRoom - height},
		Max: vg.Point{X: mid + width/2, Y: c.Max.Y - titleRoom},
	}
	w, h := pixels(width), pixels(height)
	reach := r.Major + r.Minor
	var at [][3]float64
	var where []int
	var light []float64
	for j := range h {
		for i := range w {
			x := reach * (2*(float64(i)+0.5)/float64(w) - 1)
			y := reach * r.aspect() * (1 - 2*(float64(j)+0.5)/float64(h))
			if p, ok := r.hit(x, y); ok {
				at, where = append(at, p), append(where, j*w+i)
				light = append(light, r.light(p))
			}
		}
	}
	values := r.Density(at)
	s := RobustScale(values)
	if r.Scale != nil {
		s = *r.Scale
	}
	img := newRaster(w, h)
	for k, v := range values {
		q := r.Colormap.At(s.Unit(v))
		dim := func(b uint8) uint8 { return uint8(math.Min(255, float64(b)*light[k])) }
		img.SetRGBA(where[k]%w, where[k]/w, color.RGBA{dim(q.R), dim(q.G), dim(q.B), 255})
	}
	drawImage(c, box, img)
	for _, p := range r.Points {
		v := r.view(p)
		if front, ok := r.hit(v[0], v[1]); ok && r.view(front)[2] > v[2]+0.05*r.Minor {
			continue
		}
		dot(c, vg.Point{
			X: mid + width/2*vg.Length(v[0]/reach),
			Y: (box.Min.Y+box.Max.Y)/2 + height/2*vg.Length(v[1]/(reach*r.aspect())),
		}, Points{})
	}
	bar := vg.Rectangle{
		Min: vg.Point{X: mid - width*0.3, Y: c.Min.Y + margin + 22},
		Max: vg.Point{X: mid + width*0.3, Y: c.Min.Y + margin + 29},
	}
	colorBar(c, bar, r.Colormap, s, r.Unit)
}

// light is the brightness at a point: mostly flat, so that colours can be read
// off the bar, with enough of Lambert's law to show the form.
func (r *Ring) light(p [3]float64) float64 {
	rho := math.Hypot(p[0], p[1])
	k := (1 - r.Major/rho) / r.Minor
	n := r.view([3]float64{p[0] * k, p[1] * k, p[2] / r.Minor})
	const lx, ly, lz = -0.4, 0.6, 0.693
	return 0.62 + 0.42*math.Max(0, lx*n[0]+ly*n[1]+lz*n[2])
}
