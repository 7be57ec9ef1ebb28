package datasets

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"mflow/internal/atomicfile"
	"mflow/manifold"
)

// A Store finds the files of named sets: first in the directory that the
// environment variable MFLOW_DATA names, then in the cache (MFLOW_CACHE, else
// the user's cache directory), then at their source. Both directories are laid
// out by Entry.Path. The zero Store works.
type Store struct {
	Offline  bool                    // never fetch
	Client   *http.Client            // http.DefaultClient if nil
	Progress func(done, total int64) // called while fetching, if not nil
}

// CacheDir returns the directory of fetched files.
func CacheDir() (string, error) {
	if d := os.Getenv("MFLOW_CACHE"); d != "" {
		return d, nil
	}
	d, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("datasets: no cache directory (%w); set MFLOW_CACHE", err)
	}
	return filepath.Join(d, "mflow"), nil
}

// Find returns where the file of an entry is on this machine, or "".
func (st Store) Find(e Entry) string {
	dirs := []string{os.Getenv("MFLOW_DATA")}
	if c, err := CacheDir(); err == nil {
		dirs = append(dirs, c)
	}
	for _, d := range dirs {
		if d == "" {
			continue
		}
		p := filepath.Join(d, filepath.FromSlash(e.Path))
		if info, err := os.Stat(p); err == nil && info.Mode().IsRegular() {
			return p
		}
	}
	return ""
}

// Get returns the path of the file of an entry, which it fetches into the cache
// if need be. What is fetched must have the right SHA-256; nothing else is kept.
func (st Store) Get(ctx context.Context, e Entry) (string, error) {
	if p := st.Find(e); p != "" {
		return p, st.verify(p, e)
	}
	dir, err := CacheDir()
	if err != nil {
		return "", err
	}
	to := filepath.Join(dir, filepath.FromSlash(e.Path))
	if e.Download == "" {
		return "", fmt.Errorf("datasets: %s is not on this machine and has no address to fetch it from; take it from %s and put it at %s", e.Name, e.Source, to)
	}
	if st.Offline {
		return "", fmt.Errorf("datasets: %s is not on this machine and fetching is off; put %s at %s, or go online", e.Name, e.Download, to)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return "", fmt.Errorf("datasets: %w", err)
	}
	if err := atomicfile.Write(to, func(w io.Writer) error { return st.fetch(ctx, e, w) }); err != nil {
		return "", fmt.Errorf("datasets: fetching %s from %s: %w", e.Name, e.Download, err)
	}
	return to, nil
}

func (st Store) fetch(ctx context.Context, e Entry, w io.Writer) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.Download, nil)
	if err != nil {
		return err
	}
	client := st.Client
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	h := sha256.New()
	var done int64
	buf := make([]byte, 1<<15)
	for {
		n, err := resp.Body.Read(buf)
		done += int64(n)
		if done > int64(e.Bytes) {
			return fmt.Errorf("more than the %d bytes that were expected: the file has changed at its source", e.Bytes)
		}
		h.Write(buf[:n])
		if _, werr := w.Write(buf[:n]); werr != nil {
			return werr
		}
		if st.Progress != nil {
			st.Progress(done, int64(e.Bytes))
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != e.SHA256 {
		return fmt.Errorf("%d bytes with SHA-256 %s, want %d bytes with %s: the file has changed or was cut off", done, got, e.Bytes, e.SHA256)
	}
	return nil
}

func (st Store) verify(path string, e Entry) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("datasets: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return fmt.Errorf("datasets: %s: %w", path, err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != e.SHA256 {
		return fmt.Errorf("datasets: %s is not the published %s: its SHA-256 is %s, want %s; remove it to fetch it anew, or give it as a file by its path",
			path, e.Name, got, e.SHA256)
	}
	return nil
}

// Load returns the named set, a synthetic set, or the points of a file. m may be
// nil: then it is that of the named set, or the sphere for a file.
func (st Store) Load(ctx context.Context, name string, m manifold.Manifold, o Options) (*Set, error) {
	if s, ok, err := synthesize(name, m, o); ok {
		return s, err
	}
	if _, err := os.Stat(name); err == nil {
		if m == nil {
			m = manifold.Sphere{N: 2}
		}
		return Read(name, m, o)
	}
	e, err := Lookup(name)
	if err != nil {
		return nil, err
	}
	own, err := manifold.Parse(e.Manifold)
	if err != nil {
		return nil, err
	}
	if m != nil && m.String() != own.String() {
		return nil, fmt.Errorf("datasets: %s lies on %s, not on %s", name, own, m)
	}
	path, err := st.Get(ctx, e)
	if err != nil {
		return nil, err
	}
	if o.Columns == nil {
		o.Columns = e.Columns
	}
	o.Degrees = o.Degrees || e.Degrees
	s, err := Read(path, own, o)
	if err != nil {
		return nil, err
	}
	s.Name = name
	return s, nil
}
