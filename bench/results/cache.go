package main

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"mflow/internal/atomicfile"
)

// A cache keeps one JSON file for each job, under a name made of the job's name
// and the very command lines, so that a changed command is a new entry.
type cache struct{ dir string }

func (c cache) path(name string, lines []string) string {
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return filepath.Join(c.dir, fmt.Sprintf("%s-%x.json", strings.NewReplacer("/", "-", ":", "", " ", "-").Replace(name), sum[:6]))
}

// An entry is a file of the cache.
type entry struct {
	Name     string          `json:"name"`
	Commands []string        `json:"commands"`
	Made     made            `json:"made"`
	Result   json.RawMessage `json:"result"`
}

// made says where and by what an entry was made.
type made struct {
	Machine string  `json:"machine"`
	Build   string  `json:"build"` // SHA-256 of the program, shortened
	Load    float64 `json:"load"`  // processes waiting for a core at the start, by /proc/loadavg
}

// get reads the result of a job into v; false if there is none.
func (c cache) get(name string, lines []string, v any) (made, bool, error) {
	path := c.path(name, lines)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return made{}, false, nil
	} else if err != nil {
		return made{}, false, err
	}
	var e entry
	if err := json.Unmarshal(raw, &e); err != nil {
		return made{}, false, fmt.Errorf("%s: %w; remove it to have it made again", path, err)
	}
	if strings.Join(e.Commands, "\n") != strings.Join(lines, "\n") {
		return made{}, false, fmt.Errorf("%s is of other commands than its name says; remove it to have it made again", path)
	}
	if err := json.Unmarshal(e.Result, v); err != nil {
		return made{}, false, fmt.Errorf("%s: %w; remove it to have it made again", path, err)
	}
	return e.Made, true, nil
}

// put keeps the result of a job.
func (c cache) put(name string, lines []string, m made, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if raw, err = json.Marshal(entry{name, lines, m, raw}); err != nil {
		return err
	}
	return atomicfile.Write(c.path(name, lines), func(w io.Writer) error {
		_, err := w.Write(append(raw, '\n'))
		return err
	})
}
