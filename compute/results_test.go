package compute

import (
	"bytes"
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"lukechampine.com/blake3"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/job"
)

// Long results: the worker commits to their blobs and hands them over once they are opened, also after a restart; an auditor commits to
// the same, and reveals only when it has them all.

func longResult(input []byte) []byte { return bytes.Repeat(append([]byte("long "), input...), 100) }

func longOutput(i byte) job.Output {
	r := longResult([]byte{i})
	return job.Output{Blob: blake3.Sum256(r), Size: uint32(len(r))}
}

func TestWorkerHandsOverLongResults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.engine.on = func(_ context.Context, input []byte) ([]byte, error) {
			if input[0] == 1 {
				return []byte("short"), nil
			}
			return longResult(input), nil
		}
		w.start(nil)
		task := w.task(RoleWorker, job.Assigned, 3)
		w.market.show([]Task{task}, nil)
		rest(time.Second)
		e, _, _ := w.journal.Get(task.Key())
		want := [][]byte{longOutput(0).Encode(), job.Output{Result: []byte("short")}.Encode(), longOutput(2).Encode()}
		if !slices.EqualFunc(e.Outputs, want, bytes.Equal) {
			t.Errorf("outputs: got %x, want %x", e.Outputs, want)
		}
		w.stop()

		task.State = job.Opening.String()
		w.market.show([]Task{task}, nil)
		w.start(nil)
		rest(time.Second)
		task.State, task.Opened = job.Revealing.String(), true
		task.Results = []chain.Hash{longOutput(0).Blob, longOutput(2).Blob}
		w.market.show([]Task{task}, nil)
		rest(time.Second)
		for _, id := range task.Results {
			if _, err := w.market.Blob(t.Context(), id); err != nil {
				t.Errorf("result %s: %v", id, err)
			}
		}
		wantCalls(t, w.market, "commit", "open")
		if err := w.journal.Drop(task.Key()); err != nil {
			t.Error(err)
		}
		if _, err := w.journal.result(task.Key(), longOutput(0).Blob); err == nil {
			t.Error("a result outlives its entry")
		}
		w.stop()
	})
}

func TestAuditorWaitsForResults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.engine.on = func(_ context.Context, input []byte) ([]byte, error) { return longResult(input), nil }
		w.start(nil)
		defer w.stop()
		task := w.task(RoleAuditor, job.Auditing, 2)
		task.Sample = 0b01
		w.market.show([]Task{task}, nil)
		rest(time.Second)
		wantCalls(t, w.market, "auditCommit")
		task.State, task.Sealed, task.Opened = job.Revealing.String(), true, true
		task.Results = []chain.Hash{longOutput(0).Blob, longOutput(1).Blob} // the second was not in the sample
		if err := w.market.PutBlob(t.Context(), longResult([]byte{0})); err != nil {
			t.Fatal(err)
		}
		w.market.show([]Task{task}, nil)
		rest(20 * time.Second)
		wantCalls(t, w.market, "auditCommit")
		if err := w.market.PutBlob(t.Context(), longResult([]byte{1})); err != nil {
			t.Fatal(err)
		}
		w.market.show([]Task{task}, nil)
		rest(20 * time.Second)
		wantCalls(t, w.market, "auditCommit", "auditReveal")
	})
}

func TestOutputOf(t *testing.T) {
	for size, want := range map[int]job.Output{
		255:                    {Result: make([]byte, 255)},
		256:                    {Blob: blake3.Sum256(make([]byte, 256)), Size: 256},
		job.ResultBytesMax + 1: {Fault: job.FaultTooLarge},
	} {
		got := outputOf(make([]byte, size))
		if !bytes.Equal(got.Encode(), want.Encode()) {
			t.Errorf("%d bytes: got %x, want %x", size, got.Encode(), want.Encode())
		}
	}
}
