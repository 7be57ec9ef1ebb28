package lm

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// maxID is the largest id that makes sense: a vocabulary is at most 2²⁶.
const maxID = 1<<26 - 1

// ReadIDs reads sequences of token ids from a file of one of three formats, which its
// first bytes tell apart:
//
//	[1, 5, 2]  or  [[1, 5], [2, 7, 7]]     JSON, one value or one on each line
//	1 5 2  or  1,5,2                       one sequence on each line, or one id
//	NumPy (.npy)                           whole numbers [n], or [sequences, n]
func ReadIDs(path string) ([][]int, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("lm: %w", err)
	}
	seqs, err := ParseIDs(raw)
	if err != nil {
		return nil, fmt.Errorf("lm: %s: %w", path, err)
	}
	return seqs, nil
}

// ParseIDs reads the bytes of such a file.
func ParseIDs(raw []byte) (seqs [][]int, err error) {
	raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
	switch text := bytes.TrimLeft(raw, " \t\r\n"); {
	case bytes.HasPrefix(raw, []byte(npyMagic)):
		seqs, err = parseNPY(raw)
	case bytes.HasPrefix(text, []byte("[")):
		seqs, err = parseJSON(text)
	default:
		seqs, err = parseLines(raw)
	}
	if err != nil {
		return nil, err
	}
	n := 0
	for i, s := range seqs {
		for j, id := range s {
			if id < 0 || id > maxID {
				return nil, fmt.Errorf("id %d at position %d of sequence %d, want 0 to %d", id, j, i, maxID)
			}
		}
		n += len(s)
	}
	if n == 0 {
		return nil, errors.New("no token ids")
	}
	return seqs, nil
}

// parseJSON reads lists of ids and lists of such lists, one after another.
func parseJSON(text []byte) (seqs [][]int, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	for i := 1; ; i++ {
		var v json.RawMessage
		if err := d.Decode(&v); err == io.EOF {
			return seqs, nil
		} else if err != nil {
			return nil, fmt.Errorf("JSON value %d: %w", i, err)
		}
		var one []int
		if json.Unmarshal(v, &one) == nil && one != nil {
			seqs = append(seqs, one)
			continue
		}
		var many [][]int
		if err := json.Unmarshal(v, &many); err != nil || many == nil {
			return nil, fmt.Errorf("JSON value %d is no list of whole numbers and no list of such lists", i)
		}
		seqs = append(seqs, many...)
	}
}

// parseLines reads a sequence from every line that is not blank. Lines of one id each
// are one sequence together. A first line without any number is a heading.
func parseLines(raw []byte) (seqs [][]int, err error) {
	r := bufio.NewScanner(bytes.NewReader(raw))
	r.Buffer(nil, len(raw)+1)
	apart := func(c rune) bool { return strings.ContainsRune(" \t\r,;", c) }
	column := []int{}
	for line := 1; r.Scan(); line++ {
		if line == 1 && !strings.ContainsAny(r.Text(), "0123456789") {
			continue
		}
		var s []int
		for _, word := range strings.FieldsFunc(r.Text(), apart) {
			id, err := strconv.Atoi(word)
			if err != nil {
				return nil, fmt.Errorf("line %d: %.20q is no token id, want whole numbers", line, word)
			}
			s = append(s, id)
		}
		if s != nil {
			seqs, column = append(seqs, s), append(column, s[0])
		}
		if len(s) > 1 {
			column = nil
		}
	}
	if len(column) == len(seqs) && len(seqs) > 1 {
		seqs = [][]int{column}
	}
	return seqs, r.Err()
}
