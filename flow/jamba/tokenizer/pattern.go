package tokenizer

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// pattern is a string or a regular expression of the file.
type pattern struct {
	String *string
	Regex  *string
}

// finder calls f for the matches in a text, from left to right. None is empty.
type finder func(text string, f func(lo, hi int))

func (p pattern) compile() (finder, error) {
	switch {
	case p.String != nil && *p.String != "":
		return literal(*p.String), nil
	case p.Regex != nil:
		return expression(*p.Regex)
	}
	return nil, fmt.Errorf("a pattern is empty")
}

func literal(s string) finder {
	return func(text string, f func(lo, hi int)) {
		for at := 0; ; at += len(s) {
			i := strings.Index(text[at:], s)
			if i < 0 {
				return
			}
			at += i
			f(at, at+len(s))
		}
	}
}

// What Oniguruma, which Hugging Face matches with, means by classes: Go's are ASCII.
const (
	space    = `\t-\r \x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}`
	notSpace = `\x{0}-\x{8}\x{e}-\x{1f}!-\x{84}\x{86}-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}\x{202a}-\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{10ffff}`
	word     = `\p{L}\p{M}\p{Nd}\p{Pc}`
	gap      = `\s+(?!\S)|\s+` // the end of the expressions of GPT-2 and its heirs
)

// expression compiles a regular expression in the syntax of Oniguruma, as far as it
// is used by tokenizers. Go's matcher takes linear time and has no assertions. The one
// that tokenizers need, white space up to the last before a word, is supplied by hand.
func expression(re string) (finder, error) {
	text, gaps := strings.CutSuffix(re, gap)
	if gaps {
		text += `(\s+)`
	}
	translated, err := translate(text)
	if err != nil {
		return nil, fmt.Errorf("expression %q %w", re, err)
	}
	compiled, err := regexp.Compile(translated)
	if err != nil {
		return nil, fmt.Errorf("expression %q is not supported: %w", re, err)
	}
	if gaps {
		// Other groups would come before it.
		if n := compiled.NumSubexp(); n != 1 {
			return nil, fmt.Errorf("expression %q with groups that capture is not supported", re)
		}
	}
	return func(text string, f func(lo, hi int)) {
		for at := 0; at < len(text); {
			m := compiled.FindStringSubmatchIndex(text[at:])
			if m == nil {
				return
			}
			lo, hi := at+m[0], at+m[1]
			if gaps && m[2] >= 0 && hi < len(text) {
				// The last space belongs to the word, unless it is the only one.
				if _, n := utf8.DecodeLastRuneInString(text[lo:hi]); lo < hi-n {
					hi -= n
				}
			}
			if lo == hi { // nothing here: look from the next character on
				_, n := utf8.DecodeRuneInString(text[lo:])
				at = lo + max(n, 1)
				continue
			}
			f(lo, hi)
			at = hi
		}
	}, nil
}

// translate writes out classes that differ, and refuses what depends on the text
// around a match.
func translate(re string) (string, error) {
	var out strings.Builder
	class := 0 // depth of brackets
	for i := 0; i < len(re); i++ {
		c := re[i]
		switch {
		case c == '\\' && i+1 < len(re):
			i++
			ranges, ok := map[byte]string{'s': space, 'S': notSpace, 'd': `\p{Nd}`, 'w': word}[re[i]]
			switch {
			case ok && class > 0:
				out.WriteString(ranges)
			case ok:
				out.WriteString("[" + ranges + "]")
			case strings.IndexByte("bBAzZGKRXhHDW", re[i]) >= 0:
				return "", fmt.Errorf("has \\%c, which is not supported", re[i])
			default:
				out.WriteString(re[i-1 : i+1])
			}
			continue
		case c == '[':
			class++
			if class > 1 && !strings.HasPrefix(re[i:], "[:") {
				return "", fmt.Errorf("has a class in a class, which is not supported")
			}
		case c == ']' && class > 0:
			class--
		case class > 0 && strings.HasPrefix(re[i:], "&&"):
			return "", fmt.Errorf("has an intersection of classes, which is not supported")
		case class == 0 && (c == '^' || c == '$'):
			return "", fmt.Errorf("has %c, which is not supported", c)
		case class == 0 && c == '+' && i > 0 && strings.IndexByte("+*?", re[i-1]) >= 0 && !escaped(re, i-1):
			return "", fmt.Errorf("has a possessive %q, which is not supported", re[i-1:i+1])
		}
		out.WriteByte(c)
	}
	return out.String(), nil
}

// escaped reports whether the character at i follows an odd number of backslashes.
func escaped(re string, i int) bool {
	n := 0
	for ; i > 0 && re[i-1] == '\\'; i-- {
		n++
	}
	return n%2 == 1
}

// runes finds the characters for which is holds: each, or as many as there are
// together.
func runes(is func(rune) bool, each bool) finder {
	return func(text string, f func(lo, hi int)) {
		lo := -1
		for i, r := range text {
			if is(r) {
				if lo < 0 {
					lo = i
				}
				if each {
					_, n := utf8.DecodeRuneInString(text[i:])
					f(lo, i+n)
					lo = -1
				}
			} else if lo >= 0 {
				f(lo, i)
				lo = -1
			}
		}
		if lo >= 0 {
			f(lo, len(text))
		}
	}
}

func isPunct(r rune) bool {
	return unicode.IsPunct(r) || r < utf8.RuneSelf && unicode.IsSymbol(r)
}
