//go:build !amd64

package kernel

import "errors"

func pairUnits() []*pairUnit { return nil }

func whyNoTiles() error { return errors.New("the tile unit is one of amd64") }
