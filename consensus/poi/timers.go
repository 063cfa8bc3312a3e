package poi

import "github.com/aiwork/aiwork-node/internal/chain"

// never is a tick that does not come.
const never = ^Tick(0)

// timers are the ticks at which the machine must act by itself. Liveness needs them, safety does not.
type timers struct {
	delta Tick // the assumed message delay; local, never part of validity
	run   int  // views nullified in a row

	proposeBy Tick // t_l: nullify if there is no proposal
	advanceBy Tick // t_a: nullify in any case
	retryAt   Tick // R8
	repairAt  Tick // R9
	buildAt   Tick // an idle leader's next block
	heldUntil Tick // a proposal from the future becomes due
	statusAt  Tick
	behindAt  Tick // next Behind may be reported
	entered   Tick
	tries     uint64 // retries in this view
	repairs   uint64
	set       Tick // what the driver was asked for last
}

// armView sets the timers of a view just entered. Rule R1: a leader that was silent for SkipViews while
// a quorum was not is not waited for.
func (m *Machine) armView(r *round) {
	t := &m.timers
	t.entered, t.tries = m.now, 0
	t.buildAt, t.heldUntil = never, never
	t.retryAt = m.now + 2*t.delta
	t.proposeBy, t.advanceBy = never, never
	if m.skips(r) {
		t.proposeBy, t.advanceBy = m.now, m.now
		return
	}
	m.hurry()
}

func (m *Machine) skips(r *round) bool {
	return int(r.leader) != m.me && m.activity.silent(m.set, r.leader, m.stats.views)
}

// setWork is rule R-IDLE: work that comes in shortens the timers of the view from then on. When it is
// gone, because the last block has it, the leader will wait for the heartbeat, and so must everybody.
// That ends at a fixed time after the parent, however often the kind of work changes.
func (m *Machine) setWork(kind WorkKind) {
	t := &m.timers
	if kind < m.work && !m.skips(m.round(m.view)) {
		t.proposeBy, t.advanceBy = never, never
	}
	m.work = kind
	t.buildAt = never
}

// hurry counts t_l and t_a from when the next block is due, and only ever shortens them.
func (m *Machine) hurry() {
	t := &m.timers
	due := m.now + m.wait(m.lastBlock())
	t.proposeBy = min(t.proposeBy, due+2*t.delta)
	t.advanceBy = min(t.advanceBy, due+3*t.delta)
}

// wait is how long the next block after parent is not yet due. It counts from when the parent was
// certified here, which is within a message delay the same everywhere, and not from the parent's time, so
// that wall clocks that disagree cost nothing.
func (m *Machine) wait(parent *block) Tick {
	if parent.ref.Height == m.session.LastHeight() {
		// Rule R-BOUNDARY: half a Delta for its finalization to arrive makes most re-proposals needless.
		return remaining(m.timers.entered+m.timers.delta/2, m.now)
	}
	return remaining(parent.since+m.interval(parent), m.now)
}

func remaining(until, now Tick) Tick { return until - min(until, now) }

// interval is the time between blocks for the work at hand. A tip that is certified but not final after
// a round trip is work, too: only another block makes it final.
func (m *Machine) interval(parent *block) Tick {
	stuck := parent.ref.Height > m.final.Height && m.now >= m.timers.entered+2*m.timers.delta
	switch {
	case m.work == WorkTx || stuck:
		return 0
	case m.work == WorkDraw:
		return Tick(min(m.cfg.DrawInterval, m.cfg.Heartbeat))
	}
	return Tick(m.cfg.Heartbeat)
}

// lastBlock is the highest certified block that is held, or the last finalised one.
func (m *Machine) lastBlock() *block {
	list := m.rounds.list
	for i := len(list) - 1; i >= 0 && list[i].view > m.finalView; i-- {
		if c := list[i].certified(); c != nil && list[i].view < m.view {
			if b := m.blocks.at(c.BlockHash); b != nil && b.state != blockWanted {
				return b
			}
		}
	}
	return m.blocks.at(m.final.Hash)
}

// due reports whether the leader should propose now, and sets the timer if not.
func (m *Machine) due(parent *block) bool {
	wait := m.wait(parent)
	if wait > 0 {
		m.timers.buildAt = m.now + wait
	}
	return wait == 0
}

func (t *timers) hold(until Tick) { t.heldUntil = until }

// retry is rule R8: while a view lasts, send again what others may have missed, and ask again for what
// is missing here. While nothing is due the pauses double.
func (m *Machine) retry(out *Outbox) {
	t := &m.timers
	if m.now >= t.statusAt {
		t.statusAt = m.now + StatusEvery
		s := m.status()
		out.add(Broadcast{Message: Message{Status: &s}})
	}
	m.repair()
	if m.now < t.retryAt {
		return
	}
	pause := 2 * t.delta
	t.tries++
	if r := m.round(m.view); m.now < t.proposeBy && r.prop == nil && t.tries < 16 {
		pause = max(pause, min(pause<<t.tries, t.proposeBy-m.now))
	}
	t.retryAt = m.now + pause
	m.resend(out)
}

// repair lets what is missing be asked for again (rule R9). Unlike the rest of R8 it keeps its own time: a
// validator that lags enters views all the while, by the certificates of the others.
func (m *Machine) repair() {
	t := &m.timers
	if m.now < t.repairAt {
		return
	}
	t.repairAt = m.now + 2*t.delta
	t.repairs++
	m.asks = m.asks[:0]
	for _, b := range m.blocks.list {
		b.asked, b.asks, b.failed = false, 0, false
	}
}

// resend broadcasts the own messages of the view, the certificates by which it was entered, and the best
// finalization.
func (m *Machine) resend(out *Outbox) {
	r := m.round(m.view)
	if r.mine[chain.VotePropose] != nil && r.prop != nil {
		out.add(Broadcast{Message: Message{Proposal: r.prop}})
	}
	for kind := chain.VoteNotarize; kind <= chain.VoteFinalize; kind++ {
		m.resendVote(r.mine[kind], out)
	}
	if m.lastVote != nil && m.lastVote.View != m.view {
		m.resendVote(m.lastVote, out)
	}
	m.resendEntry(out)
}

func (m *Machine) resendVote(v *chain.Vote, out *Outbox) {
	if v != nil && m.votes() {
		out.add(Broadcast{Message: Message{Vote: v}})
	}
}

func (m *Machine) resendEntry(out *Outbox) {
	send := func(c *chain.Certificate) {
		if c != nil {
			out.add(Broadcast{Message: Message{Certificate: c}})
		}
	}
	if m.view == 1 {
		send(m.boundaryCert)
		return
	}
	if r := m.rounds.at(m.view - 1); r != nil {
		if f := r.cert(chain.VoteFinalize); f != nil {
			send(f)
		} else {
			send(r.cert(chain.VoteNullify))
		}
		send(r.cert(chain.VoteNotarize))
	}
	if m.best != nil && m.best.View != m.view-1 {
		send(m.best)
	}
}

// setTimer asks for a Wake at the next tick at which something is to be done. What was due by now has been
// done, or waits for something else than time.
func (m *Machine) setTimer(out *Outbox) {
	t := &m.timers
	m.hurry()
	next := min(t.retryAt, t.repairAt, t.statusAt)
	if m.votes() && !m.round(m.view).closed() {
		for _, at := range [...]Tick{t.proposeBy, t.advanceBy, t.buildAt, t.heldUntil} {
			if at > m.now {
				next = min(next, at)
			}
		}
	}
	if next != t.set {
		t.set = next
		out.add(SetTimer{At: next})
	}
}

func (m *Machine) noteNullified(r *round) {
	t := &m.timers
	m.stats.nullified++
	if m.skips(r) {
		return
	}
	t.run++
	// A proposal that came too late says that Delta is too short: the leader lives. Only the run of several
	// leaders may raise it further, else a leader that is late on purpose would make all others wait.
	late := r.prop != nil && t.delta < DeltaLate*m.cfg.DeltaFloor
	if late || t.run >= NullifiedRun {
		t.delta = min(t.delta+t.delta/2, DeltaMax)
	}
}

func (m *Machine) noteFinalized() {
	t := &m.timers
	t.run = 0
	// Slowly: a machine that is busy now is likely to be so in the next view, and a view lost costs more
	// than a silent leader that is waited for a little longer.
	t.delta = max(t.delta-(t.delta+DeltaDecay-1)/DeltaDecay, m.cfg.DeltaFloor)
}
