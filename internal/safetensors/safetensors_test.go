package safetensors

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func file(header string, data int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, data)...)
}

func TestHostileHeaders(t *testing.T) {
	const ok = `{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`
	if _, err := Parse(file(ok, 8)); err != nil {
		t.Fatalf("a good file: %v", err)
	}
	for _, c := range []struct {
		name, want string
		raw        []byte
	}{
		{"empty", "too few", nil},
		{"seven bytes", "too few", make([]byte, 7)},
		{"length beyond the file", "truncated", binary.LittleEndian.AppendUint64(nil, 99)},
		{"length beyond reason", "at most", binary.LittleEndian.AppendUint64(nil, 1<<60)},
		{"not JSON", "JSON", file("hello", 0)},
		{"an array", "JSON", file("[1]", 0)},
		{"unfinished JSON", "header", file(`{"a":{"dtype":"F32"`, 0)},
		{"text after the object", "after the JSON", file(ok+"x", 8)},
		{"metadata not text", "__metadata__", file(`{"__metadata__":{"a":1}}`, 0)},
		{"unknown type", `type "F8"`, file(`{"a":{"dtype":"F8","shape":[2],"data_offsets":[0,8]}}`, 8)},
		{"negative shape", "shape [-1]", file(`{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,8]}}`, 8)},
		{"overflowing shape", "larger than any file", file(`{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}}`, 8)},
		{"wrong size", "takes 12 bytes", file(`{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}`, 8)},
		{"beyond the end", "truncated", file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 4)},
		{"backwards", "truncated", file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}`, 8)},
		{"three offsets", "two numbers", file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,9]}}`, 8)},
		{"no offsets", "two numbers", file(`{"a":{"dtype":"F32","shape":[0]}}`, 0)},
		{"no shape", "two numbers", file(`{"a":{"dtype":"F32","data_offsets":[0,4]}}`, 4)},
		{"gap", "gap", file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8)},
		{"overlap", "overlap", file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}`, 6)},
		{"data left over", "after the last", file(ok, 12)},
		{"twice", "twice", file(`{"a":{"dtype":"I8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"I8","shape":[1],"data_offsets":[1,2]}}`, 2)},
	} {
		_, err := Parse(c.raw)
		if err == nil {
			t.Errorf("%s: no error", c.name)
		} else if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %q, want one line with %q", c.name, err, c.want)
		}
	}
}

func sample() []Tensor {
	return []Tensor{
		Float32("z", []float32{1.5, float32(math.Inf(-1)), -0}, 3),
		Float64("a", []float64{math.Pi, -1e-300}, 2, 1),
		BFloat16("b", []float32{1, 3.140625}, 2),
		Float16("h", []float32{0.333251953125, -65504, 5.960464477539063e-08}, 3),
		Int8("i", []int8{-127, 5}, 1, 2),
		Int64("n", []int64{-1}),
		Float32("empty", nil, 0, 4),
	}
}

func TestRoundTrip(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.safetensors")
	meta := map[string]string{"k": "v\"ü"}
	if err := Write(path, meta, sample()); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if fmt.Sprint(f.Metadata) != fmt.Sprint(meta) {
		t.Errorf("metadata %v, want %v", f.Metadata, meta)
	}
	for _, want := range sample() {
		got, err := f.Tensor(want.Name)
		if err != nil {
			t.Fatal(err)
		}
		if got.DType != want.DType || fmt.Sprint(got.Shape) != fmt.Sprint(want.Shape) || !bytes.Equal(got.Data, want.Data) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	for name, e := range f.entries {
		if size := e.DType.Size(); e.Offsets[0]%size != 0 {
			t.Errorf("tensor %s begins at byte %d, not a multiple of %d", name, e.Offsets[0], size)
		}
	}
	var again bytes.Buffer
	ts := sample()
	ts[0], ts[3] = ts[3], ts[0]
	if err := Encode(&again, meta, ts); err != nil {
		t.Fatal(err)
	}
	raw, _ := os.ReadFile(path)
	if !bytes.Equal(raw, again.Bytes()) {
		t.Error("the order of the tensors changes the bytes")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestWriteErrors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	for _, ts := range [][]Tensor{
		{Float32("a", []float32{1, 2}, 3)},
		{Float32("a", []float32{1}, 1), Float32("a", []float32{1}, 1)},
		{{Name: "a", DType: "X", Shape: []int{1}, Data: []byte{1}}},
		{{Name: "a", DType: I8, Shape: []int{-1, -1}, Data: []byte{1}}},
		{{Name: "a", DType: I8, Shape: []int{1 << 32, 1 << 32}}},
		{Int8("__metadata__", []int8{1}, 1)},
		{Int8("\xff", []int8{1}, 1)},
	} {
		if err := Write(path, nil, ts); err == nil {
			t.Errorf("%v was written", ts)
		}
		if _, err := os.Stat(path); err == nil {
			t.Error("a file was left behind")
		}
	}
}

// TestHalves checks all 65,536 numbers of both half formats.
func TestHalves(t *testing.T) {
	for i := range 1 << 16 {
		v := FromBF16(uint16(i))
		if back := ToBF16(v); v == v && back != uint16(i) {
			t.Fatalf("bf16 %04x -> %g -> %04x", i, v, back)
		}
		h := FromF16(uint16(i))
		exp, frac := i>>10&31, i&1023
		want := math.Ldexp(float64(1024+frac), exp-25)
		switch {
		case exp == 0:
			want = math.Ldexp(float64(frac), -24)
		case exp == 31 && frac == 0:
			want = math.Inf(1)
		case exp == 31:
			if h == h {
				t.Fatalf("f16 %04x is %g, want NaN", i, h)
			}
			continue
		}
		if i>>15 == 1 {
			want = -want
		}
		if float64(h) != want {
			t.Fatalf("f16 %04x is %g, want %g", i, h, want)
		}
	}
	// Between two halves lies their midpoint: it goes to the even one, and its
	// neighbours to their own side. 65520 is half way to what would follow 65504.
	for i := range 0x7c00 {
		lo, hi := FromF16(uint16(i)), FromF16(uint16(i+1))
		if i == 0x7bff {
			hi = 65536
		}
		mid := (lo + hi) / 2 // exact
		for _, c := range []struct {
			v    float32
			want int
		}{
			{lo, i},
			{mid, i + i&1},
			{math.Nextafter32(mid, 0), i},
			{math.Nextafter32(mid, hi), i + 1},
		} {
			if got := ToF16(c.v); int(got) != c.want {
				t.Fatalf("%g rounds to %04x, want %04x", c.v, got, c.want)
			}
			if got := ToF16(-c.v); int(got) != c.want|0x8000 {
				t.Fatalf("%g rounds to %04x, want %04x", -c.v, got, c.want|0x8000)
			}
		}
	}
	if got := FromF16(ToF16(float32(math.NaN()))); got == got {
		t.Errorf("NaN became %g", got)
	}
	// Ties go to even; what is beyond half way is rounded up.
	for _, c := range []struct {
		bits uint32
		want uint16
	}{{0x3f808000, 0x3f80}, {0x3f818000, 0x3f82}, {0x3f808001, 0x3f81}, {0x7f7fffff, 0x7f80}} {
		if got := ToBF16(math.Float32frombits(c.bits)); got != c.want {
			t.Errorf("%08x rounds to %04x, want %04x", c.bits, got, c.want)
		}
	}
}

func TestSharded(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, ts ...Tensor) {
		if err := Write(filepath.Join(dir, name), nil, ts); err != nil {
			t.Fatal(err)
		}
	}
	index := func(s string) {
		if err := os.WriteFile(filepath.Join(dir, "model.safetensors.index.json"), []byte(s), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("1.safetensors", Float32("a", []float32{1}, 1))
	write("2.safetensors", Float32("b", []float32{2}, 1))
	index(`{"weight_map":{"a":"1.safetensors","b":"2.safetensors"}}`)
	f, err := OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	b, err := f.Tensor("b")
	if err != nil {
		t.Fatal(err)
	}
	if x, _ := b.Float32s(); x[0] != 2 {
		t.Errorf("b = %v", x)
	}
	f.Close()
	for name, bad := range map[string]string{
		"no such tensor": `{"weight_map":{"c":"1.safetensors"}}`,
		"no such file":   `{"weight_map":{"a":"3.safetensors"}}`,
		"without a dir":  `{"weight_map":{"a":"../1.safetensors"}}`,
		"weight_map":     `{}`,
		"index.json":     `{`,
	} {
		index(bad)
		if _, err := OpenDir(dir); err == nil {
			t.Errorf("%s: no error", bad)
		} else if name != "no such file" && !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v, want %q", bad, err, name)
		}
	}
}

// TestNumpyReads opens a written file with numpy alone.
func TestNumpyReads(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.safetensors")
	if err := Write(path, nil, sample()); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("/usr/bin/python3", "-c", `
import json, sys
try:
    import numpy as np
except ImportError:
    print("no numpy"); sys.exit()
raw = open(sys.argv[1], "rb").read()
n = int.from_bytes(raw[:8], "little")
h = json.loads(raw[8:8+n])
def tensor(name, dtype):
    lo, hi = h[name]["data_offsets"]
    return np.frombuffer(raw[8+n+lo:8+n+hi], dtype).reshape(h[name]["shape"])
print(tensor("z", "<f4")[0], tensor("a", "<f8").shape, tensor("i", "i1").tolist(), tensor("h", "<f2").tolist(), (8 + n) % 8)
`, path).CombinedOutput()
	if err != nil || strings.HasPrefix(string(out), "no numpy") {
		t.Skipf("numpy is not installed for /usr/bin/python3, so its reading of our files is not checked: %v", err)
	}
	if got := strings.TrimSpace(string(out)); got != "1.5 (2, 1) [[-127, 5]] [0.333251953125, -65504.0, 5.960464477539063e-08] 0" {
		t.Errorf("numpy read %s", got)
	}
}

func FuzzParse(f *testing.F) {
	var b bytes.Buffer
	if err := Encode(&b, map[string]string{"a": "b"}, sample()); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add(file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		file, err := Parse(raw)
		if err != nil {
			return
		}
		for _, name := range file.Names() { // what is taken can be read
			tensor, err := file.Tensor(name)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = tensor.Float64s()
			_, _ = tensor.Int64s()
		}
	})
}

// FuzzHeader is FuzzParse with the length of the header made to fit; what is taken can be
// written again and is then the same.
func FuzzHeader(f *testing.F) {
	f.Add([]byte(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"__metadata__":{"k":"v"}}`), make([]byte, 8))
	f.Add([]byte(`{"b":{"dtype":"BF16","shape":[1,0],"data_offsets":[0,0]},"a":{"dtype":"I8","shape":[],"data_offsets":[0,1]}}`), []byte{7})
	f.Fuzz(func(t *testing.T, header, data []byte) {
		raw := append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...)
		file, err := Parse(append(raw, data...))
		if err != nil {
			return
		}
		var ts []Tensor
		for _, name := range file.Names() {
			x, err := file.Tensor(name)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = x.Float64s()
			_, _ = x.Int64s()
			ts = append(ts, x)
		}
		var b bytes.Buffer
		if err := Encode(&b, file.Metadata, ts); err != nil {
			t.Fatal(err)
		}
		again, err := Parse(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range ts {
			y, err := again.Tensor(x.Name)
			if err != nil || y.DType != x.DType || !slices.Equal(y.Shape, x.Shape) || !bytes.Equal(y.Data, x.Data) {
				t.Fatalf("%v came back as %v, %v", x, y, err)
			}
		}
	})
}

// FuzzIndex: an index is taken only if all its shards are names of files beside it.
func FuzzIndex(f *testing.F) {
	f.Add([]byte(`{"metadata": {"total_size": 8}, "weight_map": {"a1": "1", "a2": "2"}}`))
	f.Add([]byte(`{"weight_map": {"a1": "../1", "a2": "model.safetensors.index.json"}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		where, err := parseIndex(raw)
		if err == nil && len(where) == 0 {
			t.Error("neither shards nor an error")
		}
		for name, shard := range where {
			if filepath.Dir(filepath.Join("dir", shard)) != "dir" && shard != "." && shard != ".." {
				t.Errorf("%q is said to be in %q", name, shard)
			}
		}
	})
}
