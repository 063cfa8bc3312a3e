package poi

import "github.com/aiwork/aiwork-node/internal/chain"

// enterVote files a vote whose signature was checked, and reports faults that it proves. It reports
// whether the vote counts: the first of its signer for that kind and view does.
func (m *Machine) enterVote(r *round, v *chain.Vote, out *Outbox) bool {
	m.activity.heard(v.Signer, m.stats.views)
	t := &r.tallies[slot(v.Kind)]
	for i := range r.tallies {
		m.unpark(&r.tallies[i], v.Signer)
	}
	if first := t.of(v.Signer); first != nil {
		if !sameVote(first, v) {
			m.accuse(r, doubleOf(v.Kind), first, v, out)
		}
		return false
	}
	t.put(m.set.Len(), v)
	nullify, finalize := r.tallies[slot(chain.VoteNullify)].of(v.Signer), r.tallies[slot(chain.VoteFinalize)].of(v.Signer)
	if v.Kind != chain.VoteNotarize && nullify != nil && finalize != nil {
		m.accuse(r, NullifyFinalize, nullify, finalize, out)
	}
	return true
}

// unpark checks a parked vote of the signer and files it, now that it is worth it.
func (m *Machine) unpark(t *tally, signer uint16) {
	v := t.parkedOf(signer)
	if v == nil {
		return
	}
	t.parked[signer] = nil
	if t.of(signer) == nil && m.crypto.VerifyVote(m.set, v) {
		t.put(m.set.Len(), v)
	}
}

func doubleOf(kind chain.VoteKind) EvidenceKind {
	if kind == chain.VoteFinalize {
		return DoubleFinalize
	}
	return DoubleNotarize // two different nullify votes of one view cannot pass the check of their form
}

// accuse reports evidence, each kind once per signer and view.
func (m *Machine) accuse(r *round, kind EvidenceKind, first, second *chain.Vote, out *Outbox) {
	if r.accusation == nil {
		r.accusation = make([]uint8, m.set.Len())
	}
	if bit := uint8(1) << kind; r.accusation[first.Signer]&bit == 0 {
		r.accusation[first.Signer] |= bit
		out.add(Evidence{Kind: kind, First: *first, Second: *second})
	}
}

// accuseProposer reports E4. p differs from the leader's first proposal.
func (m *Machine) accuseProposer(r *round, p *chain.Proposal, out *Outbox) {
	first, second := proposalVote(r.prop), proposalVote(p)
	m.accuse(r, DoublePropose, &first, &second, out)
}

// proposalVote is the vote that a proposal's signature covers.
func proposalVote(p *chain.Proposal) chain.Vote {
	return chain.Vote{
		Kind: chain.VotePropose, Session: p.Session, View: p.View, ParentView: p.ParentView,
		BlockHash: p.BlockHash, Signer: p.Signer, Sig: p.Sig,
	}
}

// absorb files the votes of a certificate that came from a peer: they are checked already, and show who
// is active and who contradicts himself.
func (m *Machine) absorb(r *round, c *chain.Certificate, out *Outbox) {
	next := 0
	for i := range m.set.Len() {
		if !c.Has(i) {
			continue
		}
		v := &chain.Vote{
			Kind: c.Kind, Session: c.Session, View: c.View, ParentView: c.ParentView,
			BlockHash: c.BlockHash, Signer: uint16(i), Sig: c.Sigs[next],
		}
		next++
		if i == m.me {
			m.checkOwn(r, v, out)
		}
		m.enterVote(r, v, out)
	}
}

// checkOwn is rule R-LOST: a valid vote of ours that we do not know means that the log was lost or that
// another process signs with our key. Either way we must not sign.
func (m *Machine) checkOwn(r *round, v *chain.Vote, out *Outbox) {
	own := r.mine[v.Kind]
	if r.view > m.finalView && (own == nil || !sameVote(own, v)) {
		m.silence("peers hold a vote of this validator that its log does not", out)
	}
}
