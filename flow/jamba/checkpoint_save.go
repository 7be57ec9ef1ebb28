package jamba

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"mflow/internal/atomicfile"
	"mflow/internal/safetensors"
)

// stored is a tensor that is to be written; its bytes are made when it is.
type stored struct {
	name  string
	bytes int64
	make  func() safetensors.Tensor
}

// Save writes a checkpoint in the Hugging Face layout to a directory: config.json
// and model.safetensors, or shards of at most maxShard bytes with their index if
// maxShard is positive. bf16 rounds the weights to bfloat16.
//
// A matrix that is Int8 is written as two tensors, <name>.int8 of type I8 and
// <name>.scale of type F32, which Load understands and Hugging Face does not.
func (m *Model) Save(dir string, bf16 bool, maxShard int64) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("jamba: %w", err)
	}
	dtype := "float32"
	if bf16 {
		dtype = "bfloat16"
	}
	if err := m.saveConfig(dir, dtype); err != nil {
		return err
	}
	var shards [][]stored
	var total, room int64
	for _, t := range m.tensors(bf16) {
		if len(shards) == 0 || maxShard > 0 && room+t.bytes > maxShard {
			shards, room = append(shards, nil), 0
		}
		last := len(shards) - 1
		shards[last] = append(shards[last], t)
		room += t.bytes
		total += t.bytes
	}
	index := map[string]string{}
	for i, list := range shards {
		file := "model.safetensors"
		if len(shards) > 1 {
			file = fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, len(shards))
		}
		ts := make([]safetensors.Tensor, len(list))
		for j, t := range list {
			ts[j] = t.make()
			index[t.name] = file
		}
		meta := map[string]string{"format": "pt"} // which Hugging Face's loader asks for
		if err := safetensors.Write(filepath.Join(dir, file), meta, ts); err != nil {
			return err
		}
	}
	path := filepath.Join(dir, "model.safetensors.index.json")
	if len(shards) == 1 {
		// The index of an earlier checkpoint would be believed before the new file.
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("jamba: %w", err)
		}
		return nil
	}
	return writeJSON(path, map[string]any{
		"metadata": map[string]int64{"total_size": total}, "weight_map": index,
	})
}

// tensors lists what a checkpoint holds.
func (m *Model) tensors(bf16 bool) (list []stored) {
	m.Weights.Walk(m.Config, func(name string, shape []int, data []float32) {
		n, write := int64(4*len(data)), safetensors.Float32
		if bf16 {
			n, write = int64(2*len(data)), safetensors.BFloat16
		}
		list = append(list, stored{name, n, func() safetensors.Tensor { return write(name, data, shape...) }})
	})
	m.Weights.projections(m.Config, func(name string, _ bool, out, in int, l *Linear) {
		if w, ok := (*l).(*Int8); ok {
			list = append(list,
				stored{name + ".int8", int64(len(w.Q)), func() safetensors.Tensor {
					return safetensors.Int8(name+".int8", w.Q, out, in)
				}},
				stored{name + ".scale", int64(4 * out), func() safetensors.Tensor {
					return safetensors.Float32(name+".scale", w.Scale, out)
				}})
		}
	})
	return list
}

func (m *Model) saveConfig(dir, dtype string) error {
	raw, err := json.Marshal(m.Config)
	if err != nil {
		return fmt.Errorf("jamba: %w", err)
	}
	all := map[string]any{}
	if err := json.Unmarshal(raw, &all); err != nil {
		return fmt.Errorf("jamba: %w", err)
	}
	all["model_type"], all["architectures"], all["torch_dtype"] = "jamba", []string{"JambaForCausalLM"}, dtype
	all["mamba_dt_rank"] = m.Config.DtRank()
	all["use_mamba_kernels"] = false
	for key, id := range map[string]int{"pad_token_id": m.Config.PadTokenID, "bos_token_id": m.Config.BOSTokenID} {
		if id < 0 {
			all[key] = nil
		}
	}
	return writeJSON(filepath.Join(dir, "config.json"), all)
}

func writeJSON(path string, v any) error {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err == nil {
		err = atomicfile.Write(path, func(w io.Writer) error {
			_, err := w.Write(append(raw, '\n'))
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("jamba: %w", err)
	}
	return nil
}
