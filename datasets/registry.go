package datasets

import (
	"fmt"
	"slices"
	"strings"
)

// An Entry is a public data set known by name.
type Entry struct {
	Name     string
	Title    string
	Manifold string // as manifold.Parse reads it
	Path     string // below the data directory
	Rows     int
	Bytes    int
	SHA256   string
	Source   string // where the data are published
	Download string // where the very file is; empty if it must be fetched by hand
	Terms    string
	Columns  []string
	Degrees  bool
}

// mirror holds the four earth and climate sets as the literature uses them.
const mirror = "https://raw.githubusercontent.com/oxcsml/riemannian-score-sde/5b48a7f7e175894afb6933f5e5f367b5a0eb65d7/data/"

// Registry lists the named sets.
var Registry = []Entry{
	{
		Name: "volcano", Title: "volcanic eruptions", Manifold: "sphere", Path: "earth/volcano.csv",
		Rows: 827, Bytes: 11295, SHA256: "f7bbaf32a412f5fe82350f48e0c55100be260803969c16557343f687fd0593fc",
		Source:   "NOAA National Centers for Environmental Information, Significant Volcanic Eruptions Database, https://doi.org/10.7289/V5JW8BSH",
		Download: mirror + "volerup.csv", Terms: "public domain (United States government)",
	},
	{
		Name: "earthquake", Title: "significant earthquakes", Manifold: "sphere", Path: "earth/earthquake.csv",
		Rows: 6120, Bytes: 96092, SHA256: "3e5e1a10fb2faf1899106264289334037d039f00f5265d13dad388a93d8ff2f7",
		Source:   "NOAA National Centers for Environmental Information, Significant Earthquake Database, https://doi.org/10.7289/V5TD9V7K",
		Download: mirror + "quakes_all.csv", Terms: "public domain (United States government)",
	},
	{
		Name: "flood", Title: "floods", Manifold: "sphere", Path: "earth/flood.csv",
		Rows: 4875, Bytes: 84265, SHA256: "ffb1e3182c3053afcdeceec4727c262a29da10255d20747c08144da5b0963486",
		Source:   "Dartmouth Flood Observatory, Global Active Archive of Large Flood Events, https://floodobservatory.colorado.edu/Archives",
		Download: mirror + "flood.csv", Terms: "research and education, with citation",
	},
	{
		Name: "fire", Title: "active fires seen by satellite", Manifold: "sphere", Path: "earth/fire.csv",
		Rows: 12809, Bytes: 178958, SHA256: "c1fb69d204ab2d743ed0234bb11c1d0692a994ef51788002ad795d1d632516c0",
		Source:   "NASA Fire Information for Resource Management System, https://www.earthdata.nasa.gov/data/tools/firms",
		Download: mirror + "fire.csv", Terms: "NASA open data",
	},
	{
		Name: "rna", Title: "backbone and chi angles of RNA residues", Manifold: "torus:7", Path: "torus/rna.tsv.gz",
		Rows: 9478, Bytes: 349235, SHA256: "725fbcacf5453f3769444e534e032acc317170be8004d9b49fed4733d7caa806",
		Source:  "structures of the Protein Data Bank, https://www.rcsb.org",
		Terms:   "CC0 coordinates",
		Columns: []string{"3", "4", "5", "6", "7", "8", "9"}, Degrees: true,
	},
	{
		Name: "torsion", Title: "phi and psi of protein residues", Manifold: "torus", Path: "sequence/torsion/phi_psi.csv.gz",
		Rows: 101066, Bytes: 982542, SHA256: "201876632205b8efa46b40e1bb83f8abab9f030ef0d6670780ff705bd8b6f678",
		Source:  "structures of the Worldwide Protein Data Bank, https://www.wwpdb.org",
		Terms:   "CC0 coordinates",
		Columns: []string{"phi", "psi"},
	},
}

// Lookup returns the entry of a name, or an error that lists the names and the
// nearest of them.
func Lookup(name string) (Entry, error) {
	var names []string
	for _, e := range Registry {
		if e.Name == name {
			return e, nil
		}
		names = append(names, e.Name)
	}
	for _, s := range synthetics {
		names = append(names, s.name)
	}
	msg := fmt.Sprintf("datasets: there is no data set or file %q; named sets are %s", name, strings.Join(names, ", "))
	near := slices.MinFunc(names, func(a, b string) int { return edits(a, name) - edits(b, name) })
	if edits(near, name) <= 1+len(name)/3 {
		msg += fmt.Sprintf("; did you mean %s?", near)
	}
	return Entry{}, fmt.Errorf("%s", msg)
}

// edits is the number of insertions, deletions and changes that turn a into b.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diag := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := diag
			if a[i] != b[j] {
				d++
			}
			diag = row[j+1]
			row[j+1] = min(d, diag+1, row[j]+1)
		}
	}
	return row[len(b)]
}
