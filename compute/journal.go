package compute

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/codec"
	"github.com/aiwork/aiwork-node/internal/whole"
	"github.com/aiwork/aiwork-node/tasks/job"
)

const (
	entryMagic    = 0x41495752 // "AIWR": nothing is missing before the last output
	gapsMagic     = 0x41495747 // "AIWG": something is; a program that knows no gaps refuses it
	entryBytesMax = 64 << 10
	entrySuffix   = ".work"
	lockName      = "lock"
)

// Key names an attempt at a batch in one role.
type Key struct {
	Role    Role
	Job     uint64
	Batch   uint32
	Attempt uint8
}

func (k Key) file() string {
	return fmt.Sprintf("%s-%d-%d-%d%s", k.Role, k.Job, k.Batch, k.Attempt, entrySuffix)
}

// parseKey reads a file's name; ok is false for any that file would not give.
func parseKey(name string) (k Key, ok bool) {
	parts := strings.Split(strings.TrimSuffix(name, entrySuffix), "-")
	if len(parts) != 4 {
		return k, false
	}
	id, err1 := strconv.ParseUint(parts[1], 10, 64)
	batch, err2 := strconv.ParseUint(parts[2], 10, 32)
	attempt, err3 := strconv.ParseUint(parts[3], 10, 8)
	k = Key{Role(parts[0]), id, uint32(batch), uint8(attempt)}
	known := k.Role == RoleWorker || k.Role == RoleAuditor
	return k, known && errors.Join(err1, err2, err3) == nil && k.file() == name
}

// Entry is what was computed for one task: the salt of its commitment and the encoded outputs, each at its place:
// those of all items for a worker and of the sampled ones for an auditor. While the work goes on there
// are fewer, and one that is not there yet is empty; the last one never is.
type Entry struct {
	Salt    chain.Hash
	Outputs [][]byte
}

// missing lists the places below n that have no output.
func (e *Entry) missing(n int) (places []int) {
	for i := range n {
		if i >= len(e.Outputs) || len(e.Outputs[i]) == 0 {
			places = append(places, i)
		}
	}
	return places
}

// set puts an output at its place.
func (e *Entry) set(i int, output []byte) {
	for len(e.Outputs) <= i {
		e.Outputs = append(e.Outputs, nil)
	}
	e.Outputs[i] = output
}

// Journal is a folder with one file for each task under way. Its owner is one process, which a lock on
// the folder makes sure of: two that commit to one task with two salts would lose the bond.
type Journal struct {
	dir  string
	lock *os.File
}

// ErrJournalLocked says that another process owns the journal.
var ErrJournalLocked = errors.New("another process works for this account with this folder: stop it first")

// ErrDamaged says that an entry is not what was written.
var ErrDamaged = errors.New("damaged entry")

// OpenJournal opens a folder, bound to a chain and an address: salts and results of another chain or key
// would be worse than none. What a crash left half written is removed. The caller closes it.
func OpenJournal(dir string, genesis chain.Hash, who chain.Address) (*Journal, error) {
	j := &Journal{dir: filepath.Join(dir, fmt.Sprintf("%x-%x", genesis[:6], who[:]))}
	if err := os.MkdirAll(j.dir, 0o700); err != nil {
		return nil, fmt.Errorf("work journal: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(j.dir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("work journal: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		return nil, fmt.Errorf("work journal %s: %w", j.dir, ErrJournalLocked)
	}
	j.lock = lock
	torn, err := filepath.Glob(filepath.Join(j.dir, whole.Prefix+"*"))
	for _, path := range torn {
		err = errors.Join(err, os.Remove(path))
	}
	if err != nil {
		return nil, fmt.Errorf("work journal: %w", errors.Join(err, j.Close()))
	}
	return j, nil
}

// Close gives the folder free.
func (j *Journal) Close() error { return j.lock.Close() }

// NewEntry makes an entry without outputs and with a fresh salt.
func NewEntry() Entry {
	var e Entry
	_, _ = rand.Read(e.Salt[:]) // never fails: see crypto/rand
	return e
}

func (j *Journal) path(k Key) string { return filepath.Join(j.dir, k.file()) }

// Put writes an entry and syncs it. Rule COMPUTE-1: it comes before the commitment that is sent.
func (j *Journal) Put(k Key, e Entry) error { return j.write(j.path(k), e.encode()) }

func (j *Journal) write(path string, b []byte) error {
	if err := whole.Write(path, b, 0o600); err != nil {
		return fmt.Errorf("work journal: %w", err)
	}
	return nil
}

// Get reads an entry; found is false where there is none. An error is ErrDamaged where the file is not
// what Put wrote.
func (j *Journal) Get(k Key) (e Entry, found bool, err error) {
	b, err := os.ReadFile(j.path(k))
	if errors.Is(err, fs.ErrNotExist) {
		return Entry{}, false, nil
	}
	if err != nil {
		return Entry{}, false, fmt.Errorf("work journal: %w", err)
	}
	if e, err = decodeEntry(b); err != nil {
		return Entry{}, false, fmt.Errorf("work journal %s: %w: %w", j.path(k), ErrDamaged, err)
	}
	return e, true, nil
}

// Keys lists the entries. Files that are no entries are left alone.
func (j *Journal) Keys() ([]Key, error) {
	files, err := os.ReadDir(j.dir)
	if err != nil {
		return nil, fmt.Errorf("work journal: %w", err)
	}
	var keys []Key
	for _, f := range files {
		if k, ok := parseKey(f.Name()); ok {
			keys = append(keys, k)
		}
	}
	return keys, nil
}

// Drop removes an entry. Rule COMPUTE-4: only one that the chain has shown to be over.
func (j *Journal) Drop(k Key) error {
	if err := os.Remove(j.path(k)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("work journal: %w", err)
	}
	return j.dropResults(k)
}

func (e *Entry) magic() uint32 {
	if len(e.missing(len(e.Outputs))) > 0 {
		return gapsMagic
	}
	return entryMagic
}

func (e *Entry) encode() []byte {
	w := codec.NewWriter(64)
	w.U32(e.magic())
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
		return e, fmt.Errorf("%d bytes", len(b))
	}
	sum := job.OutputHash(b[:len(b)-4])
	r := codec.NewReader(b)
	magic := r.U32()
	if magic != entryMagic && magic != gapsMagic {
		return e, errors.New("it begins with another mark")
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
		return e, errors.New("its checksum differs")
	}
	if magic != e.magic() || n > 0 && len(e.Outputs[n-1]) == 0 {
		return e, errors.New("it has other gaps than its mark says")
	}
	return e, r.End()
}
