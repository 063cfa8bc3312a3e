package poi

import (
	"slices"

	"github.com/aiwork/aiwork-node/internal/chain"
)

// blockState is how far a block has come.
type blockState uint8

const (
	blockWanted  blockState = iota // only the hash is known
	blockHeld                      // the driver has the body
	blockRunning                   // Execute was asked
	blockGood
	blockBad
)

// block is a block above the last finalised one, or that one.
type block struct {
	ref       BlockRef
	state     blockState
	view      chain.View // highest view that names it
	certified bool       // named by a certificate: may not be bad
	since     Tick       // when it was certified here: the next block is due an interval later
	failed    bool       // a local fault since the last repair
	asked     bool       // FetchBlock is under way, or all validators were asked since the last repair
	asks      int        // FetchBlocks since the last repair
	tries     uint64     // FetchBlocks ever
}

// blocks is the pool. Only blocks that a leader's proposal or a certificate names get in, or ancestors
// of certified ones.
type blocks struct {
	byHash map[chain.Hash]*block
	list   []*block
}

func (p *blocks) at(h chain.Hash) *block { return p.byHash[h] }

// name gives the entry of h, made if need be, and notes that view v names it.
func (p *blocks) name(h chain.Hash, v chain.View) *block {
	b := p.byHash[h]
	if b == nil {
		b = &block{ref: BlockRef{Hash: h}, view: v}
		p.byHash[h] = b
		p.list = append(p.list, b)
	}
	b.view = max(b.view, v)
	return b
}

// put enters a block that the driver holds.
func (p *blocks) put(ref BlockRef, v chain.View, state blockState) *block {
	b := p.name(ref.Hash, v)
	b.ref, b.state = ref, state
	return b
}

func (p *blocks) prune(drop func(*block) bool) {
	p.list = slices.DeleteFunc(p.list, func(b *block) bool {
		gone := drop(b)
		if gone {
			delete(p.byHash, b.ref.Hash)
		}
		return gone
	})
}

// certify notes that a certificate names b.
func (m *Machine) certify(b *block) {
	if !b.certified {
		b.certified, b.since = true, m.now
	}
}

// settled enters a block that was final before this machine saw it; its age is what the wall clock says.
func (m *Machine) settled(ref BlockRef, v chain.View) {
	b := m.blocks.put(ref, v, blockGood)
	if !b.certified {
		age := Tick(min(m.clock-min(m.clock, ref.TimeMs), m.cfg.Heartbeat))
		b.certified, b.since = true, m.now-min(m.now, age)
	}
}

// want makes sure that the driver fetches the block's body, and reports whether it is held already. The
// validator hint is asked first, then one after the other.
func (m *Machine) want(b *block, hint uint16, out *Outbox) bool {
	if b.state != blockWanted {
		return true
	}
	if !b.asked {
		b.asked = true
		b.asks++
		from := (uint64(hint) + b.tries) % uint64(m.set.Len())
		b.tries++
		out.add(FetchBlock{Hash: b.ref.Hash, From: uint16(from)})
	}
	return false
}

// ready reports whether b was found good. If it was not tried yet it is executed, its ancestors first.
// Only certified blocks and children of certified blocks come here.
func (m *Machine) ready(b *block, out *Outbox) bool {
	for range PathMax {
		if b.state == blockGood || b.state == blockBad || b.state == blockRunning || b.failed {
			return b.state == blockGood
		}
		if !m.want(b, m.leaderHint(b), out) {
			return false
		}
		parent := m.blocks.at(b.ref.Parent)
		if parent == nil {
			if b.ref.Height <= m.final.Height+1 {
				m.condemn(b, out) // a child of something that is not our chain
				return false
			}
			parent = m.blocks.name(b.ref.Parent, b.view)
			if b.certified {
				m.certify(parent)
			}
		}
		if parent.state == blockGood {
			m.execute(b, parent, out)
			return b.state == blockGood
		}
		if parent.state == blockBad {
			m.condemn(b, out)
			return false
		}
		b = parent
	}
	return false
}

func (m *Machine) leaderHint(b *block) uint16 {
	if r := m.rounds.at(b.view); r != nil {
		return r.leader
	}
	return 0
}

// execute asks for the execution of b, unless its place in the chain is wrong already.
func (m *Machine) execute(b, parent *block, out *Outbox) {
	if !m.fits(&b.ref, &parent.ref) {
		m.condemn(b, out)
		return
	}
	b.state = blockRunning
	out.add(Execute{Block: b.ref})
}

// fits checks what the machine can see of a block against its parent.
func (m *Machine) fits(b, parent *BlockRef) bool {
	return b.Parent == parent.Hash && b.Height == parent.Height+1 && b.TimeMs > parent.TimeMs &&
		b.Session == m.session && b.Height <= m.session.LastHeight() && b.View > b.ParentView &&
		b.ParentView == m.originView(parent)
}

// originView is the view of this session in which a block was proposed first; the session's own start
// counts as view 0.
func (m *Machine) originView(b *BlockRef) chain.View {
	if b.Hash == m.boundary.Hash {
		return 0
	}
	return b.View
}

// condemn marks b as bad. Rule R-BAD: if a certificate names it, we and the quorum do not run the same
// chain, and the node stops.
func (m *Machine) condemn(b *block, out *Outbox) {
	b.state = blockBad
	if b.certified {
		m.halt("a certified block is bad on this node", b, out)
	}
}

// onAvailable takes a body that was asked for.
func (m *Machine) onAvailable(ref BlockRef) {
	if b := m.blocks.at(ref.Hash); b != nil && b.state == blockWanted {
		b.ref, b.state = ref, blockHeld
	}
}

// onFetchFailed lets the next validator be asked, each once between two repairs.
func (m *Machine) onFetchFailed(hash chain.Hash) {
	if b := m.blocks.at(hash); b != nil && b.asks < m.set.Len() {
		b.asked = false
	}
}

// onExecuted takes a verdict. Rule R-FAULT: a local fault decides nothing; the next repair asks again.
func (m *Machine) onExecuted(e Executed, out *Outbox) {
	b := m.blocks.at(e.Hash)
	if b == nil || b.state != blockRunning {
		return
	}
	switch e.Verdict {
	case Good:
		b.state = blockGood
	case Bad:
		m.condemn(b, out)
	default:
		b.state, b.failed = blockHeld, true
	}
}
