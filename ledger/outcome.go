package ledger

import (
	"fmt"
	"slices"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/ledger/tree"
)

// OutcomesMax bounds the outcomes in memory. When there are more, the one executed longest ago that is
// no ancestor of the block in hand goes; should it be wanted after all, it is executed again.
const OutcomesMax = 64

// Outcome is what executing a block gave. It is not changed, and safe for concurrent use.
type Outcome struct {
	Block    *chain.Block
	Hash     chain.Hash
	Height   chain.Height
	Beta     [32]byte // VRF output of the proposer
	Receipts []*chain.Receipt
	Diff     state.Diff // against the parent's state

	tree   tree.Update
	burned uint256.Int // by fees and modules
	order  uint64      // of execution
}

// outcomes are the executed blocks that are not final, by hash. The Ledger's mutex guards them.
type outcomes struct {
	byHash map[chain.Hash]*Outcome
	next   uint64
}

// chain gives the outcomes from the head's child down to the block with that hash, oldest first; none
// for the head itself. The second result is false when the block is not here or does not lead back to
// the head.
func (p *outcomes) chain(head, hash chain.Hash) ([]*Outcome, bool) {
	var out []*Outcome
	for hash != head {
		o := p.byHash[hash]
		if o == nil {
			return nil, false
		}
		out = append(out, o)
		hash = o.Block.Header.ParentHash
	}
	slices.Reverse(out)
	return out, true
}

// add keeps o, making room if it must. No ancestor of o goes.
func (p *outcomes) add(o *Outcome, ancestors []*Outcome) {
	o.order = p.next
	p.next++
	p.byHash[o.Hash] = o
	if len(p.byHash) <= OutcomesMax {
		return
	}
	var oldest *Outcome
	for _, c := range p.byHash {
		if c != o && !slices.Contains(ancestors, c) && (oldest == nil || c.order < oldest.order) {
			oldest = c
		}
	}
	if oldest != nil {
		delete(p.byHash, oldest.Hash)
	}
}

// prune drops what cannot become final any more: all that does not descend from the new head.
func (p *outcomes) prune(head chain.Hash) {
	var gone []chain.Hash
	for hash := range p.byHash {
		if _, ok := p.chain(head, hash); !ok || hash == head {
			gone = append(gone, hash)
		}
	}
	for _, hash := range gone {
		delete(p.byHash, hash)
	}
}

// base is the state and tree after a block, for executing its child.
type base struct {
	Head
	state state.Reader
	tree  tree.Reader
	path  []*Outcome // from the head's child to the block
}

// baseOf gives the base of the block with that hash: the head, or an executed block since.
func (l *Ledger) baseOf(hash chain.Hash) (*base, error) {
	l.mu.Lock()
	head := l.head
	path, ok := l.pending.chain(head.Hash, hash)
	l.mu.Unlock()
	if !ok {
		return nil, fmt.Errorf("parent %s: %w", hash, ErrUnknown)
	}
	b := &base{Head: head, state: l.hot, tree: l.hot, path: path}
	for _, o := range path {
		b.state = state.NewOverlay(b.state, o.Diff)
		b.tree = tree.NewOverlay(b.tree, o.tree)
	}
	if n := len(path); n > 0 {
		b.Head = headOf(path[n-1].Block, path[n-1].Hash)
	}
	return b, nil
}
