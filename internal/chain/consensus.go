package chain

import (
	"crypto/sha256"

	"github.com/aiwork/aiwork-node/internal/codec"
)

// VoteKind tells what a vote says. The order is that in which a validator may cast them in a view.
type VoteKind uint8

const (
	VotePropose  VoteKind = 1 // the leader's word for its block
	VoteNotarize VoteKind = 2 // the block is valid and came in time
	VoteNullify  VoteKind = 3 // the view brings no block
	VoteFinalize VoteKind = 4 // the block is notarized, and this validator did not nullify
)

// ValidatorsMax is the greatest number of validators in a set.
const ValidatorsMax = 1024

const voteTag = "aiwork/vote/1"

// Vote is a validator's signed word on a view. A nullify vote names no block.
type Vote struct {
	Kind       VoteKind
	Session    Session
	View       View
	ParentView View
	BlockHash  Hash
	Signer     uint16   // index in the validator set
	Sig        [64]byte // BIP-340, over SigningHash
}

// Proposal is the leader's signed word for a block: a vote of kind VotePropose.
type Proposal struct {
	Session    Session
	View       View
	ParentView View
	BlockHash  Hash
	Signer     uint16
	Sig        [64]byte
}

// VoteSize and ProposalSize are the lengths of the encoded forms.
const (
	subjectSize  = 3*8 + 32
	ProposalSize = subjectSize + 2 + 64
	VoteSize     = 1 + ProposalSize
)

// subject is what a vote, proposal or certificate is about.
type subject struct {
	kind       VoteKind
	session    Session
	view       View
	parentView View
	hash       Hash
}

// signingHash gives SHA-256(lp(tag) || genesis || kind || session || view || parent view || block).
func (s subject) signingHash(genesis Hash) Hash {
	w := codec.NewWriter(2 + len(voteTag) + 32 + 1 + subjectSize)
	w.U16(uint16(len(voteTag)))
	w.Fixed([]byte(voteTag))
	w.Fixed(genesis[:])
	w.U8(uint8(s.kind))
	s.write(w)
	return sha256.Sum256(w.Out())
}

func (s subject) write(w *codec.Writer) {
	w.U64(uint64(s.session))
	w.U64(uint64(s.view))
	w.U64(uint64(s.parentView))
	w.Fixed(s.hash[:])
}

func readSubject(r *codec.Reader, kind VoteKind) subject {
	s := subject{kind: kind, session: Session(r.U64()), view: View(r.U64()), parentView: View(r.U64())}
	r.Fixed(s.hash[:])
	if err := s.check(); err != nil {
		r.Fail(err)
	}
	return s
}

// check holds the rules that make the form of a subject unique.
func (s subject) check() error {
	switch {
	case s.kind < VotePropose || s.kind > VoteFinalize:
		return FaultKind
	case s.kind == VoteNullify && (s.parentView != 0 || !s.hash.IsZero()):
		return FaultNullify
	case s.view == 0 || s.parentView >= s.view:
		return FaultView
	}
	return nil
}

func (v *Vote) subject() subject {
	return subject{v.Kind, v.Session, v.View, v.ParentView, v.BlockHash}
}

// SigningHash gives what the signer signs, bound to the chain by the hash of its genesis block.
func (v *Vote) SigningHash(genesis Hash) Hash { return v.subject().signingHash(genesis) }

// Encode gives the fixed-width form.
func (v *Vote) Encode() []byte {
	w := codec.NewWriter(VoteSize)
	w.U8(uint8(v.Kind))
	v.subject().write(w)
	w.U16(v.Signer)
	w.Fixed(v.Sig[:])
	return w.Out()
}

// DecodeVote reads what Encode gave. The signature is not checked.
func DecodeVote(b []byte) (*Vote, error) {
	r := codec.NewReader(b)
	s := readSubject(r, VoteKind(r.U8()))
	v := &Vote{
		Kind: s.kind, Session: s.session, View: s.view, ParentView: s.parentView, BlockHash: s.hash,
		Signer: r.U16(),
	}
	r.Fixed(v.Sig[:])
	if v.Signer >= ValidatorsMax {
		r.Fail(FaultSigners)
	}
	if err := r.End(); err != nil {
		return nil, because(FaultEncoding, err)
	}
	return v, nil
}

func (p *Proposal) subject() subject {
	return subject{VotePropose, p.Session, p.View, p.ParentView, p.BlockHash}
}

// SigningHash gives what the leader signs, bound to the chain by the hash of its genesis block.
func (p *Proposal) SigningHash(genesis Hash) Hash { return p.subject().signingHash(genesis) }

// Encode gives the fixed-width form.
func (p *Proposal) Encode() []byte {
	w := codec.NewWriter(ProposalSize)
	p.subject().write(w)
	w.U16(p.Signer)
	w.Fixed(p.Sig[:])
	return w.Out()
}

// DecodeProposal reads what Encode gave. The signature is not checked.
func DecodeProposal(b []byte) (*Proposal, error) {
	r := codec.NewReader(b)
	s := readSubject(r, VotePropose)
	p := &Proposal{
		Session: s.session, View: s.view, ParentView: s.parentView, BlockHash: s.hash, Signer: r.U16(),
	}
	r.Fixed(p.Sig[:])
	if p.Signer >= ValidatorsMax {
		r.Fail(FaultSigners)
	}
	if err := r.End(); err != nil {
		return nil, because(FaultEncoding, err)
	}
	return p, nil
}
