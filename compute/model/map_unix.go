//go:build unix

package model

import (
	"os"

	"golang.org/x/sys/unix"
)

// mapFile gives a file's bytes and what releases them.
func mapFile(path string) ([]byte, func() error, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if info.Size() == 0 || info.Size() > fileBytesMax || !info.Mode().IsRegular() {
		return nil, nil, &os.PathError{Op: "map", Path: path, Err: errNoFile}
	}
	data, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, nil, &os.PathError{Op: "map", Path: path, Err: err}
	}
	return data, func() error { return unix.Munmap(data) }, nil
}

// drop lets go of pages that were read once; they come back when they are used.
func drop(data []byte) { _ = unix.Madvise(data, unix.MADV_DONTNEED) }
