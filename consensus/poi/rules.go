package poi

import (
	"slices"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/must"
)

// enter is rule R1: the view only grows. The caller has a certificate that allows it, or restarts.
func (m *Machine) enter(v chain.View) {
	must.Hold(v > m.view, "view entered twice")
	m.view = v
	m.stats.views++
	m.armView(m.round(v))
	m.forget()
}

// propose is rule R2: the leader proposes once per view, as soon as it has a parent and a reason.
func (m *Machine) propose(out *Outbox) bool {
	r := m.round(m.view)
	if !m.votes() || int(r.leader) != m.me || r.building || r.mine[chain.VotePropose] != nil || r.closed() {
		return false
	}
	pv, hash, ok := m.tip(out)
	if !ok {
		return false
	}
	parent := m.blocks.name(hash, pv)
	if !m.ready(parent, out) || !m.due(parent) {
		return false
	}
	r.building = true // before building: one proposal per view, whatever comes in between
	if parent.ref.Height == m.session.LastHeight() {
		m.sendProposal(r, pv, hash, out) // Rule R-BOUNDARY
		return true
	}
	out.add(Build{
		Session: m.session, View: m.view, ParentView: pv, Parent: parent.ref,
		TimeMs: max(parent.ref.TimeMs+1, m.clock),
	})
	return true
}

// tip walks back from the current view to the highest certified block that the views between allow as a
// parent, and asks for what is missing.
func (m *Machine) tip(out *Outbox) (pv chain.View, hash chain.Hash, ok bool) {
	for v := m.view - 1; v > m.finalView; v-- {
		r := m.rounds.at(v)
		if c := r.certified(); c != nil {
			return v, c.BlockHash, true
		}
		if !r.skipped() {
			m.askAnyone(v, out)
			return 0, chain.Hash{}, false
		}
	}
	return m.finalView, m.final.Hash, true
}

// onBuilt proposes the block that Build asked for, unless the view is over.
func (m *Machine) onBuilt(ref BlockRef, out *Outbox) {
	r := m.round(m.view)
	if ref.Session != m.session || ref.View != m.view || !r.building || !m.votes() ||
		r.mine[chain.VotePropose] != nil || r.closed() {
		return
	}
	parent := m.blocks.at(ref.Parent)
	if parent == nil { // finality moved past it while the block was built
		return
	}
	must.Hold(int(ref.Proposer) == m.me && m.fits(&ref, &parent.ref), "built block does not fit its parent")
	m.blocks.put(ref, m.view, blockGood)
	m.sendProposal(r, ref.ParentView, ref.Hash, out)
}

func (m *Machine) sendProposal(r *round, pv chain.View, hash chain.Hash, out *Outbox) {
	v := m.sign(r, chain.VotePropose, pv, hash)
	r.prop = &chain.Proposal{
		Session: v.Session, View: v.View, ParentView: pv, BlockHash: hash, Signer: v.Signer, Sig: v.Sig,
	}
	m.blocks.name(hash, r.view)
	out.add(LogProposal{Proposal: *r.prop})
	out.add(Broadcast{Message: Message{Proposal: r.prop}})
}

// notarize is rule R3: vote for the leader's first proposal if its place in the chain is proven and it
// executes to what it claims. What is missing is asked for; only what is wrong is given up.
func (m *Machine) notarize(out *Outbox) bool {
	r := m.round(m.view)
	if !m.votes() || r.prop == nil || r.bad || r.mine[chain.VoteNotarize] != nil || r.closed() {
		return false
	}
	switch m.judge(r, out) {
	case judgedGood:
		m.vote(r, chain.VoteNotarize, r.prop.ParentView, r.prop.BlockHash, out)
		return true
	case judgedBad:
		r.bad = true
		return true
	}
	return false
}

// judgement is the state of R3's conditions for one proposal.
type judgement uint8

const (
	judgedWait judgement = iota // something is missing
	judgedGood
	judgedBad
)

// judge decides about the proposal of the current view.
func (m *Machine) judge(r *round, out *Outbox) judgement {
	p := r.prop
	if p.ParentView < m.finalView {
		return judgedBad // it would need certU of a finalised view
	}
	parentHash, ok := m.proven(r, out)
	if !ok {
		return judgedWait
	}
	b := m.blocks.name(p.BlockHash, r.view)
	if !m.want(b, r.leader, out) {
		return judgedWait
	}
	if b.ref.View < p.View { // Rule R-BOUNDARY
		if p.BlockHash != parentHash || b.ref.Height != m.session.LastHeight() {
			return judgedBad
		}
		return m.tried(b, out)
	}
	if b.ref.View != p.View || b.ref.ParentView != p.ParentView || b.ref.Parent != parentHash || b.ref.Proposer != r.leader {
		return judgedBad
	}
	verdict := m.tried(b, out)
	if verdict == judgedGood && b.ref.TimeMs > m.clock+m.cfg.Future { // Rule R-FUTURE
		m.timers.hold(m.now + Tick(b.ref.TimeMs-m.clock-m.cfg.Future))
		return judgedWait
	}
	return verdict
}

// proven reports the hash certified at the proposal's parent view, once that certificate and certU of
// every view between are held. The leader must have them all, so it is asked first.
func (m *Machine) proven(r *round, out *Outbox) (parent chain.Hash, ok bool) {
	pv := r.prop.ParentView
	parent, ok = m.final.Hash, true
	if pv != m.finalView {
		if c := m.rounds.at(pv).certified(); c != nil {
			parent = c.BlockHash
		} else {
			m.ask(r.leader, pv, Bit(chain.VoteNotarize)|Bit(chain.VoteFinalize), out)
			ok = false
		}
	}
	for v := r.view - 1; v > pv && len(m.asks) < AsksMax; v-- {
		if !m.rounds.at(v).skipped() {
			m.ask(r.leader, v, Bit(chain.VoteNullify), out)
			ok = false
		}
	}
	return parent, ok
}

// tried executes b if need be and tells what is known of it.
func (m *Machine) tried(b *block, out *Outbox) judgement {
	if m.ready(b, out) {
		return judgedGood
	}
	if b.state == blockBad {
		return judgedBad
	}
	return judgedWait
}

// advance is rules R4, R5 and R7 as far as they move the view.
func (m *Machine) advance(out *Outbox) bool {
	list := m.rounds.list
	for i := len(list) - 1; i >= 0 && list[i].view >= m.view; i-- { // R5, R7: no block is needed to go on
		r := list[i]
		if r.skipped() || r.cert(chain.VoteFinalize) != nil {
			if r.view == m.view && r.skipped() {
				m.noteNullified(r)
			}
			m.enter(r.view + 1)
			return true
		}
	}
	first, _ := m.rounds.find(m.view)
	for _, r := range list[first:] { // R4: the block must be good here before its view is left
		c := r.cert(chain.VoteNotarize)
		if c == nil || !m.ready(m.blocks.name(c.BlockHash, r.view), out) {
			continue
		}
		if r.view == m.view && m.votes() && !r.closed() {
			m.vote(r, chain.VoteFinalize, c.ParentView, c.BlockHash, out)
		}
		m.enter(r.view + 1)
		return true
	}
	return false
}

// nullify is rule R6: give the view up when its time is over, when its proposal is bad, or when its own
// leader gives it up. Never after the own finalize vote.
func (m *Machine) nullify(out *Outbox) bool {
	r := m.round(m.view)
	if !m.votes() || r.closed() {
		return false
	}
	late := m.now >= m.timers.advanceBy || (m.now >= m.timers.proposeBy && r.prop == nil)
	abandoned := r.tallies[slot(chain.VoteNullify)].of(r.leader) != nil
	if !late && !abandoned && !r.bad {
		return false
	}
	m.vote(r, chain.VoteNullify, 0, chain.Hash{}, out)
	return true
}

// sign makes the own message of one kind in the current view.
func (m *Machine) sign(r *round, kind chain.VoteKind, pv chain.View, hash chain.Hash) *chain.Vote {
	must.Hold(m.votes() && r.view == m.view, "vote outside the current view")
	must.Hold(r.mine[kind] == nil, "second vote of one kind in a view")
	v := &chain.Vote{
		Kind: kind, Session: m.session, View: r.view, ParentView: pv, BlockHash: hash, Signer: uint16(m.me),
	}
	m.crypto.Sign(v)
	r.mine[kind] = v
	return v
}

// vote casts an own vote. Rule R-ORDER: propose < notarize < nullify or finalize, and never both of the
// last. Rule R-LOG: it is logged before it is sent.
func (m *Machine) vote(r *round, kind chain.VoteKind, pv chain.View, hash chain.Hash, out *Outbox) {
	must.Hold(!r.closed(), "vote after the own nullify or finalize vote")
	v := m.sign(r, kind, pv, hash)
	record := LogVote{Vote: *v}
	if kind == chain.VoteNotarize {
		record.Body = hash
	}
	if kind == chain.VoteFinalize {
		m.lastVote = v
	}
	out.add(record)
	out.add(Broadcast{Message: Message{Vote: v}})
	m.count(r, v, out)
}

// count enters a checked vote and, when it completes a quorum, makes the certificate.
func (m *Machine) count(r *round, v *chain.Vote, out *Outbox) {
	if !m.enterVote(r, v, out) || r.cert(v.Kind) != nil {
		return
	}
	t := &r.tallies[slot(v.Kind)]
	if t.weight(m.set, v) >= m.set.Quorum() {
		m.accept(r, t.certificate(v), out)
	}
}

// accept stores a certificate that is known to be valid, and spreads it once.
func (m *Machine) accept(r *round, c *chain.Certificate, out *Outbox) {
	m.store(r, c, out)
	out.add(LogCertificate{Certificate: c})
	out.add(Broadcast{Message: Message{Certificate: c}})
}

// store files a certificate and checks that it can stand beside the others of its view.
func (m *Machine) store(r *round, c *chain.Certificate, out *Outbox) {
	r.certs[slot(c.Kind)] = c
	n, f := r.cert(chain.VoteNotarize), r.cert(chain.VoteFinalize)
	if (f != nil && r.skipped()) || (f != nil && n != nil && !sameCertificate(f, n)) {
		m.halt("certificates of one view contradict each other: a third of the stake is faulty", nil, out)
		return
	}
	if c.Kind == chain.VoteNullify {
		return
	}
	b := m.blocks.name(c.BlockHash, c.View)
	m.certify(b)
	if b.state == blockBad {
		m.halt("a certified block is bad on this node", b, out)
	}
	if c.Kind == chain.VoteFinalize && (m.best == nil || c.View > m.best.View) {
		m.best = c
	}
}

// finalize is rule R7: hand the finalised block and its ancestors to the ledger, once all are held and
// found good.
func (m *Machine) finalize(out *Outbox) bool {
	if m.best == nil || m.best.View <= m.finalView || m.sessionDone() {
		return false
	}
	b := m.blocks.name(m.best.BlockHash, m.best.View)
	if !m.ready(b, out) {
		return false
	}
	path, ok := m.path(b)
	if !ok {
		m.halt("the finalised block does not descend from the one before", b, out)
		return false
	}
	if len(path) > 0 {
		out.add(Finalize{Blocks: path, Certificate: m.best})
		m.noteFinalized()
	}
	m.moveFinal(b.ref, m.best.View)
	return true
}

// path lists the blocks from the child of the last finalised one to b.
func (m *Machine) path(b *block) (path []BlockRef, ok bool) {
	for x := b; x.ref.Hash != m.final.Hash; {
		if x.ref.Height <= m.final.Height || len(path) == PathMax {
			return nil, false
		}
		path = append(path, x.ref)
		if x = m.blocks.at(x.ref.Parent); x == nil {
			return nil, false
		}
	}
	slices.Reverse(path)
	return path, true
}

// moveFinal sets the last finalised block and forgets what lies behind it.
func (m *Machine) moveFinal(ref BlockRef, v chain.View) {
	must.Hold(ref.Height >= m.final.Height, "finality moves back")
	m.final, m.finalView = ref, v
	m.settled(ref, v)
	m.blocks.prune(func(b *block) bool {
		return b.ref.Hash != ref.Hash && (b.view <= v || (b.state != blockWanted && b.ref.Height <= ref.Height))
	})
	if v > VotesBehindMax {
		m.rounds.dropBelow(v - VotesBehindMax)
	}
	if m.lastVote != nil && m.lastVote.View <= v {
		m.lastVote = nil // Rule R8: covered
	}
}
