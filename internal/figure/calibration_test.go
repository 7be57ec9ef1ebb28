package figure

import (
	"bytes"
	"image/color"
	"testing"
)

// TestRatiosColours: a cell whose interval misses 1 is orange, and no other.
func TestRatiosColours(t *testing.T) {
	good := []Interval{{0.9, 0.5, 1.4}, {1.1, 0.7, 1.6}, {1.3, 0.9, 1.8}}
	for _, c := range []struct {
		cells []Interval
		want  bool
	}{{good, false}, {append([]Interval{{2.2, 1.5, 2.9}}, good...), true}} {
		img := rendered(t, &Ratios{Title: "cells", Cells: c.cells}, "png")
		if _, n := box(img, color.RGBA{0xd9, 0x5f, 0x02, 255}); n > 0 != c.want {
			t.Errorf("%d cells: %d orange pixels, want some: %v", len(c.cells), n, c.want)
		}
		if _, n := box(img, color.RGBA{0x1f, 0x77, 0xb4, 255}); n == 0 {
			t.Errorf("%d cells: no blue pixel", len(c.cells))
		}
	}
}

// TestPage: the figures of a page stand below its tables, beside and below each
// other, in PNG and PDF, on one page.
func TestPage(t *testing.T) {
	p := &Page{
		Title: "A page", Lines: []string{"a long line of words that does not end before the margin of the page would have to be crossed, and goes on"},
		Tables: []Table{{Head: []string{"name", "value"}, Rows: [][]string{{"pi", "3.14 ± 0.01"}, {"e", "2.72"}}}},
		Wide:   north(),
		Small: []Figure{
			&Ratios{Title: "cells", Cells: []Interval{{2.2, 1.5, 2.9}, {1, 0.5, 1.5}}},
			&Marginals{Title: "marginals", Of: []Marginal{{"latitude", []float64{0.2, 0.5, 0.7}}}},
		},
	}
	for _, format := range []string{"png", "pdf"} {
		img := rendered(t, p, format)
		b := img.Bounds()
		if got := float64(b.Dy()) / float64(b.Dx()); got < 1.40 || got > 1.43 {
			t.Errorf("%s: height over width %.3f, want that of A4, 1.414", format, got)
		}
		cells, n := box(img, color.RGBA{0xd9, 0x5f, 0x02, 255})
		if n == 0 || cells.Max.X > b.Dx()/2 || cells.Min.Y < b.Dy()/2 {
			t.Errorf("%s: the missed cell is at %v of %v, want the lower left", format, cells, b)
		}
	}
	var raw bytes.Buffer
	if err := Write(&raw, p, "pdf"); err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(raw.Bytes(), []byte("/Type /Page\n")); n != 1 {
		t.Errorf("%d pages, want one", n)
	}
}
