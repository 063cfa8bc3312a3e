package objects

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	partSuffix = ".part"
	lockName   = "lock"
	quotaLeast = 1 << 20
)

// A Store is a folder of objects. The zero quota lets nothing in. It is safe for concurrent use, by several processes too.
type Store struct {
	Dir        string
	QuotaBytes int64 // of whole and partial objects together
}

// Errors of a store that callers tell apart.
var (
	ErrMissing = errors.New("object missing")
	ErrBusy    = errors.New("object is being fetched by another process: wait for it, or end that one")
)

// A QuotaError says that an object does not fit, whatever is removed.
type QuotaError struct{ Need, Pinned, Quota int64 } // bytes

func (e *QuotaError) Error() string {
	return fmt.Sprintf("object store full: %d bytes needed, %d of %d in use: raise the quota, or wait until what is in use is done with", e.Need, e.Pinned, e.Quota)
}

// Check refuses what cannot work.
func (s Store) Check() error {
	if s.Dir == "" || s.QuotaBytes < quotaLeast {
		return fmt.Errorf("object store %q with a quota of %d bytes: want a folder and at least %d bytes", s.Dir, s.QuotaBytes, int64(quotaLeast))
	}
	return nil
}

func (s Store) path(id ID) string { return filepath.Join(s.Dir, hex.EncodeToString(id[:])) }

// An Object is open for reading and pinned until Close.
type Object struct {
	file *os.File
	size int64
}

// Size gives the object's bytes.
func (o *Object) Size() int64 { return o.size }

// ReadAt reads a part of the object.
func (o *Object) ReadAt(b []byte, at int64) (int, error) { return o.file.ReadAt(b, at) }

// Close ends the pin.
func (o *Object) Close() error { return o.file.Close() }

// Open opens an object that is whole here, and notes that it was used. ErrMissing: it is not.
func (s Store) Open(id ID) (*Object, error) {
	f, err := os.Open(s.path(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", id, ErrMissing)
	}
	if err != nil {
		return nil, fmt.Errorf("object store: %w", err)
	}
	info, err := s.pin(f, id)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &Object{file: f, size: info.Size()}, nil
}

// pin keeps a file from being evicted. It may be on its way out already, and then counts as missing.
func (s Store) pin(f *os.File, id ID) (fs.FileInfo, error) {
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); err != nil {
		return nil, fmt.Errorf("%s: it is being removed: %w", id, ErrMissing)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("object store: %w", err)
	}
	now, err := os.Stat(s.path(id))
	if err != nil || !os.SameFile(info, now) {
		return nil, fmt.Errorf("%s: it has been removed: %w", id, ErrMissing)
	}
	at := time.Now()
	if err := os.Chtimes(s.path(id), at, at); err != nil {
		return nil, fmt.Errorf("object store: %w", err)
	}
	return info, nil
}

// Bytes reads an object and checks it against its id. A damaged one is removed and counts as missing.
func (s Store) Bytes(id ID) ([]byte, error) {
	o, err := s.Open(id)
	if err != nil {
		return nil, err
	}
	defer o.Close()
	b := make([]byte, o.size)
	if _, err := o.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("object store: %w", err)
	}
	if _, got, err := TreeOf(bytes.NewReader(b), o.size); err == nil && got == id {
		return b, nil
	}
	if err := os.Remove(s.path(id)); err != nil {
		return nil, fmt.Errorf("object store: damaged object: %w", err)
	}
	return nil, fmt.Errorf("%s: its file was damaged and has been removed; check the disk: %w", id, ErrMissing)
}

// MoveTo takes an object out of the store and puts its file at path.
func (s Store) MoveTo(id ID, path string) error {
	if err := os.Rename(s.path(id), path); err == nil {
		return errors.Join(syncFolder(filepath.Dir(path)), syncFolder(s.Dir))
	} else if !errors.Is(err, syscall.EXDEV) {
		return fmt.Errorf("object store: %w", err)
	}
	if err := copyFile(s.path(id), path); err != nil {
		return fmt.Errorf("object store: %w", err)
	}
	return s.Remove(id)
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.CreateTemp(filepath.Dir(to), ".part-*")
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Sync(), out.Close()); err == nil {
		err = os.Rename(out.Name(), to)
	}
	if err != nil {
		return errors.Join(err, os.Remove(out.Name()))
	}
	return syncFolder(filepath.Dir(to))
}

// Remove deletes an object, whole or partial. What is not there is no error; who has it open reads on.
func (s Store) Remove(id ID) error {
	for _, path := range []string{s.path(id), s.path(id) + partSuffix} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("object store: %w", err)
		}
	}
	return nil
}

// An Entry is a file of the store.
type Entry struct {
	ID    ID
	Bytes int64 // that count against the quota
	Whole bool
	Used  time.Time // last
}

// List shows what is there, least recently used first. Files that are not the store's are left out.
func (s Store) List() ([]Entry, error) {
	files, err := os.ReadDir(s.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("object store: %w", err)
	}
	var list []Entry
	for _, f := range files {
		name, partial := strings.CutSuffix(f.Name(), partSuffix)
		raw, err := hex.DecodeString(name)
		if err != nil || len(raw) != len(ID{}) {
			continue
		}
		info, err := f.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // gone meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("object store: %w", err)
		}
		list = append(list, Entry{ID: ID(raw), Bytes: info.Size(), Whole: !partial, Used: info.ModTime()})
	}
	slices.SortStableFunc(list, func(a, b Entry) int {
		return cmp.Or(a.Used.Compare(b.Used), slices.Compare(a.ID[:], b.ID[:]))
	})
	return list, nil
}

// Used gives the bytes that count against the quota.
func (s Store) Used() (n int64, err error) {
	list, err := s.List()
	for _, e := range list {
		n += e.Bytes
	}
	return n, err
}

// locked runs a short change of the folder while no other process changes it.
func (s Store) locked(change func() error) error {
	if err := s.Check(); err != nil {
		return err
	}
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return fmt.Errorf("object store: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(s.Dir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("object store: %w", err)
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("object store: lock: %w", err)
	}
	return change()
}

// makeRoom evicts until need bytes more fit (OBJ-5). Nothing is evicted when that cannot be.
func (s Store) makeRoom(need int64) error {
	list, err := s.List()
	if err != nil {
		return err
	}
	var used, pinned int64
	var victims []Entry
	for _, e := range list {
		used += e.Bytes
		if s.isPinned(e) {
			pinned += e.Bytes
		} else {
			victims = append(victims, e)
		}
	}
	if pinned+need > s.QuotaBytes {
		return &QuotaError{Need: need, Pinned: pinned, Quota: s.QuotaBytes}
	}
	for _, e := range victims {
		if used+need <= s.QuotaBytes {
			break
		}
		gone, err := s.evict(e)
		if err != nil {
			return err
		}
		if gone {
			used -= e.Bytes
		}
	}
	if used+need > s.QuotaBytes { // something was opened meanwhile
		return &QuotaError{Need: need, Pinned: used, Quota: s.QuotaBytes}
	}
	return nil
}

func (s Store) file(e Entry) string {
	if e.Whole {
		return s.path(e.ID)
	}
	return s.path(e.ID) + partSuffix
}

func (s Store) isPinned(e Entry) bool {
	f, err := os.Open(s.file(e))
	if err != nil {
		return false
	}
	defer f.Close()
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil
}

// evict removes a file that nobody uses, holding its lock, so that whoever opens it at that moment sees that it goes.
func (s Store) evict(e Entry) (gone bool, err error) {
	f, err := os.Open(s.file(e))
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("object store: %w", err)
	}
	defer f.Close()
	if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		return false, nil
	}
	if err := os.Remove(s.file(e)); err != nil {
		return false, fmt.Errorf("object store: %w", err)
	}
	return true, nil
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
