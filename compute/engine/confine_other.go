//go:build !linux

package engine

import (
	"runtime"
	"runtime/debug"
	"syscall"
)

// confine binds this process as far as the standard library can on systems other than Linux: threads
// and the soft ceiling of memory, but neither priority nor a hard ceiling.
func confine(s setup) error {
	runtime.GOMAXPROCS(int(s.threads))
	debug.SetMemoryLimit(int64(s.memoryBytes / 10 * 8))
	return nil
}

func ownGroup() *syscall.SysProcAttr { return nil }
