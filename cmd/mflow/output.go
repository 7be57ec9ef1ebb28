package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
)

// emit writes the result of a command: v as one JSON object under --json, else
// what human writes.
func (a *app) emit(v any, human func(w io.Writer)) error {
	if !a.json {
		human(a.out)
		return nil
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.out, "%s\n", raw)
	return err
}

// real is a float64 that JSON can hold: not a number and infinities are null.
type real float64

// MarshalJSON implements json.Marshaler.
func (r real) MarshalJSON() ([]byte, error) {
	if f := float64(r); math.IsNaN(f) || math.IsInf(f, 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(r))
}

// writeFile writes a file at once or not at all, by a temporary file beside it.
// The writer sees the path it writes to, with the extension of the final one.
func writeFile(path string, write func(path string) error) error {
	dir, name := filepath.Split(path)
	if dir != "" {
		if st, err := os.Stat(dir); err != nil || !st.IsDir() {
			return fmt.Errorf("cannot write %s: there is no directory %s", path, filepath.Clean(dir))
		}
	}
	tmp := filepath.Join(dir, fmt.Sprintf(".%d-%s", os.Getpid(), name))
	defer os.Remove(tmp)
	if err := write(tmp); err != nil {
		return err
	}
	f, err := os.OpenFile(tmp, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	err = f.Sync()
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	return os.Rename(tmp, path)
}

// extension returns the extension of a path without its dot, in lower case, or
// an error naming the valid ones.
func extension(path string, valid ...string) (string, error) {
	ext := strings.ToLower(strings.TrimPrefix(filepath.Ext(path), "."))
	for _, v := range valid {
		if ext == v {
			return ext, nil
		}
	}
	return "", usagef("cannot write %q: the extension says the format; want .%s", path, strings.Join(valid, ", ."))
}
