package compute

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/job"
)

// Several items are in the engine at once, and the first takes longer than all others. What comes out is kept at its place as soon as it
// is there; an item that fails ends the task, and what was kept before is not run again.
func TestItemsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		// With three at once the items 1 to 4 end at 1, 2, 4 and 6 s; item 5, begun at 4, fails at 5, 6 and 7, while 0 and 6 run.
		seconds := []int{100, 1, 2, 3, 4, 1, 6, 7}
		var mu sync.Mutex
		now, most, broken := 0, 0, true
		w.engine.on = func(ctx context.Context, input []byte) ([]byte, error) {
			mu.Lock()
			now++
			most = max(most, now)
			fail := broken && input[0] == 5
			mu.Unlock()
			defer func() { mu.Lock(); now--; mu.Unlock() }()
			select {
			case <-time.After(time.Duration(seconds[input[0]]) * time.Second):
			case <-ctx.Done():
				return nil, ctx.Err()
			}
			if fail {
				return nil, errors.New("no such device")
			}
			return append([]byte("out "), input...), nil
		}
		r := w.idle(3)
		defer w.journal.Close()
		task := w.task(RoleWorker, job.Assigned, 8)
		if _, err := r.compute(t.Context(), &task, everyPlace(8)); err == nil {
			t.Fatal("a failing item: got no error")
		}
		kept, found, err := w.journal.Get(task.Key())
		if err != nil || !found || !slices.Equal(kept.missing(8), []int{0, 5, 6, 7}) {
			t.Errorf("kept before the failure: %v, %v, without the items %v, want those that had ended, 1 to 4", found, err, kept.missing(8))
		}
		if most != 3 || now != 0 {
			t.Errorf("items in the engine: got %d at most and %d at the end, want 3 and none", most, now)
		}
		mu.Lock()
		broken = false
		mu.Unlock()
		done := w.engine.count()
		e, err := r.compute(t.Context(), &task, everyPlace(8))
		if err != nil {
			t.Fatal(err)
		}
		if want := outputs(0, 1, 2, 3, 4, 5, 6, 7); !slices.EqualFunc(e.Outputs, want, slices.Equal[[]byte]) {
			t.Errorf("outputs: got %q, want %q", e.Outputs, want)
		}
		if e.Salt != kept.Salt {
			t.Errorf("salt: got %x, want %x as before", e.Salt, kept.Salt)
		}
		if got := w.engine.count() - done; got != 4 {
			t.Errorf("run again: got %d items, want the 4 that were not kept", got)
		}
	})
}

// The process ends while the first item of a sample still runs and the others are done: the next one runs that item alone. An entry with
// gaps is not what a commitment was made from.
func TestEndedOutOfOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.engine.on = func(ctx context.Context, input []byte) ([]byte, error) {
			if input[0] == 1 {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return append([]byte("out "), input...), nil
		}
		task := w.task(RoleAuditor, job.Auditing, 6)
		task.Sample = 0b101110 // the places 1, 2, 3 and 5
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		r := w.idle(2)
		if _, err := r.compute(ctx, &task, job.Sampled(task.Sample)); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v, want the end of the process", err)
		}
		if _, err := r.kept(&task, 4); err == nil {
			t.Error("an entry with a gap: got it as if it were whole")
		}
		_ = w.journal.Close()

		w.engine.on = nil
		r = w.idle(2)
		defer w.journal.Close()
		done := w.engine.count()
		e, err := r.compute(t.Context(), &task, job.Sampled(task.Sample))
		if want := outputs(1, 2, 3, 5); err != nil || !slices.EqualFunc(e.Outputs, want, slices.Equal[[]byte]) {
			t.Errorf("outputs: got %q, %v, want %q", e.Outputs, err, want)
		}
		if got := w.engine.count() - done; got != 1 {
			t.Errorf("run by the second process: got %d items, want the one that ran when the first ended", got)
		}
		if _, err := r.kept(&task, 4); err != nil {
			t.Errorf("the whole entry: got %v", err)
		}
	})
}

// idle gives a runner that runs so many items at once and follows no chain.
func (w *world) idle(atOnce int) *Runner {
	w.t.Helper()
	var err error
	if w.journal, err = OpenJournal(w.dir, [32]byte{1}, me); err != nil {
		w.t.Fatal(err)
	}
	return NewRunner(Options{Address: me, Market: w.market, Engine: w.engine, AtOnce: atOnce, Journal: w.journal, Genesis: [32]byte{1}})
}

// Items of a model that the engine runs together have places of their own: as many as it says, whatever AtOnce is.
func TestItemsTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var mu sync.Mutex
		now, most := 0, 0
		w.engine.on = func(_ context.Context, input []byte) ([]byte, error) {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			defer mu.Unlock()
			now--
			return append([]byte("out "), input...), nil
		}
		r := w.idle(1)
		defer w.journal.Close()
		for together, want := range map[int]time.Duration{1: 9 * time.Second, 4: 3 * time.Second} {
			r.opts.Together = func(chain.Hash) int { return together }
			task := w.task(RoleWorker, job.Assigned, 9)
			task.Job = uint64(together)
			start := time.Now()
			most = 0
			if _, err := r.compute(t.Context(), &task, everyPlace(9)); err != nil {
				t.Fatal(err)
			}
			if got := time.Since(start); got != want || most != together {
				t.Errorf("nine items of a second, %d together: got %s and %d at once, want %s", together, got, most, want)
			}
		}
	})
}
