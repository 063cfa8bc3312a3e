package store

// What is tested: random blocks over few accounts and slots, with every state kept in maps. After each
// commit all heights of the window read as the maps say, across flushes, reopening, pruning and power
// cuts at every write; what left the window is gone from the disk.

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/state"
)

// small is a window that a test can fill and leave behind many times.
var small = window{heights: 12, partition: 4}

func openSmall(t testing.TB, fs vfs.FS) *DB {
	t.Helper()
	d, err := Open(Options{Dir: "db", Genesis: chain.Hash{1}, FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	d.window = small
	return d
}

// place is what the model knows: an account's address, or a slot.
type place struct {
	addr chain.Address
	key  chain.Hash
}

// world is the state after one block, in maps.
type world struct {
	accounts map[chain.Address]state.Account
	slots    map[place]chain.Hash
}

func (w world) copy() world { return world{maps.Clone(w.accounts), maps.Clone(w.slots)} }

// Addresses and keys share bytes with one another and with what lies behind them in a row.
func testAddress(i int) chain.Address {
	return chain.Address{0: byte(i / 3), 19: []byte{0, 1, 255}[i%3]}
}

func testKey(i int) chain.Hash { return chain.Hash{31: byte(i)} }

const testPlaces = 9

// step changes some of w and gives the change as a block's.
func (w world) step(rng *rand.Rand) (d state.Diff) {
	for i := range testPlaces {
		addr := testAddress(i)
		if rng.IntN(4) == 0 {
			old, now := w.accounts[addr], state.Account{}
			if rng.IntN(3) > 0 {
				now = state.Account{Nonce: old.Nonce + 1, Balance: *uint256.NewInt(rng.Uint64())}
			}
			if old != now {
				d.Accounts = append(d.Accounts, state.AccountChange{Address: addr, Old: old, New: now})
				w.accounts[addr] = now
			}
		}
		for j := range 3 {
			at := place{addr, testKey(j)}
			old, now := w.slots[at], chain.Hash{0: byte(rng.IntN(3)), 31: byte(rng.IntN(2))}
			if rng.IntN(6) == 0 && old != now {
				d.Slots = append(d.Slots, state.SlotChange{Address: addr, Key: at.key, Old: old, New: now})
				w.slots[at] = now
			}
		}
	}
	return d
}

// chainModel is a chain of random blocks with all its states.
type chainModel struct {
	rng    *rand.Rand
	worlds []world // by height
}

func newChainModel(seed uint64) *chainModel {
	return &chainModel{rng: rand.New(rand.NewPCG(seed, 2))}
}

// next gives the commit of the next block.
func (m *chainModel) next() *Commit {
	w := world{map[chain.Address]state.Account{}, map[place]chain.Hash{}}
	if n := len(m.worlds); n > 0 {
		w = m.worlds[n-1].copy()
	}
	b := &chain.Block{}
	b.Header.Number = chain.Height(len(m.worlds))
	c := &Commit{Block: b, Hash: b.Hash(), Diff: w.step(m.rng)}
	m.worlds = append(m.worlds, w)
	return c
}

// check compares every state that the database gives, and what it has no room for any more.
func (m *chainModel) check(d *DB) (err error) {
	s := d.Snapshot()
	defer func() { err = errors.Join(err, s.Close()) }()
	oldest, head, err := s.Window()
	if err != nil {
		return err
	}
	if head+1 > chain.Height(len(m.worlds)) || head-oldest != min(head, small.heights-1) {
		return fmt.Errorf("window %d to %d", oldest, head)
	}
	if err := m.compare(s, head); err != nil {
		return fmt.Errorf("head %d: %w", head, err)
	}
	for h := oldest; h < head; h++ {
		p, err := s.At(h)
		if err == nil {
			err = errors.Join(m.compare(p, h), p.Close())
		}
		if err != nil {
			return fmt.Errorf("height %d of %d: %w", h, head, err)
		}
	}
	return m.checkUndo(s, head)
}

func (m *chainModel) compare(r state.Reader, h chain.Height) error {
	w := m.worlds[h]
	for i := range testPlaces {
		addr := testAddress(i)
		want := w.accounts[addr]
		got, there, err := r.Account(addr)
		if err != nil || got != want || there == want.Empty() {
			return fmt.Errorf("account %s: got %+v, %v, %v, want %+v", addr, got, there, err, want)
		}
		for j := range 3 {
			want := w.slots[place{addr, testKey(j)}]
			if got, err := r.Slot(addr, testKey(j)); err != nil || got != want {
				return fmt.Errorf("slot %s %d: got %s, %v, want %s", addr, j, got, err, want)
			}
		}
	}
	return nil
}

// checkUndo goes back to the first block of the oldest partition and compares on the way.
func (m *chainModel) checkUndo(s *Snapshot, head chain.Height) error {
	w, next := m.worlds[head].copy(), head
	err := s.Undo(func(h chain.Height, back state.Diff) error {
		if h != next {
			return fmt.Errorf("undo gives block %d, want %d", h, next)
		}
		next--
		for _, c := range back.Accounts {
			w.accounts[c.Address] = c.New
		}
		for _, c := range back.Slots {
			w.slots[place{c.Address, c.Key}] = c.New
		}
		for i := range testPlaces {
			addr := testAddress(i)
			if got, want := w.accounts[addr], m.worlds[next].accounts[addr]; got != want {
				return fmt.Errorf("undo to height %d: account %s: got %+v, want %+v", next, addr, got, want)
			}
			for j := range 3 {
				at := place{addr, testKey(j)}
				if got, want := w.slots[at], m.worlds[next].slots[at]; got != want {
					return fmt.Errorf("undo to height %d: slot %s %d: got %s, want %s", next, addr, j, got, want)
				}
			}
		}
		return nil
	})
	if oldest := small.oldest(head); err == nil && head > 0 && (next > oldest || oldest-next >= small.partition) {
		err = fmt.Errorf("undo ends at height %d, the oldest state is %d", next, oldest)
	}
	return err
}

func TestPastStates(t *testing.T) {
	fs := vfs.NewMem()
	d := openSmall(t, fs)
	m := newChainModel(1)
	for h := range 120 {
		if err := d.Commit(m.next()); err != nil {
			t.Fatal(err)
		}
		switch m.rng.IntN(12) {
		case 0:
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			d = openSmall(t, fs)
		case 1:
			if err := d.db.Flush(); err != nil {
				t.Fatal(err)
			}
		case 2: // to the lowest level, where filters are read on request only
			if err := d.db.Compact(t.Context(), []byte{0}, []byte{0xff}, false); err != nil {
				t.Fatal(err)
			}
		}
		if err := m.check(d); err != nil {
			t.Fatalf("after block %d: %v", h, err)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

// A state that was opened stays what it is, whatever is committed and pruned meanwhile.
func TestPastStateStays(t *testing.T) {
	d := openSmall(t, vfs.NewMem())
	m := newChainModel(3)
	for range 20 {
		if err := d.Commit(m.next()); err != nil {
			t.Fatal(err)
		}
	}
	s := d.Snapshot()
	old, err := s.At(9)
	if err != nil {
		t.Fatal(err)
	}
	for range 40 {
		if err := d.Commit(m.next()); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 20 {
				if err := m.compare(old, 9); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if err := errors.Join(old.Close(), s.Close(), d.Close()); err != nil {
		t.Error(err)
	}
}

// Power goes at any write, also at those that prune.
func TestPastStatesAfterCrash(t *testing.T) {
	disk := vfs.NewCrashableMem()
	rng := rand.New(rand.NewPCG(5, 6))
	var mu sync.Mutex
	var crashes []*vfs.MemFS
	var armed atomic.Bool
	fs := errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if !armed.Load() || op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		crashes = append(crashes, disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng}))
		return nil
	}))
	d := openSmall(t, fs)
	m := newChainModel(7)
	for range 5 * small.heights {
		armed.Store(len(m.worlds) > int(small.heights))
		if err := d.Commit(m.next()); err != nil {
			t.Fatal(err)
		}
		if m.rng.IntN(6) == 0 {
			if err := d.db.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	armed.Store(false)
	if len(crashes) < 20 {
		t.Fatalf("only %d crashes: the disk is not watched", len(crashes))
	}
	for i, fs := range crashes {
		again := openSmall(t, fs)
		if err := errors.Join(m.check(again), again.Close()); err != nil {
			t.Fatalf("crash %d: %v", i, err)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

// A row out of place is damage, wherever it lies.
func TestStrayPastRows(t *testing.T) {
	for name, key := range map[string][]byte{
		"below the window":    pastKey(nil, kindPastAccount, 0, make([]byte, 20), 2),
		"above the head":      pastKey(nil, kindPastSlot, 9, make([]byte, 52), 36),
		"in another's place":  pastKey(nil, kindPastAccount, 7, make([]byte, 20), 27),
		"too high":            pastKey(nil, kindPastAccount, 7, make([]byte, 20), 31),
		"with a short key":    pastKey(nil, kindPastSlot, 7, make([]byte, 51), 29),
		"with a value of one": pastKey(nil, kindPastSlot, 7, make([]byte, 52), 29),
	} {
		d := openSmall(t, vfs.NewMem())
		m := newChainModel(9)
		for range 31 {
			if err := d.Commit(m.next()); err != nil {
				t.Fatal(err)
			}
		}
		undo := func() error {
			s := d.Snapshot()
			return errors.Join(s.Undo(func(chain.Height, state.Diff) error { return nil }), s.Close())
		}
		if err := undo(); err != nil {
			t.Errorf("%s: before: %v", name, err)
		}
		if err := d.db.Set(key, []byte{1}, nil); err != nil {
			t.Fatal(err)
		}
		if err := undo(); err == nil {
			t.Errorf("a row %s: not found", name)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}

// The real window: at any head the partitions kept hold all of it, and a look-up asks nine at most.
func TestWindow(t *testing.T) {
	w := window{HistoryHeightsMax, partitionHeights}
	first := uint32(0) // the first partition kept
	for head := range chain.Height(4 * HistoryHeightsMax) {
		if gone, ok := w.expired(head); ok {
			if gone != first {
				t.Fatalf("head %d: partition %d expires, want %d", head, gone, first)
			}
			first++
		}
		oldest := w.oldest(head)
		if head-oldest+1 != min(head+1, HistoryHeightsMax) {
			t.Fatalf("head %d: the oldest state is %d", head, oldest)
		}
		if from := w.partitionOf(oldest + 1); from != first {
			t.Fatalf("head %d: states begin in partition %d, kept from %d", head, from, first)
		}
		if n := w.partitionOf(head) - first + 1; n > HistoryHeightsMax/partitionHeights+1 {
			t.Fatalf("head %d: %d partitions", head, n)
		}
	}
}

// What the database demands of the order of keys and their prefixes, over all pairs of short byte strings
// and keys.
func TestPrefixes(t *testing.T) {
	c := Comparer()
	rng := rand.New(rand.NewPCG(11, 12))
	some := func() []byte {
		kinds := []byte{kindPastAccount, kindPastSlot, kindSlot, kindPastAccount + 1}
		b := []byte{kinds[rng.IntN(len(kinds))]}
		for range rng.IntN(70) {
			b = append(b, []byte{0, 255}[rng.IntN(2)])
		}
		return b
	}
	for range 100_000 {
		a, b := some(), some()
		if rng.IntN(2) == 0 { // most pairs begin alike
			n := rng.IntN(min(len(a), len(b)) + 1)
			copy(b[:n], a[:n])
		}
		pa, pb := a[:c.Split(a)], b[:c.Split(b)]
		ab, pab := c.Compare(a, b), c.Compare(pa, pb)
		if ab <= 0 && pab > 0 || pab < 0 && ab >= 0 || pab == 0 && c.ComparePointSuffixes(a[len(pa):], b[len(pb):]) != ab {
			t.Fatalf("prefixes of %x and %x are out of order", a, b)
		}
		next := c.ImmediateSuccessor(nil, pa)
		if c.Split(next) != len(next) || c.Compare(pa, next) >= 0 {
			t.Fatalf("successor of prefix %x: %x", pa, next)
		}
		if c.Compare(pa, pb) < 0 && c.Compare(pb, next) < 0 {
			t.Fatalf("prefix %x lies between %x and its successor %x", pb, pa, next)
		}
	}
}
