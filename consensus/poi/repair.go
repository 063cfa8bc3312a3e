package poi

import "github.com/aiwork/aiwork-node/internal/chain"

// ask is a certificate asked for since the last repair.
type ask struct {
	view  chain.View
	kinds KindMask
}

// ask sends FetchCert to a validator, unless that was done since the last repair. Rule R9: the answer, of
// whatever kind, is a certificate like any other and runs all rules again.
func (m *Machine) ask(validator uint16, v chain.View, kinds KindMask, out *Outbox) {
	for _, a := range m.asks {
		if a.view == v && a.kinds == kinds {
			return
		}
	}
	if len(m.asks) >= AsksMax {
		return
	}
	m.asks = append(m.asks, ask{view: v, kinds: kinds})
	if m.timers.repairs%2 == 1 || int(validator) == m.me { // the leader may hold it back: ask others in between
		validator = m.someone()
	}
	out.add(Ask{Validator: validator, Message: Message{
		FetchCert: &FetchCert{Session: m.session, View: v, Kinds: kinds},
	}})
}

// askAnyone asks for whatever lets view v be passed.
func (m *Machine) askAnyone(v chain.View, out *Outbox) {
	m.ask(m.someone(), v, Bit(chain.VoteNotarize)|Bit(chain.VoteNullify)|Bit(chain.VoteFinalize), out)
}

// someone names the other validators in turn.
func (m *Machine) someone() uint16 {
	n := uint64(m.set.Len())
	m.askTurn++
	if n > 1 && int(m.askTurn%n) == m.me {
		m.askTurn++
	}
	return uint16(m.askTurn % n)
}

// onFetchCert answers with the kinds asked for, or failing them with whatever helps.
func (m *Machine) onFetchCert(from Peer, f FetchCert, out *Outbox) {
	if f.Session != m.session {
		m.ours(from, f.Session, out)
		return
	}
	if !m.answers.allow(from, m.now, m.timers.delta) {
		return
	}
	r := m.rounds.at(f.View)
	if r == nil {
		m.sendCert(from, m.best, out)
		return
	}
	sent := false
	for kind := chain.VoteNotarize; kind <= chain.VoteFinalize; kind++ {
		if c := r.cert(kind); f.Kinds.Has(kind) && c != nil {
			m.sendCert(from, c, out)
			sent = true
		}
	}
	if !sent {
		m.sendRound(from, r, out)
	}
}

func (m *Machine) sendCert(to Peer, c *chain.Certificate, out *Outbox) {
	if c != nil {
		out.add(Send{To: to, Message: Message{Certificate: c}})
	}
}

// sendRound sends what is held of a view, and the best finalization if that is another.
func (m *Machine) sendRound(to Peer, r *round, out *Outbox) {
	for _, c := range r.certs {
		m.sendCert(to, c, out)
	}
	if m.best != nil && m.best.View != r.view {
		m.sendCert(to, m.best, out)
	}
}

// helpForward answers a vote of a view that is over: its sender has missed how the view ended. Votes of
// the view just left are late as a rule, not lost.
func (m *Machine) helpForward(from Peer, v chain.View, out *Outbox) {
	if v+1 == m.view && m.now < m.timers.entered+m.timers.delta {
		return
	}
	if !m.answers.allowHelp(from, m.now, m.timers.delta) {
		return
	}
	if r := m.rounds.at(v); r != nil {
		m.sendRound(from, r, out)
	} else {
		m.sendCert(from, m.best, out)
	}
}

// helpOver answers a message of an earlier session with that session's last finalization.
func (m *Machine) helpOver(from Peer, s chain.Session, out *Outbox) {
	for _, c := range m.closed {
		if c.session == s && m.answers.allowHelp(from, m.now, m.timers.delta) {
			m.sendCert(from, c.cert, out)
			return
		}
	}
}

func (m *Machine) onStatus(from Peer, s Status, out *Outbox) {
	if s.Session > m.session || (s.Session == m.session && s.Height > m.final.Height+PathMax/2) {
		m.noteBehind(from, s.Session, s.Height, out)
		return
	}
	if s.Session < m.session {
		m.helpOver(from, s.Session, out)
		return
	}
	if s.View < m.view && s.Height < m.final.Height && m.answers.allowHelp(from, m.now, m.timers.delta) {
		m.sendCert(from, m.best, out)
	}
}

// noteBehind tells the driver, at most once per Delta, that somebody claims to be ahead.
func (m *Machine) noteBehind(from Peer, s chain.Session, h chain.Height, out *Outbox) {
	if m.now >= m.timers.behindAt {
		m.timers.behindAt = m.now + m.timers.delta
		out.add(Behind{From: from, Session: s, Height: h})
	}
}

// answers counts what is sent to each peer in answer to it, so that nobody is used as an amplifier.
type answers struct {
	list []answer
	next int // place taken over when the list is full
}

type answer struct {
	peer   Peer
	since  Tick
	count  int
	helpAt Tick // next tick at which it may be helped forward
}

func (a *answers) of(p Peer) *answer {
	for i := range a.list {
		if a.list[i].peer == p {
			return &a.list[i]
		}
	}
	if len(a.list) < PeersMax {
		a.list = append(a.list, answer{peer: p})
		return &a.list[len(a.list)-1]
	}
	a.next = (a.next + 1) % PeersMax
	a.list[a.next] = answer{peer: p}
	return &a.list[a.next]
}

func (a *answers) allow(p Peer, now, delta Tick) bool {
	x := a.of(p)
	if now >= x.since+delta {
		x.since, x.count = now, 0
	}
	x.count++
	return x.count <= AnswersMax
}

func (a *answers) allowHelp(p Peer, now, delta Tick) bool {
	x := a.of(p)
	if now < x.helpAt {
		return false
	}
	x.helpAt = now + delta
	return true
}
