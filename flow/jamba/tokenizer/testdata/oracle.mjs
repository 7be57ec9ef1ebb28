// Writes expected.json: what Hugging Face's own tokenizers make of texts.
//
//	npm install @huggingface/tokenizers@0.1.3 && node oracle.mjs
import { readFileSync, writeFileSync } from "node:fs";
import { Tokenizer } from "@huggingface/tokenizers";

const texts = [
  "", " ", "a", "Hello world", "Hello  world", " leading", "trailing ", "   three   spaces   ", "\n", "a\nb", "a\n\n  b\t\tc \n", "\r\n\r\nx",
  "don't we'll I'M THEY'VE it's 'tis", "3.14159 and 1234567 or 12 345", "Unmarshaler Deprecated: use func and function, functional",
  "func", " func ", "func()", "myfunc func_ func9", "Größe und Übermut, Größen", "façade naïve café", "Ελληνικά λόγος", "русский текст",
  "日本語のテキスト", "中文文本和标记", "العربية", "हिन्दी भाषा", "🙂 👩‍👩‍👧‍👦 ok", "ﬁne ① ½ ａｂｃ", "e\u0301 n\u0303",
  "non\u00a0breaking\u2003em\u3000wide", "x\u200by", "<s>", "<s>Hello</s>", "<s> Hello </s> again", "a<|endoftext|>b", "<|begin|>q<|end|>x<|end|>y",
  "left   <|left|> x <|right|>   right", "<unk> known", "package json implements encoding and decoding of JSON as defined in RFC 7159.",
  "a.b,c;d:e!f?g(h)i[j]k{l}m\"n'o`p~q@r#s$t%u^v&w*x-y_z+=|\\/<>", "ALLCAPS MixedCase snake_case kebab-case", "▁already▁there", "tab\tand\vvertical",
  "x".repeat(40), "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "  \n  \n\n x", "1\n2\n\n3", "\u0000\u0001\u007f", "…—“quoted”",
];

const out = {};
for (const name of ["gpt2", "llama3", "llama2", "digits", "first"]) {
  const t = new Tokenizer(JSON.parse(readFileSync(`${name}.json`, "utf8")), {});
  out[name] = texts.map((text) => {
    const ids = t.encode(text, { add_special_tokens: true }).ids;
    const plain = t.encode(text, { add_special_tokens: false }).ids;
    return {
      text, ids, plain,
      kept: plain.length ? t.decode(plain, { skip_special_tokens: false, clean_up_tokenization_spaces: false }) : "",
      skipped: ids.length ? t.decode(ids, { skip_special_tokens: true, clean_up_tokenization_spaces: false }) : "",
    };
  });
}
writeFileSync("expected.json", JSON.stringify(out, null, 0).replaceAll('},{"text"', '},\n{"text"') + "\n");
