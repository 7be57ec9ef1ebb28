package lm

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"sort"

	"mflow/flow/jamba"
)

// Corpus is what a model is trained on and what is held out to judge it.
type Corpus struct {
	Train, Held [][]int
	before      []int // predictions in the sequences of Train before each, and in all
}

// stretch is the length of a stretch of a long sequence that is held out.
const stretch = 4096

// few is a number of sequences too small to hold out whole ones.
const few = 10

// Split holds out a tenth: every tenth sequence or, if there are few, every tenth
// stretch of 4096 tokens of each, shorter where the sequence is. A sequence needs two
// tokens, one to predict the other from.
func Split(seqs [][]int) (*Corpus, error) {
	c := &Corpus{}
	for i, s := range seqs {
		switch {
		case len(s) < 2:
			return nil, fmt.Errorf("lm: sequence %d has %d tokens, want at least 2", i, len(s))
		case len(seqs) < few:
			c.cut(s)
		case i%10 == 9:
			c.Held = append(c.Held, s)
		default:
			c.Train = append(c.Train, s)
		}
	}
	if len(c.Held) == 0 {
		return nil, fmt.Errorf("lm: %d sequences are too short to hold out a tenth, want one of 20 tokens or more", len(seqs))
	}
	n := 0
	for _, s := range c.Train {
		c.before = append(c.before, n)
		n += len(s) - 1
	}
	c.before = append(c.before, n)
	return c, nil
}

// cut holds out stretches of a sequence.
func (c *Corpus) cut(s []int) {
	n := min(stretch, len(s)/10)
	if n < 2 {
		c.Train = append(c.Train, s)
		return
	}
	for len(s) >= 10*n {
		c.Train, c.Held = append(c.Train, s[:9*n]), append(c.Held, s[9*n:10*n])
		s = s[10*n:]
	}
	if len(s) >= 2 {
		c.Train = append(c.Train, s)
	}
}

// Check returns an error if an id is outside a vocabulary.
func (c *Corpus) Check(vocab int) error {
	for _, seqs := range [][][]int{c.Train, c.Held} {
		for _, s := range seqs {
			for _, id := range s {
				if id < 0 || id >= vocab {
					return fmt.Errorf("lm: token %d in the data is outside the vocabulary of %d", id, vocab)
				}
			}
		}
	}
	return nil
}

// longest returns the length of the longest sequence of a batch.
func (c *Corpus) longest(length int) int {
	n := 0
	for _, s := range c.Train {
		n = max(n, len(s)-1)
	}
	return min(n, length)
}

// Tokens returns the numbers of tokens to train on and held out.
func (c *Corpus) Tokens() (train, held int) {
	for _, s := range c.Train {
		train += len(s)
	}
	for _, s := range c.Held {
		held += len(s)
	}
	return train, held
}

// hash identifies the data, so that a run is not resumed on others.
func (c *Corpus) hash() string {
	h := sha256.New()
	for _, seqs := range [][][]int{c.Train, c.Held} {
		for _, s := range seqs {
			b := binary.AppendUvarint(nil, uint64(len(s)))
			for _, id := range s {
				b = binary.AppendUvarint(b, uint64(id))
			}
			h.Write(b)
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// batch draws n stretches of at most length predictions each. A sequence is drawn as
// often as it is long, and a short one is taken whole, so lengths are mixed.
func (c *Corpus) batch(n, length int, rnd *rand.Rand) (in jamba.Input, targets []int) {
	for range n {
		at := rnd.IntN(c.before[len(c.Train)])
		i := sort.SearchInts(c.before, at+1) - 1
		s := c.Train[i]
		if len(s)-1 > length {
			lo := rnd.IntN(len(s) - length)
			s = s[lo : lo+length+1]
		}
		targets = put(&in, targets, s)
	}
	return in, targets
}

// put appends a stretch and its targets, the token after each.
func put(in *jamba.Input, targets []int, s []int) []int {
	n := len(s) - 1
	in.IDs, in.Lens = append(in.IDs, s[:n]...), append(in.Lens, n)
	return append(targets, s[1:]...)
}
