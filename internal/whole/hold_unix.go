//go:build unix

package whole

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

var errHeld = errors.New("another process holds it")

// tryHold takes the lock of an open file, or gives errHeld. The lock goes with the file.
func tryHold(f *os.File) error {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return errHeld
	}
	return err
}
