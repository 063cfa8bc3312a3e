package compute

// The journal on a real folder: what is put is got, what a crash leaves is cleared, one owner, and its form.

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/whole"
	"github.com/aiwork/aiwork-node/tasks/job"
)

func openTestJournal(t *testing.T, dir string) *Journal {
	t.Helper()
	j, err := OpenJournal(dir, chain.Hash{1}, me)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

// damage writes an entry of which the last byte is wrong.
func damage(t *testing.T, j *Journal, k Key) {
	t.Helper()
	e := NewEntry()
	b := e.encode()
	b[len(b)-1] ^= 1
	if err := os.WriteFile(j.path(k), b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestJournal(t *testing.T) {
	j := openTestJournal(t, t.TempDir())
	k := Key{RoleWorker, 12, 3, 1}
	e := NewEntry()
	for i := range job.BatchItemsMax {
		e.Outputs = append(e.Outputs, bytes.Repeat([]byte{byte(i)}, job.OutputBytesMax))
		if err := j.Put(k, e); err != nil {
			t.Fatal(err)
		}
	}
	got, found, err := j.Get(k)
	if err != nil || !found || got.Salt != e.Salt || len(got.Outputs) != len(e.Outputs) || !bytes.Equal(got.Outputs[31], e.Outputs[31]) {
		t.Fatalf("got %v, %v, %d outputs", found, err, len(got.Outputs))
	}
	if _, found, err := j.Get(Key{RoleAuditor, 12, 3, 1}); found || err != nil {
		t.Errorf("another role: got %v, %v, want nothing", found, err)
	}
	if err := os.WriteFile(filepath.Join(j.dir, "notes.work"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if keys, err := j.Keys(); err != nil || len(keys) != 1 || keys[0] != k {
		t.Errorf("keys: got %v, %v, want %v alone", keys, err, k)
	}
	if err := errors.Join(j.Drop(k), j.Drop(k)); err != nil {
		t.Errorf("drop, twice: got %v", err)
	}
	if _, found, _ := j.Get(k); found {
		t.Error("the entry is still there")
	}
}

// Outputs come in any order. An entry without gaps has the form of the time when there were none, and one with gaps has another mark,
// so that a program of that time does not take what is missing for an output.
func TestEntryWithGaps(t *testing.T) {
	e := Entry{Salt: chain.Hash{7}}
	e.set(2, []byte{0, 2})
	e.set(0, []byte{0, 0})
	b := e.encode()
	if binary.BigEndian.Uint32(b) == entryMagic {
		t.Error("an entry with a gap has the mark of one without")
	}
	got, err := decodeEntry(b)
	if err != nil || !slices.Equal(got.missing(4), []int{1, 3}) || got.Salt != e.Salt {
		t.Fatalf("got %v with gaps at %v, %v, want them at 1 and 3", got, got.missing(4), err)
	}
	got.set(1, []byte{0, 1})
	whole := Entry{Salt: e.Salt, Outputs: [][]byte{{0, 0}, {0, 1}, {0, 2}}}
	if b := got.encode(); !bytes.Equal(b, whole.encode()) || binary.BigEndian.Uint32(b) != entryMagic {
		t.Errorf("filled up: got %x, want %x", b, whole.encode())
	}
	const before = "4149575207000000000000000000000000000000000000000000000000000000000000000001000000020061337de30d"
	one := Entry{Salt: e.Salt, Outputs: [][]byte{{0, 'a'}}}
	if got := hex.EncodeToString(one.encode()); got != before {
		t.Errorf("an entry without gaps: got %s, want %s as ever", got, before)
	}
	for name, outputs := range map[string][][]byte{"the last is missing": {{0}, nil}, "nothing is there": {nil}} {
		bad := Entry{Outputs: outputs}
		if _, err := decodeEntry(bad.encode()); err == nil {
			t.Errorf("%s: got an entry, want a refusal", name)
		}
	}
}

// A crash in the middle of Put leaves the old entry and a torn new file.
func TestCrashDuringPut(t *testing.T) {
	dir := t.TempDir()
	j := openTestJournal(t, dir)
	k := Key{RoleWorker, 1, 0, 0}
	e := NewEntry()
	e.Outputs = outputs(0)
	if err := j.Put(k, e); err != nil {
		t.Fatal(err)
	}
	torn := filepath.Join(j.dir, whole.Prefix+"123")
	if err := os.WriteFile(torn, e.encode()[:10], 0o600); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = openTestJournal(t, dir)
	if got, found, err := j.Get(k); err != nil || !found || got.Salt != e.Salt {
		t.Errorf("got %v, %v, want the entry from before", found, err)
	}
	if _, err := os.Stat(torn); err == nil {
		t.Error("the torn file is still there")
	}
}

func TestJournalHasOneOwner(t *testing.T) {
	dir := t.TempDir()
	j := openTestJournal(t, dir)
	if _, err := OpenJournal(dir, chain.Hash{1}, me); !errors.Is(err, ErrJournalLocked) {
		t.Errorf("second owner: got %v, want %v", err, ErrJournalLocked)
	}
	if other, err := OpenJournal(dir, chain.Hash{2}, me); err != nil {
		t.Errorf("another chain: got %v, want its own journal", err)
	} else {
		_ = other.Close()
	}
	_ = j.Close()
	openTestJournal(t, dir)
}

func TestParseKey(t *testing.T) {
	k := Key{RoleAuditor, 1<<64 - 1, 1<<32 - 1, 255}
	if got, ok := parseKey(k.file()); !ok || got != k {
		t.Errorf("got %v, %v, want %v", got, ok, k)
	}
	for _, bad := range []string{
		"", "worker-1-2-3", "worker-1-2.work", "worker-01-2-3.work", "worker-1-2-256.work", "boss-1-2-3.work",
		"worker--1-2-3.work", "worker-1-2-3-4.work", "worker-+1-2-3.work",
	} {
		if got, ok := parseKey(bad); ok {
			t.Errorf("%q: got %v, want a refusal", bad, got)
		}
	}
}

func FuzzEntry(f *testing.F) {
	e := Entry{Salt: chain.Hash{7}}
	f.Add(e.encode())
	e.Outputs = outputs(1, 2, 3)
	f.Add(e.encode())
	e.set(5, []byte{0})
	f.Add(e.encode())
	b := e.encode()
	b[40] ^= 0x10
	f.Add(b)
	f.Add(append(e.encode(), 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := decodeEntry(b)
		if err != nil {
			return
		}
		if again := e.encode(); !bytes.Equal(again, b) {
			t.Errorf("got %x, want %x", again, b)
		}
	})
}

// The checksum would stop a fuzzer at once; here it is always made right, so that the rest is reached.
func FuzzEntryBody(f *testing.F) {
	e := Entry{Salt: chain.Hash{7}, Outputs: outputs(1, 2, 3)}
	b := e.encode()
	f.Add(b[:len(b)-4])
	f.Add(b[:20])
	e.set(5, []byte{0})
	b = e.encode()
	f.Add(b[:len(b)-4])
	f.Fuzz(func(t *testing.T, body []byte) {
		sum := job.OutputHash(body)
		b := append(bytes.Clone(body), sum[:4]...)
		e, err := decodeEntry(b)
		if err != nil {
			return
		}
		if again := e.encode(); !bytes.Equal(again, b) {
			t.Errorf("got %x, want %x", again, b)
		}
	})
}
