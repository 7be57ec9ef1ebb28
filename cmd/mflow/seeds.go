package main

// Streams of the random generator, one for each use of a seed, so that adding a
// use leaves the others as they were.
const (
	fieldStream uint64 = iota + 1
	priorStream
	sampleStream
	scoreStream
	subsetStream
	regionStream
	checkStream
	baselineStream
	mixStream
	quadratureStream
	cloudStream
	twoSampleStream
	pairedStream
	reliabilityStream
)
