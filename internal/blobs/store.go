package blobs

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"lukechampine.com/blake3"
)

const (
	BytesMax     = 4 << 20 // one blob
	QuotaBytes   = 2 << 30 // all blobs together, unless the options say otherwise
	blockBytes   = 4 << 10 // a blob counts as whole blocks, so that tiny ones are limited too
	folderLevels = 2
	tempFolder   = "tmp"
)

// ID is the BLAKE3-256 hash of a blob's bytes.
type ID [32]byte

// IDOf names a blob.
func IDOf(data []byte) ID { return blake3.Sum256(data) }

// String gives 0x and 64 hexadecimal digits.
func (id ID) String() string { return "0x" + hex.EncodeToString(id[:]) }

// Options says how a Store works. Dir is needed; it is made when absent.
type Options struct {
	Dir    string
	Quota  int64  // bytes; 0: QuotaBytes
	Wanted Wanted // nil: nothing is wanted
	Peers  Peers  // nil: Fetch looks here only
	Log    *slog.Logger
}

// A Store is a folder of blobs.
type Store struct {
	dir    string
	quota  int64
	wanted Wanted
	peers  Peers
	log    *slog.Logger

	mu      sync.Mutex
	durable map[string]bool // folders whose own names are on the disk
	index   map[ID]entry
	used    int64                // bytes by blocks, with those being written
	busy    map[ID]chan struct{} // blobs being written or fetched; closed at the end
}

type entry struct {
	size int64
	at   time.Time // when it was stored
}

// Open reads which blobs are in the folder and removes what an interrupted write left.
func Open(o Options) (*Store, error) {
	s := &Store{
		dir: o.Dir, quota: o.Quota, wanted: o.Wanted, peers: o.Peers, log: o.Log,
		index: make(map[ID]entry), busy: make(map[ID]chan struct{}), durable: make(map[string]bool),
	}
	if s.quota == 0 {
		s.quota = QuotaBytes
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	temp := filepath.Join(s.dir, tempFolder)
	if err := errors.Join(os.RemoveAll(temp), os.MkdirAll(temp, 0o700)); err != nil {
		return nil, fmt.Errorf("blob store: %w", err)
	}
	if err := s.scan(); err != nil {
		return nil, fmt.Errorf("blob store: %w", err)
	}
	return s, nil
}

// scan rebuilds the index. Files that are not ours are left alone and told of.
func (s *Store) scan() error {
	return filepath.WalkDir(s.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return nil
		}
		id, ok := parseName(d.Name())
		if !ok || path != s.path(id) {
			s.log.Warn("file in the blob store is no blob", "file", path)
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Size() == 0 || info.Size() > BytesMax {
			s.log.Warn("blob of an impossible size removed", "blob", id, "bytes", info.Size())
			return os.Remove(path)
		}
		s.index[id] = entry{size: info.Size(), at: info.ModTime()}
		s.used += charge(info.Size())
		return nil
	})
}

func parseName(name string) (id ID, ok bool) {
	b, err := hex.DecodeString(name)
	if err != nil || len(b) != len(id) || hex.EncodeToString(b) != name {
		return id, false
	}
	return ID(b), true
}

// path spreads blobs over 65,536 folders.
func (s *Store) path(id ID) string {
	name := hex.EncodeToString(id[:])
	return filepath.Join(s.dir, name[:2], name[2:4], name)
}

// charge is what a blob counts against the quota.
func charge(size int64) int64 { return (size + blockBytes - 1) / blockBytes * blockBytes }

// Put stores a blob that an open job wants. Storing one that is there already does nothing.
func (s *Store) Put(ctx context.Context, data []byte, id ID) error {
	if err := check(data, id); err != nil {
		return err
	}
	if s.wanted == nil || !s.wanted.Wanted(id) {
		return FaultNotWanted
	}
	return s.put(ctx, data, id)
}

func check(data []byte, id ID) error {
	switch {
	case len(data) == 0:
		return FaultEmpty
	case len(data) > BytesMax:
		return FaultTooLarge
	case IDOf(data) != id:
		return FaultWrongID
	}
	return nil
}

// put stores checked bytes, once when several callers bring the same.
func (s *Store) put(ctx context.Context, data []byte, id ID) error {
	for {
		there, wait, err := s.reserve(id, int64(len(data)))
		if err != nil || there {
			return err
		}
		if wait == nil {
			break
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	err := s.write(data, id)
	s.settle(id, int64(len(data)), err == nil)
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("blob store: disk full: free some space for %s: %w", s.dir, err)
	}
	if err != nil {
		return fmt.Errorf("blob store: %w", err)
	}
	return nil
}

// reserve takes room for a blob. Unless the blob is there, the caller writes it when wait is nil, or
// waits and asks again.
func (s *Store) reserve(id ID, size int64) (there bool, wait <-chan struct{}, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.index[id]; ok {
		return true, nil, nil
	}
	if c, ok := s.busy[id]; ok {
		return false, c, nil
	}
	if s.used+charge(size) > s.quota {
		return false, nil, &QuotaError{Used: s.used, Quota: s.quota, Need: charge(size)}
	}
	s.used += charge(size)
	s.busy[id] = make(chan struct{})
	return false, nil, nil
}

func (s *Store) settle(id ID, size int64, stored bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if stored {
		s.index[id] = entry{size: size, at: time.Now()}
	} else {
		s.used -= charge(size)
	}
	close(s.busy[id])
	delete(s.busy, id)
}

// write brings the bytes to the disk under another name first, then renames, then makes the names of
// file and folders durable (BLOB-4).
func (s *Store) write(data []byte, id ID) error {
	f, err := os.CreateTemp(filepath.Join(s.dir, tempFolder), "blob-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	path := s.path(id)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o700)
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return s.syncFolders(filepath.Dir(path))
}

// syncFolders syncs a blob's folder, and the first time those above it up to the store's own.
func (s *Store) syncFolders(leaf string) error {
	s.mu.Lock()
	levels := folderLevels + 1
	if s.durable[leaf] {
		levels = 1
	}
	s.mu.Unlock()
	dir := leaf
	for range levels {
		d, err := os.Open(dir)
		if err != nil {
			return err
		}
		if err := errors.Join(d.Sync(), d.Close()); err != nil {
			return err
		}
		dir = filepath.Dir(dir)
	}
	s.mu.Lock()
	s.durable[leaf] = true
	s.mu.Unlock()
	return nil
}

// Get gives a blob of this node. Errors that are ErrMissing mean that peers may have it; others are
// the disk's.
func (s *Store) Get(ctx context.Context, id ID) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	seen, ok := s.lookup(id)
	if !ok {
		return nil, &MissingError{ID: id, Why: "not stored on this node"}
	}
	data, err := os.ReadFile(s.path(id))
	switch {
	case errors.Is(err, os.ErrNotExist):
		s.forget(id, seen)
		return nil, &MissingError{ID: id, Why: "its file is gone"}
	case err != nil:
		return nil, fmt.Errorf("blob store: %w", err)
	case IDOf(data) != id:
		s.log.Warn("damaged blob removed: check the disk", "blob", id, "file", s.path(id))
		if err := s.remove(id, seen); err != nil {
			return nil, fmt.Errorf("blob store: damaged blob: %w", err)
		}
		return nil, &MissingError{ID: id, Why: "its file was damaged and has been removed"}
	}
	return data, nil
}

// Has tells whether this node stores a blob.
func (s *Store) Has(id ID) bool {
	_, ok := s.lookup(id)
	return ok
}

func (s *Store) lookup(id ID) (entry, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.index[id]
	return e, ok
}

// Usage gives the number of blobs and the bytes that count against the quota.
func (s *Store) Usage() (count int, used, quota int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.index), s.used, s.quota
}

// Prune removes the blobs that were stored before a moment and that keep, which is asked once for
// each, does not want. It goes on after an error and reports all.
func (s *Store) Prune(before time.Time, keep func(ID) bool) (removed int, err error) {
	var errs []error
	for id, e := range s.olderThan(before) {
		if keep(id) {
			continue
		}
		if err := s.remove(id, e); err != nil {
			errs = append(errs, fmt.Errorf("blob store: prune: %w", err))
			continue
		}
		removed++
	}
	return removed, errors.Join(errs...)
}

func (s *Store) olderThan(before time.Time) map[ID]entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	older := make(map[ID]entry)
	for id, e := range s.index {
		if e.at.Before(before) {
			older[id] = e
		}
	}
	return older
}

// remove deletes a blob unless it has been stored anew since it was seen. It keeps the blob busy while
// its file goes, so that a Put of the same blob waits for the end.
func (s *Store) remove(id ID, seen entry) error {
	s.mu.Lock()
	e, ok := s.index[id]
	if !ok || e != seen || s.busy[id] != nil {
		s.mu.Unlock()
		return nil
	}
	delete(s.index, id)
	s.busy[id] = make(chan struct{})
	s.mu.Unlock()

	err := os.Remove(s.path(id))
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.index[id] = e
	} else {
		s.used -= charge(e.size)
	}
	close(s.busy[id])
	delete(s.busy, id)
	return err
}

// forget takes a blob without a file out of the index, unless it has been stored anew.
func (s *Store) forget(id ID, seen entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, ok := s.index[id]; ok && e == seen {
		delete(s.index, id)
		s.used -= charge(e.size)
	}
}
