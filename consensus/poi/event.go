package poi

import "github.com/aiwork/aiwork-node/internal/chain"

// Tick is a time in milliseconds on a clock that never runs backwards. Only differences have a meaning.
type Tick uint64

// Peer names the connection that a message came from. The driver chooses the numbers; the machine only
// hands them back.
type Peer uint64

// Event is what a Machine is told: an input and the two times at which it came.
type Event struct {
	At    Tick   // monotonic: timers
	Clock uint64 // wall clock, Unix milliseconds: block times only
	Input Input
}

// Input is one of Start, NewSession, Wake, Received, Available, FetchFailed, Executed, Built,
// BuildFailed, Work and Synced.
type Input interface{ input() }

// BlockRef is all that the machine sees of a block. The driver derives it from a body whose hash is Hash.
type BlockRef struct {
	Hash, Parent     chain.Hash
	Height           chain.Height
	Session          chain.Session
	View, ParentView chain.View
	Proposer         uint16
	TimeMs           uint64
	Beta             [32]byte // VRF output; Executed(Good) says that its proof was checked
}

// SessionStart is what the driver knows when a session opens: the set that votes in it, the seed of its
// leaders, and the finalised block that it builds on.
type SessionStart struct {
	Session      chain.Session
	Set          *Set
	Seed         [32]byte
	Boundary     BlockRef           // last block of the session before, or genesis
	BoundaryCert *chain.Certificate // finalization of Boundary; nil for genesis
	NewEpoch     bool               // a validator that lost its log may vote again
}

// Start is the first input of every machine, after the first start and after each restart.
type Start struct {
	Opening   SessionStart
	Final     BlockRef           // last block that the ledger committed; Opening.Boundary when none yet
	FinalCert *chain.Certificate // finalization of Final or of a descendant inside the session; nil at Boundary
	Log       []Message          // own proposals and votes, and certificates, in the order they were logged
	Blocks    []BlockRef         // bodies that the log kept above Final
	Lost      bool               // log or high-water file is missing (rule R-LOST): do not vote in this epoch
}

// NewSession opens the session after the one whose boundary was finalised, or, after a sync, any later
// one. The driver sends it after it performed the Finalize that holds the boundary.
type NewSession struct{ Opening SessionStart }

// Wake says that time has passed. Any other event serves as well.
type Wake struct{}

// Received is a message from the network. The machine trusts nothing in it.
type Received struct {
	From    Peer
	Message Message
}

// Available says that the driver holds the body of a block that FetchBlock asked for. A block that the
// machine never asked for is ignored, so a driver keeps pushed bodies until they are asked for.
type Available struct{ Block BlockRef }

// FetchFailed says that the validator asked did not give the body. The machine asks the next.
type FetchFailed struct{ Hash chain.Hash }

// Verdict is the outcome of an execution.
type Verdict uint8

// Verdicts. A LocalFault (disk, memory) never makes a block bad: the machine asks again later.
const (
	Good Verdict = iota + 1
	Bad
	LocalFault
)

// Executed answers Execute.
type Executed struct {
	Hash    chain.Hash
	Verdict Verdict
}

// Built answers Build: the block was built, executed on its parent, and its body is held.
type Built struct{ Block BlockRef }

// BuildFailed answers Build when the block could not be built; the view is then left to time out.
type BuildFailed struct{ View chain.View }

// WorkKind says why a block would be useful now.
type WorkKind uint8

// Kinds of work, by growing urgency.
const (
	WorkNone WorkKind = iota // the next block comes at the heartbeat
	WorkDraw                 // an open draw or a due deadline: a block each draw interval
	WorkTx                   // an includable transaction: a block at once
)

// Work says whether this validator knows of work for the next block. It stays in force until the next.
type Work struct{ Kind WorkKind }

// Synced says that the ledger went ahead of the machine, inside the current session, by blocks and
// finalizations from peers that the driver checked. (After a jump over a boundary NewSession comes first.)
type Synced struct {
	Final BlockRef
	Cert  *chain.Certificate
}

func (Start) input()       {}
func (NewSession) input()  {}
func (Wake) input()        {}
func (Received) input()    {}
func (Available) input()   {}
func (FetchFailed) input() {}
func (Executed) input()    {}
func (Built) input()       {}
func (BuildFailed) input() {}
func (Work) input()        {}
func (Synced) input()      {}
