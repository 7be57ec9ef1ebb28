package safetensors

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"sort"
	"unicode/utf8"

	"mflow/internal/atomicfile"
)

// Write writes the tensors and the metadata to a file. The same content gives the
// same bytes: tensors of wide elements come first, so that all are aligned, and
// then they are sorted by name. An earlier file is replaced at once or not at all.
func Write(path string, metadata map[string]string, tensors []Tensor) error {
	err := atomicfile.Write(path, func(w io.Writer) error { return Encode(w, metadata, tensors) })
	if err != nil {
		return fmt.Errorf("safetensors: %w", err)
	}
	return nil
}

// Encode writes what Write puts into a file.
func Encode(w io.Writer, metadata map[string]string, tensors []Tensor) error {
	ts := append([]Tensor(nil), tensors...)
	sort.Slice(ts, func(i, j int) bool {
		if a, b := ts[i].DType.Size(), ts[j].DType.Size(); a != b {
			return a > b
		}
		return ts[i].Name < ts[j].Name
	})
	header := map[string]any{}
	if len(metadata) > 0 {
		header["__metadata__"] = metadata
	}
	at := 0
	for _, t := range ts {
		size, err := t.DType.bytes(t.Shape)
		if err != nil {
			return fmt.Errorf("tensor %q %w", t.Name, err)
		}
		if size != len(t.Data) {
			return fmt.Errorf("tensor %q of type %s and shape %v has %d bytes, want %d", t.Name, t.DType, t.Shape, len(t.Data), size)
		}
		if t.Name == "__metadata__" || !utf8.ValidString(t.Name) {
			return fmt.Errorf("a tensor cannot be named %q", t.Name)
		}
		if _, twice := header[t.Name]; twice {
			return fmt.Errorf("tensor %q is given twice", t.Name)
		}
		shape := t.Shape
		if shape == nil {
			shape = []int{}
		}
		header[t.Name] = entry{t.DType, shape, []int{at, at + len(t.Data)}}
		at += len(t.Data)
	}
	text, err := json.Marshal(header) // sorts its keys
	if err != nil {
		return err
	}
	for len(text)%8 != 0 { // so that the data are aligned
		text = append(text, ' ')
	}
	if _, err := w.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(text)))); err != nil {
		return err
	}
	if _, err := w.Write(text); err != nil {
		return err
	}
	for _, t := range ts {
		if _, err := w.Write(t.Data); err != nil {
			return err
		}
	}
	return nil
}
