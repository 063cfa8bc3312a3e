package driver

// Four drivers over real vote logs: progress, a dead validator, kills in the middle of turns, partitions, late
// joiners, followers, lost logs, full disks and liars.

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aiwork/aiwork-node/consensus/poi"
	"github.com/aiwork/aiwork-node/consensus/poi/votelog"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/dice"
)

func inWorld(t *testing.T, n int, f func(t *testing.T, w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, n)
		defer w.stopAll() // a failed test must end its goroutines, too
		f(t, w)
		w.stopAll()
		w.agree()
		for what, times := range w.faults {
			if !strings.HasPrefix(what, "liar") {
				t.Errorf("honest node punished: %s, %d times", what, times)
			}
		}
	})
}

func TestIdleHeartbeat(t *testing.T) {
	inWorld(t, 4, func(t *testing.T, w *world) {
		w.startAll()
		start := time.Now()
		w.reach(40, 5*time.Minute) // over the end of a session
		took := time.Since(start)
		if want := 40 * 2 * time.Second; took < want/2 || took > 2*want {
			t.Errorf("40 idle blocks: got %v, want about %v", took, want)
		}
		if n := w.nodes[0].driver.Status().Nullified; n != 0 {
			t.Errorf("nullified views: got %d, want 0", n)
		}
	})
}

func TestTransactionAtOnce(t *testing.T) {
	inWorld(t, 4, func(t *testing.T, w *world) {
		w.startAll()
		w.reach(2, time.Minute)
		for i := range 5 {
			tx := w.transfer(uint64(i))
			start := time.Now()
			w.nodes[i%4].pool.add(tx)
			w.until("the transaction", 3*time.Second, func() bool { return w.nodes[i%4].holds(tx) })
			if took := time.Since(start); took > 100*time.Millisecond {
				t.Errorf("transaction %d: took %v, want at most 100ms", i, took)
			}
		}
	})
}

func (n *node) holds(tx *chain.Tx) bool {
	n.ledger.mu.Lock()
	defer n.ledger.mu.Unlock()
	return slices.ContainsFunc(n.ledger.blocks, func(b *chain.Block) bool {
		return slices.ContainsFunc(b.Txs, func(x *chain.Tx) bool { return x.Hash() == tx.Hash() })
	})
}

// TestUnbuildableIsNoWork gives all pools a transaction that no ledger takes. It must not drive the chain
// at full speed.
func TestUnbuildableIsNoWork(t *testing.T) {
	inWorld(t, 4, func(t *testing.T, w *world) {
		w.startAll()
		w.reach(2, time.Minute)
		tx := w.transfer(0)
		for _, n := range w.nodes {
			n.ledger.mu.Lock()
			n.chain.refuse = true
			n.ledger.mu.Unlock()
			n.pool.add(tx)
		}
		before := w.nodes[0].height()
		<-time.NewTimer(20 * time.Second).C
		// Each leader may try once in a while, besides the heartbeat.
		if got := w.nodes[0].height() - before; got < 5 || got > 100 {
			t.Errorf("20 s: got %d blocks, want 5 to 100", got)
		}
	})
}

func TestOneDead(t *testing.T) {
	inWorld(t, 4, func(t *testing.T, w *world) {
		w.startAll()
		w.reach(3, time.Minute)
		w.nodes[2].stop()
		w.reach(40, 10*time.Minute)
		w.nodes[2].start()
		w.reach(45, 3*time.Minute)
	})
}

// TestKills kills nodes in the middle of turns, after a number of frames drawn by chance, and starts them
// again over their disks.
func TestKills(t *testing.T) {
	inWorld(t, 4, func(t *testing.T, w *world) {
		w.params.HeartbeatMs = 200
		w.startAll()
		rng := dice.New([32]byte{5})
		for round := range 25 {
			n := w.nodes[rng.Below(4)]
			w.mu.Lock()
			n.sends = int(rng.Below(40))
			w.mu.Unlock()
			w.until(fmt.Sprintf("death %d", round), time.Minute, func() bool {
				w.mu.Lock()
				defer w.mu.Unlock()
				return !n.up
			})
			if err := n.stop(); err != nil {
				t.Fatalf("round %d: node %d: %v", round, n.index, err)
			}
			n.start()
			w.reach(n.height()+2, time.Minute)
		}
		for _, n := range w.nodes {
			if len(n.driver.Evidence()) > 0 {
				t.Errorf("node %d saw evidence against honest nodes: %+v", n.index, n.driver.Evidence())
			}
		}
	})
}

func TestAllRestart(t *testing.T) {
	inWorld(t, 4, func(t *testing.T, w *world) {
		w.startAll()
		for h := chain.Height(3); h < 12; h += 3 {
			w.reach(h, time.Minute)
			w.stopAll()
			w.startAll()
		}
	})
}

func TestPartitionHeals(t *testing.T) {
	inWorld(t, 4, func(t *testing.T, w *world) {
		w.startAll()
		w.reach(3, time.Minute)
		w.partition([]int{0, 1}, []int{2, 3})
		wait := time.NewTimer(time.Minute)
		<-wait.C
		stuck := w.nodes[0].height()
		if stuck > 5 {
			t.Errorf("half of the stake went on to height %d", stuck)
		}
		w.partition([]int{0, 1, 2, 3})
		w.reach(stuck+3, 30*time.Second)
		w.partition([]int{3}, []int{0, 1, 2})
		<-time.NewTimer(2 * time.Minute).C // the three go on over a session's end
		w.partition([]int{0, 1, 2, 3})
		w.reach(w.nodes[0].height()+1, 30*time.Second)
	})
}

func TestLateJoiner(t *testing.T) {
	inWorld(t, 4, func(t *testing.T, w *world) {
		w.params.HeartbeatMs = 200
		for _, n := range w.nodes[:3] {
			n.start()
		}
		w.until("height 80", 5*time.Minute, func() bool { return w.nodes[0].height() >= 80 })
		w.nodes[3].start()
		w.reach(82, 20*time.Second)
		votes := w.nodes[3].driver.Status()
		if !votes.Member || votes.Silent != "" {
			t.Errorf("late joiner: got %+v, want a voting member", votes)
		}
		// It is needed again when another one dies.
		w.nodes[0].stop()
		w.reach(w.nodes[3].height()+3, time.Minute)
	})
}

func TestFollower(t *testing.T) {
	inWorld(t, 4, func(t *testing.T, w *world) {
		f := w.addNode(nil)
		w.startAll()
		w.reach(35, 5*time.Minute)
		w.until("the status to follow", time.Second, func() bool { return f.driver.Status().FinalHeight >= 35 })
		if s := f.driver.Status(); s.Member {
			t.Errorf("follower: got %+v", s)
		}
		if got := len(w.nodes[0].driver.Evidence()); got != 0 {
			t.Errorf("evidence: got %d", got)
		}
	})
}

func TestKeyOutsideTheSetFollows(t *testing.T) {
	inWorld(t, 4, func(t *testing.T, w *world) {
		n := w.addNode(&Keys{Vote: testKey(t, 50, 1), VRF: testKey(t, 50, 2)})
		w.startAll()
		w.reach(5, time.Minute)
		if s := n.driver.Status(); s.Member {
			t.Errorf("stranger: got %+v, want no member", s)
		}
		if n.driver.votes.High() != (votelog.Mark{}) {
			t.Errorf("stranger signed at %v", n.driver.votes.High())
		}
	})
}

func TestLostLogIsSilentUntilAnEpoch(t *testing.T) {
	inWorld(t, 4, func(t *testing.T, w *world) {
		w.params.HeartbeatMs, w.params.EpochMs = 500, 60_000
		w.startAll()
		w.reach(3, time.Minute)
		n := w.nodes[1]
		n.stop()
		if err := os.Remove(filepath.Join(n.dir, "votes.high")); err != nil {
			t.Fatal(err)
		}
		n.start()
		w.reach(6, time.Minute)
		if s := n.driver.Status(); s.Silent == "" || !s.Member {
			t.Fatalf("lost log: got %+v, want a silent member", s)
		}
		// Silence outlasts a restart.
		n.stop()
		n.start()
		w.reach(n.height()+1, time.Minute)
		if s := n.driver.Status(); s.Silent == "" {
			t.Fatalf("lost log, restarted: got %+v, want silence", s)
		}
		signed := n.driver.votes.High()
		w.until("an epoch", 10*time.Minute, func() bool { return n.driver.Status().Silent == "" })
		w.nodes[0].stop() // from here on it is needed
		w.reach(n.height()+3, time.Minute)
		n.stop()
		n.start()
		w.reach(n.height()+2, time.Minute)
		if high := n.driver.votes.High(); !signed.Less(high) || n.driver.Status().Silent != "" {
			t.Errorf("after the epoch: high mark %v, %+v", high, n.driver.Status())
		}
	})
}

// TestPastEpochsEndNoSilence gives a validator that lost log and ledger a chain with epochs in its past.
// Catching up over them must not let it sign: its missing votes may lie behind them.
func TestPastEpochsEndNoSilence(t *testing.T) {
	inWorld(t, 4, func(t *testing.T, w *world) {
		w.params.HeartbeatMs, w.params.EpochMs = 500, 40_000
		w.startAll()
		w.reach(100, 5*time.Minute) // the boundary at 96 is past the first epoch
		n := w.nodes[1]
		n.stop()
		if err := os.Remove(filepath.Join(n.dir, "votes.log")); err != nil {
			t.Fatal(err)
		}
		n.ledger.mu.Lock()
		clear(n.ledger.heights)
		n.ledger.heights[w.first.Hash()] = 0
		n.ledger.blocks, n.ledger.seals = n.ledger.blocks[:1], n.ledger.seals[:1]
		n.ledger.mu.Unlock()
		n.start()
		w.reach(105, time.Minute)
		if s := n.driver.Status(); s.Silent == "" {
			t.Fatalf("caught up over past epochs: got %+v, want silence", s)
		}
		w.until("the next epoch", 5*time.Minute, func() bool { return n.driver.Status().Silent == "" })
	})
}

func TestDiskGuard(t *testing.T) {
	inWorld(t, 4, func(t *testing.T, w *world) {
		w.startAll()
		w.reach(3, time.Minute)
		n := w.nodes[1]
		n.setFree(DiskFreeMin - 1)
		w.until("silence", time.Minute, func() bool { return n.driver.Status().Silent != "" })
		high := n.driver.votes.High()
		w.reach(n.height()+4, 2*time.Minute)
		if got := n.driver.votes.High(); got != high {
			t.Errorf("signed on a full disk: %v after %v", got, high)
		}
		n.setFree(DiskFreeMin)
		<-time.NewTimer(time.Minute).C
		if n.driver.Status().Silent == "" {
			t.Error("signs again without a margin of space")
		}
		n.setFree(2 * DiskFreeMin)
		w.until("voice", time.Minute, func() bool { return n.driver.Status().Silent == "" })
		w.nodes[0].stop() // the one with the full disk is needed again
		w.reach(n.height()+3, 2*time.Minute)
	})
}

// TestEquivocatingProposer has one leader sign a second proposal, which half of the others hear first; all
// of them keep the evidence and go on.
func TestEquivocatingProposer(t *testing.T) {
	inWorld(t, 4, func(t *testing.T, w *world) {
		w.tap = func(from, to int, kind byte, payload []byte) {
			if kind != KindProposal {
				return
			}
			f, err := decodeFrame(kind, payload)
			if err != nil || from != 1 || f.msg.Proposal.Signer != 1 {
				return
			}
			p := *f.msg.Proposal
			p.BlockHash[0] ^= 1
			v := asVote(&p)
			newSigner(w.genesis, &w.keys[p.Signer]).Sign(&v)
			p.Sig = v.Sig
			_, second := encodeFrame(poi.Message{Proposal: &p}, nil)
			m := Message{From: "liar", Kind: KindProposal, Payload: second}
			if to == 0 {
				w.nodes[to].inbox <- m
				return
			}
			time.AfterFunc(w.delay, func() { w.nodes[to].inbox <- m })
		}
		w.startAll()
		w.reach(12, time.Minute)
		for _, n := range w.nodes {
			if n.index == 1 {
				continue
			}
			evidence := n.driver.Evidence()
			if len(evidence) == 0 {
				t.Errorf("node %d: got no evidence", n.index)
				continue
			}
			if e := evidence[0]; e.Kind != poi.DoublePropose || e.First.Signer != e.Second.Signer || e.First == e.Second {
				t.Errorf("node %d: got %+v", n.index, e)
			}
		}
	})
}

func TestLiarsArePunished(t *testing.T) {
	inWorld(t, 4, func(t *testing.T, w *world) {
		w.startAll()
		w.reach(2, time.Minute)
		d := w.nodes[0].driver
		s := d.Status()
		forged := chain.Vote{
			Kind: chain.VoteNullify, Session: s.Session, View: s.View, Signer: 1, Sig: [64]byte{1},
		}
		status := []byte{1}
		bad := map[string]Message{
			"liar vote":    {Kind: KindVote, Payload: forged.Encode()},
			"liar status":  {Kind: KindStatus, Payload: status},
			"liar kind":    {Kind: 77},
			"liar propose": {Kind: KindVote, Payload: (&chain.Vote{Kind: chain.VotePropose, View: 1}).Encode()},
		}
		for name, m := range bad {
			m.From = name
			w.nodes[0].inbox <- m
		}
		w.until("punishments", 10*time.Second, func() bool {
			w.mu.Lock()
			defer w.mu.Unlock()
			return len(w.faults) == len(bad)
		})
		w.reach(4, time.Minute)
	})
}

// TestLocalFaultIsNotTheBlocks lets one ledger fail for a while: its node does not vote, and catches up
// when the disk is back.
func TestLocalFaultIsNotTheBlocks(t *testing.T) {
	inWorld(t, 4, func(t *testing.T, w *world) {
		w.startAll()
		w.reach(2, time.Minute)
		n := w.nodes[3]
		n.ledger.mu.Lock()
		n.chain.fail = os.ErrDeadlineExceeded
		n.ledger.mu.Unlock()
		w.until("others", time.Minute, func() bool { return w.nodes[0].height() >= 6 })
		n.ledger.mu.Lock()
		n.chain.fail = nil
		n.ledger.mu.Unlock()
		w.reach(8, time.Minute)
	})
}

// TestLogHoldsWhatWasSent replays every vote log after a run: nothing signed is missing, and no place
// holds two things.
func TestLogHoldsWhatWasSent(t *testing.T) {
	inWorld(t, 4, func(t *testing.T, w *world) {
		w.params.HeartbeatMs = 200
		missing := 0
		w.tap = func(from, to int, kind byte, payload []byte) {
			f, err := decodeFrame(kind, payload)
			if err != nil || f.msg.Vote == nil || int(f.msg.Vote.Signer) != from {
				return
			}
			v := f.msg.Vote
			raw, _ := os.ReadFile(filepath.Join(w.nodes[from].dir, "votes.log"))
			if !strings.Contains(string(raw), string(v.Encode())) && v.Session == w.nodes[from].driver.epoch.Load().session {
				missing++
			}
		}
		w.startAll()
		w.reach(20, time.Minute)
		if missing > 0 {
			t.Errorf("%d votes were sent that the log did not hold", missing)
		}
	})
}

// fullLog fails from one sync on, as a log does when the disk is full.
type fullLog struct {
	voteLog
	left int
	err  error
}

func (l *fullLog) Sync() error {
	if l.left--; l.left < 0 {
		l.err = syscall.ENOSPC
	}
	if l.err != nil {
		return l.err
	}
	return l.voteLog.Sync()
}

func (l *fullLog) Append(records ...votelog.Record) {
	if l.err == nil {
		l.voteLog.Append(records...)
	}
}

func (l *fullLog) Err() error { return l.err }

// TestFailedLogSilences breaks the vote log in the middle of a turn. Nothing of that turn is sent, the
// node follows in silence, and after a restart with room it signs again without contradicting itself.
func TestFailedLogSilences(t *testing.T) {
	inWorld(t, 4, func(t *testing.T, w *world) {
		n := w.nodes[2]
		n.wrap = func(l voteLog) voteLog { return &fullLog{voteLog: l, left: 9} }
		var broken atomic.Bool
		var late atomic.Int64 // own messages sent after the log broke
		w.tap = func(from, _ int, kind byte, _ []byte) {
			if from == 2 && broken.Load() && (kind == KindVote || kind == KindProposal) {
				late.Add(1)
			}
		}
		w.startAll()
		w.until("silence", time.Minute, func() bool { return n.driver.Status().Silent != "" })
		<-time.NewTimer(2 * w.delay).C // what was sent before arrives
		broken.Store(true)
		w.reach(n.height()+6, 2*time.Minute)
		if got := late.Load(); got > 0 {
			t.Errorf("%d messages were signed without a log", got)
		}
		if s := n.driver.Status().Silent; !strings.Contains(s, "vote log") {
			t.Errorf("reason: got %q, want the vote log", s)
		}
		n.stop()
		n.wrap = nil
		broken.Store(false)
		n.start()
		w.nodes[0].stop()
		w.reach(n.height()+3, time.Minute)
		for _, x := range w.nodes {
			if e := x.driver.Evidence(); len(e) > 0 {
				t.Errorf("node %d: evidence %+v", x.index, e)
			}
		}
	})
}

// TestCopyPutBack gives a node the vote log it had earlier in the session, high-water file and all. Its
// peers' certificates show it votes that it does not remember, and it goes silent for good.
func TestCopyPutBack(t *testing.T) {
	inWorld(t, 4, func(t *testing.T, w *world) {
		for _, n := range w.nodes[1:] { // all three are needed, so every certificate names them
			n.start()
		}
		w.reach(2, time.Minute)
		n := w.nodes[3]
		n.stop()
		copied := make(map[string][]byte)
		for _, name := range []string{"votes.log", "votes.high"} {
			raw, err := os.ReadFile(filepath.Join(n.dir, name))
			if err != nil {
				t.Fatal(err)
			}
			copied[name] = raw
		}
		old := n.height()
		n.start()
		w.reach(old+12, time.Minute)
		n.stop()
		for name, raw := range copied {
			if err := os.WriteFile(filepath.Join(n.dir, name), raw, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		// Its ledger is the old one, too: only then is there something to contradict.
		n.ledger.mu.Lock()
		for _, b := range n.ledger.blocks[old+1:] {
			delete(n.ledger.heights, b.Hash())
		}
		n.ledger.blocks, n.ledger.seals = n.ledger.blocks[:old+1], n.ledger.seals[:old+1]
		n.ledger.mu.Unlock()
		n.start()
		w.until("silence", time.Minute, func() bool { return n.driver.Status().Silent != "" })
		w.nodes[0].start()
		w.reach(w.nodes[1].height()+2, time.Minute)
		n.stop()
		n.start()
		w.reach(w.nodes[1].height()+1, time.Minute)
		if n.driver.Status().Silent == "" {
			t.Error("restarted: got a voice, want silence")
		}
	})
}

// TestReplayIsWhatWasSent records what a validator sends and holds it against what its machine is given
// after a restart.
func TestReplayIsWhatWasSent(t *testing.T) {
	inWorld(t, 4, func(t *testing.T, w *world) {
		sent := make(map[chain.Vote]bool)
		w.tap = func(from, _ int, kind byte, payload []byte) {
			f, err := decodeFrame(kind, payload)
			if err != nil || from != 1 {
				return
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			if p := f.msg.Proposal; p != nil && p.Signer == 1 {
				sent[asVote(p)] = true
			} else if v := f.msg.Vote; v != nil && v.Signer == 1 {
				sent[*v] = true
			}
		}
		w.startAll()
		w.reach(12, time.Minute)
		n := w.nodes[1]
		n.stop()
		<-time.NewTimer(2 * w.delay).C
		d := n.driver
		if err := d.openLog(); err != nil {
			t.Fatal(err)
		}
		defer d.votes.Close()
		var start poi.Start
		if err := d.replay(&start); err != nil {
			t.Fatal(err)
		}
		if len(sent) < 24 || len(start.Blocks) < 12 {
			t.Fatalf("sent %d, bodies %d: the run was too short", len(sent), len(start.Blocks))
		}
		for _, m := range start.Log {
			switch {
			case m.Proposal != nil:
				delete(sent, asVote(m.Proposal))
			case m.Vote != nil:
				delete(sent, *m.Vote)
			}
		}
		if len(sent) > 0 {
			t.Errorf("replay lacks %d of the messages sent, one is %+v", len(sent), slices.Collect(maps.Keys(sent))[0])
		}
	})
}

// TestLogAheadOfLedger empties the ledger of a validator and leaves its vote log. It follows in silence
// over the sessions that it has signed in, and then signs again.
func TestLogAheadOfLedger(t *testing.T) {
	inWorld(t, 4, func(t *testing.T, w *world) {
		w.params.HeartbeatMs = 200
		w.startAll()
		w.reach(2*chain.SessionHeights+5, 5*time.Minute)
		n := w.nodes[2]
		n.stop()
		high := n.driver.votes.High()
		n.ledger.mu.Lock()
		for _, b := range n.ledger.blocks[1:] {
			delete(n.ledger.heights, b.Hash())
		}
		n.ledger.blocks, n.ledger.seals = n.ledger.blocks[:1], n.ledger.seals[:1]
		n.ledger.mu.Unlock()
		n.start()
		w.until("the voice back", 5*time.Minute, func() bool {
			s := n.driver.Status()
			return s.Silent == "" && s.Session >= high.Session
		})
		w.nodes[0].stop() // from here on its votes are needed
		w.reach(n.height()+3, time.Minute)
		if now := n.driver.votes.High(); !high.Less(now) {
			t.Errorf("high mark: got %v, want later than %v", now, high)
		}
	})
}
