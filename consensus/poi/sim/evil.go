package sim

import (
	"slices"

	"github.com/aiwork/aiwork-node/consensus/poi"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// evil is a Byzantine validator. It holds no machine: it watches what it receives and signs whatever may
// hurt, for whom it likes. It cannot sign with keys of others.
type evil struct {
	w       *world
	id      int
	index   int
	session chain.Session
	tips    []tip // certified blocks of the session, as it learns of them
	own     []tip // its own proposals, certified or not
	done    map[act]int
	made    map[chain.Hash]bool
}

// tip is a block with the view in which it was certified.
type tip struct {
	view chain.View
	hash chain.Hash
}

// act counts what was done in a view, so that a run ends.
type act struct {
	view chain.View
	kind chain.VoteKind
}

// actsMax bounds the messages of one kind that an evil makes up for one view.
const actsMax = 3

func (e *evil) validator() int { return e.index }
func (e *evil) up() bool       { return true }

// holds serves its own blocks every other time, and none of others.
func (e *evil) holds(h chain.Hash) bool { return e.made[h] && chance(e.w.dice, 500) }

func (e *evil) deliver(_ int, msg poi.Message, _ bool) {
	if chance(e.w.dice, e.w.p.evil.garbage) {
		e.garble(msg)
	}
	switch {
	case msg.Proposal != nil:
		if p := msg.Proposal; e.follow(p.Session) {
			e.vote(p.View, p.ParentView, p.BlockHash)
		}
	case msg.Vote != nil:
		if v := msg.Vote; e.follow(v.Session) {
			e.lead(v.View)
			e.forge(v)
			if v.Kind != chain.VoteNullify {
				e.vote(v.View, v.ParentView, v.BlockHash)
			}
		}
	case msg.Certificate != nil && len(msg.Certificate.Sigs) > 0:
		if c := msg.Certificate; e.follow(c.Session) {
			if c.Kind != chain.VoteNullify {
				e.learn(tip{c.View, c.BlockHash})
			}
			e.lead(c.View + 1)
			e.lead(c.View + 2)
		}
	}
}

// follow moves on to a later session, if its beginning is known.
func (e *evil) follow(s chain.Session) bool {
	if s > e.session && int(s.FirstHeight()-1) < len(e.w.chain) {
		e.session, e.done, e.own = s, map[act]int{}, nil
		e.tips = append(e.tips[:0], tip{0, e.w.chain[s.FirstHeight()-1].ref.Hash})
		if s == firstSession {
			last := e.w.chain[len(e.w.chain)-1].ref
			e.tips = append(e.tips, tip{last.View, last.Hash})
		}
	}
	return s == e.session
}

func (e *evil) learn(t tip) {
	if e.w.bodies[t.hash] == nil { // from another evil's forgery
		return
	}
	if slices.Contains(e.tips, t) {
		return
	}
	e.tips = append(e.tips, t)
}

func (e *evil) may(v chain.View, kind chain.VoteKind) bool {
	a := act{v, kind}
	e.done[a]++
	return e.done[a] <= actsMax
}

// vote says yes to everything, and also no.
func (e *evil) vote(v, pv chain.View, hash chain.Hash) {
	p := e.w.p.evil
	if chance(e.w.dice, p.double) && e.may(v, chain.VoteNotarize) {
		e.send(chain.VoteNotarize, v, pv, hash)
	}
	if chance(e.w.dice, p.finalize) && e.may(v, chain.VoteFinalize) {
		e.send(chain.VoteFinalize, v, pv, hash)
	}
	if chance(e.w.dice, p.nullify) && e.may(v, chain.VoteNullify) {
		e.send(chain.VoteNullify, v, 0, chain.Hash{})
	}
}

// forge makes a certificate of one vote of another and one of its own, which is no quorum.
func (e *evil) forge(v *chain.Vote) {
	if !chance(e.w.dice, e.w.p.evil.garbage) || int(v.Signer) >= e.w.p.nodes || int(v.Signer) == e.index ||
		v.Kind < chain.VoteNotarize || v.Kind > chain.VoteFinalize {
		return
	}
	own := *v
	own.Signer = uint16(e.index)
	e.w.signers[e.index].Sign(&own)
	c := &chain.Certificate{
		Version: chain.CertificateVersion, Kind: v.Kind, Session: v.Session, View: v.View, ParentView: v.ParentView,
		BlockHash: v.BlockHash, Signers: make([]byte, (e.w.p.nodes+7)/8), Sigs: [][64]byte{v.Sig, own.Sig},
	}
	if own.Signer < v.Signer {
		c.Sigs[0], c.Sigs[1] = own.Sig, v.Sig
	}
	for _, i := range []uint16{v.Signer, own.Signer} {
		c.Signers[i/8] |= 1 << (i % 8)
	}
	e.spread(poi.Message{Certificate: c}, 500, 0)
}

// send gives a vote to some, now or later.
func (e *evil) send(kind chain.VoteKind, v, pv chain.View, hash chain.Hash) {
	x := &chain.Vote{
		Kind: kind, Session: e.session, View: v, ParentView: pv, BlockHash: hash, Signer: uint16(e.index),
	}
	e.w.signers[e.index].Sign(x)
	e.spread(poi.Message{Vote: x}, 600, 0)
}

func (e *evil) spread(msg poi.Message, share, body uint64) {
	w := e.w
	for to := range w.actors {
		if to != e.id && chance(w.dice, share) {
			late := uint64(0)
			if chance(w.dice, 200) {
				late = w.dice.Below(200)
			}
			w.after(late, happening{kind: happenLate, from: e.id, to: to, msg: msg, body: chance(w.dice, body)})
		}
	}
}

// lead proposes when it is this validator's turn: one block or several, on the right parent or on one
// that was left behind, valid or not, to all or to some.
func (e *evil) lead(v chain.View) {
	w, p := e.w, e.w.p.evil
	if v == 0 || int(w.set.Leader(w.genesis, e.session, v, w.seed(e.session))) != e.index || !e.may(v, chain.VotePropose) {
		return
	}
	variants := 1
	if chance(w.dice, p.equivocate) {
		variants = 2
	}
	for range variants {
		parent, ok := e.parent(v)
		if !ok {
			return
		}
		hash := e.block(v, parent)
		e.own = append(e.own, tip{v, hash})
		prop := &chain.Proposal{Session: e.session, View: v, ParentView: parent.view, BlockHash: hash, Signer: uint16(e.index)}
		vote := proposalVote(prop)
		w.signers[e.index].Sign(&vote)
		prop.Sig = vote.Sig
		share, body := uint64(1000), uint64(1000)
		if variants > 1 {
			share = 600
		}
		if chance(w.dice, p.withhold) {
			share, body = draw(w.dice, 100, 900), draw(w.dice, 0, 900)
		}
		e.spread(poi.Message{Proposal: prop}, share, body)
		e.send(chain.VoteNotarize, v, parent.view, hash)
	}
}

// parent is the highest certified block below v, or any other.
func (e *evil) parent(v chain.View) (best tip, ok bool) {
	for _, t := range e.tips {
		if t.view < v && (!ok || t.view > best.view) {
			best, ok = t, true
		}
	}
	if ok && chance(e.w.dice, e.w.p.evil.fork) {
		if n := len(e.own); n > 0 && chance(e.w.dice, 500) { // perhaps the twin of one that is certified
			if t := e.own[n-1-int(e.w.dice.Below(uint64(min(n, 2))))]; t.view < v {
				return t, true
			}
		}
		all := append(append([]tip(nil), e.tips...), e.own...)
		if t := all[e.w.dice.Below(uint64(len(all)))]; t.view < v {
			return t, true
		}
	}
	return best, ok
}

// block makes the proposed block. On the session's last block it proposes that block again, as it must,
// or now and then a child that may not be.
func (e *evil) block(v chain.View, parent tip) chain.Hash {
	w := e.w
	on := w.bodies[parent.hash].ref
	if on.Height == e.session.LastHeight() && !chance(w.dice, 200) {
		return on.Hash
	}
	clock := epochMs + w.now
	ref := w.newBlock(poi.BlockRef{
		Parent: on.Hash, Height: on.Height + 1, Session: e.session, View: v, ParentView: parent.view,
		Proposer: uint16(e.index), TimeMs: max(on.TimeMs+1, clock+w.dice.Below(700)),
	}, chance(w.dice, w.p.evil.badBody))
	e.made[ref.Hash] = true
	return ref.Hash
}

// garble sends on what no correct peer would.
func (e *evil) garble(msg poi.Message) {
	w := e.w
	to := int(w.dice.Below(uint64(len(w.actors))))
	switch {
	case msg.Vote != nil:
		v := *msg.Vote
		switch w.dice.Below(3) {
		case 0:
			v.Sig[3] ^= 1
		case 1:
			v.Kind, v.View = chain.VoteKind(w.dice.Below(7)), v.View+chain.View(w.dice.Below(40))
		default:
			v.Signer = uint16(w.dice.Below(2 * uint64(w.p.nodes)))
		}
		w.send(e.id, to, poi.Message{Vote: &v}, false)
	case msg.Certificate != nil && len(msg.Certificate.Sigs) > 0:
		c := *msg.Certificate
		if w.dice.Below(2) == 0 {
			c.Signers, c.Sigs = append([]byte(nil), c.Signers...), c.Sigs[:len(c.Sigs)-1]
			for i := range c.Signers {
				if c.Signers[i] != 0 {
					c.Signers[i] &= c.Signers[i] - 1
					break
				}
			}
		} else {
			c.View += 1000
		}
		w.send(e.id, to, poi.Message{Certificate: &c}, false)
	case msg.Proposal != nil:
		p := *msg.Proposal
		p.Signer = uint16(e.index)
		w.send(e.id, to, poi.Message{Proposal: &p}, true)
	case msg.Status != nil:
		s := *msg.Status
		s.Session += chain.Session(w.dice.Below(3))
		s.Height += chain.Height(w.dice.Below(100))
		w.send(e.id, to, poi.Message{Status: &s}, false)
		w.send(e.id, to, poi.Message{FetchCert: &poi.FetchCert{
			Session: s.Session, View: s.View - chain.View(w.dice.Below(5)), Kinds: poi.KindMask(w.dice.Below(256)),
		}}, false)
	}
}
