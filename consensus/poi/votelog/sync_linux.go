package votelog

import (
	"os"
	"syscall"
)

// dataSync waits for the content and size of f to be on the disk.
func dataSync(f *os.File) error {
	for {
		err := syscall.Fdatasync(int(f.Fd()))
		if err != syscall.EINTR {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}
