package poi

import "github.com/aiwork/aiwork-node/internal/chain"

// Message is one message of the protocol: exactly one field is set. Messages are shared, never changed.
type Message struct {
	Proposal    *chain.Proposal
	Vote        *chain.Vote
	Certificate *chain.Certificate
	Status      *Status
	FetchCert   *FetchCert
}

// Status says where a validator stands. It is sent on connect (Machine.Status) and every two seconds.
type Status struct {
	Session chain.Session
	View    chain.View
	Height  chain.Height // last finalised
}

// KindMask is a set of certificate kinds: the sum of the kinds' Bits.
type KindMask uint8

// Bit gives the set that holds only k.
func Bit(k chain.VoteKind) KindMask { return 1 << k }

// Has reports whether k is in the set.
func (m KindMask) Has(k chain.VoteKind) bool { return m&Bit(k) != 0 }

// FetchCert asks for certificates of one view. View 0 asks for the finalization of the session's boundary,
// however many sessions ago; a driver may answer it from the ledger.
type FetchCert struct {
	Session chain.Session
	View    chain.View
	Kinds   KindMask
}
