package ledger

// What is tested: the caches above the database never keep what a commit has made old, also when the
// commit falls between reading the disk and keeping the value.

import (
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/ledger/tree"
)

// slow is a disk with one account; during is called inside a read, before the value is returned.
type slow struct {
	state.Empty
	account state.Account
	reads   int
	during  func()
}

func (s *slow) Account(chain.Address) (state.Account, bool, error) {
	s.reads++
	a := s.account
	if s.during != nil {
		s.during()
	}
	return a, !a.Empty(), nil
}

func (s *slow) Page(tree.Path) ([]byte, error) { return nil, nil }

func change(nonce uint64) *Outcome {
	return &Outcome{Diff: state.Diff{Accounts: []state.AccountChange{
		{Address: chain.Address{1}, New: state.Account{Nonce: nonce, Balance: *uint256.NewInt(1)}},
	}}}
}

func TestCommitDuringRead(t *testing.T) {
	disk := &slow{account: state.Account{Nonce: 1}}
	h := newHot(disk)
	disk.during = func() {
		disk.during = nil
		disk.account.Nonce = 2
		h.committed(change(2))
	}
	if a, _, err := h.Account(chain.Address{1}); err != nil || a.Nonce != 1 {
		t.Errorf("the read itself: got nonce %d, %v, want what was on disk, 1", a.Nonce, err)
	}
	if a, _, err := h.Account(chain.Address{1}); err != nil || a.Nonce != 2 {
		t.Errorf("after it: got nonce %d, %v, want 2", a.Nonce, err)
	}
}

func TestCachedOnce(t *testing.T) {
	disk := &slow{account: state.Account{Nonce: 1}}
	h := newHot(disk)
	for range 3 {
		if _, ok, err := h.Account(chain.Address{1}); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	h.committed(&Outcome{Diff: state.Diff{Accounts: []state.AccountChange{{Address: chain.Address{1}}}}})
	if _, ok, err := h.Account(chain.Address{1}); ok || err != nil {
		t.Errorf("an account that went: got %v, %v", ok, err)
	}
	if disk.reads != 1 {
		t.Errorf("reads: got %d, want 1", disk.reads)
	}
}

// The cache holds at most two generations, and what is in use survives them.
func TestGenerations(t *testing.T) {
	c := newTwoGen[int, int](10)
	for i := range 1000 {
		c.put(i, i)
		if v, ok := c.get(0); !ok || v != 0 {
			t.Fatalf("the entry in use is gone after %d", i)
		}
		if len(c.young) > 10 || len(c.old) > 10 {
			t.Fatalf("%d and %d entries, at most 10 each", len(c.young), len(c.old))
		}
	}
	if _, ok := c.get(500); ok {
		t.Error("an old entry is kept for ever")
	}
}
