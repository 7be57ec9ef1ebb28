package tokenizer

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// gpt2 is the expression that byte-level tokenizers split words by unless they say
// otherwise (Radford et al. 2019).
const gpt2 = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`

func parsePreTokenizer(raw json.RawMessage) (func([]piece) []piece, error) {
	if absent(raw) {
		return func(p []piece) []piece { return p }, nil
	}
	k, err := kind(raw)
	if err != nil {
		return nil, err
	}
	switch k {
	case "Sequence":
		var seq struct {
			PreTokenizers []json.RawMessage `json:"pretokenizers"`
		}
		if err := json.Unmarshal(raw, &seq); err != nil {
			return nil, err
		}
		var all []func([]piece) []piece
		for _, r := range seq.PreTokenizers {
			f, err := parsePreTokenizer(r)
			if err != nil {
				return nil, err
			}
			all = append(all, f)
		}
		return func(p []piece) []piece {
			for _, f := range all {
				p = f(p)
			}
			return p
		}, nil
	case "ByteLevel":
		return parseByteLevel(raw)
	case "Metaspace":
		return parseMetaspace(raw)
	case "Split":
		var s struct {
			Pattern  pattern `json:"pattern"`
			Behavior string  `json:"behavior"`
			Invert   bool    `json:"invert"`
		}
		if err := json.Unmarshal(raw, &s); err != nil {
			return nil, err
		}
		find, err := s.Pattern.compile()
		if err != nil {
			return nil, err
		}
		return splitter(find, s.Behavior, s.Invert)
	case "Digits":
		var d struct {
			Each bool `json:"individual_digits"`
		}
		if err := json.Unmarshal(raw, &d); err != nil {
			return nil, err
		}
		return splitter(runes(unicode.IsNumber, d.Each), "Isolated", false)
	case "Punctuation":
		p := struct {
			Behavior string `json:"behavior"`
		}{"Isolated"}
		if err := json.Unmarshal(raw, &p); err != nil {
			return nil, err
		}
		return splitter(runes(isPunct, true), p.Behavior, false)
	case "Whitespace":
		find, err := expression(`\w+|[^\w\s]+`)
		if err != nil {
			return nil, err
		}
		return splitter(find, "Removed", true)
	case "WhitespaceSplit":
		return splitter(runes(unicode.IsSpace, true), "Removed", false)
	}
	return nil, fmt.Errorf("type %q is not supported, want Sequence, ByteLevel, Metaspace, Split, Digits, Punctuation, Whitespace or WhitespaceSplit", k)
}

// splitter cuts pieces at the matches of find, or with invert between them.
func splitter(find finder, behavior string, invert bool) (func([]piece) []piece, error) {
	arrange, ok := behaviors[behavior]
	if !ok {
		return nil, fmt.Errorf("behavior %q is not supported, want Removed, Isolated, Contiguous, MergedWithPrevious or MergedWithNext", behavior)
	}
	return func(in []piece) []piece {
		var out []piece
		for _, p := range in {
			var cuts []cut
			done := 0
			find(p.text, func(lo, hi int) {
				if lo > done {
					cuts = append(cuts, cut{done, lo, invert})
				}
				cuts = append(cuts, cut{lo, hi, !invert})
				done = hi
			})
			if done < len(p.text) {
				cuts = append(cuts, cut{done, len(p.text), invert})
			}
			for _, c := range arrange(cuts) {
				out = append(out, piece{p.text[c.lo:c.hi], p.first && c.lo == 0})
			}
		}
		return out
	}, nil
}

// cut is a part of a piece, which is a match or lies between two.
type cut struct {
	lo, hi int
	match  bool
}

// behaviors say what becomes of matches.
var behaviors = map[string]func([]cut) []cut{
	"Isolated": func(c []cut) []cut { return c },
	"Removed": func(c []cut) []cut {
		var out []cut
		for _, x := range c {
			if !x.match {
				out = append(out, x)
			}
		}
		return out
	},
	"Contiguous": func(c []cut) []cut {
		var out []cut
		for i, x := range c {
			if i > 0 && x.match == c[i-1].match {
				out[len(out)-1].hi = x.hi
			} else {
				out = append(out, x)
			}
		}
		return out
	},
	// Of several matches in a row only the first joins what is before it.
	"MergedWithPrevious": func(c []cut) []cut {
		var out []cut
		for i, x := range c {
			if x.match && i > 0 && !c[i-1].match {
				out[len(out)-1].hi = x.hi
			} else {
				out = append(out, x)
			}
		}
		return out
	},
	// And only the last joins what follows.
	"MergedWithNext": func(c []cut) []cut {
		var out []cut
		for i, x := range c {
			if i > 0 && c[i-1].match && !x.match {
				out[len(out)-1].hi = x.hi
			} else {
				out = append(out, x)
			}
		}
		return out
	},
}

// parseByteLevel reads the splitter whose words are made of bytes, each written as a
// visible character.
func parseByteLevel(raw json.RawMessage) (func([]piece) []piece, error) {
	b := struct {
		Prefix bool `json:"add_prefix_space"`
		Regex  bool `json:"use_regex"`
	}{true, true}
	if err := json.Unmarshal(raw, &b); err != nil {
		return nil, err
	}
	find, err := expression(gpt2)
	if err != nil {
		return nil, err
	}
	words, err := splitter(find, "Isolated", false)
	if err != nil {
		return nil, err
	}
	return func(in []piece) []piece {
		out := append([]piece(nil), in...)
		for i, p := range out {
			if b.Prefix && !strings.HasPrefix(p.text, " ") {
				out[i].text = " " + p.text
			}
		}
		if b.Regex {
			out = words(out)
		}
		for i, p := range out {
			out[i].text = visible(p.text)
		}
		return out
	}, nil
}

// byteChars are the characters that stand for bytes: themselves where they can be
// seen, and others from U+0100 on.
var byteChars, charBytes = func() (chars [256]rune, back map[rune]byte) {
	back, next := map[rune]byte{}, rune(256)
	for b := range chars {
		r := rune(b)
		if r < '!' || r > '~' && r < '¡' || r == 0xad {
			r, next = next, next+1
		}
		chars[b], back[r] = r, byte(b)
	}
	return chars, back
}()

func visible(s string) string {
	var out strings.Builder
	for i := range len(s) {
		out.WriteRune(byteChars[s[i]])
	}
	return out.String()
}

// metaspace is the character that stands for a space, and when one is put before the
// text.
type metaspace struct {
	char    string
	prepend string // always, first or never
	split   bool
}

func (m *metaspace) UnmarshalJSON(raw []byte) error {
	v := struct {
		Replacement string  `json:"replacement"`
		Prefix      *bool   `json:"add_prefix_space"` // of older files
		Scheme      *string `json:"prepend_scheme"`
		Split       bool    `json:"split"`
	}{Replacement: "▁", Split: true}
	if err := json.Unmarshal(raw, &v); err != nil {
		return err
	}
	*m = metaspace{v.Replacement, "always", v.Split}
	switch {
	case v.Scheme != nil:
		m.prepend = *v.Scheme
	case v.Prefix != nil && !*v.Prefix:
		m.prepend = "never"
	}
	if m.prepend != "always" && m.prepend != "first" && m.prepend != "never" {
		return fmt.Errorf("prepend_scheme %q is not supported, want always, first or never", m.prepend)
	}
	if v.Prefix != nil && *v.Prefix != (m.prepend != "never") {
		return fmt.Errorf("add_prefix_space %v contradicts prepend_scheme %q", *v.Prefix, m.prepend)
	}
	if utf8.RuneCountInString(m.char) != 1 {
		return fmt.Errorf("replacement %q, want one character", m.char)
	}
	return nil
}

func parseMetaspace(raw json.RawMessage) (func([]piece) []piece, error) {
	var m metaspace
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, err
	}
	words, err := splitter(literal(m.char), "MergedWithNext", false)
	if err != nil {
		return nil, err
	}
	return func(in []piece) []piece {
		out := append([]piece(nil), in...)
		for i, p := range out {
			s := strings.ReplaceAll(p.text, " ", m.char)
			if (m.prepend == "always" || m.prepend == "first" && p.first) && !strings.HasPrefix(s, m.char) {
				s = m.char + s
			}
			out[i].text = s
		}
		if m.split {
			out = words(out)
		}
		return out
	}, nil
}
