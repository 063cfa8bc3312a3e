package compute

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/codec"
	"github.com/aiwork/aiwork-node/tasks/job"
)

const (
	entryMagic    = 0x41495752 // "AIWR"
	entryBytesMax = 64 << 10
	entrySuffix   = ".work"
)

// Entry is what was computed for one task: the salt of its commitment and the encoded outputs, those of
// all items for a worker and of the sampled ones for an auditor.
type Entry struct {
	Salt    chain.Hash
	Outputs [][]byte
}

// Journal is a folder with one file for each task under way. Its owner is one process.
type Journal struct{ dir string }

// OpenJournal opens a folder, bound to a chain and an address: salts and results of another chain or key
// would be worse than none.
func OpenJournal(dir string, genesis chain.Hash, who chain.Address) (*Journal, error) {
	j := &Journal{dir: filepath.Join(dir, fmt.Sprintf("%x-%x", genesis[:6], who[:]))}
	if err := os.MkdirAll(j.dir, 0o700); err != nil {
		return nil, fmt.Errorf("work journal: %w", err)
	}
	return j, nil
}

// NewEntry makes an entry with a fresh salt.
func NewEntry(outputs [][]byte) Entry {
	e := Entry{Outputs: outputs}
	_, _ = rand.Read(e.Salt[:]) // never fails: see crypto/rand
	return e
}

func (j *Journal) path(t *Task) string {
	return filepath.Join(j.dir, fmt.Sprintf("%s-%d-%d-%d%s", t.Role, t.Job, t.Batch, t.Attempt, entrySuffix))
}

// Put writes an entry and syncs it. Rule COMPUTE-1: it comes before the commitment that is sent.
func (j *Journal) Put(t *Task, e Entry) error {
	path := j.path(t)
	f, err := os.CreateTemp(j.dir, ".new-*")
	if err != nil {
		return fmt.Errorf("work journal: %w", err)
	}
	defer os.Remove(f.Name()) // nothing once it is renamed
	_, err = f.Write(e.encode())
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("work journal: %w", err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("work journal: %w", err)
	}
	return syncDir(j.dir)
}

// Get reads an entry; found is false where there is none.
func (j *Journal) Get(t *Task) (e Entry, found bool, err error) {
	b, err := os.ReadFile(j.path(t))
	if errors.Is(err, fs.ErrNotExist) {
		return Entry{}, false, nil
	}
	if err != nil {
		return Entry{}, false, fmt.Errorf("work journal: %w", err)
	}
	if e, err = decodeEntry(b); err != nil {
		return Entry{}, false, fmt.Errorf("work journal %s: %w", j.path(t), err)
	}
	return e, true, nil
}

// Keep removes the entries of tasks that are not in the list: the chain has no more use for them.
func (j *Journal) Keep(tasks []Task) error {
	wanted := map[string]bool{}
	for i := range tasks {
		wanted[filepath.Base(j.path(&tasks[i]))] = true
	}
	files, err := os.ReadDir(j.dir)
	if err != nil {
		return fmt.Errorf("work journal: %w", err)
	}
	for _, f := range files {
		if name := f.Name(); strings.HasSuffix(name, entrySuffix) && !wanted[name] {
			if err := os.Remove(filepath.Join(j.dir, name)); err != nil {
				return fmt.Errorf("work journal: %w", err)
			}
		}
	}
	return nil
}

func (e *Entry) encode() []byte {
	w := codec.NewWriter(64)
	w.U32(entryMagic)
	w.Fixed(e.Salt[:])
	w.U16(uint16(len(e.Outputs)))
	for _, o := range e.Outputs {
		w.Bytes(o)
	}
	sum := job.OutputHash(w.Out())
	w.U32(binary.BigEndian.Uint32(sum[:]))
	return w.Out()
}

func decodeEntry(b []byte) (e Entry, err error) {
	if len(b) < 4 || len(b) > entryBytesMax {
		return e, fmt.Errorf("%d bytes: not an entry", len(b))
	}
	sum := job.OutputHash(b[:len(b)-4])
	r := codec.NewReader(b)
	if r.U32() != entryMagic {
		return e, errors.New("not an entry")
	}
	r.Fixed(e.Salt[:])
	n := int(r.U16())
	if n > job.BatchItemsMax {
		return e, fmt.Errorf("%d outputs: at most %d", n, job.BatchItemsMax)
	}
	for range n {
		e.Outputs = append(e.Outputs, append([]byte(nil), r.Bytes(job.OutputBytesMax)...))
	}
	if r.U32() != binary.BigEndian.Uint32(sum[:]) {
		return e, errors.New("checksum differs: the file is damaged")
	}
	return e, r.End()
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("work journal: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("work journal: %w", err)
	}
	return nil
}
