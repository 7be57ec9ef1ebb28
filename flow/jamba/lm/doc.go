// Package lm fits a Jamba language model to a text or to sequences of token ids:
//
//	ReadIDs or a tokenizer -> Split -> New -> Step, Step, … -> Save
//
// A Run is a function of its Settings and the step alone. A batch depends on the seed and
// the number of the step, not on the steps before, and a checkpoint holds the weights and
// both moments of Adam, so that a run that was stopped ends in the same bytes as one that
// was left alone, on any number of threads.
package lm
