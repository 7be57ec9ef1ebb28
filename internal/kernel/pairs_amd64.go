package kernel

import (
	"sync"

	"golang.org/x/sys/cpu"
)

// xcr0 returns the register that tells what state the system saves.
func xcr0() uint64

// amxUnit is the tile unit. It takes what AVX512_BF16 packs.
var amxUnit = pairUnit{name: "amx_bf16", tiled: true, rows: 32, tiles: []tile{{32, 32, tile32x2Amx}}, halves: bf16.halves, weave: bf16.weave, transpose: bf16.transpose}

// findPairUnit returns the best unit there is that does what it should, or nil.
// It looks once, when a reduced precision is first asked for.
var findPairUnit = sync.OnceValue(func() *pairUnit {
	x := cpu.X86
	if !x.HasAVX512F || !x.HasAVX512DQ || !x.HasAVX512BW || !x.HasAVX512VL || !x.HasAVX512BF16 {
		return nil
	}
	if tilesAllowed() == nil && amxUnit.agrees() {
		return &amxUnit
	}
	if bf16.agrees() {
		return &bf16
	}
	return nil
})

// noTiles is why the tile unit cannot be used.
type noTiles string

func (e noTiles) Error() string { return "kernel: no tile unit: " + string(e) }

// tilesAllowed asks the processor whether it has the tile unit for bf16, the
// system whether it saves its state, and Linux for the permission to use it,
// without which the first such instruction ends the process.
func tilesAllowed() error {
	const tileState = 3 << 17 // XTILECFG and XTILEDATA
	switch x := cpu.X86; {
	case !x.HasAMXTile || !x.HasAMXBF16:
		return noTiles("the processor has none")
	case !x.HasOSXSAVE || xcr0()&tileState != tileState:
		return noTiles("the system does not save its state")
	}
	return askForTiles()
}
