package compute

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aiwork/aiwork-node/tasks/job"
)

// Several items are in the engine at once; what comes out is kept in the items' order, however they end; the first
// item that fails ends the task, and what was kept before it is not run again.
func TestItemsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var mu sync.Mutex
		now, most, broken := 0, 0, true
		w.engine.on = func(ctx context.Context, input []byte) ([]byte, error) {
			mu.Lock()
			now++
			most = max(most, now)
			fail := broken && input[0] == 4
			mu.Unlock()
			defer func() { mu.Lock(); now--; mu.Unlock() }()
			select {
			case <-time.After(time.Duration(10-input[0]) * time.Second): // later ones end first
			case <-ctx.Done():
				return nil, ctx.Err()
			}
			if fail {
				return nil, errors.New("no such device")
			}
			return append([]byte("out "), input...), nil
		}
		var err error
		if w.journal, err = OpenJournal(w.dir, [32]byte{1}, me); err != nil {
			t.Fatal(err)
		}
		defer w.journal.Close()
		r := NewRunner(Options{Address: me, Market: w.market, Engine: w.engine, AtOnce: 3, Journal: w.journal, Genesis: [32]byte{1}, Log: nil})
		task := w.task(RoleWorker, job.Assigned, 8)
		if _, err := r.compute(t.Context(), &task, everyPlace(8)); err == nil {
			t.Fatal("a failing item: got no error")
		}
		kept, found, err := w.journal.Get(task.Key())
		if err != nil || !found || len(kept.Outputs) != 4 {
			t.Errorf("kept before the failure: got %d, %v, want the 4 items before it", len(kept.Outputs), err)
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
		if got := w.engine.count() - done; got != 4 {
			t.Errorf("run again: got %d items, want the 4 that were not kept", got)
		}
	})
}
