package figure

import (
	"image/color"

	"gonum.org/v1/plot/vg"
	vgdraw "gonum.org/v1/plot/vg/draw"
)

// A Table is rows of text below a head. All but the first column stand to the
// right.
type Table struct {
	Head []string
	Rows [][]string
}

// A Page is one page of A4: title and lines of text, a wide figure, tables, and
// smaller figures two by two.
type Page struct {
	Title  string
	Lines  []string
	Wide   Figure // may be nil
	Tables []Table
	Small  []Figure // at most four
}

// Size returns that of A4.
func (p *Page) Size() (w, h vg.Length) { return 210 * vg.Millimeter, 297 * vg.Millimeter }

const (
	edge    = 34 // of the page, points
	leading = 10.4
)

// Draw lays the page out from top to bottom: text and tables take what they need,
// the figures share the rest, each in its own aspect.
func (p *Page) Draw(c vgdraw.Canvas) {
	c.SetColor(color.White)
	c.Fill(rectPath(c.Rectangle))
	left0, right0, y := c.Min.X+edge, c.Max.X-edge, c.Max.Y-edge
	c.FillText(label(14, left, top), vg.Point{X: left0, Y: y}, p.Title)
	y -= 21
	for _, l := range p.Lines {
		for _, l := range wrapped(l, 132) {
			c.FillText(label(7.5, left, top), vg.Point{X: left0, Y: y}, l)
			y -= leading
		}
	}
	y -= 4
	for _, t := range p.Tables {
		y = t.draw(c, left0, right0, y) - 7
	}
	width := right0 - left0
	place := func(f Figure, x, y, w, h vg.Length) {
		fw, fh := f.Size()
		s := min(w/fw, h/fh)
		c.Push()
		c.Translate(vg.Point{X: x + (w-fw*s)/2, Y: y - fh*s - (h-fh*s)/2})
		c.Scale(float64(s), float64(s)) // text too
		f.Draw(vgdraw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{Max: vg.Point{X: fw, Y: fh}}})
		c.Pop()
	}
	room := y - c.Min.Y - edge
	rows := vg.Length((len(p.Small) + 1) / 2)
	if p.Wide != nil {
		h := room
		if rows > 0 {
			h = room * 0.4
		}
		place(p.Wide, left0, y, width, h)
		y, room = y-h, room-h
	}
	for i, f := range p.Small {
		h := room / rows
		place(f, left0+vg.Length(i%2)*width/2, y-vg.Length(i/2)*h, width/2-4, h-4)
	}
}

// wrapped breaks a line at blanks so that no piece is longer than n characters,
// where a word allows.
func wrapped(s string, n int) (out []string) {
	r := []rune(s)
	for len(r) > n {
		at := n
		for at > 0 && r[at] != ' ' {
			at--
		}
		if at == 0 {
			at = n
		}
		out = append(out, string(r[:at]))
		r = append([]rune("    "), r[at:]...)
	}
	return append(out, string(r))
}

// draw draws the table with its top at y and returns its bottom.
func (t Table) draw(c vgdraw.Canvas, x0, x1, y vg.Length) vg.Length {
	const first = 2 // the first column is so many others wide
	cols := vg.Length(len(t.Head) - 1 + first)
	step := (x1 - x0) / cols
	line := func(cells []string) {
		for i, s := range cells {
			if i == 0 {
				c.FillText(label(7.8, left, top), vg.Point{X: x0, Y: y}, s)
			} else {
				c.FillText(label(7.8, right, top), vg.Point{X: x0 + step*vg.Length(i+first), Y: y}, s)
			}
		}
		y -= leading
	}
	line(t.Head)
	c.StrokeLine2(hair, x0, y+1.5, x1, y+1.5)
	y -= 2
	for _, r := range t.Rows {
		line(r)
	}
	return y
}
