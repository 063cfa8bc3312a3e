package compute

// The runner against a market and an engine that fail in every way they can: restarts in the middle of each
// step, lost and refused transactions, lagging nodes, outages, missing inputs, faults of the machine and of
// the input. Clocks are those of testing/synctest.

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aiwork/aiwork-node/compute/engine"
	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/job"
)

func wantCalls(t *testing.T, m *fakeMarket, want ...string) {
	t.Helper()
	if got := m.calls(); !slices.Equal(got, want) {
		t.Errorf("sent: got %v, want %v", got, want)
	}
}

// rest lets the runner do all that it can do now, and then some seconds more.
func rest(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestWorkerCommitsAndOpens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start(nil)
		defer w.stop()
		task := w.task(RoleWorker, job.Assigned, 3)
		w.market.show([]Task{task}, nil)
		rest(time.Second)
		wantCalls(t, w.market, "commit")
		e, found, err := w.journal.Get(task.Key())
		if !found || err != nil {
			t.Fatalf("journal: got %v, %v, want an entry", found, err)
		}
		root := job.Root(task.Place(w.market.genesis), me, task.First, e.Salt, outputs(0, 1, 2))
		if got, want := w.market.last().Data, job.PackCommit(7, 1, root, 3); !bytes.Equal(got, want) {
			t.Errorf("commit: got %x, want %x", got, want)
		}
		task.State = job.Opening.String()
		w.market.show([]Task{task}, nil)
		rest(time.Second)
		wantCalls(t, w.market, "commit", "open")
		if got, want := w.market.last().Data, job.PackOpen(7, 1, e.Salt, outputs(0, 1, 2)); !bytes.Equal(got, want) {
			t.Errorf("open: got %x, want %x", got, want)
		}
		if w.engine.count() != 3 || w.logs.count() != 0 {
			t.Errorf("got %d items and warnings %v, want 3 and none", w.engine.count(), w.logs.warnings)
		}
	})
}

func TestAuditorCommitsAndReveals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start(nil)
		task := w.task(RoleAuditor, job.Auditing, 4)
		task.Sample = 0b1010
		w.market.show([]Task{task}, nil)
		rest(time.Second)
		wantCalls(t, w.market, "auditCommit")
		e, _, _ := w.journal.Get(task.Key())
		hashes := outputHashes(outputs(1, 3))
		seal := job.Attestation(task.Place(w.market.genesis), me, e.Salt, hashes)
		if got, want := w.market.last().Data, job.PackAuditCommit(7, 1, seal); !bytes.Equal(got, want) {
			t.Errorf("auditCommit: got %x, want %x", got, want)
		}
		w.stop()

		// Between commitment and reveal the process dies, and the node shows an old agenda first.
		w.start(nil)
		defer w.stop()
		rest(3 * tidyInterval)
		task.State, task.Sealed = job.Revealing.String(), true
		w.market.show([]Task{task}, nil)
		rest(time.Second)
		if got, want := w.market.last().Data, job.PackAuditReveal(7, 1, e.Salt, hashes); !bytes.Equal(got, want) {
			t.Errorf("auditReveal: got %x, want %x", got, want)
		}
		if w.engine.count() != 2 {
			t.Errorf("items run: got %d, want 2: the sample once", w.engine.count())
		}
	})
}

// The process ends in the middle of an item, then before the commitment is in a block, then after it is
// but before the answer came. Each time the next process goes on with the same salt and outputs.
func TestRestartsInTheMiddle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		task := w.task(RoleWorker, job.Assigned, 3)
		w.market.show([]Task{task}, nil)
		w.engine.on = func(ctx context.Context, input []byte) ([]byte, error) {
			if input[0] == 1 {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return append([]byte("out "), input...), nil
		}
		w.start(nil)
		rest(time.Second)
		w.stop()
		wantCalls(t, w.market)

		w.engine.on = nil
		w.market.onSend = func(ctx context.Context, _ int, _ Call) error { <-ctx.Done(); return ctx.Err() }
		w.start(nil)
		rest(time.Second)
		w.stop()
		wantCalls(t, w.market, "commit")
		first := w.market.last().Data

		w.market.onSend = nil
		w.start(nil)
		rest(time.Second)
		wantCalls(t, w.market, "commit", "commit")
		if got := w.market.last().Data; !bytes.Equal(got, first) {
			t.Errorf("the second commitment: got %x, want %x", got, first)
		}
		w.stop()

		task.State = job.Opening.String()
		w.market.show([]Task{task}, nil)
		w.market.onSend = func(ctx context.Context, n int, _ Call) error {
			if n == 3 {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}
		w.start(nil)
		rest(time.Second)
		w.stop()
		w.start(nil)
		rest(time.Second)
		w.stop()
		wantCalls(t, w.market, "commit", "commit", "open", "open")
		if w.engine.count() != 3 {
			t.Errorf("items run to their end: got %d, want 3", w.engine.count())
		}
	})
}

// A node that lags shows the old agenda for minutes, then one without the task, as an older head would.
func TestLaggingNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start(nil)
		defer w.stop()
		task := w.task(RoleWorker, job.Assigned, 1)
		w.market.show([]Task{task}, nil)
		rest(5 * time.Minute)
		wantCalls(t, w.market, "commit")
		w.market.show(nil, nil)
		rest(5 * time.Minute)
		if _, found, _ := w.journal.Get(task.Key()); !found {
			t.Fatal("the entry is gone although the chain has not shown that the attempt is over")
		}
		task.State = job.Opening.String()
		w.market.show([]Task{task}, nil)
		rest(time.Second)
		wantCalls(t, w.market, "commit", "open")
		w.market.show(nil, nil)
		w.market.mu.Lock()
		w.market.over[task.Key()] = true
		w.market.mu.Unlock()
		rest(2 * tidyInterval)
		if _, found, _ := w.journal.Get(task.Key()); found {
			t.Error("the entry is still there although the attempt is over")
		}
	})
}

func TestLostTransactionIsSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.market.onSend = func(ctx context.Context, n int, _ Call) error {
			if n == 1 {
				<-ctx.Done() // in no block
				return ctx.Err()
			}
			return nil
		}
		w.start(nil)
		defer w.stop()
		w.market.show([]Task{w.task(RoleWorker, job.Assigned, 2)}, nil)
		rest(sendTimeout + 2*idleLook)
		wantCalls(t, w.market, "commit", "commit")
		if !bytes.Equal(w.market.sent[0].Data, w.market.sent[1].Data) || w.engine.count() != 2 {
			t.Errorf("got another commitment, or %d items instead of 2", w.engine.count())
		}
	})
}

func TestRefusedStepIsNotSpam(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.market.onSend = func(context.Context, int, Call) error { return &Refused{"jobs: not now"} }
		w.start(nil)
		defer w.stop()
		w.market.show([]Task{w.task(RoleWorker, job.Assigned, 1)}, nil)
		rest(time.Minute)
		if n := len(w.market.calls()); n < 5 || n > 15 {
			t.Errorf("sent in a minute: got %d, want 5 to 15", n)
		}
		if w.logs.count() != 1 || w.engine.count() != 1 {
			t.Errorf("got %d warnings and %d items, want one of each", w.logs.count(), w.engine.count())
		}
	})
}

func TestPokes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.market.onSend = func(context.Context, int, Call) error { return &Refused{"jobs: nothing is due at this batch"} }
		w.start(nil)
		defer w.stop()
		due := Due{Job: 3, State: job.Drawing.String()}
		w.market.show(nil, []Due{due})
		rest(time.Minute)
		if n := len(w.market.calls()); n < 5 || n > 15 {
			t.Errorf("sent in a minute: got %d, want 5 to 15", n)
		}
		if w.logs.count() != 0 {
			t.Errorf("warnings: got %v, want none", w.logs.warnings)
		}
		// Another occasion at the same batch is not held back by what went before.
		before := len(w.market.calls())
		w.market.onSend = nil
		due.Attempt = 1
		w.market.show(nil, []Due{due})
		rest(pokeSpread)
		if n := len(w.market.calls()) - before; n != 1 {
			t.Errorf("pokes of the new occasion: got %d, want 1", n)
		}
	})
}

// Somebody else was quicker: no transaction is sent.
func TestPokeThatIsNotDueAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start(nil)
		defer w.stop()
		w.market.show(nil, []Due{{Job: 3, State: job.Drawing.String()}})
		synctest.Wait()
		w.market.show(nil, nil)
		rest(time.Second)
		wantCalls(t, w.market)
	})
}

func TestFaults(t *testing.T) {
	local := &engine.LocalError{Cause: engine.CauseCrash}
	cases := []struct {
		name   string
		blob   bool
		engine error
		why    job.Reason
		runs   int
	}{
		{"blob that nobody has", false, nil, job.InputMissing, 0},
		{"engine that crashes", true, local, job.Overloaded, engineTriesMax},
		{"unknown model", true, &engine.UnknownModelError{}, job.ModelMissing, 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				runs := 0
				w.engine.on = func(context.Context, []byte) ([]byte, error) { runs++; return nil, c.engine }
				task := w.task(RoleWorker, job.Assigned, 1)
				if !c.blob {
					clear(w.market.blobs)
				}
				w.start(nil)
				defer w.stop()
				w.market.show([]Task{task}, nil)
				rest(15 * time.Second)
				wantCalls(t, w.market, "release")
				if got, want := w.market.last().Data, job.PackRelease(7, 1, c.why); !bytes.Equal(got, want) {
					t.Errorf("got %x, want %x (%s)", got, want, c.why)
				}
				if runs != c.runs {
					t.Errorf("runs of the engine: got %d, want %d", runs, c.runs)
				}
			})
		})
	}
}

// An input at fault is an output, like any other; the other items of the batch have theirs.
func TestInputFaultIsAnOutput(t *testing.T) {
	for fault, want := range map[image.Fault]job.InputFault{
		image.FaultEmpty: job.FaultNotCanonical, image.FaultBytes: job.FaultTooLarge, image.FaultFormat: job.FaultNotCanonical,
		image.FaultDimensions: job.FaultTooLarge, image.FaultDepth: job.FaultNotCanonical, image.FaultInterlaced: job.FaultNotCanonical,
		image.FaultTruncated: job.FaultTruncated, image.FaultChunks: job.FaultTruncated, image.FaultPixels: job.FaultTruncated,
	} {
		t.Run(fault.Error(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.engine.on = func(_ context.Context, input []byte) ([]byte, error) {
					if input[0] == 0 {
						return nil, &engine.InputError{Fault: fault}
					}
					return append([]byte("out "), input...), nil
				}
				task := w.task(RoleWorker, job.Assigned, 2)
				w.start(nil)
				defer w.stop()
				w.market.show([]Task{task}, nil)
				rest(time.Second)
				wantCalls(t, w.market, "commit")
				e, _, err := w.journal.Get(task.Key())
				if err != nil || len(e.Outputs) != 2 {
					t.Fatalf("got %d outputs, %v", len(e.Outputs), err)
				}
				bad := job.Output{Fault: want}
				if !bytes.Equal(e.Outputs[0], bad.Encode()) || !bytes.Equal(e.Outputs[1], outputs(1)[0]) {
					t.Errorf("got %x, want fault %d and an output", e.Outputs, want)
				}
			})
		})
	}
}

// The node goes away for a minute while an item runs: the item is not run again, the batch is not given
// back, the log warns once, and the work goes on when the node is back.
func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.engine.on = func(ctx context.Context, input []byte) ([]byte, error) {
			return append([]byte("out "), input...), pause(ctx, 20*time.Second)
		}
		w.start(nil)
		defer w.stop()
		w.market.show([]Task{w.task(RoleWorker, job.Assigned, 3)}, nil)
		rest(10 * time.Second)
		w.market.cut(true)
		rest(time.Minute)
		if err := w.runner.Health(); !errors.Is(err, errDown) {
			t.Errorf("health: got %v, want %v", err, errDown)
		}
		if got := w.engine.count(); got != 1 {
			t.Errorf("items run without the node: got %d, want the one that was under way", got)
		}
		warned := w.logs.count()
		w.market.up()
		rest(time.Minute)
		wantCalls(t, w.market, "commit")
		if w.engine.count() != 3 || w.runner.Health() != nil {
			t.Errorf("got %d items and health %v, want 3 and nil", w.engine.count(), w.runner.Health())
		}
		// One warning for the outage and one for the step that it cost.
		if warned > 2 || w.logs.count() > 2 {
			t.Errorf("warnings: got %v, want 2 at most", w.logs.warnings)
		}
	})
}

// Subscriptions that end as soon as they begin cost no busy loop, and the work goes on without them.
func TestBrokenSubscription(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.market.broken = true
		w.start(nil)
		defer w.stop()
		rest(10 * time.Second)
		if got, most := w.market.joined, int(10*time.Second/reconnectWait)+1; got < 5 || got > most {
			t.Errorf("subscriptions in 10 s: got %d, want 5 to %d", got, most)
		}
		w.market.show([]Task{w.task(RoleWorker, job.Assigned, 1)}, nil)
		rest(idleLook)
		wantCalls(t, w.market, "commit")
		if w.logs.count() != 0 {
			t.Errorf("warnings: got %v, want none", w.logs.warnings)
		}
	})
}

func TestOtherChain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start(nil)
		rest(time.Second)
		w.market.mu.Lock()
		w.market.genesis = chain.Hash{2}
		w.market.mu.Unlock()
		w.market.cut(false)
		if err := <-w.ended; !errors.Is(err, ErrOtherChain) {
			t.Errorf("got %v, want %v", err, ErrOtherChain)
		}
		w.cancel()
	})
}

func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := func(w *world) bool {
			synctest.Wait()
			return len(w.ended) == 1
		}
		idle := newWorld(t)
		drained := make(chan struct{})
		idle.start(drained)
		synctest.Wait()
		close(drained)
		if !ended(idle) {
			t.Error("nothing is left: got a runner that waits, want its end at once")
		}
		idle.stop()

		busy := newWorld(t)
		task := busy.task(RoleWorker, job.Committed, 1)
		busy.market.show([]Task{task}, nil)
		drained = make(chan struct{})
		busy.start(drained)
		synctest.Wait()
		close(drained)
		rest(time.Minute)
		if ended(busy) {
			t.Error("a batch is not settled: got the runner's end, want that it waits")
		}
		busy.market.show(nil, nil)
		if !ended(busy) {
			t.Error("the batch is settled: got a runner that waits, want its end")
		}
		busy.stop()

		gone := newWorld(t)
		gone.market.show([]Task{task}, nil)
		drained = make(chan struct{})
		gone.start(drained)
		synctest.Wait()
		gone.market.cut(true)
		close(drained)
		rest(time.Second)
		if !ended(gone) {
			t.Error("the node is gone: got a runner that waits, want its end")
		}
		gone.stop()
	})
}

// A damaged entry of work that nothing was committed for is done anew; one that was committed is an error.
func TestDamagedEntry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		task := w.task(RoleWorker, job.Assigned, 1)
		w.start(nil)
		defer w.stop()
		damage(t, w.journal, task.Key())
		w.market.show([]Task{task}, nil)
		rest(time.Second)
		wantCalls(t, w.market, "commit")
		task.State = job.Opening.String()
		damage(t, w.journal, task.Key())
		w.market.show([]Task{task}, nil)
		rest(time.Minute)
		wantCalls(t, w.market, "commit")
		if w.logs.count() != 2 {
			t.Errorf("warnings: got %v, want one for the work done again, one for the step", w.logs.warnings)
		}
	})
}

// Another worker has committed to the batch first: its work is cut short, but only once the chain shows that it is over, for the
// node may lag.
func TestWorkIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var cut atomic.Bool
		w.engine.on = func(ctx context.Context, _ []byte) ([]byte, error) {
			<-ctx.Done()
			cut.Store(true)
			return nil, ctx.Err()
		}
		w.start(nil)
		defer w.stop()
		task := w.task(RoleWorker, job.Assigned, 1)
		w.market.show([]Task{task}, nil)
		rest(time.Second)
		w.market.show(nil, nil)
		rest(time.Minute)
		if cut.Load() {
			t.Fatal("the work is cut short although nothing shows that it is over")
		}
		w.market.mu.Lock()
		w.market.over[task.Key()] = true
		w.market.mu.Unlock()
		w.market.show(nil, nil)
		rest(time.Second)
		if !cut.Load() || len(w.market.calls()) != 0 {
			t.Errorf("cut short: %v, sent: %v; want it cut short and nothing sent", cut.Load(), w.market.calls())
		}
	})
}
