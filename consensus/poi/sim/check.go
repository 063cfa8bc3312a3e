package sim

import (
	"github.com/aiwork/aiwork-node/consensus/poi"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// checker holds what must stay true over all nodes. It is told, and never asks a machine but for its
// memory: what it asserts is stated without the rules that it checks.
type checker struct {
	w     *world
	votes map[votePlace]chain.Vote
	certs map[certPlace]*chain.Certificate

	evidences, equivocations int
}

// votePlace is where an honest key signs at most once.
type votePlace struct {
	signer  int
	session chain.Session
	view    chain.View
	kind    chain.VoteKind
}

type certPlace struct {
	session chain.Session
	view    chain.View
	kind    chain.VoteKind
}

// signed is SIM-4 and SIM-7: what honest keys sign, over all their lives.
func (c *checker) signed(n *node, v *chain.Vote) {
	if int(v.Signer) != n.index {
		return
	}
	at := votePlace{n.index, v.Session, v.View, v.Kind}
	first, again := c.votes[at]
	if again {
		if first != *v {
			c.w.fail("SIM-4: node %d signs two messages of kind %d in session %d view %d", n.index, v.Kind, v.Session, v.View)
		}
		return
	}
	if n.silent {
		c.w.fail("SIM-7: node %d signs though it is silent", n.index)
	}
	c.votes[at] = *v
	if v.Kind == chain.VoteNullify || v.Kind == chain.VoteFinalize {
		at.kind = chain.VoteNullify + chain.VoteFinalize - v.Kind
		if _, both := c.votes[at]; both {
			c.w.fail("SIM-4: node %d nullifies and finalises session %d view %d", n.index, v.Session, v.View)
		}
	}
}

// certificate is SIM-3, over all certificates that any machine held.
func (c *checker) certificate(x *chain.Certificate) {
	at := certPlace{x.Session, x.View, x.Kind}
	if first := c.certs[at]; first != nil {
		if first.BlockHash != x.BlockHash || first.ParentView != x.ParentView {
			c.w.fail("SIM-3: two certificates of kind %d in session %d view %d", x.Kind, x.Session, x.View)
		}
		return
	}
	c.certs[at] = x
	if x.Kind == chain.VoteNullify || x.Kind == chain.VoteFinalize {
		at.kind = chain.VoteNullify + chain.VoteFinalize - x.Kind
		if c.certs[at] != nil {
			c.w.fail("SIM-3: session %d view %d is finalised and nullified", x.Session, x.View)
		}
	}
}

// commit is SIM-1 and SIM-2. The first ledger to reach a height sets what the others must hold there.
func (c *checker) commit(n *node, ref poi.BlockRef, cert *chain.Certificate) {
	w := c.w
	switch below := w.chain[n.ledger].ref; {
	case ref.Height != n.ledger+1 || ref.Parent != below.Hash:
		w.fail("SIM-2: node %d commits height %d on height %d", n.index, ref.Height, n.ledger)
	case w.bodies[ref.Hash].bad:
		w.fail("SIM-2: node %d commits a block that is bad, height %d", n.index, ref.Height)
	case int(ref.Height) == len(w.chain):
		w.chain = append(w.chain, sealed{ref: ref, cert: cert})
		w.waits += w.now - w.bodies[ref.Hash].made
	case w.chain[ref.Height].ref.Hash != ref.Hash:
		w.fail("SIM-1: node %d commits another block at height %d", n.index, ref.Height)
	}
}

// evidence is SIM-5.
func (c *checker) evidence(n *node, e poi.Evidence) {
	n.witness.got[accusation{int(e.First.Signer), e.First.Session, e.First.View, e.Kind}] = true
	c.evidences++
	if !n.honest {
		return
	}
	w, a, b := c.w, &e.First, &e.Second
	if w.p.roles[a.Signer] == roleHonest {
		w.fail("SIM-5: node %d accuses honest node %d, kind %d", n.index, a.Signer, e.Kind)
	}
	kinds := [...][2]chain.VoteKind{
		poi.DoubleNotarize:  {chain.VoteNotarize, chain.VoteNotarize},
		poi.NullifyFinalize: {chain.VoteNullify, chain.VoteFinalize},
		poi.DoubleFinalize:  {chain.VoteFinalize, chain.VoteFinalize},
		poi.DoublePropose:   {chain.VotePropose, chain.VotePropose},
	}[e.Kind]
	verify := w.signers[n.index].VerifyVote
	if a.Signer != b.Signer || a.Session != b.Session || a.View != b.View || a.Kind != kinds[0] || b.Kind != kinds[1] ||
		(a.Kind == b.Kind && sameVote(a, b)) || !verify(w.set, a) || !verify(w.set, b) {
		w.fail("SIM-5: node %d reports evidence that proves nothing, kind %d", n.index, e.Kind)
	}
}

// Bounds of SIM-8, for runs of at most a few hundred views.
const (
	roundsHeldMax = 600
	blocksHeldMax = 300
)

// memory is SIM-8.
func (c *checker) memory(n *node) {
	if c.w.events%64 != 0 {
		return
	}
	if s := n.m.Standing(); s.Rounds > roundsHeldMax || s.Blocks > blocksHeldMax {
		c.w.fail("SIM-8: node %d holds %d rounds and %d blocks", n.index, s.Rounds, s.Blocks)
	}
}

// lateViews is how long after a view its votes must still be looked at for faults.
const lateViews = 8

// witness is SIM-6: it notes what reaches a machine in time, and what the machine must therefore report.
type witness struct {
	seen map[votePlace]chain.Vote
	want map[accusation]bool
	list []accusation // of want, in order
	got  map[accusation]bool
}

type accusation struct {
	signer  int
	session chain.Session
	view    chain.View
	kind    poi.EvidenceKind
}

func (x *witness) reset() {
	*x = witness{
		seen: map[votePlace]chain.Vote{}, want: map[accusation]bool{}, got: map[accusation]bool{},
	}
}

// note looks at a message on its way to node n.
func (x *witness) note(n *node, msg poi.Message) {
	w, v := n.w, signedPart(msg)
	if v == nil || !n.honest || int(v.Signer) >= w.p.nodes || w.p.roles[v.Signer] == roleHonest {
		return
	}
	s := n.m.Standing()
	late := chain.View(0)
	if v.Kind != chain.VotePropose {
		late = lateViews
	}
	if v.Session != s.Session || v.View+late < s.View || v.View > s.View+1 || s.Halted || v.Kind < chain.VotePropose ||
		v.Kind > chain.VoteFinalize || (v.Kind != chain.VoteNullify && (v.BlockHash.IsZero() || v.ParentView >= v.View)) || !w.signers[n.index].VerifyVote(w.set, v) {
		return
	}
	if v.Kind == chain.VotePropose && w.set.Leader(w.genesis, v.Session, v.View, w.seed(v.Session)) != v.Signer {
		return
	}
	at := votePlace{int(v.Signer), v.Session, v.View, v.Kind}
	if first, again := x.seen[at]; again {
		if !sameVote(&first, v) {
			x.expect(at, [...]poi.EvidenceKind{
				chain.VotePropose: poi.DoublePropose, chain.VoteNotarize: poi.DoubleNotarize, chain.VoteFinalize: poi.DoubleFinalize,
			}[v.Kind])
		}
		return
	}
	x.seen[at] = *v
	if v.Kind == chain.VoteNullify || v.Kind == chain.VoteFinalize {
		other := at
		other.kind = chain.VoteNullify + chain.VoteFinalize - v.Kind
		if _, both := x.seen[other]; both {
			x.expect(at, poi.NullifyFinalize)
		}
	}
}

func (x *witness) expect(at votePlace, kind poi.EvidenceKind) {
	a := accusation{at.signer, at.session, at.view, kind}
	if !x.want[a] {
		x.want[a] = true
		x.list = append(x.list, a)
	}
}

// settle compares at the end of the run.
func (x *witness) settle(n *node) {
	for _, a := range x.list {
		n.w.check.equivocations++
		if !x.got[a] && !n.dying {
			n.w.fail("SIM-6: node %d saw fault %d of validator %d in session %d view %d and reports nothing",
				n.index, a.kind, a.signer, a.session, a.view)
		}
	}
}
