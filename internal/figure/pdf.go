package figure

import (
	"image"
	"image/color"
	"image/draw"

	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgpdf"
)

// pdf is a PDF canvas without three silent faults of vgpdf v0.17: it draws
// images upside down, writes text that is not ASCII byte by byte, and darkens
// translucent colours by applying their opacity twice.
type pdf struct{ *vgpdf.Canvas }

// straight is a colour whose RGBA is not multiplied by its opacity, which is
// what vgpdf takes it for.
type straight struct{ color.NRGBA }

func (s straight) RGBA() (r, g, b, a uint32) {
	return uint32(s.R) * 0x101, uint32(s.G) * 0x101, uint32(s.B) * 0x101, uint32(s.A) * 0x101
}

// SetColor sets the colour of what is drawn next.
func (c pdf) SetColor(col color.Color) {
	c.Canvas.SetColor(straight{color.NRGBAModel.Convert(col).(color.NRGBA)})
}

// DrawImage draws the image the right way up.
func (c pdf) DrawImage(rect vg.Rectangle, img image.Image) {
	b := img.Bounds()
	src := image.NewRGBA(b)
	draw.Draw(src, b, img, b.Min, draw.Src)
	out := image.NewRGBA(b)
	for y := range b.Dy() {
		copy(out.Pix[y*out.Stride:(y+1)*out.Stride], src.Pix[(b.Dy()-1-y)*src.Stride:(b.Dy()-y)*src.Stride])
	}
	c.Canvas.DrawImage(rect, out)
}

// FillString writes ASCII as text, and anything else as the outlines of its
// glyphs, which every viewer draws.
func (c pdf) FillString(f font.Face, at vg.Point, s string) {
	ascii := true
	for _, r := range s {
		ascii = ascii && r < 0x80
	}
	if ascii {
		c.Canvas.FillString(f, at, s)
		return
	}
	c.Fill(outlines(f, at, s))
}

// outlines returns the outlines of a string set at a point.
func outlines(f font.Face, at vg.Point, s string) vg.Path {
	const em = 1000 // units of an em, in which glyphs are loaded
	var buf sfnt.Buffer
	var path vg.Path
	unit := f.Font.Size / em
	x := at.X
	for _, r := range s {
		g, err := f.Face.GlyphIndex(&buf, r)
		if err != nil {
			continue
		}
		segments, err := f.Face.LoadGlyph(&buf, g, fixed.I(em), nil)
		if err != nil {
			continue
		}
		place := func(p fixed.Point26_6) vg.Point {
			return vg.Point{X: x + unit*vg.Length(p.X)/64, Y: at.Y - unit*vg.Length(p.Y)/64}
		}
		open := false
		for _, seg := range segments {
			switch seg.Op {
			case sfnt.SegmentOpMoveTo:
				if open {
					path.Close()
				}
				path.Move(place(seg.Args[0]))
				open = true
			case sfnt.SegmentOpLineTo:
				path.Line(place(seg.Args[0]))
			case sfnt.SegmentOpQuadTo:
				path.QuadTo(place(seg.Args[0]), place(seg.Args[1]))
			case sfnt.SegmentOpCubeTo:
				path.CubeTo(place(seg.Args[0]), place(seg.Args[1]), place(seg.Args[2]))
			}
		}
		if open {
			path.Close()
		}
		if w, err := f.Face.GlyphAdvance(&buf, g, fixed.I(em), 0); err == nil {
			x += unit * vg.Length(w) / 64
		}
	}
	return path
}
