package tokenizer

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// parseDecoder returns what turns tokens into parts of the text. Added tokens are
// text, whatever characters they have.
func parseDecoder(raw json.RawMessage, added map[string]bool) (func([]string) []string, error) {
	if absent(raw) {
		return func(t []string) []string { return []string{strings.Join(t, " ")} }, nil
	}
	k, err := kind(raw)
	if err != nil {
		return nil, err
	}
	switch k {
	case "Sequence":
		var seq struct {
			Decoders []json.RawMessage `json:"decoders"`
		}
		if err := json.Unmarshal(raw, &seq); err != nil {
			return nil, err
		}
		var all []func([]string) []string
		for _, r := range seq.Decoders {
			f, err := parseDecoder(r, added)
			if err != nil {
				return nil, err
			}
			all = append(all, f)
		}
		return func(t []string) []string {
			for _, f := range all {
				t = f(t)
			}
			return t
		}, nil
	case "ByteLevel":
		return each(func(s string, _ int) string {
			if added[s] {
				return s
			}
			return hidden(s)
		}), nil
	case "Metaspace":
		var m metaspace
		if err := json.Unmarshal(raw, &m); err != nil {
			return nil, err
		}
		return each(func(s string, i int) string {
			if i == 0 && m.prepend != "never" {
				return strings.ReplaceAll(s, m.char, "")
			}
			return strings.ReplaceAll(s, m.char, " ")
		}), nil
	case "Replace":
		f, err := parseReplace(raw)
		if err != nil {
			return nil, err
		}
		return each(func(s string, _ int) string { return f(s) }), nil
	case "ByteFallback":
		return each(func(s string, _ int) string { return fallbackByte(s) }), nil
	case "Fuse":
		return func(t []string) []string { return []string{strings.Join(t, "")} }, nil
	case "Strip":
		var strip struct {
			Content string `json:"content"`
			Start   int    `json:"start"`
			Stop    int    `json:"stop"`
		}
		if err := json.Unmarshal(raw, &strip); err != nil {
			return nil, err
		}
		if strip.Content == "" {
			return nil, fmt.Errorf("type Strip has no content")
		}
		return each(func(s string, _ int) string {
			for n := 0; n < strip.Start && strings.HasPrefix(s, strip.Content); n++ {
				s = s[len(strip.Content):]
			}
			for n := 0; n < strip.Stop && strings.HasSuffix(s, strip.Content); n++ {
				s = s[:len(s)-len(strip.Content)]
			}
			return s
		}), nil
	}
	return nil, fmt.Errorf("type %q is not supported, want Sequence, ByteLevel, Metaspace, Replace, ByteFallback, Fuse or Strip", k)
}

// each applies f to every token, with its place.
func each(f func(s string, i int) string) func([]string) []string {
	return func(t []string) []string {
		out := make([]string, len(t))
		for i, s := range t {
			out[i] = f(s, i)
		}
		return out
	}
}

// hidden returns the bytes that a token's characters stand for. A token with any other
// character is text.
func hidden(s string) string {
	out := make([]byte, 0, len(s))
	for _, r := range s {
		b, ok := charBytes[r]
		if !ok {
			return s
		}
		out = append(out, b)
	}
	return string(out)
}

// fallbackByte returns the byte of a token <0x00> to <0xFF>, and others as they are.
func fallbackByte(s string) string {
	if len(s) == 6 && strings.HasPrefix(s, "<0x") && s[5] == '>' {
		if b, err := strconv.ParseUint(s[3:5], 16, 8); err == nil {
			return string([]byte{byte(b)})
		}
	}
	return s
}
