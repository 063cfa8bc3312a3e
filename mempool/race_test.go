// Many goroutines add, read and move the head at once; run with -race. At the end every invariant
// holds.
package mempool

import (
	"errors"
	"sync"
	"testing"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/holiman/uint256"
)

// richState is a state in which every account has the same nonce.
type richState struct{ nonce uint64 }

func (s richState) Account(chain.Address) (Record, error) {
	return Record{Nonce: s.nonce, Balance: *uint256.NewInt(1 << 62)}, nil
}

func TestConcurrentUse(t *testing.T) {
	const senders, each, heads = 4, 60, 30
	p := New(testOptions())
	setTo := func(h uint64) {
		head := Head{Height: chain.Height(h), TimeMs: h * 1000, GasLimit: 30_000_000}
		if err := p.SetHead(head, richState{h}, nil); err != nil {
			t.Error(err)
		}
	}
	setTo(0)
	var wait sync.WaitGroup
	for k := range senders {
		var txs []*chain.Tx
		for n := range uint64(each) {
			txs = append(txs, spec{key: k, nonce: n, fee: 10}.tx(t))
		}
		wait.Go(func() {
			for _, tx := range txs {
				err := p.Add(tx, false)
				var f Fault
				if err != nil && !errors.As(err, &f) {
					t.Error(err)
				}
			}
		})
	}
	wait.Go(func() {
		for h := range uint64(heads) {
			setTo(h)
		}
	})
	wait.Go(func() {
		cursor := uint64(0)
		for range 200 {
			var txs []*chain.Tx
			txs, cursor = p.Since(cursor, 5)
			for _, tx := range txs {
				p.Get(tx.Hash())
			}
			p.Best(1_000_000, 1<<20)
			p.Changed()
			p.Content()
		}
	})
	wait.Wait()
	check(t, p)
	for _, s := range p.Content() {
		if s.Pending != nil && s.Pending[0].Nonce != heads-1 {
			t.Fatalf("first nonce: got %d, want %d", s.Pending[0].Nonce, heads-1)
		}
	}
}

// slowState tells when it is read, and answers when it is told.
type slowState struct {
	richState
	asked, answer chan struct{}
	err           error
}

func (s slowState) Account(a chain.Address) (Record, error) {
	s.asked <- struct{}{}
	<-s.answer
	r, _ := s.richState.Account(a)
	return r, s.err
}

// A head that comes while Add reads the old state makes it read the new one, even if the old one is gone.
func TestAddStartsOverAtANewHead(t *testing.T) {
	for _, gone := range []error{nil, errors.New("closed")} {
		old := slowState{richState{7}, make(chan struct{}), make(chan struct{}), gone}
		p := New(testOptions())
		if err := p.SetHead(Head{GasLimit: 1e6}, old, nil); err != nil {
			t.Fatal(err)
		}
		result := make(chan error)
		tx := spec{nonce: 7, fee: 10}.tx(t)
		go func() { result <- p.Add(tx, false) }()
		<-old.asked
		if err := p.SetHead(Head{GasLimit: 1e6}, richState{8}, nil); err != nil {
			t.Fatal(err)
		}
		close(old.answer)
		if err := <-result; !errors.Is(err, FaultNonceLow) {
			t.Fatalf("got %v, want %v", err, FaultNonceLow)
		}
	}
}

// A state that cannot be read is an error of ours, not a fault of the sender; the pool stays as it was.
func TestStateErrors(t *testing.T) {
	broken := errors.New("disk")
	closed := make(chan struct{})
	close(closed)
	asked := make(chan struct{}, 10)
	bad := slowState{richState{}, asked, closed, broken}
	p := New(testOptions())
	if err := p.SetHead(Head{GasLimit: 1e6}, bad, nil); err != nil {
		t.Fatal(err)
	}
	tx := spec{fee: 10}.tx(t)
	if err := p.Add(tx, false); !errors.Is(err, broken) {
		t.Fatalf("got %v, want %v", err, broken)
	}
	if err := p.SetHead(Head{Height: 1, GasLimit: 1e6}, richState{}, nil); err != nil {
		t.Fatal(err)
	}
	if err := p.Add(tx, false); err != nil {
		t.Fatal(err)
	}
	if err := p.SetHead(Head{Height: 2, GasLimit: 1e6}, bad, nil); !errors.Is(err, broken) {
		t.Fatalf("got %v, want %v", err, broken)
	}
	if p.head.Height != 1 || !p.Has(tx.Hash()) {
		t.Fatal("a failed head changed the pool")
	}
	check(t, p)
}
