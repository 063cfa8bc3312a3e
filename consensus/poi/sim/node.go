package sim

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/aiwork/aiwork-node/consensus/poi"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// node is a machine with the driver's duties, a disk and a ledger. Twins are nodes, too.
type node struct {
	w      *world
	id     int // actor
	index  int // validator
	honest bool
	m      *poi.Machine
	life   int
	alive  bool
	timer  uint64 // number of the last SetTimer
	out    poi.Outbox

	log    []poi.Message // on disk
	bodies []chain.Hash  // bodies in the log
	synced int           // records of log that a crash cannot take
	ledger chain.Height  // last committed block; w.chain holds the rest
	held   map[chain.Hash]bool
	lost   bool // the log is gone
	dying  bool // a crash is to strike in the middle of the next outbox

	skew, drift int64
	sawSession  chain.Session
	silent      bool
	witness     witness
}

func (n *node) validator() int { return n.index }
func (n *node) up() bool       { return n.alive }

func (n *node) holds(h chain.Hash) bool {
	if n.held[h] {
		return true
	}
	b := n.w.bodies[h]
	return b != nil && b.ref.Height <= n.ledger && n.w.chain[b.ref.Height].ref.Hash == h
}

// clocks gives the node's tick and wall clock.
func (n *node) clocks() (poi.Tick, uint64) {
	now := int64(n.w.now)
	return poi.Tick(1_000_000 + now + now*n.drift/1000), uint64(epochMs + now + n.skew)
}

// epochMs is where wall clocks start.
const epochMs = 1_700_000_000_000

// boot starts the machine from what disk and ledger hold.
func (n *node) boot() {
	w := n.w
	n.alive, n.life = true, n.life+1
	n.witness.reset()
	n.held = map[chain.Hash]bool{}
	tick := w.p.delta
	n.m = poi.New(poi.Config{
		Genesis: w.genesis, Key: w.keys[n.index], Heartbeat: w.p.heartbeat, DrawInterval: 20, Future: 500,
		DeltaFloor: tick, DeltaStart: tick,
	}, w.signers[n.index])
	start := poi.Start{Opening: w.opening(chain.SessionOf(n.ledger + 1)), Final: w.chain[n.ledger].ref, Log: n.log, Lost: n.lost}
	if n.ledger >= start.Opening.Session.FirstHeight() {
		start.FinalCert = w.chain[n.ledger].cert
	}
	for _, h := range n.bodies {
		n.held[h] = true
		start.Blocks = append(start.Blocks, w.bodies[h].ref)
	}
	n.silent, n.sawSession = n.lost, start.Opening.Session
	n.step(start)
	n.step(poi.Work{Kind: n.work()})
}

// crash takes the process down. keep is how many records of the log survive; what was synced always does.
func (n *node) crash() {
	if !n.alive {
		return
	}
	w := n.w
	n.alive, n.dying = false, false
	keep := n.synced + int(w.dice.Below(uint64(len(n.log)-n.synced)+1))
	n.log, n.synced = n.log[:keep], keep
	if w.p.lost[n.index] && n.honest && chance(w.dice, 600) {
		n.log, n.bodies, n.synced, n.lost = nil, nil, 0, true
	}
	pause := draw(w.dice, 1, 800)
	if w.now+pause > w.p.calm {
		pause = draw(w.dice, 1, 50)
	}
	w.after(pause, happening{kind: happenRestart, to: n.id, life: n.life})
}

func (n *node) happen(h *happening) {
	if h.life != n.life && h.kind != happenCrash && h.kind != happenWork {
		return
	}
	switch h.kind {
	case happenRestart:
		n.boot()
	case happenCrash:
		if n.w.p.torn && chance(n.w.dice, 700) {
			n.dying = true // strikes in the next outbox
		} else {
			n.crash()
		}
	case happenInput:
		n.step(h.in)
	case happenTimer:
		if uint64(h.from) == n.timer {
			n.step(poi.Wake{})
		}
	case happenSync:
		n.sync(h.from)
	case happenWork:
		if n.alive {
			n.step(poi.Work{Kind: n.work()})
		}
	}
}

func (n *node) deliver(from int, msg poi.Message, body bool) {
	if !n.honest && signedBy(msg, n.index) {
		return // a twin that met its other half would fall silent
	}
	if p := msg.Proposal; body && p != nil {
		n.held[p.BlockHash] = true
	}
	n.witness.note(n, msg)
	n.step(poi.Received{From: poi.Peer(from), Message: msg})
}

func signedBy(msg poi.Message, index int) bool {
	return (msg.Vote != nil && int(msg.Vote.Signer) == index) || (msg.Proposal != nil && int(msg.Proposal.Signer) == index)
}

// step feeds the machine and performs its effects.
func (n *node) step(in poi.Input) {
	if !n.alive || n.w.err != nil {
		return
	}
	n.out.Reset()
	at, clock := n.clocks()
	n.m.Step(poi.Event{At: at, Clock: clock, Input: in}, &n.out)
	n.perform()
	if !n.alive {
		return
	}
	n.w.check.memory(n)
	if s := chain.SessionOf(n.ledger + 1); s != n.sawSession {
		n.openSession(s)
	}
}

// perform does what the machine asked for, in order. A crash in the middle leaves a prefix done.
func (n *node) perform() {
	effects := n.out.Effects
	end := len(effects)
	if n.dying && end > 0 {
		end = int(n.w.dice.Below(uint64(end)))
	}
	n.writeLog(effects, end)
	for _, e := range effects[:end] {
		if n.perform1(e); n.w.err != nil {
			return
		}
	}
	if n.dying {
		n.crash()
	}
}

// writeLog appends the outbox's records as one group. Votes and proposals are synced, certificates only
// if they stand before one. If the crash strikes before the group is complete, it is not synced.
func (n *node) writeLog(effects []poi.Effect, end int) {
	sync := false
	for i, e := range effects {
		whole := i < end
		switch e := e.(type) {
		case poi.LogVote:
			n.log = append(n.log, poi.Message{Vote: &e.Vote})
			if !e.Body.IsZero() {
				n.bodies = append(n.bodies, e.Body)
			}
			sync = sync || whole
		case poi.LogProposal:
			n.log = append(n.log, poi.Message{Proposal: &e.Proposal})
			n.bodies = append(n.bodies, e.Proposal.BlockHash)
			sync = sync || whole
		case poi.LogCertificate:
			n.log = append(n.log, poi.Message{Certificate: e.Certificate})
		}
	}
	if sync {
		n.synced = len(n.log)
	}
}

func (n *node) perform1(e poi.Effect) {
	w := n.w
	n.trace(e)
	switch e := e.(type) {
	case poi.LogCertificate:
		w.check.certificate(e.Certificate)
	case poi.Broadcast:
		n.broadcast(e.Message)
	case poi.Send:
		w.send(n.id, int(e.To), e.Message, false)
	case poi.Ask:
		for _, to := range w.actorsOf(int(e.Validator)) {
			w.send(n.id, to, e.Message, false)
		}
	case poi.Build:
		n.build(e)
	case poi.Execute:
		n.execute(e)
	case poi.Finalize:
		n.commit(e)
	case poi.FetchBlock:
		n.fetch(e)
	case poi.SetTimer:
		n.setTimer(e)
	case poi.Evidence:
		w.check.evidence(n, e)
	case poi.Behind:
		w.after(w.delay(int(e.From), n.id)*2, happening{kind: happenSync, to: n.id, from: int(e.From), life: n.life})
	case poi.Silenced:
		n.silent = true
	case poi.Halt:
		if n.honest {
			w.fail("SIM-11: node %d halts: %s\n%s", n.index, e.Reason, e.Dump)
		} else {
			n.alive = false
		}
	}
}

func (n *node) broadcast(msg poi.Message) {
	w := n.w
	if v := signedPart(msg); v != nil && n.honest {
		w.check.signed(n, v)
	}
	for to := range w.actors {
		w.send(n.id, to, msg, msg.Proposal != nil && !chance(w.dice, w.lossOfBodies()))
	}
}

// lossOfBodies is how often a proposal arrives without its body.
func (w *world) lossOfBodies() uint64 {
	if w.calm() {
		return 0
	}
	return w.p.drop / 2
}

func (n *node) build(b poi.Build) {
	ref := n.w.newBlock(poi.BlockRef{
		Parent: b.Parent.Hash, Height: b.Parent.Height + 1, Session: b.Session, View: b.View,
		ParentView: b.ParentView, Proposer: uint16(n.index), TimeMs: b.TimeMs,
	}, false)
	n.held[ref.Hash] = true
	n.w.after(n.w.dice.Below(5), happening{kind: happenInput, to: n.id, life: n.life, in: poi.Built{Block: ref}})
}

// newBlock names a block by its content.
func (w *world) newBlock(ref poi.BlockRef, bad bool) poi.BlockRef {
	var b [1 + 32 + 8*6]byte
	if bad {
		b[0] = 1
	}
	copy(b[1:], ref.Parent[:])
	for i, x := range []uint64{
		uint64(ref.Height), uint64(ref.Session), uint64(ref.View), uint64(ref.ParentView), uint64(ref.Proposer), ref.TimeMs,
	} {
		binary.BigEndian.PutUint64(b[33+8*i:], x)
	}
	ref.Hash = sha256.Sum256(b[:])
	ref.Beta = sha256.Sum256(binary.BigEndian.AppendUint64([]byte{byte(ref.Proposer), byte(ref.Session)}, uint64(ref.View)))
	w.bodies[ref.Hash] = &body{ref: ref, bad: bad, made: w.now}
	return ref
}

func (n *node) execute(e poi.Execute) {
	w := n.w
	verdict := poi.Good
	if w.bodies[e.Block.Hash].bad {
		verdict = poi.Bad
	}
	delay := w.dice.Below(5)
	if !w.calm() {
		if chance(w.dice, w.p.faulty) {
			verdict = poi.LocalFault
		}
		delay += w.dice.Below(w.p.slow + 1)
	}
	w.after(delay, happening{kind: happenInput, to: n.id, life: n.life, in: poi.Executed{Hash: e.Block.Hash, Verdict: verdict}})
}

func (n *node) fetch(e poi.FetchBlock) {
	w := n.w
	if n.holds(e.Hash) {
		w.after(0, happening{kind: happenInput, to: n.id, life: n.life, in: poi.Available{Block: w.bodies[e.Hash].ref}})
		return
	}
	sources := w.actorsOf(int(e.From))
	if len(sources) == 0 {
		w.after(1, happening{kind: happenInput, to: n.id, life: n.life, in: poi.FetchFailed{Hash: e.Hash}})
		return
	}
	from := sources[w.dice.Below(uint64(len(sources)))]
	if from == n.id {
		return
	}
	w.after(w.delay(n.id, from), happening{kind: happenFetch, to: n.id, from: from, life: n.life, hash: e.Hash})
}

func (n *node) setTimer(e poi.SetTimer) {
	n.timer++
	at, _ := n.clocks()
	wait := uint64(0)
	if e.At > at {
		wait = uint64(e.At - at)
		wait += wait * 31 / 1000 // a slow clock reaches the tick later; a fast one is woken a little late
	}
	n.w.after(min(wait, 60_000)+1, happening{kind: happenTimer, to: n.id, from: int(n.timer), life: n.life})
}

// commit appends to the ledger and, at a boundary, opens the next session.
func (n *node) commit(e poi.Finalize) {
	for i, ref := range e.Blocks {
		if n.honest {
			n.w.check.commit(n, ref, e.Certificate)
		} else if !n.w.known(ref) {
			n.alive = false // twins may be led astray; they are not judged
			return
		}
		if n.w.err != nil {
			return
		}
		n.ledger = ref.Height
		if i == len(e.Blocks)-1 {
			n.prune()
		}
	}
}

// known reports whether the block is part of the chain that honest ledgers agree on.
func (w *world) known(ref poi.BlockRef) bool {
	return int(ref.Height) < len(w.chain) && w.chain[ref.Height].ref.Hash == ref.Hash
}

// openSession tells the machine that its ledger went over a boundary.
func (n *node) openSession(s chain.Session) {
	opening := n.w.opening(s)
	n.sawSession = s
	if opening.NewEpoch {
		n.silent, n.lost = false, false
	}
	n.step(poi.NewSession{Opening: opening})
}

// prune drops the log of finished sessions and the bodies that the ledger holds.
func (n *node) prune() {
	s := chain.SessionOf(n.ledger + 1)
	var log []poi.Message
	synced := n.synced
	for i, msg := range n.log {
		if sessionOf(msg) >= s {
			log = append(log, msg)
		} else if i < n.synced {
			synced--
		}
	}
	n.log, n.synced = log, synced
	var bodies []chain.Hash
	for _, h := range n.bodies {
		if n.w.bodies[h].ref.Height > n.ledger {
			bodies = append(bodies, h)
		}
	}
	n.bodies = bodies
}

func sessionOf(msg poi.Message) chain.Session {
	switch {
	case msg.Proposal != nil:
		return msg.Proposal.Session
	case msg.Vote != nil:
		return msg.Vote.Session
	}
	return msg.Certificate.Session
}

// sync copies a peer's ledger, as far as it is ahead.
func (n *node) sync(from int) {
	peer, ok := n.w.actors[from].(*node)
	if !ok || !peer.alive || !peer.honest || peer.ledger <= n.ledger {
		return
	}
	n.ledger = peer.ledger
	n.prune()
	if s := chain.SessionOf(n.ledger + 1); s != n.sawSession {
		n.openSession(s)
	}
	last := n.w.chain[n.ledger]
	n.step(poi.Synced{Final: last.ref, Cert: last.cert})
}

// work says what node n knows of work. Before the calm nodes may differ; after it they learn of the same
// work a little apart, as a leader does to whom transactions are forwarded.
func (n *node) work() poi.WorkKind {
	w := n.w
	switch w.p.workMode {
	case 0:
		return poi.WorkTx
	case 1:
		return poi.WorkNone
	case 2:
		if w.calm() {
			return poi.WorkKind(w.now / 700 % 3)
		}
		return poi.WorkKind(w.dice.Below(3))
	}
	return poi.WorkDraw
}
