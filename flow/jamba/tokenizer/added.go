package tokenizer

import (
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"
)

// addedToken is a token that is found in the text before the model sees it.
type addedToken struct {
	ID         int    `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"` // not inside a word
	LStrip     bool   `json:"lstrip"`      // takes the white space before it
	RStrip     bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"` // found in normalized text
	Special    bool   `json:"special"`

	text string // what is looked for
}

// added finds tokens by their first byte, the longest first.
type added struct {
	by [256][]addedToken
}

func (a *added) add(t addedToken) {
	if t.text == "" {
		return
	}
	list := append(a.by[t.text[0]], t)
	sort.SliceStable(list, func(i, j int) bool { return len(list[i].text) > len(list[j].text) })
	a.by[t.text[0]] = list
}

// cut calls f for the parts of the text in order, with the places where they begin: id
// is that of an added token, or -1.
func (a *added) cut(text string, f func(part string, at, id int)) {
	done := 0 // what f has seen
	for i := 0; i < len(text); {
		t, ok := a.find(text, i)
		if !ok {
			i++
			continue
		}
		lo, hi := i, i+len(t.text)
		i = hi
		if t.SingleWord && (endsInWord(text[:lo]) || beginsWithWord(text[hi:])) {
			continue
		}
		if t.LStrip {
			lo = max(done, len(strings.TrimRightFunc(text[:lo], unicode.IsSpace)))
		}
		if t.RStrip {
			hi = len(text) - len(strings.TrimLeftFunc(text[hi:], unicode.IsSpace))
		}
		if lo > done {
			f(text[done:lo], done, -1)
		}
		f(text[lo:hi], lo, t.ID)
		done, i = hi, max(i, hi)
	}
	if done < len(text) {
		f(text[done:], done, -1)
	}
}

// find returns the longest token that begins at i.
func (a *added) find(text string, i int) (addedToken, bool) {
	for _, t := range a.by[text[i]] {
		if strings.HasPrefix(text[i:], t.text) {
			return t, true
		}
	}
	return addedToken{}, false
}

func isWord(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsMark(r) || unicode.Is(unicode.Nd, r) || unicode.Is(unicode.Pc, r)
}

func endsInWord(s string) bool {
	r, n := utf8.DecodeLastRuneInString(s)
	return n > 0 && isWord(r)
}

func beginsWithWord(s string) bool {
	r, n := utf8.DecodeRuneInString(s)
	return n > 0 && isWord(r)
}
