package objects

// The store's folder: whole and partial objects, quota, eviction and pins, what crashes leave.

import (
	"bytes"
	"errors"
	"os"
	"testing"
	"time"
)

func newStore(tb testing.TB, groups int64) Store {
	return Store{Dir: tb.TempDir(), QuotaBytes: groups * GroupBytes}
}

// put stores an object as a fetch would.
func put(tb testing.TB, s Store, data []byte) ID {
	tb.Helper()
	tree, id := treeOf(tb, data)
	p, err := s.Begin(id, tree)
	if err != nil {
		tb.Fatal(err)
	}
	write(tb, p, data, 0, len(tree.Sums))
	if err := p.Finish(); err != nil {
		tb.Fatal(err)
	}
	return id
}

func write(tb testing.TB, p *Partial, data []byte, from, to int) {
	tb.Helper()
	for i := from; i < to; i++ {
		if err := p.Write(i, data[i*GroupBytes:i*GroupBytes+p.tree.GroupSize(i)]); err != nil {
			tb.Fatal(err)
		}
	}
}

// age makes an object look as if it had been used so long ago.
func age(tb testing.TB, s Store, id ID, d time.Duration) {
	tb.Helper()
	at := time.Now().Add(-d)
	if err := os.Chtimes(s.path(id), at, at); err != nil {
		tb.Fatal(err)
	}
}

func has(s Store, id ID) bool {
	o, err := s.Open(id)
	if err != nil {
		return false
	}
	return o.Close() == nil
}

func TestStoreGivesBackWhatItTook(t *testing.T) {
	s := newStore(t, 16)
	data := noise(1, 3*GroupBytes+17)
	id := put(t, s, data)
	if got, err := s.Bytes(id); err != nil || !bytes.Equal(got, data) {
		t.Fatalf("got %d bytes, %v, want the object's %d", len(got), err, len(data))
	}
	if used, err := s.Used(); err != nil || used != int64(len(data)) {
		t.Errorf("used: got %d, %v, want %d", used, err, len(data))
	}
	b := bytes.Clone(data)
	b[GroupBytes] ^= 1
	if err := os.WriteFile(s.path(id), b, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Bytes(id); !errors.Is(err, ErrMissing) {
		t.Errorf("damaged: got %v, want ErrMissing", err)
	}
	if _, err := s.Open(id); !errors.Is(err, ErrMissing) {
		t.Errorf("after that: got %v, want ErrMissing", err)
	}
}

func TestEvictionTakesTheLeastRecentlyUsed(t *testing.T) {
	s := newStore(t, 6)
	a, b, c := put(t, s, noise(1, 2*GroupBytes)), put(t, s, noise(2, 2*GroupBytes)), put(t, s, noise(3, 2*GroupBytes))
	age(t, s, a, 3*time.Hour)
	age(t, s, b, 2*time.Hour)
	age(t, s, c, time.Hour)
	if !has(s, a) { // which makes it the one used last
		t.Fatal("the first object is gone before the quota is reached")
	}
	d := put(t, s, noise(4, GroupBytes))
	for _, w := range []struct {
		name string
		id   ID
		want bool
	}{{"used again", a, true}, {"oldest", b, false}, {"younger", c, true}, {"new", d, true}} {
		if got := has(s, w.id); got != w.want {
			t.Errorf("%s: got there %v, want %v", w.name, got, w.want)
		}
	}
}

func TestPinnedObjectsStay(t *testing.T) {
	s := newStore(t, 4)
	a, b := put(t, s, noise(1, 2*GroupBytes)), put(t, s, noise(2, 2*GroupBytes))
	age(t, s, a, time.Hour)
	pin, err := s.Open(a)
	if err != nil {
		t.Fatal(err)
	}
	age(t, s, a, time.Hour)
	big, bigID := treeOf(t, noise(3, 3*GroupBytes))
	var full *QuotaError
	if _, err := s.Begin(bigID, big); !errors.As(err, &full) || full.Pinned != 2*GroupBytes {
		t.Errorf("three groups beside two pinned of four: got %v, want a QuotaError", err)
	}
	if !has(s, b) {
		t.Error("an object was evicted though that could not help")
	}
	put(t, s, noise(4, 2*GroupBytes))
	if !has(s, a) || has(s, b) {
		t.Errorf("got pinned there %v, other there %v, want the pinned one alone", has(s, a), has(s, b))
	}
	if err := pin.Close(); err != nil {
		t.Fatal(err)
	}
	put(t, s, noise(5, 4*GroupBytes))
	if has(s, a) {
		t.Error("no longer pinned: got it there, want it evicted")
	}
}

func TestPartialGoesOnWhereItStopped(t *testing.T) {
	s := newStore(t, 16)
	data := noise(6, 5*GroupBytes+1)
	tree, id := treeOf(t, data)
	p, err := s.Begin(id, tree)
	if err != nil {
		t.Fatal(err)
	}
	write(t, p, data, 1, 4)
	if _, err := s.Begin(id, tree); !errors.Is(err, ErrBusy) {
		t.Errorf("a second fetch of the same: got %v, want ErrBusy", err)
	}
	if err := p.Write(0, data[GroupBytes:2*GroupBytes]); !errors.Is(err, ErrGroup) {
		t.Errorf("a wrong group: got %v, want ErrGroup", err)
	}
	if err := p.Close(); err != nil { // as the end of the process would
		t.Fatal(err)
	}
	// A torn write: half of group 2 is lost.
	f, err := os.OpenFile(s.path(id)+partSuffix, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(make([]byte, GroupBytes/2), 2*GroupBytes); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if has(s, id) {
		t.Error("a partial object is there as a whole one")
	}
	if p, err = s.Begin(id, tree); err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{false, true, false, true, false, false} {
		if p.Have(i) != want {
			t.Errorf("group %d: got there %v, want %v", i, !want, want)
		}
	}
	write(t, p, data, 0, 6)
	if err := p.Finish(); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Bytes(id); err != nil || !bytes.Equal(got, data) {
		t.Errorf("got %d bytes, %v, want the object", len(got), err)
	}
}

func TestPartialObjectsCountAndAreEvicted(t *testing.T) {
	s := newStore(t, 4)
	data := noise(7, 3*GroupBytes)
	tree, id := treeOf(t, data)
	p, err := s.Begin(id, tree)
	if err != nil {
		t.Fatal(err)
	}
	other, otherID := treeOf(t, noise(8, 2*GroupBytes))
	if _, err := s.Begin(otherID, other); !errors.As(err, new(*QuotaError)) {
		t.Errorf("beside one under way: got %v, want a QuotaError", err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	put(t, s, noise(8, 2*GroupBytes))
	if _, err := os.Stat(s.path(id) + partSuffix); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the partial object that nobody fetches: got %v, want it evicted", err)
	}
}

func TestMoveTo(t *testing.T) {
	s := newStore(t, 4)
	data := noise(9, GroupBytes+5)
	id := put(t, s, data)
	to := t.TempDir() + "/model"
	if err := s.MoveTo(id, to); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(to); err != nil || !bytes.Equal(got, data) || has(s, id) {
		t.Errorf("got %d bytes, %v, still in the store %v, want it there alone", len(got), err, has(s, id))
	}
}
