//go:build unix

package packed

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

var errForeign = errors.New("it is no file of this user alone")

// mapFile maps a file that nobody but this user can read or write (PACKED-2), and gives what ends that.
func mapFile(path string) ([]byte, func() error, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 || int(owner.Uid) != os.Geteuid() {
		return nil, nil, &os.PathError{Op: "map", Path: path, Err: errForeign}
	}
	if info.Size() == 0 || info.Size() > fileBytesMax {
		return nil, nil, damaged("its size is out of bounds")
	}
	data, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, nil, &os.PathError{Op: "map", Path: path, Err: err}
	}
	return data, func() error { return unix.Munmap(data) }, nil
}
