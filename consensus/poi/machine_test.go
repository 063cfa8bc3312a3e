package poi

// One machine against scripted others: the paths on which a run of honest machines never comes (halts,
// silence, refusals, bounds), and the order of effects. Whole networks are in consensus/poi/sim.

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/internal/chain"
)

// stub signs with a digest of the content.
type stub struct{}

func (s stub) Sign(v *chain.Vote) { v.Sig = s.of(v) }

func (s stub) of(v *chain.Vote) (sig [64]byte) {
	x := *v
	x.Sig = [64]byte{}
	h := x.SigningHash(chain.Hash{7})
	copy(sig[:], h[:])
	binary.BigEndian.PutUint16(sig[32:], v.Signer)
	return sig
}

func (s stub) VerifyVote(_ *Set, v *chain.Vote) bool { return v.Sig == s.of(v) }

func (s stub) VerifyCertificate(set *Set, c *chain.Certificate) bool {
	next := 0
	for i := range set.Len() {
		if c.Has(i) {
			v := subject(c, uint16(i))
			if c.Sigs[next] != s.of(&v) {
				return false
			}
			next++
		}
	}
	return true
}

func subject(c *chain.Certificate, signer uint16) chain.Vote {
	return chain.Vote{Kind: c.Kind, Session: c.Session, View: c.View, ParentView: c.ParentView, BlockHash: c.BlockHash, Signer: signer}
}

// bench is a machine, validator 0 of four, with a clock.
type bench struct {
	t    *testing.T
	m    *Machine
	out  Outbox
	now  Tick
	set  *Set
	open SessionStart
}

const wall = 1_000_000 // wall clock at tick 0

func newBench(t *testing.T, change func(*Start)) *bench {
	t.Helper()
	set, err := NewSet(members(1, 1, 1, 1))
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, set: set, now: 1000}
	b.open = SessionStart{
		Session: 1, Set: set, Seed: [32]byte{3},
		Boundary:     BlockRef{Hash: chain.Hash{0xB0}, Height: 32, View: 40, TimeMs: wall},
		BoundaryCert: cert(set, chain.VoteFinalize, 0, 40, 39, chain.Hash{0xB0}, 0, 1, 2),
	}
	b.m = New(Config{
		Genesis: chain.Hash{7}, Key: set.Member(0).Key, Heartbeat: 2000, DrawInterval: 20, Future: 500,
		DeltaFloor: 100, DeltaStart: 100,
	}, stub{})
	start := Start{Opening: b.open, Final: b.open.Boundary}
	if change != nil {
		change(&start)
	}
	b.step(start)
	b.step(Work{Kind: WorkTx})
	return b
}

func (b *bench) step(in Input) []Effect {
	b.out.Reset()
	b.m.Step(Event{At: b.now, Clock: wall + uint64(b.now), Input: in}, &b.out)
	return b.out.Effects
}

func (b *bench) after(d Tick) []Effect { b.now += d; return b.step(Wake{}) }

// leader gives the leader of a view.
func (b *bench) leader(v chain.View) uint16 {
	return b.set.Leader(chain.Hash{7}, b.m.session, v, b.m.seed)
}

// skip moves the machine by certU to a view whose leader it is, or is not.
func (b *bench) skip(own bool) chain.View {
	v := b.m.view
	for (b.leader(v) == 0) != own {
		b.cert(chain.VoteNullify, v, 0, chain.Hash{})
		v++
	}
	if b.m.view != v {
		b.t.Fatalf("view: got %d, want %d", b.m.view, v)
	}
	return v
}

func (b *bench) receive(m Message) []Effect { return b.step(Received{From: 9, Message: m}) }

func (b *bench) vote(kind chain.VoteKind, v, pv chain.View, hash chain.Hash, signers ...uint16) (last []Effect) {
	for _, i := range signers {
		x := signed(kind, b.m.session, v, pv, hash, i)
		last = slices.Clone(b.receive(Message{Vote: x}))
	}
	return last
}

func (b *bench) cert(kind chain.VoteKind, v, pv chain.View, hash chain.Hash) []Effect {
	return b.receive(Message{Certificate: cert(b.set, kind, b.m.session, v, pv, hash, 1, 2, 3)})
}

// block makes a child of the boundary for view v and hands its proposal and body over.
func (b *bench) block(v chain.View) (BlockRef, []Effect) {
	ref := BlockRef{
		Hash: chain.Hash{1, byte(v)}, Parent: b.open.Boundary.Hash, Height: 33, Session: 1, View: v,
		Proposer: b.leader(v), TimeMs: wall + uint64(b.now),
	}
	p := signed(chain.VotePropose, 1, v, 0, ref.Hash, ref.Proposer)
	b.receive(Message{Proposal: &chain.Proposal{Session: 1, View: v, BlockHash: ref.Hash, Signer: p.Signer, Sig: p.Sig}})
	return ref, slices.Clone(b.step(Available{Block: ref}))
}

func signed(kind chain.VoteKind, s chain.Session, v, pv chain.View, hash chain.Hash, signer uint16) *chain.Vote {
	x := &chain.Vote{Kind: kind, Session: s, View: v, ParentView: pv, BlockHash: hash, Signer: signer}
	stub{}.Sign(x)
	return x
}

func cert(set *Set, kind chain.VoteKind, s chain.Session, v, pv chain.View, hash chain.Hash, signers ...uint16) *chain.Certificate {
	var t tally
	var last *chain.Vote
	for _, i := range signers {
		last = signed(kind, s, v, pv, hash, i)
		t.put(set.Len(), last)
	}
	return t.certificate(last)
}

// find gives the first effect of type E.
func find[E Effect](effects []Effect) (e E, ok bool) {
	for _, x := range effects {
		if e, ok = x.(E); ok {
			return e, true
		}
	}
	return e, false
}

// names lists the effects in short, without timers.
func names(effects []Effect) string {
	var out []string
	for _, e := range effects {
		switch e := e.(type) {
		case SetTimer:
		case LogVote:
			out = append(out, fmt.Sprintf("log %d", e.Vote.Kind))
		case Broadcast:
			switch {
			case e.Message.Vote != nil:
				out = append(out, fmt.Sprintf("vote %d", e.Message.Vote.Kind))
			case e.Message.Certificate != nil:
				out = append(out, fmt.Sprintf("cert %d", e.Message.Certificate.Kind))
			case e.Message.Proposal != nil:
				out = append(out, "proposal")
			default:
				out = append(out, "status")
			}
		default:
			out = append(out, strings.TrimPrefix(fmt.Sprintf("%T", e), "poi."))
		}
	}
	return strings.Join(out, ", ")
}

func check(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %s\nwant %s", what, got, want)
	}
}

// A view from proposal to finality, with every effect in its place.
func TestView(t *testing.T) {
	b := newBench(t, nil)
	v := b.skip(false)
	ref, effects := b.block(v)
	check(t, "body", names(effects), "Execute")
	check(t, "executed", names(b.step(Executed{Hash: ref.Hash, Verdict: Good})), "log 2, vote 2")
	check(t, "quorum of notarize", names(b.vote(chain.VoteNotarize, v, 0, ref.Hash, 1, 2)),
		"LogCertificate, cert 2, log 4, vote 4"+building(b, v+1))
	if got, want := b.m.view, v+1; got != want {
		t.Errorf("view: got %d, want %d", got, want)
	}
	effects = b.vote(chain.VoteFinalize, v, 0, ref.Hash, 1, 2)
	check(t, "quorum of finalize", names(effects), "LogCertificate, cert 4, Finalize")
	f, _ := find[Finalize](effects)
	if len(f.Blocks) != 1 || f.Blocks[0] != ref {
		t.Errorf("finalised: got %+v, want %+v", f.Blocks, ref)
	}
}

func building(b *bench, v chain.View) string {
	if b.leader(v) == 0 {
		return ", Build"
	}
	return ""
}

// Rule R2: one proposal, on the finalised block, logged before it is sent.
func TestLead(t *testing.T) {
	b := newBench(t, nil)
	v := b.skip(true)
	build, ok := find[Build](b.out.Effects)
	if !ok || build.View != v || build.Parent.Hash != b.open.Boundary.Hash || build.TimeMs <= build.Parent.TimeMs {
		t.Fatalf("build: got %+v", build)
	}
	ref := BlockRef{
		Hash: chain.Hash{5}, Parent: build.Parent.Hash, Height: 33, Session: 1, View: v, TimeMs: build.TimeMs,
	}
	check(t, "built", names(b.step(Built{Block: ref})), "LogProposal, proposal, log 2, vote 2")
	check(t, "built again", names(b.step(Built{Block: ref})), "")
}

// Rule R-BAD: a certified block that is bad here stops the machine.
func TestCertifiedBadBlockHalts(t *testing.T) {
	b := newBench(t, nil)
	v := b.skip(false)
	ref, _ := b.block(v)
	check(t, "bad block", names(b.step(Executed{Hash: ref.Hash, Verdict: Bad})), "log 3, vote 3")
	halt, ok := find[Halt](b.cert(chain.VoteNotarize, v, 0, ref.Hash))
	if !ok || !strings.Contains(halt.Dump, ref.Hash.String()) {
		t.Fatalf("halt: got %+v", halt)
	}
	if got := b.after(5000); len(got) != 0 {
		t.Errorf("after the halt: got %s", names(got))
	}
}

func TestContradictingCertificatesHalt(t *testing.T) {
	for name, second := range map[string]*chain.Certificate{
		"certF and certU": {Kind: chain.VoteNullify},
		"two certF":       {Kind: chain.VoteFinalize, BlockHash: chain.Hash{2}},
		"certN and certF": {Kind: chain.VoteNotarize, BlockHash: chain.Hash{2}},
	} {
		b := newBench(t, nil)
		b.cert(chain.VoteFinalize, 1, 0, chain.Hash{1})
		if _, ok := find[Halt](b.cert(second.Kind, 1, 0, second.BlockHash)); !ok {
			t.Errorf("%s: no halt", name)
		}
	}
}

// Rule R3: the block must be a child of the block certified at its parent view, and of no other.
func TestParentIsChecked(t *testing.T) {
	b := newBench(t, nil)
	v := b.skip(false)
	sibling, _ := b.block(v) // good, but it is another block that is certified
	b.step(Executed{Hash: sibling.Hash, Verdict: Good})
	chosen := sibling
	chosen.Hash = chain.Hash{2}
	b.cert(chain.VoteNotarize, v, 0, chosen.Hash)
	b.step(Available{Block: chosen})
	b.step(Executed{Hash: chosen.Hash, Verdict: Good})
	u := b.skip(false)
	ref := BlockRef{
		Hash: chain.Hash{3}, Parent: sibling.Hash, Height: 34, Session: 1, View: u, ParentView: v, Proposer: b.leader(u),
		TimeMs: sibling.TimeMs + 1,
	}
	p := signed(chain.VotePropose, 1, u, v, ref.Hash, ref.Proposer)
	b.receive(Message{Proposal: &chain.Proposal{Session: 1, View: u, ParentView: v, BlockHash: ref.Hash, Signer: p.Signer, Sig: p.Sig}})
	check(t, "child of another", names(b.step(Available{Block: ref})), "log 3, vote 3")
}

// Rule R-FAULT: a local fault is no verdict; execution is asked for again.
func TestLocalFault(t *testing.T) {
	b := newBench(t, nil)
	ref, _ := b.block(b.skip(false))
	check(t, "local fault", names(b.step(Executed{Hash: ref.Hash, Verdict: LocalFault})), "")
	effects := b.after(200)
	if _, ok := find[Execute](effects); !ok {
		t.Errorf("after the repair: got %s, want Execute", names(effects))
	}
}

// Rule R-FUTURE: held until due, then voted for.
func TestFutureBlockIsHeld(t *testing.T) {
	b := newBench(t, nil)
	v := b.skip(false)
	ref := BlockRef{
		Hash: chain.Hash{8}, Parent: b.open.Boundary.Hash, Height: 33, Session: 1, View: v,
		Proposer: b.leader(v), TimeMs: wall + uint64(b.now) + 600,
	}
	p := signed(chain.VotePropose, 1, v, 0, ref.Hash, ref.Proposer)
	b.receive(Message{Proposal: &chain.Proposal{Session: 1, View: v, BlockHash: ref.Hash, Signer: p.Signer, Sig: p.Sig}})
	b.step(Available{Block: ref})
	effects := b.step(Executed{Hash: ref.Hash, Verdict: Good})
	check(t, "100 ms early", names(effects), "")
	if timer, _ := find[SetTimer](effects); timer.At != b.now+100 {
		t.Errorf("timer: got %d, want %d", timer.At, b.now+100)
	}
	check(t, "99 ms later", names(b.after(99)), "")
	check(t, "when due", names(b.after(1)), "log 2, vote 2")
}

// Rule R6, R8: time-outs; and the same bytes again after a restart, whatever else happens.
func TestRestartRepeatsVotes(t *testing.T) {
	b := newBench(t, nil)
	v := b.skip(false)
	effects := slices.Clone(b.after(200))
	logged, ok := find[LogVote](effects)
	if !ok || logged.Vote.Kind != chain.VoteNullify {
		t.Fatalf("at t_l: got %s", names(effects))
	}
	c := newBench(t, func(s *Start) { s.Log = []Message{{Vote: &logged.Vote}} })
	if c.m.view != v {
		t.Errorf("view after the restart: got %d, want %d", c.m.view, v)
	}
	again := c.after(1000)
	sent, _ := find[Broadcast](slices.DeleteFunc(slices.Clone(again), func(e Effect) bool {
		x, is := e.(Broadcast)
		return !is || x.Message.Vote == nil
	}))
	if sent.Message.Vote == nil || *sent.Message.Vote != logged.Vote {
		t.Errorf("vote after the restart: got %+v, want %+v", sent.Message.Vote, logged.Vote)
	}
	if _, signs := find[LogVote](again); signs {
		t.Error("signs anew after the restart")
	}
}

// Rule R-LOST: silent after a lost log, and when peers show an unknown own vote; until an epoch.
func TestSilence(t *testing.T) {
	lost := newBench(t, func(s *Start) { s.Lost = true })
	shown := newBench(t, nil)
	shown.vote(chain.VoteNullify, shown.m.view, 0, chain.Hash{}, 0)
	inCert := newBench(t, nil)
	inCert.receive(Message{Certificate: cert(inCert.set, chain.VoteNullify, 1, 3, 0, chain.Hash{}, 0, 1, 2)})
	for name, b := range map[string]*bench{"lost": lost, "shown": shown, "in a certificate": inCert} {
		if b.m.Standing().Silent == "" {
			t.Errorf("%s: not silent", name)
		}
		if _, signs := find[LogVote](b.after(5000)); signs {
			t.Errorf("%s: signs", name)
		}
		next := b.open
		next.Session, next.Boundary = 2, BlockRef{Hash: chain.Hash{0xB2}, Height: 64, View: 9, TimeMs: wall}
		b.step(NewSession{Opening: next})
		if b.m.Standing().Silent == "" {
			t.Errorf("%s: speaks in the next session", name)
		}
		next.Session, next.NewEpoch = 3, true
		next.Boundary.Height = 96
		b.step(NewSession{Opening: next})
		if _, signs := find[LogVote](b.after(5000)); !signs {
			t.Errorf("%s: silent in the next epoch", name)
		}
	}
}

// Votes of a session that is not open yet wait in the log until it is.
func TestLogOfLaterSession(t *testing.T) {
	mine := signed(chain.VoteNotarize, 2, 1, 0, chain.Hash{4}, 0)
	b := newBench(t, func(s *Start) { s.Log = []Message{{Vote: mine}} })
	next := b.open
	next.Session, next.Boundary = 2, BlockRef{Hash: chain.Hash{0xB2}, Height: 64, View: 9, TimeMs: wall}
	b.step(NewSession{Opening: next})
	if got := b.m.round(1).mine[chain.VoteNotarize]; got != mine {
		t.Errorf("own vote: got %v, want %v", got, mine)
	}
}

func TestRefusals(t *testing.T) {
	b := newBench(t, nil)
	v := b.skip(false)
	forged := signed(chain.VoteNullify, 1, v, 0, chain.Hash{}, 2)
	forged.Sig[0] ^= 1
	weak := cert(b.set, chain.VoteNullify, 1, v, 0, chain.Hash{}, 1, 2)
	forgedCert := cert(b.set, chain.VoteNullify, 1, v, 0, chain.Hash{}, 1, 2, 3)
	forgedCert.Sigs[1][0] ^= 1
	long := cert(b.set, chain.VoteNullify, 1, v, 0, chain.Hash{}, 1, 2, 3)
	long.Signers = append(long.Signers, 0)
	leader := b.leader(v)
	other := (leader + 1) % 4
	proposal := func(signer uint16, pv chain.View, spoil byte) Message {
		x := signed(chain.VotePropose, 1, v, pv, chain.Hash{6}, signer)
		x.Sig[0] ^= spoil
		return Message{Proposal: &chain.Proposal{Session: 1, View: v, ParentView: pv, BlockHash: chain.Hash{6}, Signer: signer, Sig: x.Sig}}
	}
	for _, x := range []struct {
		name string
		msg  Message
		want Fault
	}{
		{"vote of kind 9", Message{Vote: signed(9, 1, v, 0, chain.Hash{1}, 1)}, FaultMalformed},
		{"nullify with a hash", Message{Vote: signed(chain.VoteNullify, 1, v, 0, chain.Hash{1}, 1)}, FaultMalformed},
		{"notarize without a hash", Message{Vote: signed(chain.VoteNotarize, 1, v, 0, chain.Hash{}, 1)}, FaultMalformed},
		{"parent view too high", Message{Vote: signed(chain.VoteNotarize, 1, v, v, chain.Hash{1}, 1)}, FaultMalformed},
		{"stranger", Message{Vote: signed(chain.VoteNullify, 1, v, 0, chain.Hash{}, 4)}, FaultSigner},
		{"forged vote", Message{Vote: forged}, FaultSignature},
		{"weak certificate", Message{Certificate: weak}, FaultWeight},
		{"forged certificate", Message{Certificate: forgedCert}, FaultSignature},
		{"long bitmap", Message{Certificate: long}, FaultMalformed},
		{"proposal of another", proposal(other, 0, 0), FaultLeader},
		{"proposal on itself", proposal(leader, v, 0), FaultMalformed},
		{"forged proposal", proposal(leader, 0, 1), FaultSignature},
	} {
		got, _ := find[Refuse](b.receive(x.msg))
		if got.Fault != x.want || got.From != 9 {
			t.Errorf("%s: got %+v, want fault %q", x.name, got, x.want.Error())
		}
	}
	if b.m.view != v {
		t.Errorf("view: got %d, want %d", b.m.view, v)
	}
}

// Nobody is used as an amplifier, however many peers ask, and what is asked for is bounded.
func TestBounds(t *testing.T) {
	b := newBench(t, nil)
	b.cert(chain.VoteNullify, 1, 0, chain.Hash{})
	sent := 0
	for range 10 * AnswersMax {
		if _, ok := find[Send](b.receive(Message{FetchCert: &FetchCert{Session: 1, View: 1, Kinds: Bit(chain.VoteNullify)}})); ok {
			sent++
		}
	}
	if sent != AnswersMax {
		t.Errorf("answers to one peer in one Delta: got %d, want %d", sent, AnswersMax)
	}
	for peer := range Peer(3 * PeersMax) {
		b.step(Received{From: peer, Message: Message{FetchCert: &FetchCert{Session: 1, View: 1}}})
	}
	if got := len(b.m.answers.list); got != PeersMax {
		t.Errorf("peers counted: got %d, want %d", got, PeersMax)
	}
	far := chain.View(1000)
	for b.leader(far+1) == 0 {
		far++
	}
	b.cert(chain.VoteNullify, far, 0, chain.Hash{})
	p := signed(chain.VotePropose, 1, far+1, 0, chain.Hash{6}, b.leader(far+1))
	effects := b.receive(Message{Proposal: &chain.Proposal{Session: 1, View: far + 1, BlockHash: chain.Hash{6}, Signer: p.Signer, Sig: p.Sig}})
	asks := 0
	for _, e := range effects {
		if _, ok := e.(Ask); ok {
			asks++
		}
	}
	if asks != AsksMax {
		t.Errorf("certificates asked for: got %d, want %d", asks, AsksMax)
	}
}

// A validator of an earlier session is helped over its end; a later one makes us sync.
func TestSessionsApart(t *testing.T) {
	b := newBench(t, nil)
	send, ok := find[Send](b.receive(Message{Status: &Status{Session: 0, View: 3}}))
	if !ok || send.Message.Certificate != b.open.BoundaryCert {
		t.Errorf("answer to a status of session 0: got %+v", send)
	}
	behind, ok := find[Behind](b.receive(Message{Status: &Status{Session: 4, Height: 140}}))
	if !ok || behind.Session != 4 || behind.From != 9 {
		t.Errorf("on a status of session 4: got %+v", behind)
	}
}

// Rule R-BOUNDARY: a certified boundary that is not final is proposed again, and voted for.
func TestBoundaryIsProposedAgain(t *testing.T) {
	last := BlockRef{Hash: chain.Hash{0xEE}, Height: 64, Session: 1, View: 31, ParentView: 30, TimeMs: wall + 1}
	b := newBench(t, func(s *Start) {
		s.Final = BlockRef{Hash: chain.Hash{0xED}, Height: 63, Session: 1, View: 30, ParentView: 29, TimeMs: wall}
	})
	last.Parent = chain.Hash{0xED}
	b.cert(chain.VoteNotarize, 31, 30, last.Hash)
	b.step(Available{Block: last})
	b.step(Executed{Hash: last.Hash, Verdict: Good})
	v := b.skip(true)
	effects := b.after(b.m.timers.delta / 2)
	sent, ok := find[LogProposal](effects)
	if !ok || sent.Proposal.BlockHash != last.Hash || sent.Proposal.ParentView != 31 || sent.Proposal.View != v {
		t.Fatalf("re-proposal in view %d: got %s %+v", v, names(effects), sent)
	}
	if vote, ok := find[LogVote](effects); !ok || vote.Vote.Kind != chain.VoteNotarize {
		t.Errorf("own vote for it: got %s", names(effects))
	}
	effects = b.cert(chain.VoteFinalize, v, 31, last.Hash)
	f, ok := find[Finalize](effects)
	if !ok || f.Blocks[0] != last || !b.m.sessionDone() {
		t.Errorf("finality of the boundary: got %s", names(effects))
	}
	if _, signs := find[LogVote](b.after(9000)); signs {
		t.Error("votes on in a finished session")
	}
}
