package poi

import "github.com/aiwork/aiwork-node/internal/chain"

// Outbox collects effects in the order in which they must be performed. The caller empties it.
type Outbox struct{ Effects []Effect }

// Reset empties the box and keeps its memory.
func (o *Outbox) Reset() {
	clear(o.Effects)
	o.Effects = o.Effects[:0]
}

func (o *Outbox) add(e Effect) { o.Effects = append(o.Effects, e) }

// Effect is one of LogVote, LogProposal, LogCertificate, Broadcast, Send, Ask, Build, Execute, Finalize,
// FetchBlock, SetTimer, Evidence, Refuse, Behind, Silenced and Halt.
//
// The three Log effects of one outbox may be moved to its front and synced as one group. What must not
// be is that any other effect of the outbox is performed before that group is on disk.
type Effect interface{ effect() }

// LogVote records an own vote. If Body is set, that block's body goes into the same synced group.
type LogVote struct {
	Vote chain.Vote
	Body chain.Hash
}

// LogProposal records an own proposal; the body of Proposal.BlockHash goes into the same synced group.
type LogProposal struct{ Proposal chain.Proposal }

// LogCertificate records a certificate.
type LogCertificate struct{ Certificate *chain.Certificate }

// Broadcast sends to every other validator of the session. With a proposal goes the body it names.
type Broadcast struct{ Message Message }

// Send answers one peer.
type Send struct {
	To      Peer
	Message Message
}

// Ask sends to one validator of the current session, by index; to any validator if that one is not connected.
type Ask struct {
	Validator uint16
	Message   Message
}

// Build asks for a block on Parent. The answer is Built or BuildFailed. TimeMs is the block's time.
type Build struct {
	Session          chain.Session
	View, ParentView chain.View
	Parent           BlockRef
	TimeMs           uint64
}

// Execute asks whether a held block is valid on its parent, which was executed before or is final. The
// check includes the VRF proof, all roots and Ext against the header. The answer is Executed.
type Execute struct{ Block BlockRef }

// Finalize says that Blocks, oldest first, are final: each is the parent of the next, the first is a
// child of the block finalised before, and all were executed. Certificate names the last of them.
type Finalize struct {
	Blocks      []BlockRef
	Certificate *chain.Certificate
}

// FetchBlock asks for a body; From is the index of a validator that should have it. Answered by Available
// or FetchFailed. It is repeated while the block is needed; a driver may ignore what is under way.
type FetchBlock struct {
	Hash chain.Hash
	From uint16
}

// SetTimer asks for a Wake at the given tick and replaces the timer before it.
type SetTimer struct{ At Tick }

// EvidenceKind numbers the provable faults of a validator.
type EvidenceKind uint8

// The four faults. Notarize and nullify in one view is not among them: it is legal.
const (
	DoubleNotarize  EvidenceKind = iota + 1 // E1: two notarize votes, same view, different blocks
	NullifyFinalize                         // E2: nullify and finalize in one view
	DoubleFinalize                          // E3: two finalize votes, same view, different blocks
	DoublePropose                           // E4: two proposals, same view
)

// Evidence is two signed messages of one validator that no honest one sends both of. A proposal appears
// as a vote of kind chain.VotePropose, which is what its signature covers.
type Evidence struct {
	Kind          EvidenceKind
	First, Second chain.Vote
}

// Refuse says that a peer sent what no correct peer sends.
type Refuse struct {
	From  Peer
	Fault Fault
}

// Behind says that the peer claims to be in a later session or far ahead: sync from it.
type Behind struct {
	From    Peer
	Session chain.Session
	Height  chain.Height
}

// Silenced says that this validator votes no more until an epoch begins.
type Silenced struct{ Reason string }

// Halt says that going on would be wrong: the node must stop, keep its data and print Dump.
type Halt struct {
	Reason string
	Dump   string
}

func (LogVote) effect()        {}
func (LogProposal) effect()    {}
func (LogCertificate) effect() {}
func (Broadcast) effect()      {}
func (Send) effect()           {}
func (Ask) effect()            {}
func (Build) effect()          {}
func (Execute) effect()        {}
func (Finalize) effect()       {}
func (FetchBlock) effect()     {}
func (SetTimer) effect()       {}
func (Evidence) effect()       {}
func (Refuse) effect()         {}
func (Behind) effect()         {}
func (Silenced) effect()       {}
func (Halt) effect()           {}
