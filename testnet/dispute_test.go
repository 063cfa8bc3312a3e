package testnet

import (
	"context"
	"testing"
	"time"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/tasks/dispute"
)

// Disputes between programs, without a hand: whoever is drawn to audit a liar challenges it, both sides narrow their runs down to a
// tile, and the chain computes that.

// endedDispute is what a test reads of aiwork_getDispute.
type endedDispute struct {
	Phase   string          `json:"phase"`
	Verdict string          `json:"verdict"`
	Parties []chain.Address `json:"parties"`
	Rounds  client.Uint64   `json:"rounds"`
	Steps   client.Uint64   `json:"steps"`
	Entries client.Uint64   `json:"entries"`
	Entry   client.Uint64   `json:"entry"`
}

func disputeOf(ctx context.Context, t *testing.T, cl *client.Client, id uint64) *endedDispute {
	t.Helper()
	var d *endedDispute
	if err := cl.Call(ctx, &d, "aiwork_getDispute", client.Uint64(id)); err != nil {
		t.Fatal(err)
	}
	return d
}

func balanceOf(ctx context.Context, t *testing.T, cl *client.Client, who chain.Address) *uint256.Int {
	t.Helper()
	var b client.Uint256
	if err := cl.Call(ctx, &b, "eth_getBalance", who, "latest"); err != nil {
		t.Fatal(err)
	}
	return &b.Int
}

// A worker computes one value inside the network falsely in one bit, and everything behind it from that; its receipt holds together, and it
// defends it. An auditor challenges it: the dispute ends at the tile of that value, which the chain computes. The liar loses bond, the
// challenger is paid, and the items are done by another worker and paid once.
func TestLieInsideIsDisputed(t *testing.T) {
	exe, faulty := buildNode(t, ""), buildNode(t, "faulty")
	c := network(t, exe, 21_000, func(c *Cluster) {
		c.Workers[0].exe, c.Workers[0].env = faulty, []string{"AIWORK_FAULT_MODE=operator"}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cl := c.Client(0)
	defer cl.Close()
	if err := WaitWorkers(ctx, cl, len(c.Workers)); err != nil {
		t.Fatal(err)
	}
	var d *endedDispute
	for n := 1; d == nil; n++ {
		j := orderPhotos(ctx, t, cl)
		checkHonest(t, j)
		d = disputeOf(ctx, t, cl, 1)
		if n == liarJobsMax && d == nil {
			t.Fatalf("the liar was not challenged in %d jobs", n)
		}
	}
	if d.Phase != dispute.Ended.String() || d.Verdict != dispute.Wrong.String() {
		t.Errorf("the dispute is %s with the verdict %s, want it ended, the worker being wrong", d.Phase, d.Verdict)
	}
	if d.Steps == 0 || d.Entry != 1+(d.Entries-1)*3/4 {
		t.Errorf("it came down to entry %d of %d in %d steps, want the spoilt operator and a tile of it", d.Entry, d.Entries, d.Steps)
	}
	if d.Parties[0] != WorkerAddress(0) {
		t.Errorf("the defender was %s, want the liar", d.Parties[0])
	}
	t.Logf("decided at operator %d of %d after %d rounds and %d steps", d.Entry, d.Entries-1, d.Rounds, d.Steps)
	if got := slashesOf(ctx, t, cl, 0); got != 1 {
		t.Errorf("the liar was slashed %d times, want once", got)
	}
	if got := slashesOf(ctx, t, cl, 1); got != 0 {
		t.Errorf("the honest worker was slashed %d times", got)
	}
	if got := balanceOf(ctx, t, cl, d.Parties[1]); !got.Gt(tokens(10_050)) {
		t.Errorf("the challenger has %s, want its bond back and half of what the liar lost", got.Dec())
	}
}
