package compute

// An auditor that sees a false result in its sample challenges it before it reveals, once and with the bond; a watcher does so with what
// nobody has asked it about. Then each plays the dispute to its end against the real contract.

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/compute/receipt"
	"github.com/aiwork/aiwork-node/compute/receipt/receipttest"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/dispute"
	"github.com/aiwork/aiwork-node/tasks/job"
)

// A quarrel is a runner that gives true results, and a worker that gave a false one.
type quarrel struct {
	*world
	court     *courtroom
	bar       *bar
	run, liar *receipt.Trace
}

func outputBytes(run *receipt.Trace) []byte {
	return job.Output{Result: receipt.NewAdvocate(run).Claim().Result}.Encode()
}

func newQuarrel(t *testing.T) *quarrel {
	m, in := receipttest.Network(1)
	q := &quarrel{world: newWorld(t), run: receipttest.Trace(t, m, in)}
	q.liar = receipttest.Lie(q.run, m.Net.FirstOf(3), rand.New(rand.NewPCG(7, 1)))
	q.court = courtroomOf(t, [2]chain.Address{accuser, me}, [2]*receipt.Trace{q.liar, q.run})
	q.bar = &bar{run: q.run}
	q.world.court, q.counsel = q.court, q.bar
	q.engine.on = func(context.Context, []byte) ([]byte, error) { return receipt.NewAdvocate(q.run).Claim().Result, nil }
	return q
}

// disputed is an auditor's or watcher's task of one item whose result is false.
func (q *quarrel) disputed(role Role, state job.BatchState) Task {
	t := q.task(role, state, 1)
	t.Sample, t.Opened, t.Worker = 1, true, accuser
	t.DeadlineMs = uint64(time.Now().Add(10 * time.Second).UnixMilli())
	t.Given = [][]byte{outputBytes(q.liar)}
	return t
}

// unsettled is what the chain shows of a task to whoever may dispute it.
func (q *quarrel) unsettled(t *Task, state job.BatchState) {
	u := *t
	u.Role, u.State = RoleWatcher, state.String()
	q.court.mu.Lock()
	defer q.court.mu.Unlock()
	q.court.unsettled = []Task{u}
}

// audit brings an auditor to where it is to reveal, and gives what it sent for that.
func (q *quarrel) audit(change func(*Task)) []string {
	t := q.disputed(RoleAuditor, job.Auditing)
	t.Opened, t.Given = false, nil
	q.market.show([]Task{t}, nil)
	rest(3 * time.Second)
	t = q.disputed(RoleAuditor, job.Revealing)
	t.Sealed = true
	change(&t)
	q.market.show([]Task{t}, nil)
	rest(8 * time.Second)
	return q.market.calls()
}

func TestAuditorChallenges(t *testing.T) {
	plain := []string{"auditCommit", "auditReveal"}
	with := []string{"auditCommit", "challenge", "auditReveal"}
	for name, c := range map[string]struct {
		change func(q *quarrel, t *Task)
		want   []string
	}{
		"a false result":    {func(q *quarrel, t *Task) { q.unsettled(t, job.Revealing) }, with},
		"disputed already":  {func(q *quarrel, t *Task) { q.unsettled(t, job.Disputed) }, plain},
		"settled meanwhile": {func(*quarrel, *Task) {}, plain},
		"a true result":     {func(q *quarrel, t *Task) { q.unsettled(t, job.Revealing); t.Given = [][]byte{outputBytes(q.run)} }, plain},
		"a fault": {func(q *quarrel, t *Task) {
			q.unsettled(t, job.Revealing)
			t.Given = [][]byte{job.Output{Fault: job.FaultShape}.Encode()}
		}, plain},
		"no money":           {func(q *quarrel, t *Task) { q.unsettled(t, job.Revealing); q.court.held = 1 }, plain},
		"a bond above limit": {func(q *quarrel, t *Task) { q.unsettled(t, job.Revealing); q.court.least = 2 * job.Gwei }, plain},
		"no disputes here":   {func(q *quarrel, t *Task) { q.unsettled(t, job.Revealing); q.court.least = 0 }, plain},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := newQuarrel(t)
				q.start(nil)
				defer q.stop()
				if got := q.audit(func(task *Task) { c.change(q, task) }); !slices.Equal(got, c.want) {
					t.Errorf("got %v, want %v", got, c.want)
				}
				for i, call := range q.market.sent {
					isChallenge := c.want[min(i, len(c.want)-1)] == "challenge"
					if want := uint256.NewInt(0); isChallenge {
						want.SetUint64(job.Gwei)
						claim := job.PackChallenge(7, 1, 4, receipt.NewAdvocate(q.run).Claim())
						if call.To != chain.AddrJobs || !bytes.Equal(call.Data, claim) || call.Value != *want {
							t.Errorf("the challenge: to %s with %s wei, %d bytes", call.To, call.Value.Dec(), len(call.Data))
						}
					} else if call.Value != *want {
						t.Errorf("call %d costs %s", i, call.Value.Dec())
					}
				}
			})
		})
	}
}

// A challenge that hangs does not keep the auditor from revealing in time.
func TestAuditorRevealsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQuarrel(t)
		q.bar.hang = make(chan struct{})
		q.start(nil)
		defer q.stop()
		defer close(q.bar.hang)
		if got := q.audit(func(task *Task) { q.unsettled(task, job.Revealing) }); !slices.Equal(got, []string{"auditCommit", "auditReveal"}) {
			t.Errorf("got %v", got)
		}
	})
}

// Of several that see the same, the first pays and the others look on: a chain that refuses the second costs nothing.
func TestSecondChallengerLooksOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQuarrel(t)
		q.market.onSend = func(_ context.Context, _ int, c Call) error {
			if c.Value.IsZero() {
				return nil
			}
			task := q.disputed(RoleWatcher, job.Disputed)
			q.unsettled(&task, job.Disputed)
			return &Refused{"jobs: the batch is disputed, or not opened"}
		}
		q.start(nil)
		defer q.stop()
		got := q.audit(func(task *Task) { q.unsettled(task, job.Revealing) })
		if !slices.Equal(got, []string{"auditCommit", "challenge", "auditReveal"}) {
			t.Errorf("got %v", got)
		}
		if n := q.logs.count(); n != 0 {
			t.Errorf("%d warnings: %v", n, q.logs.warnings)
		}
	})
}

// The challenger plays to the end, though its program starts anew after each of its calls.
func TestChallengerCarriesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQuarrel(t)
		q.market.onSend = func(_ context.Context, _ int, call Call) error {
			if call.To != chain.AddrDisputes {
				return errors.New("sent elsewhere")
			}
			return q.court.call(me, call.To, call.Data)
		}
		task := q.disputed(RoleChallenger, job.Disputed)
		task.Model, task.Disputed = q.run.Model.Net.ID(), task.First
		starts := 0
		for range 200 {
			d := q.court.load()
			if d.Phase == dispute.Ended {
				break
			}
			if asks(&d, dispute.Defender) {
				q.answer(&d)
				d = q.court.load()
			}
			task.Dispute = &d
			q.start(nil)
			starts++
			q.market.show([]Task{task}, nil)
			rest(3 * time.Second)
			q.stop()
		}
		if d := q.court.load(); d.Verdict != dispute.Wrong || d.Steps == 0 {
			t.Errorf("got %v in %v after %d steps", d.Verdict, d.Phase, d.Steps)
		}
		if starts < 8 || q.bar.calls != q.bar.closed {
			t.Errorf("%d starts; %d advocates, %d of them closed", starts, q.bar.calls, q.bar.closed)
		}
	})
}

// answer plays the defender.
func (q *quarrel) answer(d *dispute.Dispute) {
	q.t.Helper()
	input, err := receipt.NewAdvocate(q.liar).Defend(d)
	if err == nil {
		err = q.court.call(accuser, chain.AddrDisputes, input)
	}
	if err != nil {
		q.t.Fatal(err)
	}
}

// A watcher runs a share of what lies open again, each once, and challenges what is false.
func TestWatcher(t *testing.T) {
	for name, c := range map[string]struct {
		watch uint32
		given func(q *quarrel) *receipt.Trace
		want  int
	}{
		"all, a false one": {ppm, func(q *quarrel) *receipt.Trace { return q.liar }, 1},
		"all, a true one":  {ppm, func(q *quarrel) *receipt.Trace { return q.run }, 0},
		"none":             {0, func(q *quarrel) *receipt.Trace { return q.liar }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := newQuarrel(t)
				q.watch = c.watch
				task := q.disputed(RoleWatcher, job.Revealing)
				task.Given = [][]byte{outputBytes(c.given(q))}
				q.unsettled(&task, job.Revealing)
				q.start(nil)
				defer q.stop()
				for range 3 {
					q.market.show(nil, nil)
					rest(3 * time.Second)
				}
				if got := len(q.market.calls()); got != c.want {
					t.Errorf("got %v, want %d challenges", q.market.calls(), c.want)
				}
				if got := q.engine.count(); got != int(c.watch/ppm) {
					t.Errorf("the item was run %d times, want %d", got, c.watch/ppm)
				}
			})
		})
	}
}

// The share that is watched is about what was asked for.
func TestWatchedShare(t *testing.T) {
	r := NewRunner(Options{Watch: 250_000})
	n := 0
	for i := range uint64(500) {
		n += len(r.picked(&Task{Job: i, Blobs: make([]chain.Hash, 8)}))
	}
	if n < 850 || n > 1150 { // 1,000, five standard deviations either way
		t.Errorf("%d of 4,000 items are picked, want about 1,000", n)
	}
}

func TestBondError(t *testing.T) {
	e := &BondError{Least: *uint256.NewInt(10), Limit: *uint256.NewInt(9), Held: *uint256.NewInt(100)}
	if !strings.Contains(e.Error(), "limit") {
		t.Errorf("above the limit: %v", e)
	}
	e.Limit = *uint256.NewInt(10)
	if e.Held = *uint256.NewInt(3); !strings.Contains(e.Error(), "account has 3") {
		t.Errorf("not enough: %v", e)
	}
}
