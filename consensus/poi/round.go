package poi

import (
	"slices"

	"github.com/aiwork/aiwork-node/internal/chain"
)

// round is what the machine knows of one view.
type round struct {
	view   chain.View
	leader uint16

	prop     *chain.Proposal // the leader's first
	bad      bool            // prop can never be voted for
	building bool            // Build was asked: at most once per view and life of the process

	tallies    [3]tally              // notarize, nullify, finalize
	certs      [3]*chain.Certificate // likewise
	mine       [5]*chain.Vote        // own, by kind; a proposal as a vote of kind VotePropose
	accusation []uint8               // by signer: bits of the evidence kinds reported
}

// slot is the place of kind in tallies and certs.
func slot(kind chain.VoteKind) int { return int(kind - chain.VoteNotarize) }

func (r *round) cert(kind chain.VoteKind) *chain.Certificate { return r.certs[slot(kind)] }

// closed reports whether the own nullify or finalize vote was cast: nothing more is signed in this view.
func (r *round) closed() bool {
	return r.mine[chain.VoteNullify] != nil || r.mine[chain.VoteFinalize] != nil
}

// certified gives the certificate that makes a block of this view a parent: certN or certF.
func (r *round) certified() *chain.Certificate {
	if r == nil {
		return nil
	}
	if c := r.cert(chain.VoteFinalize); c != nil {
		return c
	}
	return r.cert(chain.VoteNotarize)
}

// skipped reports whether certU is held.
func (r *round) skipped() bool { return r != nil && r.cert(chain.VoteNullify) != nil }

// tally holds the first vote of each signer for one kind in one view. A second, different vote is
// evidence and counts for nothing. A vote that comes when the certificate is there already, and agrees
// with it, is parked: its signature is checked only if it turns out to prove a fault.
type tally struct{ votes, parked []*chain.Vote }

func (t *tally) of(signer uint16) *chain.Vote { return at(t.votes, signer) }

// parkedOf gives the unchecked vote of a signer, or nil.
func (t *tally) parkedOf(signer uint16) *chain.Vote { return at(t.parked, signer) }

func (t *tally) put(n int, v *chain.Vote)  { put(&t.votes, n, v) }
func (t *tally) park(n int, v *chain.Vote) { put(&t.parked, n, v) }

func at(votes []*chain.Vote, signer uint16) *chain.Vote {
	if votes == nil {
		return nil
	}
	return votes[signer]
}

func put(votes *[]*chain.Vote, n int, v *chain.Vote) {
	if *votes == nil {
		*votes = make([]*chain.Vote, n)
	}
	(*votes)[v.Signer] = v
}

// weight sums the weights of the votes equal to v.
func (t *tally) weight(set *Set, v *chain.Vote) (sum uint64) {
	for i, x := range t.votes {
		if x != nil && sameVote(x, v) {
			sum += set.members[i].Weight
		}
	}
	return sum
}

// certificate gathers the votes equal to v.
func (t *tally) certificate(v *chain.Vote) *chain.Certificate {
	c := &chain.Certificate{
		Version: chain.CertificateVersion, Kind: v.Kind, Session: v.Session, View: v.View, ParentView: v.ParentView,
		BlockHash: v.BlockHash, Signers: make([]byte, (len(t.votes)+7)/8),
	}
	for i, x := range t.votes {
		if x != nil && sameVote(x, v) {
			c.Signers[i/8] |= 1 << (i % 8)
			c.Sigs = append(c.Sigs, x.Sig)
		}
	}
	return c
}

// sameVote compares what a vote says, leaving out who says it. Votes, certificates and evidence are keyed
// by (session, view, kind, parent view, hash).
func sameVote(a, b *chain.Vote) bool {
	return a.BlockHash == b.BlockHash && a.ParentView == b.ParentView && a.View == b.View &&
		a.Kind == b.Kind && a.Session == b.Session
}

func sameCertificate(a, b *chain.Certificate) bool {
	return a.BlockHash == b.BlockHash && a.ParentView == b.ParentView
}

// rounds are the views held, by growing view. They need not be contiguous.
type rounds struct{ list []*round }

func (rs *rounds) find(v chain.View) (int, bool) {
	return slices.BinarySearchFunc(rs.list, v, func(r *round, v chain.View) int {
		switch {
		case r.view < v:
			return -1
		case r.view > v:
			return 1
		}
		return 0
	})
}

// at gives the round of view v, or nil.
func (rs *rounds) at(v chain.View) *round {
	if i, ok := rs.find(v); ok {
		return rs.list[i]
	}
	return nil
}

// dropBelow forgets the rounds of the views below v.
func (rs *rounds) dropBelow(v chain.View) {
	i, _ := rs.find(v)
	rs.list = slices.Delete(rs.list, 0, i)
}

// round gives the round of view v and makes it if need be.
func (m *Machine) round(v chain.View) *round {
	i, ok := m.rounds.find(v)
	if !ok {
		r := &round{view: v, leader: m.set.Leader(m.cfg.Genesis, m.session, v, m.seed)}
		m.rounds.list = slices.Insert(m.rounds.list, i, r)
	}
	return m.rounds.list[i]
}

// forget drops what can no longer matter: tallies of views too far behind to take votes for, and blocks
// that only proposals of such views name. The finalize votes of a certified view stay, because re-sent
// ones may still complete them.
func (m *Machine) forget() {
	if m.view <= VotesBehindMax {
		return
	}
	old := m.view - VotesBehindMax
	m.blocks.prune(func(b *block) bool { return !b.certified && b.view < old && b.ref.Hash != m.final.Hash })
	for _, r := range m.rounds.list {
		if r.view >= old {
			return
		}
		r.tallies[slot(chain.VoteNotarize)] = tally{}
		r.tallies[slot(chain.VoteNullify)] = tally{}
		if r.certified() == nil {
			r.tallies[slot(chain.VoteFinalize)] = tally{}
		}
	}
}
