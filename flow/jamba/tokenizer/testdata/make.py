"""Makes the small tokenizers of this directory: python3 make.py GOROOT

Their merges are learned from the documentation comments of Go's standard library and a
few lines in other scripts. oracle.mjs then writes what they make of texts.
"""
import collections, glob, json, re, sys

corpus = ""
for name in sorted(glob.glob(sys.argv[1] + "/src/[a-s]*/doc.go"))[:25]:
    corpus += open(name).read()
corpus += ("Größe und Übermut, façade naïve, Ελληνικά και λόγος, русский текст и язык, 日本語のテキスト, "
           "中文文本和标记, العربية, हिन्दी भाषा, 1234567890 3.14159 2024-08-22 don't we'll I'm they've it's ") * 6


def chars():
    """The characters of bytes 0 to 255 in byte-level tokenizers."""
    out, n = [], 0
    for b in range(256):
        if 33 <= b <= 126 or 161 <= b <= 255 and b != 173:
            out.append(chr(b))
        else:
            out.append(chr(256 + n))
            n += 1
    return out


BYTES = chars()


def visible(word):
    return [BYTES[b] for b in word.encode()]


def learn(words, vocab, n):
    """n merges; vocab grows by them."""
    merges, words = [], {tuple(w): c for w, c in words.items()}
    for _ in range(n):
        pairs = collections.Counter()
        for w, c in words.items():
            for p in zip(w, w[1:]):
                pairs[p] += c
        best = min(pairs, key=lambda p: (-pairs[p], p))
        merges.append(best)
        new = best[0] + best[1]
        vocab.setdefault(new, len(vocab))
        out = collections.Counter()
        for w, c in words.items():
            v, i = [], 0
            while i < len(w):
                if w[i:i + 2] == best:
                    v.append(new)
                    i += 2
                else:
                    v.append(w[i])
                    i += 1
            out[tuple(v)] += c
        words = out
    return merges


def added(id, content, **kw):
    t = dict(id=id, content=content, single_word=False, lstrip=False, rstrip=False, normalized=False, special=True)
    t.update(kw)
    return t


def write(name, **parts):
    file = dict(version="1.0", truncation=None, padding=None, added_tokens=[], normalizer=None, pre_tokenizer=None,
                post_processor=None, decoder=None)
    file.update(parts)
    json.dump(file, open(name + ".json", "w"), ensure_ascii=False, indent=None, separators=(",", ":"))


words = collections.Counter(re.findall(r"'\w+| ?[^\W\d_]+| ?\d+| ?[^\s\w]+|\s+", corpus))

# GPT-2: bytes, merges as strings, no type of the model.
vocab = {c: i for i, c in enumerate(BYTES)}
merges = learn({tuple(visible(w)): c for w, c in words.items()}, vocab, 400)
vocab["<|endoftext|>"] = len(vocab)
byte_level = dict(type="ByteLevel", add_prefix_space=False, trim_offsets=True)
write("gpt2", model=dict(dropout=None, unk_token=None, continuing_subword_prefix="", end_of_word_suffix="", fuse_unk=False,
                         vocab=vocab, merges=[" ".join(m) for m in merges]),
      added_tokens=[added(len(vocab) - 1, "<|endoftext|>")], pre_tokenizer=byte_level, decoder=byte_level,
      post_processor=dict(byte_level, add_prefix_space=True))

# Llama 3: an expression of its own, merges as pairs, whole words first, odd added tokens.
n = len(vocab)
split = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
no_regex = dict(type="ByteLevel", add_prefix_space=False, trim_offsets=True, use_regex=False)
vocab3 = {t: i for t, i in vocab.items() if t != "<|endoftext|>"}
for w in ("ĠUnmarshaler", "ĠDeprecated"):  # words that no merge makes
    vocab3[w] = len(vocab3)
n = len(vocab3)
begin = dict(type="TemplateProcessing", single=[{"SpecialToken": {"id": "<|begin|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
             {"SpecialToken": {"id": "<|end|>", "type_id": 0}}], pair=[{"Sequence": {"id": "A", "type_id": 0}}],
             special_tokens={"<|begin|>": {"id": "<|begin|>", "ids": [n], "tokens": ["<|begin|>"]},
                             "<|end|>": {"id": "<|end|>", "ids": [n + 1], "tokens": ["<|end|>"]}})
write("llama3", model=dict(type="BPE", dropout=None, unk_token=None, continuing_subword_prefix=None, end_of_word_suffix=None,
                           fuse_unk=False, byte_fallback=False, ignore_merges=True, vocab=vocab3, merges=[list(m) for m in merges]),
      added_tokens=[added(n, "<|begin|>"), added(n + 1, "<|end|>"), added(n + 2, "<|end|>x"), added(n + 3, "<|left|>", lstrip=True),
                    added(n + 4, "<|right|>", rstrip=True), added(n + 5, "func", special=False),
                    added(n + 6, "Größe", special=False)],
      pre_tokenizer=dict(type="Sequence", pretokenizers=[dict(type="Split", pattern={"Regex": split}, behavior="Isolated", invert=False),
                                                         no_regex]),
      post_processor=dict(type="Sequence", processors=[byte_level, begin]), decoder=byte_level)

# Llama 2: spaces as characters, no words at all, bytes for what is unknown.
vocab = {"<unk>": 0, "<s>": 1, "</s>": 2}
for b in range(256):
    vocab[f"<0x{b:02X}>"] = len(vocab)
spaced = collections.Counter("▁" + w for w in corpus.split() if w.isascii() or w[0] in "GÜ")
for c in sorted({c for w in spaced for c in w}):
    vocab[c] = len(vocab)
merges = learn({tuple(w): c for w, c in spaced.items()}, vocab, 400)
for i in (2, 4, 8):  # runs of spaces, as in the real one
    vocab["▁" * i] = vocab.get("▁" * i, len(vocab))
    merges.append(("▁" * (i // 2),) * 2)
model = dict(type="BPE", dropout=None, unk_token="<unk>", continuing_subword_prefix=None, end_of_word_suffix=None, fuse_unk=True,
             byte_fallback=True, vocab=vocab, merges=[" ".join(m) for m in merges])
specials = [added(0, "<unk>"), added(1, "<s>"), added(2, "</s>")]
template = dict(type="TemplateProcessing", single=[{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                pair=[{"Sequence": {"id": "A", "type_id": 0}}], special_tokens={"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}})
back = [dict(type="Replace", pattern={"String": "▁"}, content=" "), dict(type="ByteFallback"), dict(type="Fuse")]
write("llama2", model=model, added_tokens=specials, post_processor=template,
      normalizer=dict(type="Sequence", normalizers=[dict(type="Prepend", prepend="▁"), dict(type="Replace", pattern={"String": " "}, content="▁")]),
      decoder=dict(type="Sequence", decoders=back + [dict(type="Strip", content=" ", start=1, stop=0)]))

# The same vocabulary behind other parts: compatibility characters, digits one by one, no space before the text, no bytes.
write("digits", model=dict(model, byte_fallback=False), added_tokens=specials, post_processor=template, normalizer=dict(type="NFKC"),
      pre_tokenizer=dict(type="Sequence", pretokenizers=[dict(type="Digits", individual_digits=True),
                                                         dict(type="Metaspace", replacement="▁", prepend_scheme="never", split=False)]),
      decoder=dict(type="Sequence", decoders=back))
write("first", model=model, added_tokens=specials, post_processor=template,
      pre_tokenizer=dict(type="Metaspace", replacement="▁", prepend_scheme="first", split=False),
      decoder=dict(type="Sequence", decoders=back + [dict(type="Strip", content=" ", start=1, stop=0)]))
