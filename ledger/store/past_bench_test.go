package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/ledger/tree"
)

// traffic makes blocks over many accounts, of which the first half never changes after block 0, and keeps
// the tree that goes with them.
type traffic struct {
	rng      *rand.Rand
	accounts []state.Account
	pages    map[tree.Path][]byte
	height   chain.Height
}

func (t *traffic) Page(p tree.Path) ([]byte, error) { return t.pages[p], nil }

func trafficAddress(i int) (a chain.Address) {
	binary.BigEndian.PutUint64(a[:], uint64(i)*0x9e3779b97f4a7c15)
	return a
}

func newTraffic(accounts int) *traffic {
	return &traffic{rand.New(rand.NewPCG(1, 2)), make([]state.Account, accounts), map[tree.Path][]byte{}, 0}
}

// next gives a block that changes n accounts and as many slots, and has a token's log for each.
func (t *traffic) next(tb testing.TB, n int, pages bool) *Commit {
	b := &chain.Block{}
	b.Header.Number = t.height
	c := &Commit{Block: b, Hash: b.Hash()}
	half := len(t.accounts) / 2
	picks := t.rng.Perm(half)[:min(n, half)]
	if t.height == 0 {
		picks = t.rng.Perm(len(t.accounts))
	} else {
		for i := range picks {
			picks[i] += half
		}
	}
	for _, i := range picks {
		old := t.accounts[i]
		now := state.Account{Nonce: old.Nonce + 1, Balance: *uint256.NewInt(t.rng.Uint64())}
		t.accounts[i] = now
		addr := trafficAddress(i)
		c.Diff.Accounts = append(c.Diff.Accounts, state.AccountChange{Address: addr, Old: old, New: now})
		slot := state.SlotChange{Address: chain.Address{7}, Key: tree.AccountKey(addr)}
		slot.Old, slot.New = nonceSlot(old.Nonce), nonceSlot(now.Nonce)
		c.Diff.Slots = append(c.Diff.Slots, slot)
		if t.height > 0 {
			log := chain.Log{Address: slot.Address, Topics: []chain.Hash{{1}, {31: byte(i), 30: byte(i >> 8)}, slot.Key}, Data: make([]byte, 32)}
			c.Receipts = append(c.Receipts, &chain.Receipt{TxType: 2, Status: 1, Logs: []chain.Log{log}})
		}
	}
	slices.SortFunc(c.Diff.Accounts, func(a, b state.AccountChange) int { return bytes.Compare(a.Address[:], b.Address[:]) })
	slices.SortFunc(c.Diff.Slots, func(a, b state.SlotChange) int { return bytes.Compare(a.Key[:], b.Key[:]) })
	if pages {
		u, err := tree.Apply(t, tree.Changes(c.Diff))
		if err != nil {
			tb.Fatal(err)
		}
		c.Pages = u.Pages
		for _, p := range u.Pages {
			t.pages[p.Path] = p.Page
		}
	}
	t.height++
	return c
}

// nonceSlot is a slot's value that changes with the account's nonce, zero where there is no account.
func nonceSlot(nonce uint64) (v chain.Hash) {
	binary.BigEndian.PutUint64(v[24:], nonce)
	return v
}

func openDisk(b *testing.B) *DB {
	d, err := Open(Options{Dir: b.TempDir(), Genesis: chain.Hash{1}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := d.Close(); err != nil {
			b.Error(err)
		}
	})
	return d
}

// BenchmarkPastRead reads accounts of the head and of older heights on a disk with a full window: those
// that change now and then, and those that never do, for which every partition must be asked.
func BenchmarkPastRead(b *testing.B) {
	const accounts, changes = 100_000, 100
	d := openDisk(b)
	t := newTraffic(accounts)
	for range chain.Height(HistoryHeightsMax + 100) {
		c := t.next(b, changes, false)
		batch := d.db.NewBatch()
		if err := c.putBlock(batch); err != nil {
			b.Fatal(err)
		}
		if err := c.putState(batch); err != nil {
			b.Fatal(err)
		}
		if err := c.putPast(batch, d.window); err != nil {
			b.Fatal(err)
		}
		if err := batch.Commit(pebble.NoSync); err != nil { // a sync for each block would be most of the time
			b.Fatal(err)
		}
	}
	s := d.Snapshot()
	defer s.Close()
	_, head, err := s.Window()
	if err != nil {
		b.Fatal(err)
	}
	for _, back := range []chain.Height{0, 1, 1000, 8000} {
		for _, key := range []string{"changes", "never"} {
			b.Run(fmt.Sprintf("back=%d/key=%s", back, key), func(b *testing.B) {
				var r state.Reader = s
				if back > 0 {
					p, err := s.At(head - back)
					if err != nil {
						b.Fatal(err)
					}
					defer p.Close()
					r = p
				}
				rng, from := rand.New(rand.NewPCG(3, 4)), 0
				if key == "changes" {
					from = accounts / 2
				}
				b.ReportAllocs()
				for b.Loop() {
					_, there, err := r.Account(trafficAddress(from + rng.IntN(accounts/2)))
					if err != nil || !there {
						b.Fatal(there, err)
					}
				}
			})
		}
	}
}

// cpuNanos gives the processor time that the process has used, which other people's load does not change.
func cpuNanos(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// BenchmarkHistoryCost commits the same blocks of 1,000 token transfers, each changing an account and a
// slot, without history and index, with history, and with both; synced to a disk.
func BenchmarkHistoryCost(b *testing.B) {
	for _, with := range []string{"neither", "history", "both"} {
		b.Run("with="+with, func(b *testing.B) {
			d := openDisk(b)
			t := newTraffic(20_000)
			blocks, written, cpu := 0, 0, int64(0)
			put := func(c *Commit) {
				before := cpuNanos(b)
				batch := d.db.NewBatch()
				err := c.putBlock(batch)
				if err == nil {
					err = c.putState(batch)
				}
				if err == nil && with != "neither" {
					err = c.putPast(batch, d.window)
				}
				if err == nil && with == "both" {
					err = c.putTerms(batch)
				}
				written += batch.Len()
				if err == nil {
					err = batch.Commit(pebble.Sync)
				}
				if err != nil {
					b.Fatal(err)
				}
				cpu += cpuNanos(b) - before
			}
			put(t.next(b, 0, true))
			written, cpu = 0, 0
			for b.Loop() {
				b.StopTimer()
				c := t.next(b, 1000, true)
				b.StartTimer()
				put(c)
				blocks++
			}
			b.ReportMetric(float64(written)/float64(blocks), "written-B/block")
			b.ReportMetric(float64(cpu)/float64(blocks), "cpu-ns/block")
			if err := d.db.Compact(b.Context(), []byte{0}, []byte{0xff}, true); err != nil {
				b.Fatal(err)
			}
			size := func(kinds ...byte) (sum uint64) {
				for _, k := range kinds {
					n, err := d.db.EstimateDiskUsage([]byte{k}, []byte{k + 1})
					if err != nil {
						b.Fatal(err)
					}
					sum += n
				}
				return sum
			}
			b.ReportMetric(float64(size(kindPastAccount, kindPastSlot))/float64(blocks), "history-B/block")
			b.ReportMetric(float64(size(kindTerm))/float64(blocks), "terms-B/block")
			b.ReportMetric(float64(size(kindHeader, kindBody, kindReceipts))/float64(blocks), "block-B/block")
		})
	}
}
