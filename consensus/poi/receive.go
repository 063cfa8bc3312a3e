package poi

import "github.com/aiwork/aiwork-node/internal/chain"

// receive takes a message from the network. Cheap checks come first, signatures last.
func (m *Machine) receive(from Peer, msg Message, out *Outbox) {
	switch {
	case msg.Proposal != nil:
		m.onProposal(from, msg.Proposal, out)
	case msg.Vote != nil:
		m.onVote(from, msg.Vote, out)
	case msg.Certificate != nil:
		m.onCertificate(from, msg.Certificate, out)
	case msg.Status != nil:
		m.onStatus(from, *msg.Status, out)
	case msg.FetchCert != nil:
		m.onFetchCert(from, *msg.FetchCert, out)
	}
}

func refuse(from Peer, f Fault, out *Outbox) { out.add(Refuse{From: from, Fault: f}) }

// ours reports whether a message of session s can be used. If the sender lags, it is helped over the
// end of its session; if we lag, the driver hears of it.
func (m *Machine) ours(from Peer, s chain.Session, out *Outbox) bool {
	switch {
	case s > m.session:
		m.noteBehind(from, s, 0, out)
		return false
	case s < m.session:
		m.helpOver(from, s, out)
		return false
	}
	return true
}

func (m *Machine) onProposal(from Peer, p *chain.Proposal, out *Outbox) {
	if !m.ours(from, p.Session, out) {
		return
	}
	if p.View == 0 || p.ParentView >= p.View || p.BlockHash.IsZero() {
		refuse(from, FaultMalformed, out)
		return
	}
	if p.View <= m.finalView || p.View+VotesBehindMax < m.view || p.View > m.view+ProposalsAheadMax || !m.room() {
		return
	}
	r := m.round(p.View)
	if p.Signer != r.leader {
		refuse(from, FaultLeader, out)
		return
	}
	v := proposalVote(p)
	if r.prop != nil {
		if first := proposalVote(r.prop); sameVote(&first, &v) {
			return
		}
	}
	if !m.crypto.VerifyVote(m.set, &v) {
		refuse(from, FaultSignature, out)
		return
	}
	m.activity.heard(p.Signer, m.stats.views)
	switch {
	case int(p.Signer) == m.me:
		m.checkOwn(r, &v, out)
	case r.prop != nil:
		m.accuseProposer(r, p, out)
	default:
		r.prop = p
		if p.View >= m.view {
			m.want(m.blocks.name(p.BlockHash, p.View), r.leader, out)
		}
	}
}

func (m *Machine) onVote(from Peer, v *chain.Vote, out *Outbox) {
	if !m.ours(from, v.Session, out) {
		return
	}
	if !wellFormed(v.Kind, v.View, v.ParentView, v.BlockHash) {
		refuse(from, FaultMalformed, out)
		return
	}
	if int(v.Signer) >= m.set.Len() {
		refuse(from, FaultSigner, out)
		return
	}
	if v.View < m.view && int(v.Signer) != m.me {
		m.helpForward(from, v.View, out)
	}
	if !m.takesVote(v) || !m.room() {
		return
	}
	r := m.round(v.View)
	if !m.news(r, v) {
		return
	}
	if !m.crypto.VerifyVote(m.set, v) {
		refuse(from, FaultSignature, out)
		return
	}
	if int(v.Signer) == m.me {
		m.checkOwn(r, v, out)
		return
	}
	m.count(r, v, out)
}

// takesVote is the window of views in which votes are worth their memory.
func (m *Machine) takesVote(v *chain.Vote) bool {
	if v.View > m.view+1 || v.View+VotesBehindMax < m.finalView {
		return false
	}
	if v.View+VotesBehindMax >= m.view {
		return true
	}
	// The last finalize vote is sent again until it is covered (R8), however many views ago it was.
	r := m.rounds.at(v.View)
	return v.Kind == chain.VoteFinalize && v.View > m.finalView && r.certified() != nil
}

// news reports whether checking v's signature can change anything: it completes a certificate, proves a
// fault, or shows that a validator which we had not heard for a while is there.
func (m *Machine) news(r *round, v *chain.Vote) bool {
	if int(v.Signer) == m.me {
		own := r.mine[v.Kind]
		return own == nil || !sameVote(own, v)
	}
	if first := r.tallies[slot(v.Kind)].of(v.Signer); first != nil {
		return !sameVote(first, v) && !r.accused(v.Signer, doubleOf(v.Kind))
	}
	c := r.cert(v.Kind)
	if c == nil || c.BlockHash != v.BlockHash || c.ParentView != v.ParentView || r.opposed(v) {
		return true
	}
	if m.activity.quiet(v.Signer, m.stats.views) {
		return true
	}
	t := &r.tallies[slot(v.Kind)]
	if p := t.parkedOf(v.Signer); p != nil && p.Sig != v.Sig {
		return true // one of the two is forged
	}
	t.park(m.set.Len(), v)
	return false
}

// opposed reports whether v's signer cast, in this view, the vote that excludes v.
func (r *round) opposed(v *chain.Vote) bool {
	if v.Kind == chain.VoteNotarize {
		return false
	}
	t := &r.tallies[slot(chain.VoteNullify+chain.VoteFinalize-v.Kind)]
	return t.of(v.Signer) != nil || t.parkedOf(v.Signer) != nil
}

func (r *round) accused(signer uint16, kind EvidenceKind) bool {
	return r.accusation != nil && r.accusation[signer]&(1<<kind) != 0
}

// wellFormed is rule R-KEY for votes and certificates.
func wellFormed(kind chain.VoteKind, v, pv chain.View, hash chain.Hash) bool {
	switch kind {
	case chain.VoteNotarize, chain.VoteFinalize:
		return pv < v && !hash.IsZero()
	case chain.VoteNullify:
		return v > 0 && pv == 0 && hash.IsZero()
	}
	return false
}

func (m *Machine) onCertificate(from Peer, c *chain.Certificate, out *Outbox) {
	if c.Session < m.session || !m.ours(from, c.Session, out) {
		return
	}
	weight, ok := m.signers(c)
	if !ok || !wellFormed(c.Kind, c.View, c.ParentView, c.BlockHash) {
		refuse(from, FaultMalformed, out)
		return
	}
	if weight < m.set.Quorum() {
		refuse(from, FaultWeight, out)
		return
	}
	if c.View < m.finalView || (c.Kind != chain.VoteFinalize && !m.room()) {
		return
	}
	if r := m.rounds.at(c.View); r != nil {
		if held := r.cert(c.Kind); held != nil && sameCertificate(held, c) {
			return
		}
	}
	if !m.crypto.VerifyCertificate(m.set, c) {
		refuse(from, FaultSignature, out)
		return
	}
	r := m.round(c.View)
	if r.cert(c.Kind) != nil {
		m.halt("two certificates of one kind and view: a third of the stake is faulty", nil, out)
		return
	}
	m.absorb(r, c, out)
	m.accept(r, c, out)
}

// signers checks the form of a certificate against the set and sums its weight.
func (m *Machine) signers(c *chain.Certificate) (weight uint64, ok bool) {
	if c.Version != chain.CertificateVersion || c.CheckSet(m.set.Len()) != nil {
		return 0, false
	}
	for i, x := range m.set.members {
		if c.Has(i) {
			weight += x.Weight
		}
	}
	return weight, true
}

// room bounds the views held when nothing becomes final for very long: then only finalizations help.
func (m *Machine) room() bool { return len(m.rounds.list) < RoundsMax }
