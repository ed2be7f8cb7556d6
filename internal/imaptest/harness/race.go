//go:build race

package harness

// raceFactor is how much more memory the race detector takes.
const raceFactor = 10
