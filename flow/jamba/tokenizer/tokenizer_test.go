package tokenizer

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

func load(t testing.TB, name string) *Tokenizer {
	t.Helper()
	tok, err := Load("testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// Five tokenizers of different schools do what Hugging Face's own implementation
// does; testdata/make.py and oracle.mjs made the files.
func TestParity(t *testing.T) {
	raw, err := os.ReadFile("testdata/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	var expected map[string][]struct {
		Text          string
		IDs, Plain    []int
		Kept, Skipped string
	}
	if err := json.Unmarshal(raw, &expected); err != nil {
		t.Fatal(err)
	}
	for name, cases := range expected {
		t.Run(name, func(t *testing.T) {
			tok := load(t, name)
			for _, c := range cases {
				for _, special := range []bool{false, true} {
					want := c.Plain
					if special {
						want = c.IDs
					}
					got, err := tok.Encode(c.Text, special)
					if err != nil || !slices.Equal(got, want) {
						t.Errorf("Encode(%q, %v) = %v, %v, want %v", c.Text, special, got, err, want)
					}
				}
				for _, d := range []struct {
					ids     []int
					special bool
					want    string
				}{{c.Plain, true, c.Kept}, {c.IDs, false, c.Skipped}} {
					got, err := tok.Decode(d.ids, d.special)
					if err != nil || got != d.want {
						t.Errorf("Decode(%v, %v) = %q, %v, want %q", d.ids, d.special, got, err, d.want)
					}
				}
			}
		})
	}
}

// Every byte, and every text of two bytes that is UTF-8 or not, comes back from the
// tokenizers that know bytes.
func TestRoundTrip(t *testing.T) {
	for _, name := range []string{"gpt2", "llama2", "first"} {
		tok := load(t, name)
		for i := range 1 << 16 {
			text := "a" + string([]byte{byte(i >> 8), byte(i)})
			ids, err := tok.Encode(text, false)
			if err != nil {
				t.Fatal(err)
			}
			back, err := tok.Decode(ids, true)
			if name != "gpt2" { // which alone tells a space from the character that stands for it
				text = strings.ReplaceAll(text, "▁", " ")
			}
			if err != nil || back != text {
				t.Fatalf("%s: %q came back as %q, %v", name, text, back, err)
			}
		}
	}
}

// parts reads a pre-tokenizer and cuts a text with it.
func parts(t *testing.T, config, text string) []string {
	t.Helper()
	split, err := parsePreTokenizer([]byte(config))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, p := range split([]piece{{text, true}}) {
		out = append(out, p.text)
	}
	return out
}

// The cases with which Hugging Face documents its pre-tokenizers.
func TestPreTokenizers(t *testing.T) {
	const dash = `{"type":"Split","pattern":{"String":"-"},"invert":false,"behavior":`
	for _, c := range []struct {
		config, text string
		want         []string
	}{
		{dash + `"Removed"}`, "the-final--countdown", []string{"the", "final", "countdown"}},
		{dash + `"Isolated"}`, "the-final--countdown", []string{"the", "-", "final", "-", "-", "countdown"}},
		{dash + `"MergedWithPrevious"}`, "the-final--countdown", []string{"the-", "final-", "-", "countdown"}},
		{dash + `"MergedWithNext"}`, "the-final--countdown", []string{"the", "-final", "-", "-countdown"}},
		{dash + `"Contiguous"}`, "the-final--countdown", []string{"the", "-", "final", "--", "countdown"}},
		{`{"type":"Split","pattern":{"Regex":"\\w+"},"invert":true,"behavior":"Removed"}`, "ab, cd_é!", []string{"ab", "cd_é"}},
		{`{"type":"Metaspace","replacement":"▁","add_prefix_space":true}`, "Hey   friend!", []string{"▁Hey", "▁", "▁", "▁friend!"}},
		{`{"type":"Metaspace","replacement":"▁","prepend_scheme":"never","split":false}`, "Hey   friend!", []string{"Hey▁▁▁friend!"}},
		{`{"type":"Punctuation"}`, "Hey friend!     How are you?!?", []string{"Hey friend", "!", "     How are you", "?", "!", "?"}},
		{`{"type":"Digits","individual_digits":true}`, "call 911½", []string{"call ", "9", "1", "1", "½"}},
		{`{"type":"Digits","individual_digits":false}`, "call 911 a", []string{"call ", "911", " a"}},
		{`{"type":"Whitespace"}`, "Hey man, what's up?", []string{"Hey", "man", ",", "what", "'", "s", "up", "?"}},
		{`{"type":"WhitespaceSplit"}`, " Hey  man,\u00a0good?", []string{"Hey", "man,", "good?"}},
		{`{"type":"ByteLevel","add_prefix_space":true}`, "é  x", []string{"ĠÃ©", "Ġ", "Ġx"}},
		{`{"type":"ByteLevel","add_prefix_space":false}`, "I've 12 a's \n\n x\n", []string{"I", "'ve", "Ġ12", "Ġa", "'s", "ĠĊĊ", "Ġx", "Ċ"}},
	} {
		if got := parts(t, c.config, c.text); !slices.Equal(got, c.want) {
			t.Errorf("%s of %q: %q, want %q", c.config, c.text, got, c.want)
		}
	}
}

// Added tokens are found as their flags say.
func TestAdded(t *testing.T) {
	var a added
	a.add(addedToken{ID: 1, text: "<a>"})
	a.add(addedToken{ID: 2, text: "<a>b"})
	a.add(addedToken{ID: 3, text: "func", SingleWord: true})
	a.add(addedToken{ID: 4, text: "<l>", LStrip: true})
	a.add(addedToken{ID: 5, text: "<r>", RStrip: true})
	for text, want := range map[string]string{
		"x<a>bc":       "x|2:<a>b|c",
		"<a><a>":       "1:<a>|1:<a>",
		"<a":           "<a",
		"func funcs":   "3:func| funcs",
		"a func.":      "a |3:func|.",
		"éfunc":        "éfunc",
		"x \t<l> y":    "x|4: \t<l>| y",
		"<r>  <l>y":    "5:<r>  |4:<l>|y",
		"<l>":          "4:<l>",
		"a  <r>\n\nfn": "a  |5:<r>\n\n|fn",
		"":             "",
	} {
		var got []string
		at := 0
		a.cut(text, func(part string, begin, id int) {
			if begin != at {
				t.Errorf("%q: part %q begins at %d, want %d", text, part, begin, at)
			}
			at += len(part)
			if id >= 0 {
				part = string(rune('0'+id)) + ":" + part
			}
			got = append(got, part)
		})
		if s := strings.Join(got, "|"); s != want {
			t.Errorf("%q: %q, want %q", text, s, want)
		}
	}
}

func TestDecoders(t *testing.T) {
	for _, c := range []struct {
		config string
		tokens []string
		want   string
	}{
		{`null`, []string{"a", "b"}, "a b"},
		{`{"type":"Metaspace","replacement":"▁","prepend_scheme":"always"}`, []string{"▁Hey", "▁friend!"}, "Hey friend!"},
		{`{"type":"Metaspace","replacement":"▁","prepend_scheme":"never"}`, []string{"▁Hey", "▁friend!"}, " Hey friend!"},
		{`{"type":"ByteFallback"}`, []string{"<0xE2>", "<0x82>", "<0xAC>", "<0xZZ>", "<0x+1>"}, "€<0xZZ><0x+1>"},
		{`{"type":"Strip","content":"H","start":1,"stop":2}`, []string{"HHxHHH", "H"}, "HxH"},
		{`{"type":"ByteLevel"}`, []string{"Ġa", "ĠÃ©", "x y", "é"}, " a éx yé"},
	} {
		decode, err := parseDecoder([]byte(c.config), map[string]bool{"é": true})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(decode(c.tokens), ""); got != c.want {
			t.Errorf("%s of %q: %q, want %q", c.config, c.tokens, got, c.want)
		}
	}
}

// What is not understood is refused with one line that names it.
func TestParseErrors(t *testing.T) {
	const model = `"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}`
	if _, err := Parse([]byte("{" + model + "}")); err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{
		{`{`, "unexpected end"},
		{`{}`, "model: is missing"},
		{`{"model":{"type":"WordPiece","vocab":{}}}`, `"WordPiece" is not supported`},
		{`{"model":{"type":"Unigram","vocab":[]}}`, `"Unigram" is not supported`},
		{`{"model":{"type":"BPE","merges":[]}}`, "vocab"},
		{`{"model":{"type":"BPE","vocab":{"a":0},"merges":["a b"]}}`, "merge 0"},
		{`{"model":{"type":"BPE","vocab":{"a":0},"merges":["ab"]}}`, "merge 0"},
		{`{"model":{"type":"BPE","vocab":{"a":0},"merges":[["a"]]}}`, "merge 0"},
		{`{"model":{"type":"BPE","vocab":{"a":0},"merges":[7]}}`, "merge 0"},
		{`{"model":{"type":"BPE","vocab":{"a":-1},"merges":[]}}`, "id -1"},
		{`{"model":{"type":"BPE","vocab":{"a":99999999},"merges":[]}}`, "id 99999999"},
		{`{"model":{"type":"BPE","vocab":{"a":0,"b":0},"merges":[]}}`, "id 0"},
		{`{"model":{"type":"BPE","dropout":0.1,"vocab":{"a":0},"merges":[]}}`, "dropout"},
		{`{"model":{"type":"BPE","end_of_word_suffix":"</w>","vocab":{"a":0},"merges":[]}}`, "end_of_word_suffix"},
		{`{` + model + `,"added_tokens":[{"id":1,"content":"x"}]}`, "id 1"},
		{`{` + model + `,"added_tokens":[{"id":5,"content":"a"}]}`, "ids 0 and 5"},
		{`{` + model + `,"normalizer":{"type":"Precompiled"}}`, "Precompiled"},
		{`{` + model + `,"normalizer":{"type":"Sequence","normalizers":[{"type":"BertNormalizer"}]}}`, "BertNormalizer"},
		{`{` + model + `,"normalizer":{"type":"Replace","pattern":{"String":""},"content":""}}`, "empty"},
		{`{` + model + `,"pre_tokenizer":{"type":"UnicodeScripts"}}`, "UnicodeScripts"},
		{`{` + model + `,"pre_tokenizer":{"type":"Metaspace","prepend_scheme":"often"}}`, "often"},
		{`{` + model + `,"pre_tokenizer":{"type":"Metaspace","prepend_scheme":"always","add_prefix_space":false}}`, "contradicts"},
		{`{` + model + `,"pre_tokenizer":{"type":"Split","pattern":{"String":"x"},"behavior":"Dropped"}}`, "Dropped"},
		{`{` + model + `,"pre_tokenizer":{"type":"Split","pattern":{"Regex":"(?=a)"},"behavior":"Removed"}}`, "(?=a)"},
		{`{` + model + `,"pre_tokenizer":{"type":"Split","pattern":{"Regex":"a++"},"behavior":"Removed"}}`, "possessive"},
		{`{` + model + `,"pre_tokenizer":{"type":"Split","pattern":{"Regex":"^a"},"behavior":"Removed"}}`, "^"},
		{`{` + model + `,"pre_tokenizer":{"type":"Split","pattern":{"Regex":"\\bx"},"behavior":"Removed"}}`, "\\b"},
		{`{` + model + `,"pre_tokenizer":{"type":"Split","pattern":{"Regex":"[a&&b]"},"behavior":"Removed"}}`, "intersection"},
		{`{` + model + `,"post_processor":{"type":"BertProcessing"}}`, "BertProcessing"},
		{`{` + model + `,"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"s"}}]}}`, "no ids"},
		{`{` + model + `,"post_processor":{"type":"TemplateProcessing","single":[]}}`, "no sequence"},
		{`{` + model + `,"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"s"}},{"Sequence":{"id":"A"}}],"special_tokens":{"s":{"ids":[9]}}}}`, "no token 9"},
		{`{` + model + `,"decoder":{"type":"CTC"}}`, "CTC"},
	} {
		if _, err := Parse([]byte(c[0])); err == nil || !strings.Contains(err.Error(), c[1]) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q", c[0], err, c[1])
		}
	}
	if _, err := Load("testdata/none.json"); err == nil || !strings.Contains(err.Error(), "none.json") {
		t.Errorf("%v, want the path", err)
	}
}

func TestEncodeErrors(t *testing.T) {
	tok, err := Parse([]byte(`{"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":4},"merges":["a b"]}}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tok.Encode("abc", false); err == nil || !strings.Contains(err.Error(), `"c" is not in the vocabulary`) {
		t.Errorf("unknown character: %v", err)
	}
	for _, id := range []int{-1, 2, 5} {
		if _, err := tok.Decode([]int{0, id}, true); err == nil || !strings.Contains(err.Error(), "position 1") {
			t.Errorf("token %d: %v", id, err)
		}
	}
	if ids, err := tok.Encode("abab", false); err != nil || !slices.Equal(ids, []int{4, 4}) {
		t.Errorf("%v, %v", ids, err)
	}
}

// A merge is the earliest learned, then the leftmost: the plain loop that scans all
// pairs gives the same.
func TestMergeOrder(t *testing.T) {
	tok := load(t, "llama2")
	for _, text := range []string{"▁the▁encoding", "aaaaaaaaa", "▁▁▁▁▁▁▁▁▁▁▁▁▁", "returns▁returned▁interface", strings.Repeat("▁json.Marshal", 20)} {
		got, err := tok.model.encode(nil, text)
		if err != nil {
			t.Fatal(err)
		}
		if want := plainMerge(tok.model, text); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func plainMerge(b *bpe, word string) (ids []int) {
	s, _ := b.symbols(word)
	for _, x := range s {
		ids = append(ids, x.id)
	}
	for {
		best, at := merge{rank: 1 << 30}, -1
		for i := 1; i < len(ids); i++ {
			if m, ok := b.merges[pair{ids[i-1], ids[i]}]; ok && m.rank < best.rank {
				best, at = m, i
			}
		}
		if at < 0 {
			return ids
		}
		ids[at-1] = best.id
		ids = slices.Delete(ids, at, at+1)
	}
}

func TestBytes(t *testing.T) {
	b := Bytes{Special: []string{"<s>", "<s>x", ""}}
	ids, err := b.Encode("a<s>xé<s>", true)
	if err != nil || !slices.Equal(ids, []int{97, 257, 0xc3, 0xa9, 256}) || b.Size() != 259 {
		t.Errorf("%v, %v", ids, err)
	}
	if s, err := b.Decode(ids, false); err != nil || s != "aé" {
		t.Errorf("%q, %v", s, err)
	}
	if s, err := b.Decode(ids, true); err != nil || s != "a<s>xé<s>" {
		t.Errorf("%q, %v", s, err)
	}
	if _, err := b.Decode([]int{259}, true); err == nil || !strings.Contains(err.Error(), "outside [0, 259)") {
		t.Errorf("%v", err)
	}
}

// The file of Bytes gives the tokens of Bytes, for every byte.
func TestBytesJSON(t *testing.T) {
	for _, b := range []Bytes{{}, {Special: []string{"<s>", "</s>"}}} {
		raw, err := b.JSON()
		if err != nil {
			t.Fatal(err)
		}
		file, err := Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		text := "<s>héllo,  world\r\n\t</s>\x00日本\xff\xfe"
		for i := range 256 {
			text += string([]byte{byte(i)})
		}
		want, err1 := b.Encode(text, true)
		got, err2 := file.Encode(text, true)
		if err1 != nil || err2 != nil || !slices.Equal(got, want) || file.Size() != b.Size() {
			t.Errorf("%v and %v; %v, %v; sizes %d and %d", got, want, err1, err2, file.Size(), b.Size())
		}
		if back, err := file.Decode(want, true); err != nil || back != text {
			t.Errorf("%q, %v", back, err)
		}
	}
}

// No text makes a tokenizer fail, and byte-level text comes back.
func FuzzEncode(f *testing.F) {
	for _, s := range []string{"", "Hello  world\n", "a<|endoftext|>b", "\xff\xfe", "▁x ▁"} {
		f.Add(s)
	}
	gpt2, llama3, llama2 := load(f, "gpt2"), load(f, "llama3"), load(f, "llama2")
	f.Fuzz(func(t *testing.T, text string) {
		ids, err := gpt2.Encode(text, false)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := gpt2.Decode(ids, true); err != nil || back != text {
			t.Fatalf("%q came back as %q, %v", text, back, err)
		}
		for _, tok := range []*Tokenizer{llama3, llama2} {
			ids, err := tok.Encode(text, true)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tok.Decode(ids, false); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// No file makes Parse or what it returns panic.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"model":{"vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]},"normalizer":{"type":"NFC"}}`))
	f.Add([]byte(`{"model":{"type":"BPE","vocab":{"<s>":0,"<0x0A>":1,"▁a":2,"▁":3,"a":4},"merges":[["▁","a"]],"byte_fallback":true,"unk_token":"<s>","ignore_merges":true},
		"added_tokens":[{"id":0,"content":"<s>","special":true,"lstrip":true,"normalized":true}],"normalizer":{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},{"type":"Replace","pattern":{"Regex":"\\s+"},"content":"▁"}]},
		"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"\\d|\\s+(?!\\S)|\\s+"},"behavior":"MergedWithNext","invert":true},{"type":"Metaspace","replacement":"▁","prepend_scheme":"first"}]},
		"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"s"}},{"Sequence":{"id":"A"}}],"special_tokens":{"s":{"ids":[0]}}},
		"decoder":{"type":"Sequence","decoders":[{"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1}]}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		tok, err := Parse(raw)
		if err != nil {
			return
		}
		if ids, err := tok.Encode("ab <s> 12\n", true); err == nil {
			_, _ = tok.Decode(ids, true)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	raw, err := os.ReadFile("testdata/make.py")
	if err != nil {
		b.Fatal(err)
	}
	text := strings.Repeat(string(raw), 4)
	for _, name := range []string{"gpt2", "llama3", "llama2"} {
		tok := load(b, name)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if _, err := tok.Encode(text, true); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
