package poi

import (
	"fmt"
	"strings"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/must"
)

// start takes up where the log and the ledger end. What was signed before is sent again, byte for byte;
// nothing else is signed in its place.
func (m *Machine) start(s Start, out *Outbox) {
	m.started = true
	m.timers.delta = m.cfg.DeltaStart
	m.timers.set = never
	if s.Lost {
		m.silence("vote log or high-water file is missing", out)
	}
	m.later = s.Log
	m.open(s.Opening)
	if s.Final.Height > m.boundary.Height {
		m.moveFinal(s.Final, s.Final.View)
	}
	if s.FinalCert != nil && s.FinalCert.Session == m.session {
		m.store(m.round(s.FinalCert.View), s.FinalCert, out)
	}
	m.replay(out)
	for _, ref := range s.Blocks {
		if ref.Height > m.final.Height && m.blocks.at(ref.Hash) != nil {
			m.blocks.put(ref, ref.View, blockHeld)
		}
	}
	m.enter(max(m.signedUpTo(), m.finalView+1))
}

// open sets the state to the beginning of a session.
func (m *Machine) open(o SessionStart) {
	must.Hold(o.Boundary.Height+1 == o.Session.FirstHeight(), "session opened on another height than its boundary")
	m.activity.move(m.set, o.Set, m.stats.views)
	if o.BoundaryCert != nil {
		if len(m.closed) == ClosedMax {
			m.closed = append(m.closed[:0], m.closed[1:]...)
		}
		m.closed = append(m.closed, closed{session: o.Session - 1, cert: o.BoundaryCert})
	}
	m.session, m.set, m.seed = o.Session, o.Set, o.Seed
	m.boundary, m.boundaryCert = o.Boundary, o.BoundaryCert
	m.me = -1
	if i, ok := o.Set.Index(m.cfg.Key); ok {
		m.me = int(i)
	}
	m.view, m.rounds = 0, rounds{}
	m.blocks = blocks{byHash: make(map[chain.Hash]*block)}
	m.final, m.finalView = o.Boundary, 0
	m.best, m.lastVote = nil, nil
	m.asks = m.asks[:0]
	m.settled(o.Boundary, 0)
}

// newSession follows the ledger into a later session.
func (m *Machine) newSession(o SessionStart, out *Outbox) {
	if o.Session <= m.session {
		return
	}
	if o.NewEpoch {
		m.silent = ""
	}
	m.open(o)
	m.replay(out)
	m.enter(max(m.signedUpTo(), 1))
}

// onSynced follows the ledger inside the session.
func (m *Machine) onSynced(s Synced) {
	if s.Final.Session != m.session || s.Final.Height <= m.final.Height {
		return
	}
	m.moveFinal(s.Final, s.Final.View)
	if c := s.Cert; c != nil && c.Session == m.session && c.View >= m.finalView {
		r := m.round(c.View)
		r.certs[slot(chain.VoteFinalize)] = c
		m.certify(m.blocks.name(c.BlockHash, c.View))
		if m.best == nil || c.View > m.best.View {
			m.best = c
		}
	}
	if m.view <= m.finalView {
		m.enter(m.finalView + 1)
	}
}

// replay files the log's entries of the session just opened, and keeps those of later sessions.
func (m *Machine) replay(out *Outbox) {
	var later []Message
	for _, msg := range m.later {
		switch s := logSession(msg); {
		case s > m.session:
			later = append(later, msg)
		case s == m.session:
			m.replayOne(msg, out)
		}
	}
	m.later = later
}

func logSession(msg Message) chain.Session {
	switch {
	case msg.Proposal != nil:
		return msg.Proposal.Session
	case msg.Vote != nil:
		return msg.Vote.Session
	case msg.Certificate != nil:
		return msg.Certificate.Session
	}
	return 0
}

func (m *Machine) replayOne(msg Message, out *Outbox) {
	switch {
	case msg.Proposal != nil && msg.Proposal.View > m.finalView:
		r := m.round(msg.Proposal.View)
		v := proposalVote(msg.Proposal)
		r.prop, r.mine[chain.VotePropose] = msg.Proposal, &v
		m.blocks.name(v.BlockHash, v.View)
	case msg.Vote != nil && msg.Vote.View > m.finalView:
		m.replayVote(msg.Vote, out)
	case msg.Certificate != nil && msg.Certificate.View > m.finalView:
		if r := m.round(msg.Certificate.View); r.cert(msg.Certificate.Kind) == nil {
			m.store(r, msg.Certificate, out)
		}
	}
}

func (m *Machine) replayVote(v *chain.Vote, out *Outbox) {
	r := m.round(v.View)
	must.Hold(r.mine[v.Kind] == nil || sameVote(r.mine[v.Kind], v), "the log holds two votes of one kind in a view")
	r.mine[v.Kind] = v
	if m.me >= 0 {
		m.enterVote(r, v, out)
	}
	if v.Kind == chain.VoteNotarize {
		m.blocks.name(v.BlockHash, v.View)
	}
	if v.Kind == chain.VoteFinalize && (m.lastVote == nil || v.View > m.lastVote.View) {
		m.lastVote = v
	}
}

// signedUpTo is the highest view in which this validator signed anything: it was in that view.
func (m *Machine) signedUpTo() (v chain.View) {
	for _, r := range m.rounds.list {
		for _, own := range r.mine {
			if own != nil {
				v = r.view
			}
		}
	}
	return v
}

// halt stops the machine for good, with what an engineer needs to see.
func (m *Machine) halt(reason string, b *block, out *Outbox) {
	if m.halted {
		return
	}
	m.halted = true
	var d strings.Builder
	fmt.Fprintf(&d, "session %d view %d final height %d hash %v view %d member %d of %d\n",
		m.session, m.view, m.final.Height, m.final.Hash, m.finalView, m.me, m.set.Len())
	if b != nil {
		fmt.Fprintf(&d, "block height %d hash %v parent %v view %d parent view %d proposer %d time %d state %d\n",
			b.ref.Height, b.ref.Hash, b.ref.Parent, b.ref.View, b.ref.ParentView, b.ref.Proposer, b.ref.TimeMs, b.state)
	}
	for _, r := range m.rounds.list[max(0, len(m.rounds.list)-VotesBehindMax):] {
		for _, c := range r.certs {
			if c != nil {
				fmt.Fprintf(&d, "certificate kind %d view %d parent view %d hash %v\n", c.Kind, c.View, c.ParentView, c.BlockHash)
			}
		}
	}
	out.add(Halt{Reason: reason, Dump: d.String()})
}
