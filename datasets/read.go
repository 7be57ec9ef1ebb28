package datasets

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"mflow/manifold"
)

// Options say how a table is read. The zero value reads what it can tell from
// the file.
type Options struct {
	// Columns are the names, or the numbers from 1, of the columns that hold the
	// coordinates, in the order of the manifold: latitude, longitude on S². Empty
	// means: by header, else the first ones.
	Columns []string

	// Degrees and Radians say what unit angles are in. If neither is set, angles
	// on a torus are degrees when a header says so or some exceed 2π.
	Degrees, Radians bool

	// N and Seed are the size and seed of a synthetic set: 5000, 0.
	N    int
	Seed uint64
}

// Read reads points of m from a table of text (comma, semicolon, tab or blanks
// between columns; a header or none; # comments; gzip) or from an .npz or .npy
// file of numpy. On S² a table has latitude and longitude in degrees, or x, y
// and z; elsewhere the ambient coordinates. Every error names the file, and the
// line and value where there is one.
func Read(path string, m manifold.Manifold, o Options) (*Set, error) {
	raw, sum, err := readAll(path)
	if err != nil {
		return nil, fmt.Errorf("datasets: %w", err)
	}
	s := &Set{Name: path, Manifold: m, SHA256: sum}
	if isNumpy(raw) {
		err = s.numpy(path, raw)
	} else {
		err = s.table(path, raw, o)
	}
	if err != nil {
		return nil, fmt.Errorf("datasets: %w", err)
	}
	return s, nil
}

// readAll returns the content, unpacked if it is gzip by its first bytes, and
// the SHA-256 of the file as it is.
func readAll(path string) (raw []byte, sum string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, "", err
	}
	if info.IsDir() {
		return nil, "", fmt.Errorf("%s is a directory, want a file of points", path)
	}
	raw, err = os.ReadFile(path)
	if err != nil {
		return nil, "", err
	}
	h := sha256.Sum256(raw)
	sum = hex.EncodeToString(h[:])
	if bytes.HasPrefix(raw, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(bytes.NewReader(raw))
		if err == nil {
			raw, err = io.ReadAll(z)
		}
		if err != nil {
			return nil, "", fmt.Errorf("%s: damaged gzip file (%w); fetch it again", path, err)
		}
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, "", fmt.Errorf("%s is empty, want a table of points", path)
	}
	return raw, sum, nil
}

// A record is a line of the table, cut into fields.
type record struct {
	line   int
	fields []string
}

func (s *Set) table(path string, raw []byte, o Options) error {
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	if bytes.HasPrefix(raw, []byte{0xff, 0xfe}) || bytes.HasPrefix(raw, []byte{0xfe, 0xff}) {
		return fmt.Errorf("%s is UTF-16 text; save it as UTF-8", path)
	}
	records, err := records(path, raw)
	if err != nil {
		return err
	}
	var header []string
	if !numeric(records[0].fields) {
		header = records[0].fields
		records = records[1:]
		if len(records) == 0 {
			return fmt.Errorf("%s:1: a header and no points after it", path)
		}
	}
	l, err := s.layout(header, len(records[0].fields), o)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return s.rows(path, records, len(records[0].fields), l, o)
}

// records cuts the text into lines and fields by the separator of the first
// line that is not a comment.
func records(path string, raw []byte) ([]record, error) {
	sc := bufio.NewScanner(bytes.NewReader(raw))
	sc.Buffer(nil, 1<<20)
	var out []record
	var sep string
	for line := 1; sc.Scan(); line++ {
		text := sc.Text()
		if i := strings.IndexFunc(text, func(r rune) bool { return r == 0 || r == utf8.RuneError }); i >= 0 {
			return nil, fmt.Errorf("%s:%d: byte %d is not text; want a table of points, or an .npz file", path, line, i+1)
		}
		text = strings.TrimSpace(text)
		if text == "" || text[0] == '#' {
			continue
		}
		if out == nil {
			sep = separator(text)
		}
		var fields []string
		if sep == "" {
			fields = strings.Fields(text)
		} else {
			fields = strings.Split(text, sep)
		}
		for i, f := range fields {
			fields[i] = strings.Trim(strings.TrimSpace(f), `"`)
		}
		out = append(out, record{line, fields})
	}
	if errors.Is(sc.Err(), bufio.ErrTooLong) {
		return nil, fmt.Errorf("%s: a line is longer than a megabyte; want one point a line", path)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s holds only comments, want points", path)
	}
	return out, nil
}

// separator is the first of these that the line has; blanks otherwise.
func separator(line string) string {
	for _, s := range []string{"\t", ";", ","} {
		if strings.Contains(line, s) {
			return s
		}
	}
	return ""
}

// numeric reports whether any field is a number: a header has none.
func numeric(fields []string) bool {
	for _, f := range fields {
		if _, err := strconv.ParseFloat(f, 64); err == nil {
			return true
		}
	}
	return false
}

func (s *Set) rows(path string, rs []record, width int, l layout, o Options) error {
	v := make([]float64, len(l.columns))
	degrees := l.degrees || o.Degrees
	for pass := 0; ; pass++ {
		s.X = s.X[:0]
		again := false
		for _, r := range rs {
			if len(r.fields) != width {
				return fmt.Errorf("%s:%d: %d columns, want %d as in the lines before; separate columns by one kind of separator", path, r.line, len(r.fields), width)
			}
			for i, c := range l.columns {
				x, err := strconv.ParseFloat(r.fields[c], 64)
				if err != nil {
					return fmt.Errorf("%s:%d: %s is %q, want a number with a decimal point%s", path, r.line, l.names[i], r.fields[c], comma(r.fields[c]))
				}
				if x != x || x-x != 0 {
					return fmt.Errorf("%s:%d: %s is %s, want a finite number; remove rows without a position", path, r.line, l.names[i], r.fields[c])
				}
				v[i] = x
			}
			p, err := s.point(v, l, degrees, o)
			if errors.Is(err, errLooksDegrees) && pass == 0 && !degrees && !o.Radians {
				degrees, again = true, true
				s.Notes = append(s.Notes, fmt.Sprintf("angles were read as degrees, since %g on line %d is beyond 2π", v[0], r.line))
				break
			}
			if err != nil {
				return fmt.Errorf("%s:%d: %w", path, r.line, err)
			}
			s.X = append(s.X, p...)
		}
		if !again {
			return nil
		}
	}
}

func comma(s string) string {
	if strings.Contains(s, ",") {
		return ", not a comma"
	}
	return ""
}
