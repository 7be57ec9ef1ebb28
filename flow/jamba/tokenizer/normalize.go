package tokenizer

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

func parseNormalizer(raw json.RawMessage) (func(string) string, error) {
	if absent(raw) {
		return func(s string) string { return s }, nil
	}
	k, err := kind(raw)
	if err != nil {
		return nil, err
	}
	switch k {
	case "Sequence":
		var seq struct {
			Normalizers []json.RawMessage `json:"normalizers"`
		}
		if err := json.Unmarshal(raw, &seq); err != nil {
			return nil, err
		}
		var all []func(string) string
		for _, r := range seq.Normalizers {
			f, err := parseNormalizer(r)
			if err != nil {
				return nil, err
			}
			all = append(all, f)
		}
		return func(s string) string {
			for _, f := range all {
				s = f(s)
			}
			return s
		}, nil
	case "Prepend":
		var p struct {
			Prepend string `json:"prepend"`
		}
		err := json.Unmarshal(raw, &p)
		return func(s string) string {
			if s == "" {
				return s
			}
			return p.Prepend + s
		}, err
	case "Replace":
		return parseReplace(raw)
	case "Strip":
		var strip struct {
			Left  bool `json:"strip_left"`
			Right bool `json:"strip_right"`
		}
		err := json.Unmarshal(raw, &strip)
		return func(s string) string {
			if strip.Left {
				s = strings.TrimLeftFunc(s, unicode.IsSpace)
			}
			if strip.Right {
				s = strings.TrimRightFunc(s, unicode.IsSpace)
			}
			return s
		}, err
	case "NFC":
		return norm.NFC.String, nil
	case "NFD":
		return norm.NFD.String, nil
	case "NFKC":
		return norm.NFKC.String, nil
	case "NFKD":
		return norm.NFKD.String, nil
	case "Lowercase":
		return strings.ToLower, nil
	}
	return nil, fmt.Errorf("type %q is not supported, want Sequence, Prepend, Replace, Strip, NFC, NFD, NFKC, NFKD or Lowercase", k)
}

// parseReplace reads a replacement of a string or an expression by text.
func parseReplace(raw json.RawMessage) (func(string) string, error) {
	var r struct {
		Pattern pattern `json:"pattern"`
		Content string  `json:"content"`
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return nil, err
	}
	find, err := r.Pattern.compile()
	if err != nil {
		return nil, err
	}
	return func(s string) string {
		var out strings.Builder
		done := 0
		find(s, func(lo, hi int) {
			out.WriteString(s[done:lo])
			out.WriteString(r.Content)
			done = hi
		})
		if done == 0 {
			return s
		}
		out.WriteString(s[done:])
		return out.String()
	}, nil
}
