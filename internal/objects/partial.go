package objects

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"

	"github.com/aiwork/aiwork-node/internal/must"
)

// A Partial is an object that is being fetched. It holds its file's lock until Finish or Close. Write is safe for
// concurrent use.
type Partial struct {
	store Store
	id    ID
	tree  *Tree
	file  *os.File
	fresh bool // nothing of it was here

	mu   sync.Mutex
	have []bool
	left int
}

// Begin takes up an object that is not whole here, where an earlier try has ended, or anew. Room is taken for all of
// it. ErrBusy: another process is at it.
func (s Store) Begin(id ID, t *Tree) (*Partial, error) {
	must.Hold(t.Root() == id, "tree of another object")
	p := &Partial{store: s, id: id, tree: t, have: make([]bool, len(t.Sums)), left: len(t.Sums)}
	if err := s.locked(p.open); err != nil {
		return nil, diskError(err)
	}
	if p.fresh {
		return p, nil
	}
	if err := p.scan(); err != nil {
		return nil, errors.Join(fmt.Errorf("object store: %w", err), p.file.Close())
	}
	return p, nil
}

// open opens the file, locks it, and gives it the object's size, which is what it counts against the quota. On disks
// that can have holes it takes no room until its groups come.
func (p *Partial) open() error {
	path := p.store.path(p.id) + partSuffix
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		return errors.Join(ErrBusy, f.Close())
	}
	info, err := f.Stat()
	if err == nil && info.Size() != p.tree.Size {
		p.fresh = true
		if err = f.Truncate(0); err == nil {
			err = p.store.makeRoom(p.tree.Size)
		}
		if err == nil {
			err = f.Truncate(p.tree.Size)
		}
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	p.file = f
	return nil
}

// scan finds out which groups are there (OBJ-4).
func (p *Partial) scan() error {
	buf := make([]byte, GroupBytes)
	for i := range p.have {
		group := buf[:p.tree.GroupSize(i)]
		if _, err := p.file.ReadAt(group, int64(i)*GroupBytes); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if p.tree.Fits(i, group) {
			p.have[i] = true
			p.left--
		}
	}
	return nil
}

// Have tells whether group i is there.
func (p *Partial) Have(i int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.have[i]
}

// Left is how many groups are missing.
func (p *Partial) Left() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.left
}

// ErrGroup says that bytes are not the group that they were given for.
var ErrGroup = errors.New("the bytes are not this group of the object")

// Write stores group i if the bytes are it (OBJ-2).
func (p *Partial) Write(i int, data []byte) error {
	if !p.tree.Fits(i, data) {
		return ErrGroup
	}
	if _, err := p.file.WriteAt(data, int64(i)*GroupBytes); err != nil {
		return diskError(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.have[i] {
		p.have[i] = true
		p.left--
	}
	return nil
}

// Head gives the bytes that are there without a gap from the start, at most limit of them.
func (p *Partial) Head(limit int) ([]byte, error) {
	n := 0
	for n < len(p.have) && p.Have(n) && n*GroupBytes < limit {
		n++
	}
	b := make([]byte, min(int64(limit), int64(n)*GroupBytes, p.tree.Size))
	if _, err := p.file.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("object store: %w", err)
	}
	return b, nil
}

// Finish makes the object whole: all groups must be there. The Partial is closed in any case.
func (p *Partial) Finish() error {
	must.Hold(p.Left() == 0, "finished with groups missing")
	err := p.file.Sync()
	if err == nil {
		err = os.Rename(p.store.path(p.id)+partSuffix, p.store.path(p.id))
	}
	if err = errors.Join(err, p.file.Close()); err == nil {
		err = syncFolder(p.store.Dir)
	}
	return diskError(err)
}

// Close keeps what is there for the next Begin.
func (p *Partial) Close() error { return p.file.Close() }

// diskError tells the operator what to do about a full disk.
func diskError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("object store: disk full: free some space: %w", err)
	case errors.Is(err, ErrBusy) || errors.As(err, new(*QuotaError)):
		return err
	}
	return fmt.Errorf("object store: %w", err)
}
