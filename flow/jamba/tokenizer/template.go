package tokenizer

import (
	"encoding/json"
	"fmt"
)

// parsePostProcessor returns the tokens that are put before and after those of a text.
func parsePostProcessor(raw json.RawMessage) (before, after []int, err error) {
	if absent(raw) {
		return nil, nil, nil
	}
	k, err := kind(raw)
	if err != nil {
		return nil, nil, err
	}
	switch k {
	case "ByteLevel": // moves offsets, which are not kept here
		return nil, nil, nil
	case "Sequence":
		var seq struct {
			Processors []json.RawMessage `json:"processors"`
		}
		if err := json.Unmarshal(raw, &seq); err != nil {
			return nil, nil, err
		}
		for _, r := range seq.Processors {
			b, a, err := parsePostProcessor(r)
			if err != nil {
				return nil, nil, err
			}
			before, after = append(b, before...), append(after, a...)
		}
		return before, after, nil
	case "TemplateProcessing":
		return parseTemplate(raw)
	}
	return nil, nil, fmt.Errorf("type %q is not supported, want Sequence, TemplateProcessing or ByteLevel", k)
}

func parseTemplate(raw json.RawMessage) (before, after []int, err error) {
	var t struct {
		Single []struct {
			SpecialToken *struct {
				ID string `json:"id"`
			}
			Sequence *struct {
				ID string `json:"id"`
			}
		} `json:"single"`
		SpecialTokens map[string]struct {
			IDs []int `json:"ids"`
		} `json:"special_tokens"`
	}
	if err := json.Unmarshal(raw, &t); err != nil {
		return nil, nil, err
	}
	seen := false
	for _, p := range t.Single {
		switch {
		case p.Sequence != nil && !seen:
			seen = true
		case p.SpecialToken != nil:
			tokens, ok := t.SpecialTokens[p.SpecialToken.ID]
			if !ok {
				return nil, nil, fmt.Errorf("special token %q has no ids", p.SpecialToken.ID)
			}
			if seen {
				after = append(after, tokens.IDs...)
			} else {
				before = append(before, tokens.IDs...)
			}
		default:
			return nil, nil, fmt.Errorf("the template of a single text is not special tokens and one sequence")
		}
	}
	if !seen {
		return nil, nil, fmt.Errorf("the template of a single text has no sequence")
	}
	return before, after, nil
}
