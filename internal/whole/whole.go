package whole

import (
	"errors"
	"io"
	"os"
	"path/filepath"
)

// Prefix begins the names of files that are being written.
const Prefix = ".new-"

// Write puts b into the file at path, which it replaces if there is one. The folder must be there.
func Write(path string, b []byte, mode os.FileMode) error {
	return WriteWith(path, mode, func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
}

// WriteWith is Write for what is not in memory as one piece: fill writes it.
func WriteWith(path string, mode os.FileMode, fill func(w io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), Prefix+"*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // nothing once it is renamed
	_ = tryHold(f)            // against Sweep; where files have no locks their age alone tells
	if err = errors.Join(fill(f), f.Chmod(mode), f.Sync()); err != nil {
		return errors.Join(err, f.Close())
	}
	if err = errors.Join(os.Rename(f.Name(), path), f.Close()); err != nil { // let go only when it is in its place
		return err
	}
	return syncFolder(filepath.Dir(path))
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
