package job_test

import (
	"errors"
	"testing"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/vm/native"
)

// A disk that fails at any read of any call says nothing about the call: no contract takes what it could
// not read for a broken ledger (which would be a panic) or for a reason to refuse.

var errDisk = errors.New("disk on fire")

// brittle reads another view's state and fails from the n-th read on.
type brittle struct {
	from *state.View
	left int
}

func (b *brittle) fails() bool {
	b.left--
	return b.left < 0
}

func (b *brittle) Account(a chain.Address) (state.Account, bool, error) {
	if b.fails() {
		return state.Account{}, false, errDisk
	}
	return b.from.Account(a), true, nil
}

func (b *brittle) Slot(a chain.Address, key chain.Hash) (chain.Hash, error) {
	if b.fails() {
		return chain.Hash{}, errDisk
	}
	return b.from.Slot(a, key), nil
}

func (b *brittle) Code(chain.Hash) ([]byte, error) { return nil, nil }

func TestEveryReadMayFail(t *testing.T) {
	list := scenes(t)
	for i := range list {
		s := &list[i]
		t.Run(s.method, func(t *testing.T) {
			for n, failed := 0, true; failed; n++ {
				failed = s.brittle(t, n)
			}
		})
	}
}

// brittle runs the scene's call with n reads that succeed, and reports whether there was one more.
func (s *scene) brittle(t *testing.T, n int) (failed bool) {
	t.Helper()
	view := state.New(&brittle{s.w.view, n})
	f := s.frame(gasPerCall)
	f.State, f.Block = view, &s.w.block
	view.SubBalance(f.Caller, &f.Value)
	view.AddBalance(f.Self, &f.Value)
	res := s.w.set.Run(f)
	failed = view.Err() != nil
	if got := errors.Is(res.Err, errDisk); failed && !got {
		t.Errorf("read %d fails: got %v, want the disk's error", n, res.Err)
	}
	return failed
}

func TestEveryReadOfABlocksBeginMayFail(t *testing.T) {
	w := newWorld(t, 4, 1)
	for w.block.Height%chain.SessionHeights != 0 {
		w.next(20)
	}
	w.block.Height++
	w.block.Session = chain.SessionOf(w.block.Height)
	for n, failed := 0, true; failed; n++ {
		view := state.New(&brittle{w.view, n})
		w.set.BeginBlock(view, &w.block, [32]byte{1})
		failed = view.Err() != nil
	}
}

var _ native.State = (*state.View)(nil)
