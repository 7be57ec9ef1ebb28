package kernel

import "golang.org/x/sys/cpu"

// pairUnits are the units of this processor, whether they agree or not.
func pairUnits() (us []*pairUnit) {
	if !cpu.X86.HasAVX512BF16 || active.name != "avx512" {
		return nil
	}
	us = append(us, &bf16)
	if tilesAllowed() == nil {
		us = append(us, &amxUnit)
	}
	return us
}

func whyNoTiles() error { return tilesAllowed() }
