// Package safetensors reads and writes files of named tensors in the
// safetensors format: eight bytes of little-endian header length, a JSON header
//
//	{"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, …,
//	 "__metadata__": {"key": "text"}}
//
// and the tensors, little-endian and row-major, without gaps. A file is mapped
// into memory where the system can, so opening a large one reads its header
// only. Nothing in a header is believed before it has been checked.
package safetensors
