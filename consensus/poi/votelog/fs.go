package votelog

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// fsys is what the log needs of a folder. Names are plain file names in it. Tests put a disk in its
// place that loses what was not synced.
type fsys interface {
	ReadFile(name string) ([]byte, error)
	Open(name string) (file, error)   // for writing, must exist
	Create(name string) (file, error) // for writing, emptied
	Rename(from, to string) error
	SyncDir() error
	Lock(name string) (io.Closer, error) // ErrLocked when another process holds it
}

// file is a file open for writing at places of the caller's choice.
type file interface {
	WriteAt(b []byte, off int64) (int, error)
	Truncate(size int64) error
	Sync() error // content and size are on the disk when it returns
	Close() error
}

type osFS struct{ dir string }

func (o osFS) path(name string) string { return filepath.Join(o.dir, name) }

func (o osFS) ReadFile(name string) ([]byte, error) { return os.ReadFile(o.path(name)) }

func (o osFS) Open(name string) (file, error) { return openFile(o.path(name), os.O_RDWR) }

func (o osFS) Create(name string) (file, error) {
	return openFile(o.path(name), os.O_RDWR|os.O_CREATE|os.O_TRUNC)
}

func openFile(path string, flag int) (file, error) {
	f, err := os.OpenFile(path, flag, 0o600)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (o osFS) Rename(from, to string) error { return os.Rename(o.path(from), o.path(to)) }

func (o osFS) SyncDir() error {
	d, err := os.Open(o.dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (o osFS) Lock(name string) (io.Closer, error) {
	f, err := os.OpenFile(o.path(name), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return f, nil
	}
	f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, ErrLocked
	}
	return nil, fmt.Errorf("lock %s: %w", o.path(name), err)
}

type osFile struct{ *os.File }

// Sync overrides os.File's, which would also wait for the times of the file to be written.
func (f osFile) Sync() error { return dataSync(f.File) }
