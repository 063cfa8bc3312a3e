package ledger

// What is tested: on a chain longer than the window, states are there down to the oldest height and below
// it the error says which are.

import (
	"errors"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/state"
)

func TestPrunedStates(t *testing.T) {
	const head = HistoryHeightsMax + 1030 // a partition is gone
	every, once := chain.Address{1}, chain.Address{2}
	l := filled(t, head, nil, func(h chain.Height) (d state.Diff) {
		change := state.AccountChange{Address: every, New: state.Account{Nonce: uint64(h) + 1}}
		if h > 0 {
			change.Old.Nonce = uint64(h)
		}
		d.Accounts = append(d.Accounts, change)
		if h == 5000 {
			d.Accounts = append(d.Accounts, state.AccountChange{Address: once, New: state.Account{Nonce: 9}})
		}
		return d
	})
	const oldest = head - HistoryHeightsMax + 1
	if got := l.OldestState(); got != oldest {
		t.Fatalf("oldest state: got %d, want %d", got, oldest)
	}
	for _, h := range []chain.Height{oldest, oldest + 1, 2047, 2048, 4999, 5000, head - 1, head} {
		v, err := l.StateAt(h)
		if err != nil {
			t.Fatal(err)
		}
		if a, _, err := v.Account(every); err != nil || a.Nonce != uint64(h)+1 {
			t.Errorf("height %d: got %+v, %v", h, a, err)
		}
		if _, there, err := v.Account(once); err != nil || there != (h >= 5000) {
			t.Errorf("height %d: the account of block 5000 is there: %v, %v", h, there, err)
		}
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, h := range []chain.Height{0, oldest - 1} {
		_, err := l.StateAt(h)
		p, ok := errors.AsType[*PrunedError](err)
		if !ok || *p != (PrunedError{h, oldest}) || !strings.Contains(err.Error(), "from height 1031 to its head") {
			t.Errorf("height %d: got %v", h, err)
		}
	}
}
