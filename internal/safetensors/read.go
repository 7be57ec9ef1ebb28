package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
)

// maxHeader bounds the header, as the reference implementation does.
const maxHeader = 100 << 20

// A File is an open file of tensors.
type File struct {
	Path     string
	Metadata map[string]string

	data    []byte // what follows the header
	entries map[string]entry
	names   []string
	closers []func() error
	shards  []*File // of a sharded file, in place of data
	home    map[string]*File
}

type entry struct {
	DType   DType `json:"dtype"`
	Shape   []int `json:"shape"`
	Offsets []int `json:"data_offsets"` // begin and end
}

// Open maps a file and checks its header. Errors name the file and the tensor.
func Open(path string) (*File, error) {
	raw, unmap, err := mapFile(path)
	if err != nil {
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	f, err := Parse(raw)
	if err != nil {
		unmap()
		return nil, fmt.Errorf("safetensors: %s: %w", path, err)
	}
	f.Path = path
	f.closers = append(f.closers, unmap)
	return f, nil
}

// Close ends the views of all tensors.
func (f *File) Close() error {
	var err error
	for _, c := range f.closers {
		err = errors.Join(err, c())
	}
	f.closers = nil
	return err
}

// Parse checks the bytes of a file, which the File then refers to.
func Parse(raw []byte) (*File, error) {
	if len(raw) < 8 {
		return nil, fmt.Errorf("%d bytes are too few for a safetensors file", len(raw))
	}
	n := binary.LittleEndian.Uint64(raw)
	if n > maxHeader {
		return nil, fmt.Errorf("header of %d bytes, want at most %d: not a safetensors file?", n, maxHeader)
	}
	if n > uint64(len(raw)-8) {
		return nil, fmt.Errorf("header of %d bytes in a file of %d: truncated, or not a safetensors file", n, len(raw))
	}
	f := &File{Metadata: map[string]string{}, data: raw[8+n:], entries: map[string]entry{}}
	if err := f.header(raw[8 : 8+n]); err != nil {
		return nil, err
	}
	return f, f.layout()
}

// header reads the JSON object key by key, so that a repeated key is seen.
func (f *File) header(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return errors.New("header is not a JSON object: not a safetensors file?")
	}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return fmt.Errorf("header: %w", err)
		}
		name, _ := t.(string)
		if name == "__metadata__" {
			if err := d.Decode(&f.Metadata); err != nil {
				return fmt.Errorf("header: __metadata__: %w", err)
			}
			if f.Metadata == nil {
				f.Metadata = map[string]string{}
			}
			continue
		}
		var e entry
		if err := d.Decode(&e); err != nil {
			return fmt.Errorf("header: tensor %q: %w", name, err)
		}
		if _, twice := f.entries[name]; twice {
			return fmt.Errorf("header: tensor %q appears twice", name)
		}
		if e.Shape == nil || len(e.Offsets) != 2 {
			return fmt.Errorf("header: tensor %q has shape %v and data_offsets %v, want a list and two numbers", name, e.Shape, e.Offsets)
		}
		f.entries[name] = e
		f.names = append(f.names, name)
	}
	if _, err := d.Token(); err != nil {
		return fmt.Errorf("header: %w", err)
	}
	if rest, _ := io.ReadAll(d.Buffered()); len(bytes.TrimSpace(rest)) > 0 {
		return fmt.Errorf("header: %d bytes after the JSON object", len(rest))
	}
	return nil
}

// layout checks that every tensor's bytes are those of its shape, and that the
// tensors tile the data without gap or overlap.
func (f *File) layout() error {
	order := append([]string(nil), f.names...)
	sort.Strings(f.names)
	for _, name := range order {
		e := f.entries[name]
		size, err := e.DType.bytes(e.Shape)
		if err != nil {
			return fmt.Errorf("tensor %q %w", name, err)
		}
		lo, hi := e.Offsets[0], e.Offsets[1]
		if lo < 0 || hi < lo || hi > len(f.data) {
			return fmt.Errorf("tensor %q lies at bytes %d to %d of %d: truncated?", name, lo, hi, len(f.data))
		}
		if hi-lo != size {
			return fmt.Errorf("tensor %q of type %s and shape %v takes %d bytes, but the header gives it %d", name, e.DType, e.Shape, size, hi-lo)
		}
	}
	sort.SliceStable(order, func(i, j int) bool {
		a, b := f.entries[order[i]].Offsets, f.entries[order[j]].Offsets
		return a[0] < b[0] || a[0] == b[0] && a[1] < b[1]
	})
	at := 0
	for _, name := range order {
		if lo := f.entries[name].Offsets[0]; lo != at {
			return fmt.Errorf("tensor %q begins at byte %d, want %d: tensors overlap or leave a gap", name, lo, at)
		}
		at = f.entries[name].Offsets[1]
	}
	if at != len(f.data) {
		return fmt.Errorf("%d bytes after the last tensor", len(f.data)-at)
	}
	return nil
}

// Names returns the names of the tensors, sorted.
func (f *File) Names() []string { return f.names }

// Has reports whether the file has a tensor of the given name.
func (f *File) Has(name string) bool {
	_, ok := f.entries[name]
	return ok
}

// Tensor returns the named tensor, a view of the file.
func (f *File) Tensor(name string) (Tensor, error) {
	if home, ok := f.home[name]; ok {
		return home.Tensor(name)
	}
	e, ok := f.entries[name]
	if !ok {
		return Tensor{}, fmt.Errorf("there is no tensor %q", name)
	}
	return Tensor{name, e.DType, e.Shape, f.data[e.Offsets[0]:e.Offsets[1]]}, nil
}

// OpenDir opens the checkpoint in a directory: model.safetensors, or the shards
// that model.safetensors.index.json lists, as one File.
func OpenDir(dir string) (*File, error) {
	index := filepath.Join(dir, "model.safetensors.index.json")
	raw, err := os.ReadFile(index)
	if errors.Is(err, os.ErrNotExist) {
		return Open(filepath.Join(dir, "model.safetensors"))
	}
	if err != nil {
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	where, err := parseIndex(raw)
	if err != nil {
		return nil, fmt.Errorf("safetensors: %s: %w", index, err)
	}
	all := &File{Path: dir, Metadata: map[string]string{}, entries: map[string]entry{}, home: map[string]*File{}}
	open := map[string]*File{}
	for name := range where {
		all.names = append(all.names, name)
	}
	sort.Strings(all.names)
	for _, name := range all.names {
		shard := where[name]
		f, ok := open[shard]
		if !ok {
			if f, err = Open(filepath.Join(dir, shard)); err != nil {
				all.Close()
				return nil, err
			}
			open[shard] = f
			all.shards = append(all.shards, f)
			all.closers = append(all.closers, f.Close)
		}
		if !f.Has(name) {
			all.Close()
			return nil, fmt.Errorf("safetensors: %s: tensor %q is said to be in %s, which has no such tensor", index, name, shard)
		}
		all.home[name] = f
		all.entries[name] = f.entries[name]
	}
	return all, nil
}

// parseIndex returns the shards of tensors by an index, names of files in its directory.
func parseIndex(raw []byte) (map[string]string, error) {
	var list struct {
		WeightMap map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, err
	}
	if len(list.WeightMap) == 0 {
		return nil, errors.New("weight_map is missing or empty")
	}
	for name, shard := range list.WeightMap {
		if shard != filepath.Base(shard) {
			return nil, fmt.Errorf("tensor %q is said to be in %q, want a file name without a directory", name, shard)
		}
	}
	return list.WeightMap, nil
}
