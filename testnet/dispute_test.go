package testnet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/internal/requester"
	"github.com/aiwork/aiwork-node/tasks/dispute"
)

// Disputes between programs, without a hand: whoever is drawn to audit a liar challenges it, both sides narrow their runs down to a
// tile, and the chain computes that.

// endedDispute is what a test reads of aiwork_getDispute.
type endedDispute struct {
	Kind    string          `json:"kind"`
	Path    []client.Uint64 `json:"path"`
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
	var honest *Process
	c := network(t, exe, DefaultLayout(), func(c *Cluster) {
		c.Workers[0].exe, c.Workers[0].env = faulty, lieInside
		honest = c.apart(1)
	})
	ctx, cancel := context.WithTimeout(t.Context(), crashMax)
	defer cancel()
	cl := c.Client(0)
	defer cl.Close()
	checkHonest(t, liarFirst(ctx, t, c, cl, honest))
	d := disputeOf(ctx, t, cl, 1)
	if d.Entry != 1+(d.Entries-1)*3/4 {
		t.Errorf("it came down to entry %d of %d in %d steps, want the spoilt operator and a tile of it", d.Entry, d.Entries, d.Steps)
	}
	liarLost(ctx, t, cl, d)
}

// liarLost looks whether a dispute came down to a tile that was false, and what became of the liar and of who had challenged it.
func liarLost(ctx context.Context, t *testing.T, cl *client.Client, d *endedDispute) {
	t.Helper()
	if d.Phase != dispute.Ended.String() || d.Verdict != dispute.Wrong.String() || d.Steps == 0 {
		t.Errorf("the dispute is %s with the verdict %s after %d steps, want it ended, the worker being wrong, by a tile", d.Phase, d.Verdict, d.Steps)
	}
	if d.Parties[0] != WorkerAddress(0) {
		t.Errorf("the defender was %s, want the liar", d.Parties[0])
	}
	t.Logf("decided at operator %d of %d, within %v, after %d rounds and %d steps", d.Entry, d.Entries-1, d.Path, d.Rounds, d.Steps)
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

// verified is what a test reads of `job verify --json`.
type verified struct {
	Items []struct {
		Equal      bool   `json:"equal"`
		Difference string `json:"difference"`
	} `json:"items"`
	Dispute *struct {
		ID      uint64 `json:"id"`
		Verdict string `json:"verdict"`
	} `json:"dispute"`
}

// verify runs `job verify` and gives its exit code.
func verify(ctx context.Context, t *testing.T, exe string, env []string, url string, job uint64, flags ...string) (out verified, code int) {
	t.Helper()
	args := append([]string{"--home", t.TempDir(), "--json", "job", "verify", strconv.FormatUint(job, 10), "--rpc", url}, flags...)
	cmd := exec.CommandContext(ctx, exe, args...)
	var stdout, stderr bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr = env, &stdout, &stderr
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatal(err)
	}
	if err := json.Unmarshal(stdout.Bytes(), &out); err != nil {
		t.Fatalf("job verify: %v: %s%s", err, stdout.String(), stderr.String())
	}
	return out, cmd.ProcessState.ExitCode()
}

func workerBond(ctx context.Context, t *testing.T, cl *client.Client, worker int) uint256.Int {
	t.Helper()
	var w struct {
		Bond client.Uint256 `json:"bond"`
	}
	if err := cl.Call(ctx, &w, "aiwork_getWorker", WorkerAddress(worker)); err != nil {
		t.Fatal(err)
	}
	return w.Bond.Int
}

// A challenger with a run that is false in one value disputes a true result. The worker's program defends it; the dispute comes down to the
// false tile, which is the challenger's: its bond goes half to the worker, half to nobody. The worker is paid once, as if nothing had been.
func TestMaliciousChallengerLoses(t *testing.T) {
	exe, faulty := buildNode(t, ""), buildNode(t, "faulty")
	const contestMs = toLookMs
	l := DefaultLayout()
	l.Workers = 1
	l.Market = func(p *chain.JobParams) { p.ContestMs, p.AuditRevealMs = contestMs, contestMs }
	c := network(t, exe, l, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cl := c.Client(0)
	defer cl.Close()
	if err := WaitWorkers(ctx, cl, 1); err != nil {
		t.Fatal(err)
	}
	bond, before := workerBond(ctx, t, cl, 0), balanceOf(ctx, t, cl, WorkerAddress(0))
	id := order(ctx, t, cl, 1)
	if _, err := requester.WatchUntil(ctx, cl, id, func(j *requester.Job) bool { return j.Items[0].Opened }); err != nil {
		t.Fatal(err)
	}
	if got, code := verify(ctx, t, exe, nil, c.URL(0), id); code != 0 || len(got.Items) != 1 || !got.Items[0].Equal {
		t.Errorf("an honest look: got %+v with the exit code %d, want equal and 0", got, code)
	}
	lie := []string{"AIWORK_FAULT_MODE=operator"}
	got, code := verify(ctx, t, faulty, lie, c.URL(0), id, "--challenge", "--dev", "3")
	if code != 1 || len(got.Items) != 1 || got.Items[0].Difference == "" || got.Dispute == nil {
		t.Fatalf("a false challenge: got %+v with the exit code %d, want a difference, a dispute and 1", got, code)
	}
	d := disputeOf(ctx, t, cl, got.Dispute.ID)
	if got.Dispute.Verdict != dispute.Stands.String() || d.Verdict != dispute.Stands.String() || d.Steps == 0 {
		t.Errorf("the dispute ended with %s after %d steps, want it to stand, a tile having been computed", d.Verdict, d.Steps)
	}
	j, err := requester.Watch(ctx, cl, id, func(*requester.Job) {})
	if err != nil {
		t.Fatal(err)
	}
	if it := &j.Items[0]; it.Verdict != "verified" || j.Batches[0].Attempt != 0 || !j.Money.PaidWorkers.Eq(tokens(1)) {
		t.Errorf("the item: %s at attempt %d, %s paid in all, want it passed at the first and one token", it.Verdict, j.Batches[0].Attempt, j.Money.PaidWorkers.Dec())
	}
	if got := workerBond(ctx, t, cl, 0); got != bond {
		t.Errorf("the worker's bond: got %s, want %s as before", got.Dec(), bond.Dec())
	}
	gain := new(uint256.Int).Sub(balanceOf(ctx, t, cl, WorkerAddress(0)), before)
	if least := tokens(5); !gain.Gt(least) || gain.Gt(tokens(6)) {
		t.Errorf("the worker gained %s, want one token for the item and five of the challenger's ten, less gas", gain.Dec())
	}
}
