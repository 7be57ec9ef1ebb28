//go:build amd64 && !linux

package kernel

func askForTiles() error { return noTiles("this system is not asked for it") }
