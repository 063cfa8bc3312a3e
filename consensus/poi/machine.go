package poi

import (
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/must"
)

// Crypto makes and checks signatures. Its answers are functions of its arguments and its key alone.
type Crypto interface {
	// Sign sets v.Sig with the own vote key. All other fields are set.
	Sign(v *chain.Vote)
	// VerifyVote reports whether v is signed by member v.Signer of set. The index is in range.
	VerifyVote(set *Set, v *chain.Vote) bool
	// VerifyCertificate reports whether all signatures of c are valid. Shape and weight are checked.
	VerifyCertificate(set *Set, c *chain.Certificate) bool
}

// Config is what a machine is made of. Times without a type are milliseconds of the wall clock.
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
	cfg     Config
	crypto  Crypto
	now     Tick
	clock   uint64
	started bool
	halted  bool
	silent  string // why this validator does not vote; empty if it does

	// The session.
	session      chain.Session
	set          *Set
	seed         [32]byte
	me           int // own index in set, or -1
	boundary     BlockRef
	boundaryCert *chain.Certificate
	closed       []closed // earlier sessions, oldest first

	// The view and what is known of the others.
	view   chain.View
	rounds rounds
	blocks blocks
	later  []Message // own log of sessions not yet open, after a restart

	// Finality.
	final     BlockRef           // last block handed to the ledger
	finalView chain.View         // its view; 0 at the session's start
	best      *chain.Certificate // finalization of the highest view seen, or nil
	lastVote  *chain.Vote        // own finalize vote of the highest view, or nil

	timers   timers
	work     WorkKind
	activity activity
	answers  answers
	asks     []ask
	askTurn  uint64
	stats    struct{ views, nullified uint64 }
}

// closed is a finished session: enough to bring a validator that lags over its end.
type closed struct {
	session chain.Session
	cert    *chain.Certificate
}

// New makes a machine that waits for Start.
func New(cfg Config, crypto Crypto) *Machine {
	must.Hold(cfg.DeltaFloor > 0 && cfg.DeltaStart >= cfg.DeltaFloor, "Delta below its floor")
	return &Machine{cfg: cfg, crypto: crypto, me: -1}
}

// Step feeds one event to the machine and appends what must be done to out, in order.
// Equal machines given equal events append equal effects, on every computer, for ever.
func (m *Machine) Step(e Event, out *Outbox) {
	if m.halted {
		return
	}
	m.now, m.clock = max(m.now, e.At), e.Clock
	m.take(e.Input, out)
	if m.halted || !m.started {
		return
	}
	m.hurry()
	m.retry(out)
	m.settle(out)
	m.setTimer(out)
}

// take changes the state as the input says. What follows from the new state is left to settle.
func (m *Machine) take(in Input, out *Outbox) {
	if start, ok := in.(Start); ok {
		must.Hold(!m.started, "second Start")
		m.start(start, out)
		return
	}
	must.Hold(m.started, "input before Start")
	switch in := in.(type) {
	case Wake:
		m.timers.set = never // that timer is spent, even if it came early
	case NewSession:
		m.newSession(in.Opening, out)
	case Received:
		m.receive(in.From, in.Message, out)
	case Available:
		m.onAvailable(in.Block)
	case FetchFailed:
		m.onFetchFailed(in.Hash)
	case Executed:
		m.onExecuted(in, out)
	case Built:
		m.onBuilt(in.Block, out)
	case BuildFailed: // R6 will pass the view on
	case Work:
		m.setWork(in.Kind)
	case Synced:
		m.onSynced(in)
	}
}

// settle applies the rules until none applies. Every rule that reports true has set a flag, moved the
// view or moved finality, and so cannot apply for ever.
func (m *Machine) settle(out *Outbox) {
	for !m.halted && (m.finalize(out) || m.advance(out) || m.propose(out) || m.notarize(out) || m.nullify(out)) {
	}
}

// votes reports whether this machine may sign.
func (m *Machine) votes() bool { return m.me >= 0 && m.silent == "" && !m.sessionDone() }

// sessionDone reports whether the session's last block is final: nothing is left to vote on.
func (m *Machine) sessionDone() bool { return m.final.Height == m.session.LastHeight() }

// silence stops this validator from signing until an epoch begins.
func (m *Machine) silence(why string, out *Outbox) {
	if m.silent == "" {
		m.silent = why
		out.add(Silenced{Reason: why})
	}
}

// Standing is what a machine shows of itself, for RPC, metrics and logs.
type Standing struct {
	Status
	Leader    uint16
	Delta     Tick
	Member    bool   // in the set of this session
	Index     uint16 // valid if Member
	Silent    string // why it does not vote; empty if it does
	Halted    bool
	Views     uint64 // views entered since the start
	Nullified uint64 // views left by nullification since the start
	Rounds    int    // views held in memory
	Blocks    int    // blocks held in memory
}

// Standing reports where the machine stands. It must have been started.
func (m *Machine) Standing() Standing {
	return Standing{
		Status: m.status(), Leader: m.round(m.view).leader, Delta: m.timers.delta,
		Member: m.me >= 0, Index: uint16(max(m.me, 0)), Silent: m.silent, Halted: m.halted,
		Views: m.stats.views, Nullified: m.stats.nullified,
		Rounds: len(m.rounds.list), Blocks: len(m.blocks.list),
	}
}

func (m *Machine) status() Status {
	return Status{Session: m.session, View: m.view, Height: m.final.Height}
}
