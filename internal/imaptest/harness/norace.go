//go:build !race

package harness

const (
	racing     = false
	raceFactor = 1
)
