package whole

import (
	"errors"
	"os"
)

// TryLock takes the lock that the file at path stands for, which it makes if need be. Nobody waits: ok tells whether the lock is the caller's
// now. It is gone with the process that holds it, however that ends.
func TryLock(path string) (unlock func(), ok bool, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, false, err
	}
	if err := tryHold(f); err != nil {
		f.Close()
		if errors.Is(err, errHeld) {
			return nil, false, nil
		}
		return nil, false, err
	}
	// Whoever opened the file before it was removed holds a lock that no one else sees; he is not in, and the next try is for a new file.
	mine, err := f.Stat()
	there, err2 := os.Stat(path)
	if err != nil || err2 != nil || !os.SameFile(mine, there) {
		f.Close()
		return nil, false, nil
	}
	return func() {
		os.Remove(path) // a file that stays is taken again next time
		f.Close()
	}, true, nil
}
