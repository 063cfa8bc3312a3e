package store

import (
	"errors"
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/must"
	"github.com/aiwork/aiwork-node/ledger/state"
)

const (
	// HistoryHeightsMax is how many heights have a state that can be read, the head's among them.
	HistoryHeightsMax = 8192
	// partitionHeights is how many heights lie in a partition of history, which goes as a whole. A look-up
	// asks HistoryHeightsMax/partitionHeights + 1 of them at most.
	partitionHeights = 1024
)

// window says which states are kept and how they are cut into partitions. It is part of the format.
type window struct{ heights, partition chain.Height }

// oldest gives the first height whose state can be read.
func (w window) oldest(head chain.Height) chain.Height {
	if head < w.heights {
		return 0
	}
	return head - w.heights + 1
}

func (w window) partitionOf(h chain.Height) uint32 { return uint32(h / w.partition) }

// expired gives the partition that is of no use any more since the block at that height, if there is one:
// the state at the oldest height is what comes after all of its blocks.
func (w window) expired(head chain.Height) (uint32, bool) {
	next := w.oldest(head) + 1
	if head < w.heights || next%w.partition != 0 {
		return 0, false
	}
	return w.partitionOf(next) - 1, true
}

// putPast keeps what the block's changes replaced, and drops the partition that nobody can ask for now.
func (c *Commit) putPast(b *pebble.Batch, w window) error {
	h := c.Block.Header.Number
	if h == 0 {
		return nil // there is no state before block 0
	}
	p := putter{b: b}
	partition := w.partitionOf(h)
	key := make([]byte, 0, pastSlotPrefix+heightBytes) // a batch copies what it is given
	for i := range c.Diff.Accounts {
		a := &c.Diff.Accounts[i]
		key = pastKey(key[:0], kindPastAccount, partition, a.Address[:], h)
		p.set(key, encodePastAccount(&a.Old))
	}
	var id [52]byte
	for i := range c.Diff.Slots {
		s := &c.Diff.Slots[i]
		key = pastKey(key[:0], kindPastSlot, partition, slotID(&id, s.Address, s.Key), h)
		p.set(key, encodePastSlot(&s.Old))
	}
	if gone, ok := w.expired(h); ok {
		for _, kind := range []byte{kindPastAccount, kindPastSlot} {
			p.delRange(partitionKey(kind, gone), partitionKey(kind, gone+1))
		}
	}
	return p.err
}

func slotID(b *[52]byte, addr chain.Address, key chain.Hash) []byte {
	copy(b[:20], addr[:])
	copy(b[20:], key[:])
	return b[:]
}

// OldestState gives the first height whose state can be read when the chain has come to head.
func (d *DB) OldestState(head chain.Height) chain.Height { return d.window.oldest(head) }

// Window gives the first and the last height whose state can be read.
func (s *Snapshot) Window() (oldest, head chain.Height, err error) {
	pos, err := s.Position()
	return s.window.oldest(pos.Height), pos.Height, err
}

// Past is the state as it stood after a block below the head. It is safe for concurrent use. Close it
// before its snapshot.
type Past struct {
	snap        *Snapshot
	height      chain.Height
	first, last uint32 // partitions of the blocks from height + 1 to the head

	mu   sync.Mutex
	free []*cursor // one for each that ever read at the same time
	all  []*cursor
}

// cursor is an iterator over rows of history with room for a key.
type cursor struct {
	it  *pebble.Iterator
	key []byte
}

// At gives the state after the block at h, which lies in the window and below the head.
func (s *Snapshot) At(h chain.Height) (*Past, error) {
	oldest, head, err := s.Window()
	if err != nil {
		return nil, err
	}
	must.Hold(oldest <= h && h < head, "store: a state outside of the window")
	return &Past{snap: s, height: h, first: s.window.partitionOf(h + 1), last: s.window.partitionOf(head)}, nil
}

// Account gives an account as it was.
func (p *Past) Account(addr chain.Address) (state.Account, bool, error) {
	a, found, err := before(p, kindPastAccount, addr[:], decodePastAccount)
	if err != nil || found {
		return a, !a.Empty(), err
	}
	return p.snap.Account(addr)
}

// Slot gives a slot as it was.
func (p *Past) Slot(addr chain.Address, key chain.Hash) (chain.Hash, error) {
	var id [52]byte
	v, found, err := before(p, kindPastSlot, slotID(&id, addr, key), decodePastSlot)
	if err != nil || found {
		return v, err
	}
	return p.snap.Slot(addr, key)
}

// Code gives a code by its Keccak hash. Codes that came later are among them.
func (p *Past) Code(hash chain.Hash) ([]byte, error) { return p.snap.Code(hash) }

// before gives what the first block above p's height that changed id found there; found is false if none
// changed it.
func before[T any](p *Past, kind byte, id []byte, decode func([]byte) (T, error)) (v T, found bool, err error) {
	c, err := p.take()
	if err != nil {
		return v, false, err
	}
	defer p.give(c)
	for partition := p.first; partition <= p.last; partition++ {
		c.key = pastKey(c.key[:0], kind, partition, id, p.height+1)
		if !c.it.SeekPrefixGE(c.key) {
			if err := c.it.Error(); err != nil {
				return v, false, fmt.Errorf("database: %w", err)
			}
			continue
		}
		row, err := c.it.ValueAndErr()
		if err != nil {
			return v, false, fmt.Errorf("database: %w", err)
		}
		if v, err = decode(row); err != nil {
			return v, false, damaged(c.it.Key(), err)
		}
		return v, true, nil
	}
	return v, false, nil
}

func (p *Past) take() (*cursor, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.free); n > 0 {
		c := p.free[n-1]
		p.free = p.free[:n-1]
		return c, nil
	}
	it, err := p.snap.snap.NewIter(&pebble.IterOptions{
		LowerBound: []byte{kindPastAccount}, UpperBound: []byte{kindPastSlot + 1},
		UseL6Filters: true, // most look-ups in a partition find nothing
	})
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	c := &cursor{it: it, key: make([]byte, 0, pastSlotPrefix+heightBytes)}
	p.all = append(p.all, c)
	return c, nil
}

func (p *Past) give(c *cursor) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, c)
}

// Close lets go of what Past holds, but not of its snapshot. Nobody reads any more.
func (p *Past) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	must.Hold(len(p.free) == len(p.all), "store: a state is closed while it is read")
	var errs []error
	for _, c := range p.all {
		errs = append(errs, c.it.Close())
	}
	p.all, p.free = nil, nil
	return errors.Join(errs...)
}
