//go:build (amd64 || arm64) && !purego

package kernel

// Pause waits n times, n not 0, for as little as a processor can, and lets others that share its core go on meanwhile. It is for
// loops that wait for a value in memory.
//
//go:noescape
func Pause(n uint32)
