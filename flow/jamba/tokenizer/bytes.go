package tokenizer

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Bytes has a token for every byte, 0 to 255, and after them one for every special
// token. The zero value is usable.
type Bytes struct {
	Special []string
}

// Size returns the number of tokens.
func (b Bytes) Size() int { return 256 + len(b.Special) }

// Encode returns the tokens of text, in which special tokens are found by their
// names, the longest first. None are added, whatever special says.
func (b Bytes) Encode(text string, special bool) ([]int, error) {
	var ids []int
	for len(text) > 0 {
		best := -1
		for i, s := range b.Special {
			if s != "" && strings.HasPrefix(text, s) && (best < 0 || len(s) > len(b.Special[best])) {
				best = i
			}
		}
		if best >= 0 {
			ids, text = append(ids, 256+best), text[len(b.Special[best]):]
			continue
		}
		ids, text = append(ids, int(text[0])), text[1:]
	}
	return ids, nil
}

// Decode returns the text of tokens. Special tokens are left out unless they are
// wanted.
func (b Bytes) Decode(ids []int, special bool) (string, error) {
	var out strings.Builder
	for i, id := range ids {
		switch {
		case id < 0 || id >= b.Size():
			return "", fmt.Errorf("tokenizer: token %d at position %d outside [0, %d)", id, i, b.Size())
		case id < 256:
			out.WriteByte(byte(id))
		case special:
			out.WriteString(b.Special[id-256])
		}
	}
	return out.String(), nil
}

// JSON returns the tokenizer.json that gives the same tokens: byte pairs without any
// pair, so that other programs read what was trained on bytes.
func (b Bytes) JSON() ([]byte, error) {
	vocab := map[string]int{}
	for i, r := range byteChars {
		vocab[string(r)] = i
	}
	added := []addedToken{}
	for i, s := range b.Special {
		added = append(added, addedToken{ID: 256 + i, Content: s, Special: true})
	}
	level := map[string]any{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false}
	return json.Marshal(map[string]any{
		"version": "1.0", "truncation": nil, "padding": nil, "added_tokens": added, "normalizer": nil,
		"pre_tokenizer": level, "post_processor": nil, "decoder": level,
		"model": map[string]any{
			"type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": nil, "end_of_word_suffix": nil,
			"fuse_unk": false, "byte_fallback": false, "vocab": vocab, "merges": []string{},
		},
	})
}
