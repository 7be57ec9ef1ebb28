package tokenizer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Tokenizer is what a tokenizer.json describes. It is safe for concurrent use.
type Tokenizer struct {
	raw, normal added // tokens found before the normalizer and after it
	normalize   func(string) string
	split       func([]piece) []piece
	model       *bpe
	before      []int // what the post-processor puts around the tokens
	after       []int
	decode      func([]string) []string

	tokens  []string // by id; "" where there is none
	known   []bool
	special []bool
	ids     map[string]int
}

// piece is a part of the text on its way to the model.
type piece struct {
	text  string
	first bool // it begins where the text does
}

// maxTokens bounds the ids that a file can ask memory for.
const maxTokens = 1 << 22

// Load reads tokenizer.json, or the one in a directory.
func Load(path string) (*Tokenizer, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, "tokenizer.json")
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	t, err := Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %s: %w", path, err)
	}
	return t, nil
}

// Parse reads the text of tokenizer.json.
func Parse(raw []byte) (*Tokenizer, error) {
	var file struct {
		AddedTokens   []addedToken    `json:"added_tokens"`
		Normalizer    json.RawMessage `json:"normalizer"`
		PreTokenizer  json.RawMessage `json:"pre_tokenizer"`
		PostProcessor json.RawMessage `json:"post_processor"`
		Decoder       json.RawMessage `json:"decoder"`
		Model         json.RawMessage `json:"model"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		return nil, err
	}
	t := &Tokenizer{ids: map[string]int{}}
	var err error
	if t.model, err = parseModel(file.Model); err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	for token, id := range t.model.vocab {
		if err := t.put(token, id, false); err != nil {
			return nil, fmt.Errorf("model: %w", err)
		}
	}
	if t.normalize, err = parseNormalizer(file.Normalizer); err != nil {
		return nil, fmt.Errorf("normalizer: %w", err)
	}
	if t.split, err = parsePreTokenizer(file.PreTokenizer); err != nil {
		return nil, fmt.Errorf("pre_tokenizer: %w", err)
	}
	names := map[string]bool{}
	for _, a := range file.AddedTokens {
		if a.Content == "" {
			continue
		}
		names[a.Content] = true
		if err := t.put(a.Content, a.ID, a.Special); err != nil {
			return nil, fmt.Errorf("added_tokens: %w", err)
		}
		if a.Normalized {
			a.text = t.normalize(a.Content)
			t.normal.add(a)
		} else {
			a.text = a.Content
			t.raw.add(a)
		}
	}
	if t.before, t.after, err = parsePostProcessor(file.PostProcessor); err != nil {
		return nil, fmt.Errorf("post_processor: %w", err)
	}
	for _, id := range append(t.before, t.after...) {
		if id < 0 || id >= len(t.known) || !t.known[id] {
			return nil, fmt.Errorf("post_processor: there is no token %d", id)
		}
	}
	if t.decode, err = parseDecoder(file.Decoder, names); err != nil {
		return nil, fmt.Errorf("decoder: %w", err)
	}
	return t, nil
}

// put gives a token its id.
func (t *Tokenizer) put(token string, id int, special bool) error {
	if id < 0 || id >= maxTokens {
		return fmt.Errorf("token %q has id %d, want 0 to %d", token, id, maxTokens-1)
	}
	if had, ok := t.ids[token]; ok && had != id {
		return fmt.Errorf("token %q has ids %d and %d", token, had, id)
	}
	for len(t.tokens) <= id {
		t.tokens, t.known, t.special = append(t.tokens, ""), append(t.known, false), append(t.special, false)
	}
	if t.known[id] && t.tokens[id] != token {
		return fmt.Errorf("id %d is that of tokens %q and %q", id, t.tokens[id], token)
	}
	t.tokens[id], t.known[id], t.ids[token] = token, true, id
	t.special[id] = t.special[id] || special
	return nil
}

// Size returns the number of tokens: one more than the largest id.
func (t *Tokenizer) Size() int { return len(t.tokens) }

// Token returns the text of a token as the file has it.
func (t *Tokenizer) Token(id int) (string, bool) {
	if id < 0 || id >= len(t.tokens) || !t.known[id] {
		return "", false
	}
	return t.tokens[id], true
}

// ID returns the id of a token, by its text as the file has it.
func (t *Tokenizer) ID(token string) (int, bool) {
	id, ok := t.ids[token]
	return id, ok
}

// Encode returns the tokens of text. Added tokens are found in it by their names.
// With special, those that the post-processor puts around a text, such as the one at
// its beginning, are put there. A character for which the vocabulary has neither a
// token, nor bytes, nor an unknown token, is an error.
func (t *Tokenizer) Encode(text string, special bool) ([]int, error) {
	var ids []int
	if special {
		ids = append(ids, t.before...)
	}
	var err error
	t.raw.cut(text, func(s string, at, id int) {
		if id >= 0 {
			ids = append(ids, id)
			return
		}
		t.normal.cut(t.normalize(s), func(s string, n, id int) {
			if id >= 0 {
				ids = append(ids, id)
				return
			}
			for _, p := range t.split([]piece{{s, at == 0 && n == 0}}) {
				if err == nil {
					ids, err = t.model.encode(ids, p.text)
				}
			}
		})
	})
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	if special {
		ids = append(ids, t.after...)
	}
	return ids, nil
}

// Decode returns the text of tokens. Special tokens are left out unless they are
// wanted. Tokens that are bytes give these bytes, which need not be UTF-8: the rest of
// a character may be in the tokens to come.
func (t *Tokenizer) Decode(ids []int, special bool) (string, error) {
	tokens := make([]string, 0, len(ids))
	for i, id := range ids {
		token, ok := t.Token(id)
		if !ok {
			return "", fmt.Errorf("tokenizer: there is no token %d, at position %d", id, i)
		}
		if special || !t.special[id] {
			tokens = append(tokens, token)
		}
	}
	var out []byte
	for _, s := range t.decode(tokens) {
		out = append(out, s...)
	}
	return string(out), nil
}

// absent reports whether a part of the file is missing or null.
func absent(raw json.RawMessage) bool {
	return len(raw) == 0 || bytes.Equal(bytes.TrimSpace(raw), []byte("null"))
}

// kind returns the type of a part of the file.
func kind(raw json.RawMessage) (string, error) {
	var k struct {
		Type string `json:"type"`
	}
	err := json.Unmarshal(raw, &k)
	return k.Type, err
}
