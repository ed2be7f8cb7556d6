//go:build race

package harness

const (
	racing = true
	// raceFactor is how much more memory the race detector takes.
	raceFactor = 10
)
