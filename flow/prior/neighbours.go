package prior

import (
	"encoding/binary"
	"math"
	"runtime"
	"sort"
	"sync"

	"gonum.org/v1/gonum/spatial/kdtree"
)

// A neighbour is another point and t of the two.
type neighbour struct {
	index int
	t     float64
}

// neighbours returns the keep nearest points of every point, nearest first. So many
// points in a row as there are images are one, which is no neighbour of itself.
func neighbours(s space, x []float64, keep, images int) [][]neighbour {
	n := s.ambient()
	points := len(x) / n
	keep = min(points-1, keep)
	all := make(places, points)
	for i := range all {
		all[i] = place{s.embed(x[i*n : (i+1)*n]), i}
	}
	tree := kdtree.New(append(places(nil), all...), false)
	near := make([][]neighbour, points)
	parallel(points, func(i int) {
		k := kdtree.NewNKeeper(keep + 1) // the point finds itself too
		tree.NearestSet(k, all[i])
		for _, c := range k.Heap {
			if q, ok := c.Comparable.(place); ok && q.index/images != i/images && len(near[i]) < keep {
				near[i] = append(near[i], neighbour{q.index, c.Dist / 2}) // t is half the squared chord
			}
		}
		sort.Slice(near[i], func(a, b int) bool {
			if near[i][a].t != near[i][b].t {
				return near[i][a].t < near[i][b].t
			}
			return near[i][a].index < near[i][b].index
		})
	})
	return near
}

// positions numbers the distinct points of x, and returns the number of each.
func positions(x []float64, n int) []int {
	of := map[string]int{}
	at := make([]int, len(x)/n)
	for i := range at {
		var key []byte
		for _, v := range x[i*n : (i+1)*n] {
			key = binary.LittleEndian.AppendUint64(key, math.Float64bits(v+0)) // -0 is 0
		}
		id, ok := of[string(key)]
		if !ok {
			id = len(of)
			of[string(key)] = id
		}
		at[i] = id
	}
	return at
}

// parallel calls f for every index on all processors.
func parallel(n int, f func(i int)) {
	var wg sync.WaitGroup
	workers := min(n, runtime.GOMAXPROCS(0))
	for w := range workers {
		wg.Go(func() {
			for i := w; i < n; i += workers {
				f(i)
			}
		})
	}
	wg.Wait()
}
