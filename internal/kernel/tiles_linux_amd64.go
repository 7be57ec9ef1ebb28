package kernel

import (
	"syscall"
	"unsafe"
)

// askForTiles asks Linux (5.16 or later) for the state of the tile unit, feature
// 18, for all threads of the process.
func askForTiles() error {
	const archPrctl, getPermission, askPermission, feature = 158, 0x1022, 0x1023, 18
	if _, _, e := syscall.RawSyscall(archPrctl, askPermission, feature, 0); e != 0 {
		return noTiles("arch_prctl: " + e.Error())
	}
	var have uint64
	if _, _, e := syscall.RawSyscall(archPrctl, getPermission, uintptr(unsafe.Pointer(&have)), 0); e != 0 || have>>feature&1 == 0 {
		return noTiles("the permission was not given")
	}
	return nil
}
