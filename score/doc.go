// Package score compares a density with points that it has not seen: means with
// honest errors, paired differences, the normaliser by quadrature, calibration
// of predicted masses, and two-sample tests. It knows densities as functions
// and points as numbers, and fits nothing.
//
// Notation: p is the density with respect to the Riemannian volume, x the n
// points that test it, u a point of the unit cube that a Chart maps to the
// manifold without changing the measure.
//
// Sources: Liang and Zeger (1986), cluster-robust errors; Clopper and Pearson
// (1934), exact intervals of a share; Marsaglia, Tsang and Wang (2003) and
// Stephens (1970), the distribution of the Kolmogorov-Smirnov statistic;
// Székely and Rizzo (2013), energy distance; Lopez-Paz and Oquab (2017) and
// Schilling (1986), two-sample tests by classifiers and near neighbours;
// Cranley and Patterson (1976), randomly shifted lattices.
package score
