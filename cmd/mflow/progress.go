package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// A meter shows on standard error how far a long command has come: a bar that
// redraws itself on a terminal, a plain line every few seconds elsewhere,
// nothing when quiet.
type meter struct {
	w      io.Writer
	width  func() int // columns of the terminal; nil when it is none
	quiet  bool
	begun  time.Time
	offset int // steps done before this process began
	drawn  time.Time
	open   bool // a bar is on the last line
}

// Redrawing more often than this is invisible; plain lines more often are noise.
const (
	redraw = 100 * time.Millisecond
	relay  = 5 * time.Second
)

func (a *app) meter(done int) *meter {
	now := time.Now()
	m := &meter{w: a.err, quiet: a.quiet, begun: now, drawn: now, offset: done}
	if f, ok := a.err.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		m.drawn = time.Time{}
		m.width = func() int {
			w, _, err := term.GetSize(int(f.Fd()))
			if err != nil || w < 20 {
				return 80
			}
			return w
		}
	}
	return m
}

// step shows that `done` of `total` steps are done, with a note about them.
func (m *meter) step(done, total int, note func() string) {
	every := relay
	if m.width != nil {
		every = redraw
	}
	if m.quiet || time.Since(m.drawn) < every && done < total {
		return
	}
	m.drawn = time.Now()
	left := "-:--"
	if n := done - m.offset; n > 0 {
		per := float64(time.Since(m.begun)) / float64(n)
		left = clock(time.Duration(per * float64(total-done)))
	}
	if m.width == nil {
		fmt.Fprintf(m.w, "%d/%d  %s  %s left\n", done, total, note(), left)
		return
	}
	text := fmt.Sprintf(" %d/%d  %s  %s left", done, total, note(), left)
	fmt.Fprintf(m.w, "\r\x1b[K%s%s", bar(float64(done)/float64(total), m.width()-len([]rune(text))-1), text)
	m.open = true
}

// say writes a line of its own.
func (m *meter) say(format string, args ...any) {
	if m.quiet {
		return
	}
	m.end()
	fmt.Fprintf(m.w, format+"\n", args...)
}

// end leaves the bar where it is.
func (m *meter) end() {
	if m.open {
		fmt.Fprintln(m.w)
		m.open = false
	}
}

// bar draws a share of a line of at most 30 columns.
func bar(share float64, width int) string {
	width = min(30, width)
	if width < 4 {
		return ""
	}
	full := int(math.Round(min(1, max(0, share)) * float64(width)))
	return strings.Repeat("█", full) + strings.Repeat("░", width-full)
}

// clock writes a duration as minutes and seconds, or hours, minutes and seconds.
func clock(d time.Duration) string {
	s := int(math.Ceil(d.Seconds()))
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}
