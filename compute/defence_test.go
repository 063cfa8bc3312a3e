package compute

// A worker whose true result is disputed defends it without anybody's help, against the real contract: the market
// carries its calls there, the challenger plays the other side.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/compute/receipt"
	"github.com/aiwork/aiwork-node/compute/receipt/receipttest"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/tasks/dispute"
	"github.com/aiwork/aiwork-node/tasks/job"
	"github.com/aiwork/aiwork-node/vm/native"
)

// A courtroom is the contract of disputes on a state of its own, with one dispute.
type courtroom struct {
	mu     sync.Mutex
	view   *state.View
	set    *native.Set
	params chain.Params
	play   *receipttest.Play

	logs      []chain.Log
	unsettled []Task
	least     uint64 // of a bond
	held      uint64 // by the runner
}

var (
	accuser = chain.Address{0xbb}
	opener  = chain.Address{19: 0xee}
)

func newCourtroom(t *testing.T, run, liar *receipt.Trace) *courtroom {
	return courtroomOf(t, [2]chain.Address{me, accuser}, [2]*receipt.Trace{run, liar})
}

// courtroomOf has a dispute between parties with their runs, the defender's first.
func courtroomOf(t *testing.T, parties [2]chain.Address, runs [2]*receipt.Trace) *courtroom {
	c := &courtroom{view: state.New(state.Empty{}), least: job.Gwei, held: 10 * job.Gwei}
	c.params.Jobs = chain.JobParams{DisputeBond: 1, DisputeFirstMs: 120_000, DisputeAnswerMs: 20_000, DisputeFeedMs: 60_000}
	bond := uint256.NewInt(job.Gwei)
	c.set = native.NewSet(dispute.Module(), native.Module{Name: "opener", Address: opener, Methods: []native.Method{{
		Signature: "open()", Returns: "()", Mutability: native.Payable, Run: func(call *native.Call) {
			if call.Ready() {
				call.Pay(chain.AddrDisputes, bond)
				k := receipt.NewAdvocate(runs[1]).Claim()
				given := receipt.NewAdvocate(runs[0]).Claim().Result
				about := dispute.Subject{Model: runs[0].Model.Net.ID(), Defender: parties[0], Result: given}
				dispute.Open(call.As(chain.AddrDisputes), &about, parties[1], k, bond)
			}
		},
	}}})
	c.view.AddBalance(opener, bond)
	if err := c.call(parties[1], opener, native.NewInput("open()").Out()); err != nil {
		t.Fatal(err)
	}
	c.play = &receipttest.Play{ID: 1, Third: parties[1], Load: func(uint64) dispute.Dispute { return c.load() }, Send: func(_ string, from chain.Address, input []byte) {
		if err := c.call(from, chain.AddrDisputes, input); err != nil {
			t.Error(err)
		}
	}}
	c.play.Sides = [2]*receipt.Advocate{receipt.NewAdvocate(runs[0]), receipt.NewAdvocate(runs[1])}
	c.play.Feeder = c.play.Sides[0]
	return c
}

func (c *courtroom) call(from, to chain.Address, input []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.view.BeginTx()
	defer c.view.EndTx()
	block := &native.Block{Params: &c.params, ParentTimeMs: 1_000_000}
	err := c.set.Run(native.Frame{State: c.view, Block: block, Caller: from, Self: to, Input: input, Gas: 16_000_000}).Err
	c.logs = append(c.logs, c.view.Logs()...)
	return err
}

func (c *courtroom) load() dispute.Dispute {
	c.mu.Lock()
	defer c.mu.Unlock()
	d, _ := dispute.Load(slots{c.view}, 1)
	return d
}

type slots struct{ view *state.View }

func (s slots) Slot(a chain.Address, key chain.Hash) (chain.Hash, error) {
	return s.view.Slot(a, key), nil
}

// bar gives advocates that have made one run.
type bar struct {
	run    *receipt.Trace
	calls  int
	closed int
	hang   chan struct{} // briefing takes until it is closed; nil: no time
}

func (b *bar) Brief(context.Context, chain.Hash, []byte, []byte) (Advocate, error) {
	b.calls++
	if b.hang != nil {
		<-b.hang
	}
	return &advocate{receipt.NewAdvocate(b.run), b}, nil
}

type advocate struct {
	*receipt.Advocate
	bar *bar
}

func (a *advocate) Against(context.Context, []byte) (*dispute.Claim, error) { return a.Claim(), nil }

func (a *advocate) Plead(_ context.Context, d *dispute.Dispute, s dispute.Side, shown [2][]byte) ([]byte, error) {
	return a.Advocate.Plead(d, s, shown)
}

func (a *advocate) Close() { a.bar.closed++ }

// Bond implements Court.
func (c *courtroom) Bond(context.Context) (least, held uint256.Int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return *uint256.NewInt(c.least), *uint256.NewInt(c.held), nil
}

// Dispute implements Court.
func (c *courtroom) Dispute(context.Context, uint64) (dispute.Dispute, error) { return c.load(), nil }

// Shown implements Court.
func (c *courtroom) Shown(_ context.Context, d *dispute.Dispute) ([2][]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return d.EntriesIn(c.logs), nil
}

// Unsettled implements Court.
func (c *courtroom) Unsettled(context.Context, chain.Address) ([]Task, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.unsettled, nil
}

// The record of a dispute travels to the worker as JSON.
func TestDisputeOnTheWay(t *testing.T) {
	m, in := receipttest.Network(1)
	run := receipttest.Trace(t, m, in)
	c := newCourtroom(t, run, receipttest.Lie(run, m.Net.FirstOf(1), rand.New(rand.NewPCG(1, 1))))
	for range 6 {
		d := c.load()
		b, err := json.Marshal(Task{Dispute: &d, Disputed: 3})
		if err != nil {
			t.Fatal(err)
		}
		var got Task
		if err := json.Unmarshal(b, &got); err != nil || got.Dispute == nil || *got.Dispute != d || got.Disputed != 3 {
			t.Errorf("%v: got %+v (%v), want %+v", d.Phase, got.Dispute, err, d)
		}
		c.play.Turn(t, &d)
	}
}

func TestWorkerDefends(t *testing.T) {
	m, in := receipttest.Network(1)
	run := receipttest.Trace(t, m, in)
	for _, at := range []int{0, 4, len(m.Net.OpList) - 1} {
		liar := receipttest.Lie(run, m.Net.FirstOf(at), rand.New(rand.NewPCG(uint64(at), 1)))
		synctest.Test(t, func(t *testing.T) {
			w, c := newWorld(t), newCourtroom(t, run, liar)
			traced := &bar{run: run}
			w.court, w.counsel = c, traced
			refuse := true // the first transaction is lost
			w.market.onSend = func(_ context.Context, _ int, call Call) error {
				if refuse {
					refuse = false
					return errDown
				}
				if call.To != chain.AddrDisputes {
					return errors.New("sent elsewhere")
				}
				return c.call(me, call.To, call.Data)
			}
			w.start(nil)
			defer w.stop()
			task := w.task(RoleWorker, job.Disputed, 2)
			task.Disputed = task.First + 1
			for range 200 {
				d := c.load()
				switch {
				case d.Phase == dispute.Ended:
					if d.Verdict != dispute.Stands {
						t.Errorf("a lie at operator %d: got %v", at, d.Verdict)
					}
					if traced.calls != 1 {
						t.Errorf("the item was run %d times, want once", traced.calls)
					}
					return
				case d.Phase == dispute.Judging || d.Phase == dispute.Feeding:
					c.play.Turn(t, &d)
				case d.Phase != dispute.Answering && d.Shown>>dispute.Challenger&1 == 0:
					if d.Phase == dispute.Showing { // what the defender will show is known to the feeder
						c.play.Answer(t, &d, 0)
					}
					c.play.Send(c.play.Answer(t, &d, 1))
				}
				d = c.load()
				task.Dispute = &d
				w.market.show([]Task{task}, nil)
				rest(3 * time.Second)
			}
			t.Errorf("a lie at operator %d: no end, in %v", at, c.load().Phase)
		})
	}
}

// A party whose account is empty says so once, as an error with what is lost and when, and goes on as soon as there is money.
func TestOutOfFunds(t *testing.T) {
	m, in := receipttest.Network(1)
	run := receipttest.Trace(t, m, in)
	liar := receipttest.Lie(run, m.Net.FirstOf(4), rand.New(rand.NewPCG(4, 1)))
	synctest.Test(t, func(t *testing.T) {
		w, c := newWorld(t), newCourtroom(t, run, liar)
		w.court, w.counsel = c, &bar{run: run}
		poor := true
		w.market.onSend = func(_ context.Context, _ int, call Call) error {
			if poor {
				return fmt.Errorf("%w: by the node", ErrFunds)
			}
			return c.call(me, call.To, call.Data)
		}
		w.start(nil)
		defer w.stop()
		task := w.task(RoleWorker, job.Disputed, 2)
		d := c.load()
		task.Dispute, task.Disputed = &d, task.First
		w.market.show([]Task{task}, nil)
		rest(30 * time.Second)
		told := 0
		for _, words := range w.logs.warnings {
			if words == "a dispute cannot be paid for" {
				told++
			}
		}
		if told != 1 || len(w.market.calls()) < 3 {
			t.Errorf("told %d times in %d tries, want once", told, len(w.market.calls()))
		}
		err := w.runner.opts.Party.Plead(t.Context(), &task)
		short, ok := errors.AsType[*FundsError](err)
		if !ok || short.Held.Uint64() != c.held || short.Dispute != 1 || short.Until.UnixMilli() != int64(d.DeadlineMs) || !strings.Contains(err.Error(), "slashed") {
			t.Errorf("got %v, want what the account has and when the defender is slashed", err)
		}
		poor = false
		rest(retryMax + time.Second)
		if got := c.load().Phase; got == dispute.Answering {
			t.Error("with money in the account: the dispute does not go on")
		}
	})
}
