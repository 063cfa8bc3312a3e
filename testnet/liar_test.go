package testnet

import (
	"context"
	"slices"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/internal/photos"
	"github.com/aiwork/aiwork-node/internal/requester"
	"github.com/aiwork/aiwork-node/tasks/dispute"
)

// A worker that flips one bit of its outputs, which no run of the network bears out, is challenged and has nothing to answer: it is found
// wrong, not paid and slashed; its items are done by another
// worker, and the requester pays for each item once.
func TestLiar(t *testing.T) {
	exe, faulty := buildNode(t, ""), buildNode(t, "faulty")
	l := DefaultLayout()
	l.Market = func(p *chain.JobParams) { p.DisputeFirstMs = 5000 } // it cannot answer: nothing is to be waited for
	var honest *Process
	c := network(t, exe, l, func(c *Cluster) {
		c.Workers[0].exe, c.Workers[0].env = faulty, []string{"AIWORK_FAULT_ONE_IN=1"}
		honest = c.apart(1)
	})
	ctx, cancel := context.WithTimeout(t.Context(), crashMax)
	defer cancel()
	cl := c.Client(0)
	defer cl.Close()
	checkHonest(t, liarFirst(ctx, t, c, cl, honest))
	if d := disputeOf(ctx, t, cl, 1); d == nil || d.Verdict != dispute.Wrong.String() || d.Rounds != 0 {
		t.Errorf("the dispute: got %+v, want the liar found wrong for want of an answer", d)
	}
	if got := slashesOf(ctx, t, cl, 0); got != 1 {
		t.Errorf("the liar was slashed %d times, want once", got)
	}
	if got := slashesOf(ctx, t, cl, 1); got != 0 {
		t.Errorf("the honest worker was slashed %d times", got)
	}
}

// apart takes a worker out of a cluster that is not started, for the test to start later.
func (c *Cluster) apart(worker int) *Process {
	p := c.Workers[worker]
	c.Workers = slices.Delete(c.Workers, worker, worker+1)
	return p
}

// join starts a process that stood apart; it ends with the cluster.
func (c *Cluster) join(t *testing.T, p *Process) {
	t.Helper()
	c.Workers = append(c.Workers, p)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
}

// liarFirst runs a job over photographs, audited in full, to its end. Worker 0 is the only one until it is challenged, so that it is drawn;
// then another one joins, which the batch is drawn for next.
func liarFirst(ctx context.Context, t *testing.T, c *Cluster, cl *client.Client, honest *Process) *requester.Job {
	t.Helper()
	if err := WaitWorkers(ctx, cl, 1); err != nil {
		t.Fatal(err)
	}
	id := order(ctx, t, cl, 4)
	waitDispute(ctx, t, cl, "a challenge", func(*endedDispute) bool { return true })
	c.join(t, honest)
	j, err := requester.Watch(ctx, cl, id, func(*requester.Job) {})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := requester.Read(ctx, cl, id, nil); err != nil { // its money adds up
		t.Fatal(err)
	}
	return j
}

// order orders a job over n photographs, audited in full, and does not wait for it.
func order(ctx context.Context, t *testing.T, cl *client.Client, n int) uint64 {
	t.Helper()
	var inputs []requester.Input
	for _, photo := range photos.All()[:n] {
		in, err := requester.NewInput(photo.Name, photo.JPEG)
		if err != nil {
			t.Fatal(err)
		}
		inputs = append(inputs, in)
	}
	model, err := requester.FindModel(ctx, cl, "")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := requester.NewPlan(ctx, cl, model, inputs, requester.Terms{Price: *uint256.NewInt(1e18), AuditPpm: 1_000_000})
	if err != nil {
		t.Fatal(err)
	}
	id, _, err := plan.Fund(ctx, client.NewSender(cl, Account(0)))
	if err != nil {
		t.Fatal(err)
	}
	if err := plan.Upload(ctx, cl, func(int) {}); err != nil {
		t.Fatal(err)
	}
	return id
}

// checkHonest: every item was done, by the honest worker, and paid once.
func checkHonest(t *testing.T, j *requester.Job) {
	t.Helper()
	liar, honest := WorkerAddress(0), WorkerAddress(1)
	for _, it := range j.Items {
		if it.Worker != honest || !it.Opened || it.Fault != "" {
			t.Errorf("item %d: worker %s, opened %v, fault %q, want the honest worker's output", it.Index, it.Worker, it.Opened, it.Fault)
		}
	}
	for _, b := range j.Batches {
		if b.Worker == liar && !b.Paid.IsZero() {
			t.Errorf("batch %d: the liar was paid %s", b.Index, b.Paid.Dec())
		}
	}
	want := new(uint256.Int).Mul(uint256.NewInt(1e18), uint256.NewInt(uint64(len(j.Items))))
	if j.Money.PaidWorkers.Gt(want) || j.Money.PaidWorkers.IsZero() {
		t.Errorf("workers were paid %s for %d items, want at most %s", j.Money.PaidWorkers.Dec(), len(j.Items), want.Dec())
	}
	if !j.Money.Escrow.IsZero() {
		t.Errorf("%s is still held", j.Money.Escrow.Dec())
	}
}

func slashesOf(ctx context.Context, t *testing.T, cl *client.Client, worker int) uint64 {
	t.Helper()
	var w struct {
		Slashes client.Uint64  `json:"slashes"`
		Slashed client.Uint256 `json:"slashed"`
	}
	if err := cl.Call(ctx, &w, "aiwork_getWorker", WorkerAddress(worker)); err != nil {
		t.Fatal(err)
	}
	if w.Slashes > 0 == w.Slashed.IsZero() {
		t.Errorf("worker %d: slashed %d times by %s in all", worker, w.Slashes, w.Slashed.Dec())
	}
	return uint64(w.Slashes)
}
