package store

import (
	"encoding/binary"
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/state"
)

// undoHeights is how many heights are held in memory at once by Undo.
const undoHeights = 128

var errPlace = errors.New("row of history outside of the window")

// Undo goes through all rows of history from the head back. f is told for each block, the head first,
// what it has changed: New of a change is what was before the block, Old is not filled. It ends with the
// first block of the oldest partition kept, whose states are not all in the window. A row that does not
// decode or lies where none should be is damage.
func (s *Snapshot) Undo(f func(h chain.Height, back state.Diff) error) error {
	oldest, head, err := s.Window()
	if err != nil || head == 0 {
		return err
	}
	first := s.window.partitionOf(oldest + 1)
	if err := s.pastBounds(first, s.window.partitionOf(head)); err != nil {
		return err
	}
	lowest := max(1, chain.Height(first)*s.window.partition)
	for high := head; ; {
		low := max(lowest, high/undoHeights*undoHeights, high/s.window.partition*s.window.partition)
		backs, err := s.undoSlice(low, high, head)
		if err != nil {
			return err
		}
		for h := high; h >= low; h-- {
			if err := f(h, backs[h-low]); err != nil {
				return err
			}
		}
		if low == lowest {
			return nil
		}
		high = low - 1
	}
}

// pastBounds looks for rows outside of the partitions first to last.
func (s *Snapshot) pastBounds(first, last uint32) error {
	stray := func(key, _ []byte) error { return damaged(key, errPlace) }
	for _, kind := range []byte{kindPastAccount, kindPastSlot} {
		below := &pebble.IterOptions{LowerBound: []byte{kind}, UpperBound: partitionKey(kind, first)}
		above := &pebble.IterOptions{LowerBound: partitionKey(kind, last+1), UpperBound: []byte{kind + 1}}
		if err := errors.Join(s.scan(below, stray), s.scan(above, stray)); err != nil {
			return err
		}
	}
	return nil
}

// undoSlice reads what the blocks low to high, of one partition, have changed.
func (s *Snapshot) undoSlice(low, high, head chain.Height) ([]state.Diff, error) {
	backs := make([]state.Diff, high-low+1)
	partition := s.window.partitionOf(low)
	err := s.eachPast(kindPastAccount, partition, head, func(id []byte, h chain.Height, value []byte) error {
		if h < low || h > high {
			return nil
		}
		a, err := decodePastAccount(value)
		back := &backs[h-low]
		back.Accounts = append(back.Accounts, state.AccountChange{Address: chain.Address(id), New: a})
		return err
	})
	if err != nil {
		return nil, err
	}
	return backs, s.eachPast(kindPastSlot, partition, head, func(id []byte, h chain.Height, value []byte) error {
		if h < low || h > high {
			return nil
		}
		v, err := decodePastSlot(value)
		back := &backs[h-low]
		back.Slots = append(back.Slots, state.SlotChange{Address: chain.Address(id[:20]), Key: chain.Hash(id[20:]), New: v})
		return err
	})
}

// eachPast calls f for every row of one kind in a partition, in the order of what changed and then of
// heights.
func (s *Snapshot) eachPast(kind byte, partition uint32, head chain.Height, f func(id []byte, h chain.Height, value []byte) error) error {
	prefix := pastAccountPrefix
	if kind == kindPastSlot {
		prefix = pastSlotPrefix
	}
	within := &pebble.IterOptions{LowerBound: partitionKey(kind, partition), UpperBound: partitionKey(kind, partition+1)}
	return s.scan(within, func(key, value []byte) error {
		if len(key) != prefix+heightBytes {
			return damaged(key, errKey)
		}
		h := chain.Height(binary.BigEndian.Uint64(key[prefix:]))
		if h == 0 || h > head || s.window.partitionOf(h) != partition {
			return damaged(key, errPlace)
		}
		if err := f(key[5:prefix], h, value); err != nil {
			return damaged(key, err)
		}
		return nil
	})
}
