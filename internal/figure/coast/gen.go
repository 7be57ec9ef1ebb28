//go:build ignore

// Gen turns land-110m.json of the npm package world-atlas (TopoJSON of Natural
// Earth 1:110m land, public domain) into coast110.txt: one coastline a line,
// points as lon,lat in hundredths of a degree.
//
//	npm pack world-atlas && tar xf world-atlas-*.tgz && go run gen.go package/land-110m.json
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"math"
	"os"
	"strings"
)

func main() {
	raw, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	var t struct {
		Transform struct{ Scale, Translate [2]float64 }
		Arcs      [][][2]int
	}
	if err := json.Unmarshal(raw, &t); err != nil {
		log.Fatal(err)
	}
	var out strings.Builder
	for _, arc := range t.Arcs {
		var x, y int
		var points []string
		edge := false
		flush := func() {
			if len(points) > 1 {
				fmt.Fprintln(&out, strings.Join(points, " "))
			}
			points = nil
		}
		for _, d := range arc { // positions are differences
			x, y = x+d[0], y+d[1]
			lon := float64(x)*t.Transform.Scale[0] + t.Transform.Translate[0]
			lat := float64(y)*t.Transform.Scale[1] + t.Transform.Translate[1]
			// Lines along the antimeridian and the southern edge close polygons and
			// are no coasts.
			now := math.Abs(lon) > 179.99 || lat < -85.5
			if now && edge {
				flush()
			}
			edge = now
			points = append(points, fmt.Sprintf("%d,%d", int(math.Round(lon*100)), int(math.Round(lat*100))))
		}
		flush()
	}
	if err := os.WriteFile("coast110.txt", []byte(out.String()), 0o644); err != nil {
		log.Fatal(err)
	}
}
