package tokenizer

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// bpe is byte-pair encoding (Sennrich, Haddow and Birch 2016): a word begins as its
// characters, and of all neighbours the pair that was learned first is merged until
// none is left.
type bpe struct {
	vocab        map[string]int
	merges       map[pair]merge
	bytes        [256]int // tokens <0x00> to <0xFF>, or -1
	unknown      int      // or -1
	fuseUnknown  bool     // neighbours become one
	byteFallback bool
	whole        bool // a word in the vocabulary is not merged together
}

type pair struct{ left, right int }

type merge struct{ rank, id int }

func parseModel(raw json.RawMessage) (*bpe, error) {
	var m struct {
		Type         string            `json:"type"`
		Dropout      *float64          `json:"dropout"`
		UnkToken     *string           `json:"unk_token"`
		Prefix       *string           `json:"continuing_subword_prefix"`
		Suffix       *string           `json:"end_of_word_suffix"`
		FuseUnk      bool              `json:"fuse_unk"`
		ByteFallback bool              `json:"byte_fallback"`
		IgnoreMerges bool              `json:"ignore_merges"`
		Vocab        json.RawMessage   `json:"vocab"`
		Merges       []json.RawMessage `json:"merges"`
	}
	if absent(raw) {
		return nil, fmt.Errorf("is missing")
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, err
	}
	b := &bpe{merges: map[pair]merge{}, unknown: -1, fuseUnknown: m.FuseUnk, byteFallback: m.ByteFallback, whole: m.IgnoreMerges}
	switch {
	case m.Type != "BPE" && (m.Type != "" || m.Merges == nil):
		return nil, fmt.Errorf("type %q is not supported, want BPE", m.Type)
	case m.Dropout != nil && *m.Dropout != 0:
		return nil, fmt.Errorf("dropout %g is not supported: it makes tokens random", *m.Dropout)
	case m.Prefix != nil && *m.Prefix != "":
		return nil, fmt.Errorf("continuing_subword_prefix %q is not supported", *m.Prefix)
	case m.Suffix != nil && *m.Suffix != "":
		return nil, fmt.Errorf("end_of_word_suffix %q is not supported", *m.Suffix)
	}
	if err := json.Unmarshal(m.Vocab, &b.vocab); err != nil {
		return nil, fmt.Errorf("vocab: %w", err)
	}
	if m.UnkToken != nil {
		if id, ok := b.vocab[*m.UnkToken]; ok {
			b.unknown = id
		}
	}
	for i := range b.bytes {
		b.bytes[i] = -1
		if id, ok := b.vocab[fmt.Sprintf("<0x%02X>", i)]; ok {
			b.bytes[i] = id
		}
	}
	for rank, raw := range m.Merges {
		left, right, err := parseMerge(raw)
		if err != nil {
			return nil, fmt.Errorf("merge %d: %w", rank, err)
		}
		l, ok1 := b.vocab[left]
		r, ok2 := b.vocab[right]
		id, ok3 := b.vocab[left+right]
		if !ok1 || !ok2 || !ok3 {
			return nil, fmt.Errorf("merge %d of %q and %q: the three tokens are not all in the vocabulary", rank, left, right)
		}
		if _, twice := b.merges[pair{l, r}]; !twice {
			b.merges[pair{l, r}] = merge{rank, id}
		}
	}
	return b, nil
}

// parseMerge reads "left right", or ["left", "right"] of newer files.
func parseMerge(raw json.RawMessage) (left, right string, err error) {
	var two []string
	if json.Unmarshal(raw, &two) == nil {
		if len(two) != 2 {
			return "", "", fmt.Errorf("%s, want two tokens", raw)
		}
		return two[0], two[1], nil
	}
	var one string
	if err := json.Unmarshal(raw, &one); err != nil {
		return "", "", err
	}
	left, right, ok := strings.Cut(one, " ")
	if !ok || strings.Contains(right, " ") {
		return "", "", fmt.Errorf("%q, want two tokens with a space between", one)
	}
	return left, right, nil
}

// symbol is a token of a word that is being merged, in a list of those left.
type symbol struct {
	id         int // -1 once merged into its left neighbour
	prev, next int
}

// encode appends the tokens of a word.
func (b *bpe) encode(ids []int, word string) ([]int, error) {
	if b.whole {
		if id, ok := b.vocab[word]; ok {
			return append(ids, id), nil
		}
	}
	s, err := b.symbols(word)
	if err != nil {
		return ids, err
	}
	var q queue
	push := func(i int) { // the pair of symbol i and the next
		if j := s[i].next; j >= 0 {
			if m, ok := b.merges[pair{s[i].id, s[j].id}]; ok {
				q.push(candidate{m.rank, i, m.id, s[i].id, s[j].id})
			}
		}
	}
	for i := range s {
		push(i)
	}
	for len(q) > 0 {
		c := q.pop()
		i := c.at
		j := s[i].next
		if s[i].id != c.left || j < 0 || s[j].id != c.right {
			continue // one of the two has been merged since
		}
		s[i].id, s[i].next, s[j].id = c.id, s[j].next, -1
		if n := s[j].next; n >= 0 {
			s[n].prev = i
		}
		if p := s[i].prev; p >= 0 {
			push(p)
		}
		push(i)
	}
	for _, x := range s {
		if x.id >= 0 {
			ids = append(ids, x.id)
		}
	}
	return ids, nil
}

// symbols returns the characters of a word, or what stands for them.
func (b *bpe) symbols(word string) ([]symbol, error) {
	s := make([]symbol, 0, len(word))
	put := func(id int) { s = append(s, symbol{id, len(s) - 1, len(s) + 1}) }
	unknown := false // the last one was
	for i := 0; i < len(word); {
		_, n := utf8.DecodeRuneInString(word[i:])
		char := word[i : i+n]
		i += n
		if id, ok := b.vocab[char]; ok {
			put(id)
			unknown = false
			continue
		}
		if b.byteFallback && b.hasBytes(char) {
			for _, c := range []byte(char) {
				put(b.bytes[c])
			}
			unknown = false
			continue
		}
		if b.unknown < 0 {
			return nil, fmt.Errorf("%q is not in the vocabulary, which has no unknown token", char)
		}
		if !unknown || !b.fuseUnknown {
			put(b.unknown)
		}
		unknown = true
	}
	if len(s) > 0 {
		s[len(s)-1].next = -1
	}
	return s, nil
}

func (b *bpe) hasBytes(char string) bool {
	for _, c := range []byte(char) {
		if b.bytes[c] < 0 {
			return false
		}
	}
	return true
}

// candidate is a pair that may be merged.
type candidate struct {
	rank, at, id int
	left, right  int
}

// queue is a heap of candidates, the one learned first on top, and of equals the
// leftmost.
type queue []candidate

func (q queue) less(i, j int) bool {
	return q[i].rank < q[j].rank || q[i].rank == q[j].rank && q[i].at < q[j].at
}

func (q *queue) push(c candidate) {
	h := append(*q, c)
	for i := len(h) - 1; i > 0; {
		up := (i - 1) / 2
		if !h.less(i, up) {
			break
		}
		h[i], h[up] = h[up], h[i]
		i = up
	}
	*q = h
}

func (q *queue) pop() candidate {
	h := *q
	top, n := h[0], len(h)-1
	h[0] = h[n]
	h = h[:n]
	for i := 0; ; {
		best := i
		for c := 2*i + 1; c <= 2*i+2 && c < n; c++ {
			if h.less(c, best) {
				best = c
			}
		}
		if best == i {
			break
		}
		h[i], h[best] = h[best], h[i]
		i = best
	}
	*q = h
	return top
}
