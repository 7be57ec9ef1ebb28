package tokenizer_test

import (
	"fmt"
	"log"

	"mflow/flow/jamba/tokenizer"
)

func Example() {
	t, err := tokenizer.Load("testdata/llama2.json")
	if err != nil {
		log.Fatal(err)
	}
	ids, err := t.Encode("the encoding of a 🙂", true)
	if err != nil {
		log.Fatal(err)
	}
	var tokens []string
	for _, id := range ids {
		token, _ := t.Token(id)
		tokens = append(tokens, token)
	}
	text, err := t.Decode(ids, false)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(tokens)
	fmt.Println(text)
	// Output:
	// [<s> ▁the ▁e n c od ing ▁of ▁a ▁ <0xF0> <0x9F> <0x99> <0x82>]
	// the encoding of a 🙂
}

func ExampleBytes() {
	b := tokenizer.Bytes{Special: []string{"<s>"}}
	ids, _ := b.Encode("<s>né", false)
	fmt.Println(ids, b.Size())
	// Output: [256 110 195 169] 257
}
