// Package figure draws what mflow shows: densities and points on maps of the
// globe, on flat and round tori, training curves and reliability. Every figure
// is drawn on any canvas of gonum.org/v1/plot and written as PNG, SVG or PDF.
package figure
