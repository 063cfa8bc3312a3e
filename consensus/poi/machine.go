package poi

import "github.com/aiwork/aiwork-node/internal/chain"

// Crypto makes and checks signatures. Its answers are functions of its arguments and its key alone.
type Crypto interface {
	// Sign sets v.Sig with the own vote key. All other fields are set.
	Sign(v *chain.Vote)
	// VerifyVote reports whether v is signed by member v.Signer of set. The index is in range.
	VerifyVote(set *Set, v *chain.Vote) bool
	// VerifyCertificate reports whether all signatures of c are valid. Shape and weight are checked.
	VerifyCertificate(set *Set, c *chain.Certificate) bool
}

// Config is what a machine is made of. All times are milliseconds.
type Config struct {
	Genesis      chain.Hash
	Key          [32]byte // own vote key; zero, or a key outside the set, only follows
	Heartbeat    uint64   // H: time between blocks when there is nothing to do
	DrawInterval uint64   // time between blocks while a draw is open
	Future       uint64   // a block further ahead of the clock is held before the own vote
	DeltaFloor   Tick     // least Delta; must exceed the execution of a full block
	DeltaStart   Tick     // first Delta
}

// Machine is one validator's (or follower's) state of the protocol. Use it from one goroutine.
type Machine struct {
	cfg    Config
	crypto Crypto
}

// New makes a machine that waits for Start.
func New(cfg Config, crypto Crypto) *Machine { return &Machine{cfg: cfg, crypto: crypto} }

// Step feeds one event to the machine and appends what must be done to out, in order.
// Equal machines given equal events append equal effects, on every computer, for ever.
func (m *Machine) Step(e Event, out *Outbox) { panic("being written") }

// Standing is what a machine shows of itself, for RPC, metrics and logs.
type Standing struct {
	Status
	Leader    uint16
	Delta     Tick
	Member    bool   // in the set of this session
	Index     uint16 // valid if Member
	Silent    string // why it does not vote; empty if it does
	Views     uint64 // views entered since the start
	Nullified uint64 // views left by nullification since the start
	Rounds    int    // views held in memory
	Blocks    int    // blocks held in memory
}

// Standing reports where the machine stands.
func (m *Machine) Standing() Standing { panic("being written") }
