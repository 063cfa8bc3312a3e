package votelog

// The log on real folders and on a disk in memory that loses what was not synced. Every operation of the
// disk is a crash point; after each crash, by kill and by power cut, what Open reads must be all that was
// synced and at most what was appended, and never a loss. Lost, cut, copied and damaged logs are told
// apart. Benchmarks show what a Sync costs.

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/dice"
)

var (
	genesis = chain.Hash{1, 2, 3}
	key     = [32]byte{9, 8, 7}
	bound   = binding{genesis, key}
)

func vote(s, v uint64, kind chain.VoteKind) Record {
	payload := fmt.Appendf(nil, "vote %d %d %d", s, v, kind)
	return Record{Kind: Vote, Session: chain.Session(s), View: chain.View(v), VoteKind: kind, Payload: payload}
}

func block(s, v uint64, size int) Record {
	payload := bytes.Repeat([]byte{byte(v)}, size)
	return Record{Kind: Block, Session: chain.Session(s), View: chain.View(v), Payload: payload}
}

func certificate(s, v uint64) Record {
	return Record{
		Kind: Certificate, Session: chain.Session(s), View: chain.View(v),
		VoteKind: chain.VoteNotarize, Payload: []byte("certificate"),
	}
}

func same(a, b Record) bool {
	return a.Kind == b.Kind && a.mark() == b.mark() && bytes.Equal(a.Payload, b.Payload)
}

func wantRecords(t *testing.T, got, want []Record) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("records: got %d, want %d", len(got), len(want))
	}
	for i := range got {
		if !same(got[i], want[i]) {
			t.Fatalf("record %d: got %+v, want %+v", i, got[i], want[i])
		}
	}
}

func mustOpen(t *testing.T, dir string) (*Log, Replay) {
	t.Helper()
	l, r, err := Open(dir, genesis, key)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, r
}

func created(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "votes")
	if err := Create(dir, genesis, key); err != nil {
		t.Fatal(err)
	}
	return dir
}

func put(t *testing.T, l *Log, records ...Record) {
	t.Helper()
	l.Append(records...)
	if err := l.Sync(); err != nil {
		t.Fatal(err)
	}
}

func TestRoundTrip(t *testing.T) {
	dir := created(t)
	l, r := mustOpen(t, dir)
	if len(r.Records) != 0 || r.Loss != LossNone {
		t.Fatalf("new log: got %+v", r)
	}
	want := []Record{block(0, 1, 3000), vote(0, 1, chain.VotePropose), vote(0, 1, chain.VoteNotarize), certificate(0, 1)}
	put(t, l, want[:3]...)
	put(t, l, want[3:]...)
	l.Append(vote(0, 1, chain.VoteFinalize)) // never synced
	l.Close()
	_, r = mustOpen(t, dir)
	wantRecords(t, r.Records, want)
	if r.High != (Mark{0, 1, chain.VoteNotarize}) || r.Loss != LossNone || r.Torn != 0 {
		t.Errorf("got high %v, loss %v, torn %d", r.High, r.Loss, r.Torn)
	}
}

func TestSameVoteTwiceIsOne(t *testing.T) {
	dir := created(t)
	l, _ := mustOpen(t, dir)
	put(t, l, vote(0, 1, chain.VoteNotarize))
	put(t, l, vote(0, 1, chain.VoteNotarize))
	l.Close()
	_, r := mustOpen(t, dir)
	wantRecords(t, r.Records, []Record{vote(0, 1, chain.VoteNotarize)})
}

func TestBrokenOrderPanics(t *testing.T) {
	other := vote(3, 5, chain.VoteNotarize)
	other.Payload = []byte("another block")
	for name, r := range map[string]Record{
		"other bytes":             other,
		"earlier view":            vote(3, 4, chain.VoteFinalize),
		"earlier session":         vote(2, 9, chain.VoteNotarize),
		"earlier kind":            vote(3, 5, chain.VotePropose),
		"nullify after finalize":  vote(3, 6, chain.VoteNullify),
		"resume inside a session": {Kind: Resume, Session: 3},
	} {
		t.Run(name, func(t *testing.T) {
			dir := created(t)
			l, _ := mustOpen(t, dir)
			put(t, l, vote(3, 5, chain.VoteNotarize))
			if strings.HasPrefix(name, "nullify") {
				put(t, l, vote(3, 6, chain.VoteFinalize))
			}
			defer func() {
				if recover() == nil {
					t.Error("append: got no panic")
				}
			}()
			l.Append(r)
		})
	}
}

func TestOneProcess(t *testing.T) {
	dir := created(t)
	l, _ := mustOpen(t, dir)
	if _, _, err := Open(dir, genesis, key); !errors.Is(err, ErrLocked) {
		t.Errorf("second open: got %v, want %v", err, ErrLocked)
	}
	if err := Create(dir, genesis, key); !errors.Is(err, ErrLocked) {
		t.Errorf("create while open: got %v, want %v", err, ErrLocked)
	}
	l.Close()
	if err := Create(dir, genesis, key); !errors.Is(err, ErrExists) {
		t.Errorf("second create: got %v, want %v", err, ErrExists)
	}
}

func TestBoundToGenesisAndKey(t *testing.T) {
	dir := created(t)
	if _, _, err := Open(dir, chain.Hash{7}, key); !errors.Is(err, ErrBound) {
		t.Errorf("other genesis: got %v, want %v", err, ErrBound)
	}
	if _, _, err := Open(dir, genesis, [32]byte{7}); !errors.Is(err, ErrBound) {
		t.Errorf("other key: got %v, want %v", err, ErrBound)
	}
}

func TestNewerFormat(t *testing.T) {
	dir := created(t)
	path := filepath.Join(dir, logName)
	raw, _ := os.ReadFile(path)
	h, err := decodeHead(raw)
	if err != nil {
		t.Fatal(err)
	}
	raw = h.encode()
	raw[len(magic)+3] = 2
	os.WriteFile(path, resum(raw), 0o600)
	if _, _, err := Open(dir, genesis, key); !errors.Is(err, ErrFormat) {
		t.Errorf("got %v, want %v", err, ErrFormat)
	}
}

// TestLosses breaks a log in each way that Open tells apart, and follows the loss over a restart to the
// epoch that ends it.
func TestLosses(t *testing.T) {
	cases := []struct {
		name  string
		spoil func(t *testing.T, dir string, old []byte)
		want  Loss
		kept  int // records that can still be read
	}{
		{"log removed", func(t *testing.T, dir string, _ []byte) { remove(t, dir, logName) }, LossLog, 0},
		{"high-water removed", func(t *testing.T, dir string, _ []byte) { remove(t, dir, highWaterName) }, LossHighWater, 3},
		{"both removed", func(t *testing.T, dir string, _ []byte) {
			remove(t, dir, logName)
			remove(t, dir, highWaterName)
		}, LossLog, 0},
		{"high-water of another key", func(t *testing.T, dir string, _ []byte) {
			b := binding{genesis, [32]byte{1}}
			write1(t, dir, highWaterName, b.encodeHighWater(Mark{0, 2, chain.VoteNotarize}))
		}, LossHighWater, 3},
		{"older copy put back", func(t *testing.T, dir string, old []byte) { write1(t, dir, logName, old) }, LossBehind, 1},
		{"bit flipped in an early group", func(t *testing.T, dir string, _ []byte) { flip(t, dir, headSize+frameHead+20) }, LossCorrupt, 0},
		{"bit flipped in the head", func(t *testing.T, dir string, _ []byte) { flip(t, dir, 60) }, LossCorrupt, 0},
		{"head cut", func(t *testing.T, dir string, _ []byte) { write1(t, dir, logName, []byte(magic)) }, LossCorrupt, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := created(t)
			l, _ := mustOpen(t, dir)
			put(t, l, vote(0, 1, chain.VoteNotarize))
			old, _ := os.ReadFile(filepath.Join(dir, logName))
			put(t, l, vote(0, 1, chain.VoteFinalize))
			put(t, l, vote(0, 2, chain.VoteNotarize))
			l.Close()
			c.spoil(t, dir, old)

			l, r := mustOpen(t, dir)
			if r.Loss != c.want || len(r.Records) != c.kept {
				t.Fatalf("got %v and %d records, want %v and %d", r.Loss, len(r.Records), c.want, c.kept)
			}
			l.Close()
			l, r = mustOpen(t, dir)
			if r.Loss != LossUnresumed {
				t.Fatalf("restart: got %v, want %v", r.Loss, LossUnresumed)
			}
			put(t, l, Record{Kind: Resume, Session: 4})
			put(t, l, vote(4, 1, chain.VoteNotarize))
			l.Close()
			l, r = mustOpen(t, dir)
			if r.Loss != LossNone || r.High != (Mark{4, 1, chain.VoteNotarize}) {
				t.Fatalf("after resume: got %v at %v", r.Loss, r.High)
			}
			l.Close()
			remove(t, dir, highWaterName)
			if _, r = mustOpen(t, dir); r.Loss != LossHighWater {
				t.Fatalf("second loss: got %v, want %v", r.Loss, LossHighWater)
			}
		})
	}
}

func remove(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

func write1(t *testing.T, dir, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func flip(t *testing.T, dir string, at int) {
	t.Helper()
	path := filepath.Join(dir, logName)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	raw[at] ^= 1
	write1(t, dir, logName, raw)
}

// TestEveryCut cuts the file of a log at every byte. Without its high-water file's word what is left is a
// torn end or nothing; with it the log is behind.
func TestEveryCut(t *testing.T) {
	disk := newMemDisk()
	groups := [][]Record{
		{block(0, 1, 90), vote(0, 1, chain.VoteNotarize)},
		{vote(0, 1, chain.VoteFinalize), certificate(0, 1)},
		{vote(0, 2, chain.VoteNullify)},
	}
	var all []Record
	l := openMem(t, disk)
	for _, g := range groups {
		put(t, l, g...)
		all = append(all, g...)
	}
	raw := disk.names[logName].now[:l.Size()]
	for n := headSize; n <= len(raw); n++ {
		cut := newMemDisk()
		cut.put(logName, raw[:n])
		cut.put(highWaterName, bound.encodeHighWater(Mark{}))
		l, r, err := open(cut, bound, 64)
		if err != nil || r.Loss != LossNone {
			t.Fatalf("cut at %d: got %v, %v", n, r.Loss, err)
		}
		wantRecords(t, r.Records, all[:len(r.Records)])
		if n < len(raw) && len(r.Records) == len(all) {
			t.Fatalf("cut at %d: got all records", n)
		}
		// What follows a cut is found again, and nothing of the old end.
		next := vote(0, 9, chain.VoteNotarize)
		put(t, l, next)
		l.Close()
		_, r2, err := open(cut.afterKill(), bound, 64)
		if err != nil || r2.Loss != LossNone {
			t.Fatalf("cut at %d, reopened: got %v, %v", n, r2.Loss, err)
		}
		wantRecords(t, r2.Records, append(append([]Record(nil), r.Records...), next))

		behind := newMemDisk()
		behind.put(logName, raw[:n])
		behind.put(highWaterName, bound.encodeHighWater(Mark{0, 2, chain.VoteNullify}))
		_, r, err = open(behind, bound, 64)
		if want := n < len(raw); err != nil || (r.Loss == LossBehind) != want {
			t.Fatalf("cut at %d against the high-water file: got %v, %v", n, r.Loss, err)
		}
	}
}

// TestEveryFlip flips a bit of every byte: no flip is taken for other records.
func TestEveryFlip(t *testing.T) {
	disk := newMemDisk()
	l := openMem(t, disk)
	all := []Record{vote(0, 1, chain.VoteNotarize), vote(0, 2, chain.VoteNotarize), vote(0, 3, chain.VoteNotarize)}
	for _, r := range all {
		put(t, l, r)
	}
	raw := disk.names[logName].now[:l.Size()]
	for at := headSize; at < len(raw); at++ {
		spoiled := newMemDisk()
		b := append([]byte(nil), raw...)
		b[at] ^= 1 << (at % 8)
		spoiled.put(logName, b)
		spoiled.put(highWaterName, bound.encodeHighWater(l.High()))
		_, r, err := open(spoiled, bound, 64)
		if err != nil {
			t.Fatal(err)
		}
		if r.Loss == LossNone {
			t.Fatalf("flip at %d: got no loss", at)
		}
		wantRecords(t, r.Records, all[:len(r.Records)])
	}
}

func openMem(t *testing.T, disk *memDisk) *Log {
	t.Helper()
	if err := create(disk, bound); err != nil {
		t.Fatal(err)
	}
	l, _, err := open(disk, bound, 64)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// script runs a log through groups, a prune and more groups until the disk fails. It tells what was
// appended and how much of it was synced.
func script(disk *memDisk) (live []Record, synced int, pruned bool) {
	l, _, err := open(disk, bound, 700)
	if err != nil {
		return nil, 0, false
	}
	defer l.Close()
	step := func(records ...Record) bool {
		l.Append(records...)
		live = append(live, records...)
		if l.Sync() != nil {
			return false
		}
		synced = len(live)
		return true
	}
	for v := uint64(1); v <= 4; v++ {
		if !step(block(0, v, 1500), vote(0, v, chain.VoteNotarize)) || !step(vote(0, v, chain.VoteFinalize)) {
			return live, synced, false
		}
	}
	if l.Prune(func(r *Record) bool { return r.View > 3 }) != nil {
		return live, synced, true
	}
	live = live[9:]
	synced = len(live)
	for v := uint64(5); v <= 6; v++ {
		if !step(block(0, v, 100), vote(0, v, chain.VoteNotarize)) {
			break
		}
	}
	return live, synced, false
}

// TestEveryCrashPoint fails the disk at its n-th operation for every n, then takes what a kill and what
// ten power cuts leave.
func TestEveryCrashPoint(t *testing.T) {
	reached := false
	for n := 1; !reached; n++ {
		if n > 500 {
			t.Fatal("the script does not end")
		}
		disk := newMemDisk()
		if err := create(disk, bound); err != nil {
			t.Fatal(err)
		}
		disk.fail, disk.err = disk.ops+n, errPower
		live, synced, pruning := script(disk)
		reached = disk.ops < disk.fail
		checkCrash(t, fmt.Sprintf("kill at %d", n), disk.afterKill(), live, synced, pruning)
		for seed := range byte(10) {
			rng := dice.New([32]byte{seed, byte(n), byte(n >> 8)})
			after := disk.afterPowerCut(rng)
			checkCrash(t, fmt.Sprintf("power cut at %d, seed %d", n, seed), after, live, synced, pruning)
		}
	}
}

func checkCrash(t *testing.T, when string, disk *memDisk, live []Record, synced int, pruning bool) {
	t.Helper()
	l, r, err := open(disk, bound, 700)
	if err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	defer l.Close()
	if r.Loss != LossNone {
		t.Fatalf("%s: got loss %q", when, r.Loss)
	}
	want := live
	if pruning && len(r.Records) <= len(live)-9 {
		want, synced = live[9:], synced-9
	}
	if len(r.Records) < synced {
		t.Fatalf("%s: got %d records, want the %d synced ones", when, len(r.Records), synced)
	}
	if len(r.Records) > len(want) {
		t.Fatalf("%s: got %d records, appended were %d", when, len(r.Records), len(want))
	}
	for i := range r.Records {
		if !same(r.Records[i], want[i]) {
			t.Fatalf("%s: record %d: got %v, want %v", when, i, r.Records[i].mark(), want[i].mark())
		}
	}
}

// TestCrashInCreate repeats an init that crashed anywhere.
func TestCrashInCreate(t *testing.T) {
	for n := 1; n < 30; n++ {
		disk := newMemDisk()
		disk.fail, disk.err = n, errPower
		first := create(disk, bound)
		again := disk.afterKill()
		if err := create(again, bound); err != nil && !errors.Is(err, ErrExists) {
			t.Fatalf("second create after %v: %v", first, err)
		}
		_, r, err := open(again, bound, 64)
		if err != nil || r.Loss != LossNone {
			t.Fatalf("crash at %d: got %v, %v", n, r.Loss, err)
		}
	}
}

func TestDiskFullStopsTheLog(t *testing.T) {
	disk := newMemDisk()
	l := openMem(t, disk)
	put(t, l, vote(0, 1, chain.VoteNotarize))
	disk.fail, disk.err = disk.ops+1, syscall.ENOSPC
	l.Append(vote(0, 2, chain.VoteNotarize))
	if err := l.Sync(); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("sync on a full disk: got %v", err)
	}
	disk.fail = 0 // space is back, but the log cannot know what of its group is on the disk
	l.Append(vote(0, 3, chain.VoteNotarize))
	if err := l.Sync(); !errors.Is(err, syscall.ENOSPC) || l.Err() == nil {
		t.Fatalf("sync after it: got %v, want the first error", err)
	}
	if err := l.Prune(func(*Record) bool { return false }); err == nil {
		t.Error("prune after it: got no error")
	}
	_, r, err := open(disk.afterKill(), bound, 64)
	if err != nil || r.Loss != LossNone {
		t.Fatalf("after restart: got %v, %v", r.Loss, err)
	}
	wantRecords(t, r.Records, []Record{vote(0, 1, chain.VoteNotarize)})
}

func TestPruneKeepsMarks(t *testing.T) {
	dir := created(t)
	l, _ := mustOpen(t, dir)
	put(t, l, block(0, 1, 5000), vote(0, 1, chain.VoteNotarize), vote(0, 2, chain.VoteNullify))
	size := l.Size()
	if err := l.Prune(func(r *Record) bool { return false }); err != nil {
		t.Fatal(err)
	}
	if l.Size() >= size {
		t.Errorf("size: got %d, want less than %d", l.Size(), size)
	}
	l.Close()
	l, r := mustOpen(t, dir)
	if r.Loss != LossNone || len(r.Records) != 0 || r.High != (Mark{0, 2, chain.VoteNullify}) {
		t.Fatalf("got %v, %d records, high %v", r.Loss, len(r.Records), r.High)
	}
	defer func() {
		if recover() == nil {
			t.Error("vote behind a pruned one: got no panic")
		}
	}()
	l.Append(vote(0, 2, chain.VoteNotarize))
}

// TestForgedFrame puts into a block what would be a sound frame of a later group if the checksum had no
// salt, and tears the block: the tear must not look like damage.
func TestForgedFrame(t *testing.T) {
	disk := newMemDisk()
	l := openMem(t, disk)
	forged := groupBytes(l.head.salt+1, place{1, 1}, vote(0, 5, chain.VoteNotarize))
	b := block(0, 1, 10)
	b.Payload = append(b.Payload, forged...)
	put(t, l, b)
	raw := disk.names[logName].now[:l.Size()]
	cut := newMemDisk()
	cut.put(logName, raw[:len(raw)-1])
	cut.put(highWaterName, bound.encodeHighWater(Mark{}))
	if _, r, err := open(cut, bound, 64); err != nil || r.Loss != LossNone || r.Torn == 0 {
		t.Errorf("got %v, torn %d, %v", r.Loss, r.Torn, err)
	}
}

func BenchmarkSync(b *testing.B) {
	for _, size := range []int{200, 20_000, 1 << 20} {
		b.Run(fmt.Sprintf("bytes=%d", size), func(b *testing.B) {
			dir := filepath.Join(b.TempDir(), "votes")
			if err := Create(dir, genesis, key); err != nil {
				b.Fatal(err)
			}
			l, _, err := Open(dir, genesis, key)
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			payload := make([]byte, size)
			b.SetBytes(int64(size))
			v := chain.View(0)
			for b.Loop() {
				v++
				l.Append(Record{Kind: Vote, View: v, VoteKind: chain.VoteNotarize, Payload: payload})
				if err := l.Sync(); err != nil {
					b.Fatal(err)
				}
				if v%256 == 0 {
					l.Prune(func(*Record) bool { return false })
				}
			}
		})
	}
}

// TestTornEndStaysGone tears the first frame of a group and leaves the second sound. Once a new frame
// stands in the place of the first, the second must not be read as its successor.
func TestTornEndStaysGone(t *testing.T) {
	disk := newMemDisk()
	l := openMem(t, disk)
	first, second := vote(0, 1, chain.VoteNotarize), vote(0, 1, chain.VoteFinalize)
	put(t, l, first, second)
	raw := bytes.Clone(disk.names[logName].now[:l.Size()])
	raw[headSize+frameHead+4] ^= 1
	torn := newMemDisk()
	torn.put(logName, raw)
	torn.put(highWaterName, bound.encodeHighWater(Mark{}))
	l, r, err := open(torn, bound, 0)
	if err != nil || r.Loss != LossNone || r.Torn == 0 {
		t.Fatalf("got %v, torn %d, %v", r.Loss, r.Torn, err)
	}
	put(t, l, first)
	_, r, err = open(torn.afterKill(), bound, 0)
	if err != nil {
		t.Fatal(err)
	}
	wantRecords(t, r.Records, []Record{first})
}

func TestLoseIsRemembered(t *testing.T) {
	dir := created(t)
	l, _ := mustOpen(t, dir)
	put(t, l, vote(0, 1, chain.VoteNotarize))
	if err := l.Lose(); err != nil {
		t.Fatal(err)
	}
	put(t, l, certificate(0, 1))
	l.Close()
	l, r := mustOpen(t, dir)
	if r.Loss != LossUnresumed || len(r.Records) != 2 || len(l.Records()) != 2 {
		t.Fatalf("got %v, %d records, want %v and 2", r.Loss, len(r.Records), LossUnresumed)
	}
	put(t, l, Record{Kind: Resume, Session: 1})
	l.Close()
	if _, r = mustOpen(t, dir); r.Loss != LossNone {
		t.Fatalf("after resume: got %v", r.Loss)
	}
}
