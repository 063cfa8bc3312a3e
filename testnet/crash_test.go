package testnet

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/crypto/secp"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/internal/home"
	"github.com/aiwork/aiwork-node/internal/requester"
	"github.com/aiwork/aiwork-node/internal/testutil"
	"github.com/aiwork/aiwork-node/tasks/dispute"
)

// Disputes whose parties are killed in the middle: each goes on where the chain says it is, and the honest one wins. Transactions rest
// before a block takes them, so that a dispute lasts some seconds and there is a middle.

const (
	disputePaceMs = 120
	middleRounds  = 3 // of a dispute that is to be disturbed
	crashMax      = 10 * time.Minute
	windowMs      = 60_000 // that each party has: what is killed must not lose by that
	toLookMs      = 45_000 // for who is not drawn to look at results and to challenge one
)

// courtLayout has so many workers, and windows that a restart does not miss. Results lie open for contestMs at least.
func courtLayout(workers int, contestMs uint64) Layout {
	l := DefaultLayout()
	l.Workers = workers
	l.Market = func(p *chain.JobParams) {
		p.LeaseMs, p.AuditCommitMs, p.OpenMs, p.AuditRevealMs, p.ContestMs = windowMs, windowMs, windowMs, windowMs, contestMs
		p.DisputeFirstMs, p.DisputeAnswerMs, p.DisputeFeedMs = windowMs, windowMs, windowMs
	}
	return l
}

var lieInside = []string{"AIWORK_FAULT_MODE=operator"}

// waitDispute waits until dispute 1 is as asked for. It must not end before.
func waitDispute(ctx context.Context, t *testing.T, cl *client.Client, what string, is func(*endedDispute) bool) (d *endedDispute) {
	t.Helper()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		err := cl.Call(ctx, &d, "aiwork_getDispute", client.Uint64(1))
		if err == nil && d != nil && is(d) {
			return d
		}
		if err == nil && d != nil && d.Phase == dispute.Ended.String() {
			t.Fatalf("%s: the dispute has ended before, with %s after %d rounds and %d steps", what, d.Verdict, d.Rounds, d.Steps)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s: %v; the dispute is %+v", what, err, d)
		}
	}
}

func inTheMiddle(d *endedDispute) bool { return d.Rounds >= middleRounds }

// restart kills a process and starts it again, while dispute 1 goes on.
func restart(ctx context.Context, t *testing.T, cl *client.Client, p *Process) {
	t.Helper()
	p.Kill()
	if d := disputeOf(ctx, t, cl, 1); d.Phase == dispute.Ended.String() {
		t.Fatalf("%s was killed after the dispute: nothing is tested", p.Name)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
}

// verdictOf waits for the end of dispute 1.
func verdictOf(ctx context.Context, t *testing.T, cl *client.Client, want dispute.Verdict) {
	t.Helper()
	d := waitDispute(ctx, t, cl, "end of the dispute", func(d *endedDispute) bool { return d.Phase == dispute.Ended.String() })
	if d.Verdict != want.String() || d.Steps == 0 {
		t.Errorf("the dispute ended with %s after %d rounds and %d steps, want %s, a tile having been computed", d.Verdict, d.Rounds, d.Steps, want)
	}
}

// An auditor challenges a liar, and its validator is killed in the middle; then the one that the liar speaks to. The job is done by
// an honest worker that comes later.
func TestChallengerKilledInADispute(t *testing.T) {
	testutil.Long(t)
	exe, faulty := buildNode(t, ""), buildNode(t, "faulty")
	var honest *Process
	c := network(t, exe, courtLayout(2, 0), func(c *Cluster) {
		c.Workers[0].exe, c.Workers[0].env = faulty, lieInside
		honest = c.apart(1)
		c.Pace(disputePaceMs)
	})
	ctx, cancel := context.WithTimeout(t.Context(), crashMax)
	defer cancel()
	cl := c.Client(0)
	defer cl.Close()
	if err := WaitWorkers(ctx, cl, 1); err != nil {
		t.Fatal(err)
	}
	id := order(ctx, t, cl, 1)
	d := waitDispute(ctx, t, cl, "middle of the dispute", inTheMiddle)
	victim := -1
	for i := range c.Validators {
		if address(Account(firstValidatorAccount+i)) == d.Parties[dispute.Challenger] {
			victim = i
		}
	}
	if victim < 0 {
		t.Fatalf("the challenger %s is no validator", d.Parties[dispute.Challenger])
	}
	cl = c.Client((victim + 1) % len(c.Validators))
	defer cl.Close()
	restart(ctx, t, cl, c.Validators[victim])
	c.join(t, honest)
	verdictOf(ctx, t, cl, dispute.Wrong)
	j, err := requester.Watch(ctx, cl, id, func(*requester.Job) {})
	if err != nil {
		t.Fatal(err)
	}
	checkHonest(t, j)
	if got := slashesOf(ctx, t, cl, 0); got != 1 {
		t.Errorf("the liar was slashed %d times, want once", got)
	}
	if got := balanceOf(ctx, t, cl, d.Parties[dispute.Challenger]); !got.Gt(tokens(10_050)) {
		t.Errorf("the challenger has %s, want its bond back and half of what the liar lost", got.Dec())
	}
}

// An honest worker is challenged falsely and killed in the middle; later the node that it speaks to is. It defends its result to the end
// and is paid.
func TestDefenderKilledInADispute(t *testing.T) {
	testutil.Long(t)
	exe, faulty := buildNode(t, ""), buildNode(t, "faulty")
	c := network(t, exe, courtLayout(1, toLookMs), func(c *Cluster) { c.Pace(disputePaceMs) })
	ctx, cancel := context.WithTimeout(t.Context(), crashMax)
	defer cancel()
	cl := c.Client(1) // the worker speaks to validator 0
	defer cl.Close()
	if err := WaitWorkers(ctx, cl, 1); err != nil {
		t.Fatal(err)
	}
	bond := workerBond(ctx, t, cl, 0)
	id := order(ctx, t, cl, 1)
	if _, err := requester.WatchUntil(ctx, cl, id, func(j *requester.Job) bool { return j.Items[0].Opened }); err != nil {
		t.Fatal(err)
	}
	accuser := startVerify(t, faulty, lieInside, c.URL(1), id, Account(3))
	d := waitDispute(ctx, t, cl, "middle of the dispute", inTheMiddle)
	restart(ctx, t, cl, c.Workers[0])
	waitDispute(ctx, t, cl, "the defender's return", func(now *endedDispute) bool { return now.Rounds > d.Rounds+1 })
	restart(ctx, t, cl, c.Validators[0])
	verdictOf(ctx, t, cl, dispute.Stands)
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
	accuser.ended(ctx, t, dispute.Stands)
}

// Auditors challenge nothing here, so it is a watching worker that disputes a lie; it is killed in the middle, and wins.
func TestWatcherKilledInADispute(t *testing.T) {
	testutil.Long(t)
	exe, faulty := buildNode(t, ""), buildNode(t, "faulty")
	var watcher *Process
	c := network(t, exe, courtLayout(2, toLookMs), func(c *Cluster) {
		c.Workers[0].exe, c.Workers[0].env = faulty, lieInside
		watcher = c.apart(1)
		watcher.args = append(watcher.args, "--watch", "1")
		c.Pace(disputePaceMs)
		c.toleratedByAuditors()
	})
	ctx, cancel := context.WithTimeout(t.Context(), crashMax)
	defer cancel()
	cl := c.Client(0)
	defer cl.Close()
	if err := WaitWorkers(ctx, cl, 1); err != nil {
		t.Fatal(err)
	}
	id := order(ctx, t, cl, 1)
	if _, err := requester.WatchUntil(ctx, cl, id, func(j *requester.Job) bool { return j.Batches[0].Worker == WorkerAddress(0) }); err != nil {
		t.Fatal(err)
	}
	c.join(t, watcher)
	d := waitDispute(ctx, t, cl, "middle of the dispute", inTheMiddle)
	if d.Parties[dispute.Challenger] != WorkerAddress(1) {
		t.Fatalf("the challenger is %s, want the watcher", d.Parties[dispute.Challenger])
	}
	restart(ctx, t, cl, watcher)
	verdictOf(ctx, t, cl, dispute.Wrong)
	j, err := requester.WatchUntil(ctx, cl, id, func(j *requester.Job) bool { return j.Batches[0].Attempt > 0 })
	if err != nil {
		t.Fatal(err)
	}
	if got := slashesOf(ctx, t, cl, 0); got != 1 || !j.Money.PaidWorkers.IsZero() {
		t.Errorf("the liar was slashed %d times, and %s paid to workers, want once and nothing", got, j.Money.PaidWorkers.Dec())
	}
}

// Who challenges with an account that has hardly more than the bond is told when that does not suffice and until when; the dispute goes
// on as soon as there is more.
func TestChallengerOutOfMoney(t *testing.T) {
	testutil.Long(t)
	exe, faulty := buildNode(t, ""), buildNode(t, "faulty")
	c := network(t, exe, courtLayout(1, toLookMs), func(c *Cluster) {
		c.Workers[0].exe, c.Workers[0].env = faulty, lieInside
		c.toleratedByAuditors()
	})
	ctx, cancel := context.WithTimeout(t.Context(), crashMax)
	defer cancel()
	cl := c.Client(0)
	defer cl.Close()
	if err := WaitWorkers(ctx, cl, 1); err != nil {
		t.Fatal(err)
	}
	poor := home.NewKey()
	give := func(atto uint64, whole uint64) {
		t.Helper()
		sum := new(uint256.Int).Add(tokens(whole), uint256.NewInt(atto))
		if _, err := client.NewSender(cl, Account(2)).Send(ctx, client.Call{To: address(poor), Value: *sum}); err != nil {
			t.Fatal(err)
		}
	}
	id := order(ctx, t, cl, 1)
	if _, err := requester.WatchUntil(ctx, cl, id, func(j *requester.Job) bool { return j.Items[0].Opened }); err != nil {
		t.Fatal(err)
	}
	const someCalls = 3_000_000_000_000_000 // 0.003 tokens: the challenge and a few rounds
	give(someCalls, 10)
	accuser := startVerify(t, exe, nil, c.URL(1), id, poor)
	accuser.says(ctx, t, "too little for the gas of the next call: send it more before")
	if d := disputeOf(ctx, t, cl, 1); d.Phase == dispute.Ended.String() {
		t.Errorf("the dispute is over: %+v", d)
	}
	give(0, 1)
	verdictOf(ctx, t, cl, dispute.Wrong)
	accuser.ended(ctx, t, dispute.Wrong)
	if got := balanceOf(ctx, t, cl, address(poor)); !got.Gt(tokens(50)) {
		t.Errorf("the challenger has %s, want its bond and half of what the liar lost", got.Dec())
	}
}

// toleratedByAuditors lets validators challenge nothing.
func (c *Cluster) toleratedByAuditors() {
	for _, p := range c.Validators {
		p.Setenv("AIWORK_AUDIT_CHALLENGE_BOND_MAX", "0")
	}
}

// verifying is a `job verify --challenge` that runs.
type verifying struct {
	*Process
	log string
}

func startVerify(t *testing.T, exe string, env []string, url string, job uint64, key secp.PrivateKey) *verifying {
	t.Helper()
	h := home.Home{Dir: filepath.Join(t.TempDir(), "accuser")}
	if err := h.Create(); err != nil {
		t.Fatal(err)
	}
	if err := h.StorePlainAccount(key); err != nil {
		t.Fatal(err)
	}
	v := &verifying{log: filepath.Join(h.Dir, "verify.log")}
	args := []string{"--home", h.Dir, "--json", "job", "verify", strconv.FormatUint(job, 10), "--rpc", url, "--challenge"}
	v.Process = NewProcess("job verify", exe, args, env, v.log)
	if err := v.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Kill)
	return v
}

// says waits for words of it.
func (v *verifying) says(ctx context.Context, t *testing.T, words string) {
	t.Helper()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		text, err := os.ReadFile(v.log)
		if err == nil && strings.Contains(string(text), words) {
			return
		}
		select {
		case <-tick.C:
		case <-v.Done():
			t.Fatalf("it ended without %q: %v", words, v.Failure())
		case <-ctx.Done():
			t.Fatalf("no %q: %v, %s", words, err, text)
		}
	}
}

// ended waits for its end and reads the verdict that it tells. The result differs from its own, so the exit code is 1.
func (v *verifying) ended(ctx context.Context, t *testing.T, want dispute.Verdict) {
	t.Helper()
	select {
	case <-v.Done():
	case <-ctx.Done():
		t.Fatalf("job verify: still runs: %v", v.Failure())
	}
	text, err := os.ReadFile(v.log)
	if err != nil {
		t.Fatal(err)
	}
	var out verified
	if at := bytes.IndexByte(text, '{'); at < 0 || json.NewDecoder(bytes.NewReader(text[at:])).Decode(&out) != nil || out.Dispute == nil {
		t.Fatalf("job verify: no dispute in %s", text)
	}
	if how := v.How(); how != "exit status 1" || out.Dispute.Verdict != want.String() {
		t.Errorf("job verify ended with %s and the verdict %s, want 1 and %s", how, out.Dispute.Verdict, want)
	}
}
