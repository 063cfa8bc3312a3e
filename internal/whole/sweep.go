package whole

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// leftAfter is the age at which a file that nobody holds is taken for what a crash has left. A writer holds its file but for the moment in
// which it makes it.
const leftAfter = time.Minute

// Sweep removes what crashes have left half written in a folder, and tells how many files that were. What another process is writing stays.
// A folder that is not there is clean.
func Sweep(dir string, now time.Time) (removed int, err error) {
	list, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	var errs []error
	for _, e := range list {
		if !strings.HasPrefix(e.Name(), Prefix) || !e.Type().IsRegular() {
			continue
		}
		gone, err := sweepFile(filepath.Join(dir, e.Name()), now)
		if gone {
			removed++
		}
		errs = append(errs, err)
	}
	return removed, errors.Join(errs...)
}

func sweepFile(path string, now time.Time) (gone bool, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // its writer was quicker
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || now.Sub(info.ModTime()) < leftAfter {
		return false, err
	}
	if err := tryHold(f); err != nil {
		if errors.Is(err, errHeld) {
			err = nil
		}
		return false, err
	}
	err = os.Remove(path)
	return err == nil, err
}
