package whole

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
)

// Prefix begins the names of files that are being written.
const Prefix = ".new-"

// Write puts b into the file at path, which it replaces if there is one. The folder must be there.
func Write(path string, b []byte, mode os.FileMode) error {
	return WriteFrom(path, bytes.NewReader(b), mode)
}

// WriteFrom is Write for what is too long to be held.
func WriteFrom(path string, from io.Reader, mode os.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), Prefix+"*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // nothing once it is renamed
	_, err = io.Copy(f, from)
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
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
