package figure

import (
	"bytes"
	"fmt"
	"image"
	"io"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot/vg"
	vgdraw "gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgpdf"
	"gonum.org/v1/plot/vg/vgsvg"

	"mflow/internal/atomicfile"
)

// A Figure draws itself on a canvas.
type Figure interface {
	// Size returns the natural width and height.
	Size() (w, h vg.Length)
	Draw(c vgdraw.Canvas)
}

// Formats are the extensions that Save writes.
var Formats = []string{"png", "svg", "pdf"}

// dpi is the resolution of PNG files and of rasters in the other formats.
const dpi = 220

// Save writes a figure to a file whose extension says the format.
func Save(path string, f Figure) error {
	err := atomicfile.Write(path, func(w io.Writer) error {
		return Write(w, f, strings.ToLower(strings.TrimPrefix(filepath.Ext(path), ".")))
	})
	if err != nil {
		return fmt.Errorf("figure: %w", err)
	}
	return nil
}

// Write writes a figure in the given format.
func Write(w io.Writer, f Figure, format string) error {
	width, height := f.Size()
	switch format {
	case "png":
		c := vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(dpi))
		f.Draw(vgdraw.New(c))
		_, err := vgimg.PngCanvas{Canvas: c}.WriteTo(w)
		return err
	case "svg":
		c := vgsvg.NewWith(vgsvg.UseWH(width, height), vgsvg.EmbedFonts(true))
		f.Draw(vgdraw.New(c))
		var b bytes.Buffer
		if _, err := c.WriteTo(&b); err != nil {
			return err
		}
		// A viewer would otherwise letterbox the image in its rectangle, and
		// says it is a PNG what gonum calls a JPEG.
		text := strings.ReplaceAll(b.String(), "<image ", `<image preserveAspectRatio="none" `)
		text = strings.ReplaceAll(text, "data:image/jpg;", "data:image/png;")
		_, err := io.WriteString(w, text)
		return err
	case "pdf":
		c := vgpdf.New(width, height)
		c.EmbedFonts(true)
		f.Draw(vgdraw.New(pdf{c}))
		_, err := c.WriteTo(w)
		return err
	}
	return fmt.Errorf("unknown format %q, want the extension %s", format, strings.Join(Formats, ", "))
}

// drawImage draws an image in a rectangle.
func drawImage(c vgdraw.Canvas, rect vg.Rectangle, img image.Image) { c.DrawImage(rect, img) }

// pixels returns the pixels that a length takes at the resolution of rasters.
func pixels(l vg.Length) int { return max(1, int(l.Dots(dpi)+0.5)) }
