//go:build !(amd64 || arm64) || purego

package kernel

// Pause does nothing where there is no instruction for it.
func Pause(uint32) {}
