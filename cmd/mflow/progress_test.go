package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestMeter(t *testing.T) {
	note := func() string { return "loss 1.5" }
	var plain bytes.Buffer
	m := (&app{err: &plain}).meter(0)
	for i := 1; i <= 1000; i++ {
		m.step(i, 1000, note)
	}
	m.end()
	if got := plain.String(); strings.Count(got, "\n") != 1 || !strings.HasPrefix(got, "1000/1000  loss 1.5  0:00 left") {
		t.Errorf("a quick run not on a terminal prints its last line; got %q", got)
	}

	var wide bytes.Buffer
	m = &meter{w: &wide, width: func() int { return 60 }, begun: time.Now().Add(-10 * time.Second)}
	m.step(5, 10, note)
	m.say("hello")
	for _, line := range strings.Split(strings.ReplaceAll(wide.String(), "\r\x1b[K", ""), "\n") {
		if n := len([]rune(line)); n > 60 {
			t.Errorf("%d columns on a terminal of 60: %q", n, line)
		}
	}
	if got := wide.String(); !strings.Contains(got, "0:1") || !strings.HasSuffix(got, "\nhello\n") {
		t.Errorf("got %q", got)
	}

	var none bytes.Buffer
	m = (&app{err: &none, quiet: true}).meter(0)
	m.step(1, 1, note)
	m.say("hello")
	if none.Len() > 0 {
		t.Errorf("quiet, but prints %q", none.String())
	}
}

func TestClock(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0:00", 61 * time.Second: "1:01", 3725 * time.Second: "1:02:05", 400 * time.Millisecond: "0:01",
	} {
		if got := clock(d); got != want {
			t.Errorf("%s: got %s, want %s", d, got, want)
		}
	}
}
