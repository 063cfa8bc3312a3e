package driver

import (
	"slices"
	"sync"
	"time"

	"github.com/aiwork/aiwork-node/consensus/poi"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// body is a block with its encoding. It does not change.
type body struct {
	block *chain.Block
	enc   []byte
	ref   poi.BlockRef
	seen  time.Time // when this node had it first
}

func newBody(b *chain.Block, enc []byte) *body {
	return &body{block: b, enc: enc, ref: refOf(Head{b.Hash(), b.Header, b.Ext}), seen: time.Now()}
}

// refOf gives what the machine sees of a block. Beta stays zero: the ledger checks and uses it.
func refOf(h Head) poi.BlockRef {
	return poi.BlockRef{
		Hash: h.Hash, Parent: h.Header.ParentHash, Height: h.Header.Number,
		Session: h.Ext.Session, View: h.Ext.View, ParentView: h.Ext.ParentView,
		Proposer: h.Ext.Proposer, TimeMs: h.Ext.TimeMs,
	}
}

// bodies holds what is above the committed head, and the last few below it. When it is full, what nobody
// asked for goes first: bodies that came with proposals. It is used by the loop, the intake, the runner
// and the peers' requests.
type bodies struct {
	mu     sync.Mutex
	byHash map[chain.Hash]*body
	pinned map[chain.Hash]bool // the machine knows it
	bytes  int
	done   []*body // committed ones, oldest first

	counted map[chain.Hash]bool // bodies whose transactions are in taken: pinned or done
	taken   map[chain.Hash]int  // in how many counted bodies a transaction is
}

func newBodies() *bodies {
	return &bodies{
		byHash: make(map[chain.Hash]*body), pinned: make(map[chain.Hash]bool),
		counted: make(map[chain.Hash]bool), taken: make(map[chain.Hash]int),
	}
}

func (s *bodies) get(h chain.Hash) *body {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byHash[h]
}

// push takes a body that came with a proposal, if there is room for it.
func (s *bodies) push(b *body) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	same := 0
	for _, x := range s.byHash {
		if x.ref.Session == b.ref.Session && x.ref.View == b.ref.View {
			same++
		}
	}
	if same >= pushedPerView || len(s.byHash) >= bodiesMax || s.bytes+len(b.enc) > bodiesBytesMax {
		return s.byHash[b.ref.Hash] != nil
	}
	s.put(b)
	return true
}

// pin takes a body that the machine knows or asked for, whatever the limits say: the machine bounds it.
func (s *bodies) pin(b *body) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(b)
	s.pinned[b.ref.Hash] = true
	s.count(s.byHash[b.ref.Hash])
}

// count notes a body's transactions, once, so that nobody has to go through all bodies for each question.
func (s *bodies) count(b *body) {
	if s.counted[b.ref.Hash] {
		return
	}
	s.counted[b.ref.Hash] = true
	for _, tx := range b.block.Txs {
		s.taken[tx.Hash()]++
	}
}

// drop forgets a body.
func (s *bodies) drop(h chain.Hash, b *body) {
	delete(s.byHash, h)
	delete(s.pinned, h)
	s.bytes -= len(b.enc)
	if !s.counted[h] {
		return
	}
	delete(s.counted, h)
	for _, tx := range b.block.Txs {
		if s.taken[tx.Hash()]--; s.taken[tx.Hash()] == 0 {
			delete(s.taken, tx.Hash())
		}
	}
}

func (s *bodies) put(b *body) {
	if s.byHash[b.ref.Hash] == nil {
		s.byHash[b.ref.Hash] = b
		s.bytes += len(b.enc)
	}
}

// ask gives a body and pins it, or nil.
func (s *bodies) ask(h chain.Hash) *body {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.byHash[h]
	if b != nil {
		s.pinned[h] = true
		s.count(b)
	}
	return b
}

// committed drops what the new head makes useless and keeps the last few committed ones.
func (s *bodies) committed(head chain.Height, hashes []chain.Hash) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range hashes {
		if b := s.byHash[h]; b != nil {
			s.done = append(s.done, b)
			s.count(b)
		}
	}
	s.done = slices.Delete(s.done, 0, max(0, len(s.done)-committedKept))
	for h, b := range s.byHash {
		if b.ref.Height <= head && !slices.Contains(s.done, b) {
			s.drop(h, b)
		}
	}
}

// included lists the transactions of the blocks from the tip down to the last few committed ones, and
// how many blocks above the head that are.
func (s *bodies) included(tip chain.Hash, head chain.Height) (txs map[chain.Hash]struct{}, above int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	txs = make(map[chain.Hash]struct{})
	add := func(b *body) {
		for _, tx := range b.block.Txs {
			txs[tx.Hash()] = struct{}{}
		}
	}
	for b := s.byHash[tip]; b != nil && b.ref.Height > head; b = s.byHash[b.ref.Parent] {
		add(b)
		above++
	}
	for _, b := range s.done {
		add(b)
	}
	return txs, above
}

// without gives those of txs that are in no body that the machine knows and in none of the last committed
// ones. It changes txs.
func (s *bodies) without(txs []*chain.Tx) []*chain.Tx {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(txs, func(tx *chain.Tx) bool { return s.taken[tx.Hash()] > 0 })
}

// txCount is at least the number of transactions that without leaves out.
func (s *bodies) txCount() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.byHash {
		n += len(b.block.Txs)
	}
	return n
}
