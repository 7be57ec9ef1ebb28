package kernel

import (
	"math"
	"unsafe"

	"golang.org/x/sys/cpu"
)

// pairUnits are the units of this processor, whether they agree or not, and the
// tile unit's way with its one instruction sequence in Go: so all that surrounds it
// is tested where there is none.
func pairUnits() (us []*pairUnit) {
	if !cpu.X86.HasAVX512BF16 || active.name != "avx512" {
		return nil
	}
	us = append(us, &bf16)
	inGo := amxUnit
	inGo.name, inGo.tiled, inGo.tiles = "tile unit in Go", false, []tile{{32, 32, tileInGo}}
	us = append(us, &inGo)
	if tilesAllowed() == nil {
		us = append(us, &amxUnit)
	}
	return us
}

func whyNoTiles() error { return tilesAllowed() }

// tileInGo is tile32x2Amx in Go.
func tileInGo(k int, a *float32, rs, _ int, b *float32, bs int, c *float32, ldc, add int) {
	if k%slotBlock != 0 || k > pairDepth {
		panic("a tile of a length that the tile unit does not take")
	}
	word := func(p *float32, row, stride, col int) [2]float32 {
		v := *(*uint32)(unsafe.Add(unsafe.Pointer(p), row*stride+4*col))
		return [2]float32{math.Float32frombits(v << 16), math.Float32frombits(v &^ 0xFFFF)}
	}
	for i := range 32 {
		for j := range 32 {
			var s float32
			at := (*float32)(unsafe.Add(unsafe.Pointer(c), i*ldc+4*j))
			if add != 0 {
				s = *at
			}
			for q := range k {
				x, y := word(a, i, rs, q), word(b, q, bs, j)
				s += x[0] * y[0]
				s += x[1] * y[1]
			}
			*at = s
		}
	}
}
