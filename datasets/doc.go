// Package datasets turns files and names into points on a manifold: tables of
// coordinates in the forms they have in the wild, named public sets from their
// source, checked by SHA-256, and synthetic sets whose density is known in
// closed form. Splits into training, validation and test points are seeded and
// come in the three protocols of honest scoring (see Protocol).
package datasets
