// Package export writes points and densities in the formats that other tools
// read: CSV, GeoJSON (RFC 7946), NPZ of numpy, and NetCDF with the CF
// conventions. Every file is written whole or not at all.
package export
