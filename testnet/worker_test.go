package testnet_test

// Workers and auditors as real processes: killed and stopped in the middle of jobs, and jobs that cannot be
// done. Work is counted by the processes' own metrics: a process that takes up what another has done runs
// nothing again. Every job's money is read from its logs and has to add up.

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holiman/uint256"
	"lukechampine.com/blake3"

	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/npy"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/internal/photos"
	"github.com/aiwork/aiwork-node/internal/requester"
	"github.com/aiwork/aiwork-node/internal/testutil"
	"github.com/aiwork/aiwork-node/tasks/job"
	"github.com/aiwork/aiwork-node/testnet"
)

// market is a network of four validators and one worker whose process the test holds.
type market struct {
	t       *testing.T
	cluster *testnet.Cluster
	worker  *testnet.Process
	node    *client.Client
	sender  *client.Sender
	metrics string   // of the worker
	model   string   // that jobs are for; empty: the one that ships
	flags   []string // of the worker
}

func startMarket(t *testing.T) *market {
	t.Helper()
	m := newMarket(t)
	m.run()
	return m
}

// newMarket makes a market whose processes are not started.
func newMarket(t *testing.T) *market {
	t.Helper()
	c := createNetwork(t, program(t), 4, 1)
	c.Workers = nil // the test's own is started with other flags
	return &market{t: t, cluster: c}
}

// homes lists the folders of all processes.
func (m *market) homes() (list []string) {
	for i := range m.cluster.Layout.Validators {
		list = append(list, filepath.Join(m.cluster.Dir, "validator"+strconv.Itoa(i)))
	}
	return append(list, filepath.Join(m.cluster.Dir, "worker0"))
}

// run starts everything and waits until the worker is active.
func (m *market) run() {
	m.t.Helper()
	t, c := m.t, m.cluster
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	m.node = dial(t, c.URL(0))
	m.sender = client.NewSender(m.node, testnet.Account(1))
	m.metrics = net.JoinHostPort("127.0.0.1", strconv.Itoa(c.Layout.MetricsPort+c.Layout.Validators))
	home := filepath.Join(c.Dir, "worker0")
	args := append([]string{"--home", home, "worker", "--rpc", c.URL(0), "--metrics", m.metrics}, m.flags...)
	m.worker = testnet.NewProcess("worker0", program(t), args, nil, filepath.Join(home, "worker.log"))
	m.start()
	t.Cleanup(m.worker.Kill)
}

// start starts the worker and waits until it is active.
func (m *market) start() {
	m.t.Helper()
	if err := m.worker.Start(); err != nil {
		m.t.Fatal(err)
	}
	eventually(m.t, "worker ready", func(ctx context.Context) (bool, string) {
		status, words := get(ctx, "http://"+m.metrics+"/readyz")
		return status == 200, words
	})
}

// items gives how many items the process behind a metrics address has run and kept.
func (m *market) items(address string) int {
	m.t.Helper()
	_, text := get(m.t.Context(), "http://"+address+"/metrics")
	for line := range strings.Lines(text) {
		if n, ok := strings.CutPrefix(strings.TrimSpace(line), "aiwork_compute_item_seconds_count "); ok {
			count, err := strconv.Atoi(n)
			if err != nil {
				m.t.Fatal(err)
			}
			return count
		}
	}
	m.t.Fatalf("no count of items in the metrics of %s:\n%.300s", address, text)
	return 0
}

// pictures gives n of the photographs.
func pictures(t *testing.T, n int) (inputs []requester.Input) {
	t.Helper()
	for _, p := range photos.All()[:n] {
		in, err := requester.NewInput(p.Name, p.JPEG)
		if err != nil {
			t.Fatal(err)
		}
		inputs = append(inputs, in)
	}
	return inputs
}

func awo(n uint64) *uint256.Int { return new(uint256.Int).Mul(uint256.NewInt(n), uint256.NewInt(1e18)) }

// fund creates a job at one token an item, audited in full.
func (m *market) fund(inputs []requester.Input, life time.Duration) (uint64, *requester.Plan) {
	m.t.Helper()
	model, err := requester.FindModel(m.t.Context(), m.node, m.model)
	if err != nil {
		m.t.Fatal(err)
	}
	terms := requester.Terms{Price: *awo(1), AuditPpm: 1_000_000, LifeMs: uint64(life.Milliseconds())}
	plan, err := requester.NewPlan(m.t.Context(), m.node, model, inputs, terms)
	if err != nil {
		m.t.Fatal(err)
	}
	id, _, err := plan.Fund(m.t.Context(), m.sender)
	if err != nil {
		m.t.Fatal(err)
	}
	return id, plan
}

// order creates a job and uploads its inputs.
func (m *market) order(inputs []requester.Input) uint64 {
	m.t.Helper()
	id, plan := m.fund(inputs, 0)
	if err := plan.Upload(m.t.Context(), m.node, func(int) {}); err != nil {
		m.t.Fatal(err)
	}
	return id
}

// until waits for the job to be as asked for, and gives it.
func (m *market) until(id uint64, what string, is func(*requester.Job) bool) (j *requester.Job) {
	m.t.Helper()
	eventually(m.t, what, func(ctx context.Context) (bool, string) {
		var err error
		if j, err = requester.Load(ctx, m.node, id); err != nil {
			return false, err.Error()
		}
		_, _, note := j.Progress()
		return is(j), j.State + " " + note
	})
	return j
}

// result waits for the end of a job and gives its result, whose money adds up.
func (m *market) result(id uint64) (*requester.Job, *requester.Result) {
	m.t.Helper()
	j := m.until(id, fmt.Sprintf("end of job %d", id), (*requester.Job).Over)
	r, err := requester.Read(m.t.Context(), m.node, id, nil)
	if err != nil {
		m.t.Fatal(err)
	}
	return j, r
}

// caught orders jobs of n pictures, one after the other, until one is seen that is as asked for: what lasts a moment may pass between two
// looks. It gives that job.
func (m *market) caught(what string, n int, is func(*requester.Job) bool) uint64 {
	m.t.Helper()
	const jobsMax = 8
	for range jobsMax {
		id, seen := m.order(pictures(m.t, n)), false
		m.until(id, what, func(j *requester.Job) bool {
			seen = is(j)
			return seen || j.Over()
		})
		if seen {
			return id
		}
	}
	m.t.Fatalf("%s: not seen in %d jobs", what, jobsMax)
	return 0
}

func batchIs(states ...string) func(*requester.Job) bool {
	return func(j *requester.Job) bool {
		for _, s := range states {
			if len(j.Batches) > 0 && j.Batches[0].State == s {
				return true
			}
		}
		return false
	}
}

// doneOnce checks that a job's batch was done at the first attempt, and paid once.
func (m *market) doneOnce(id uint64, items uint64) {
	m.t.Helper()
	m.doneOnceFor(id, awo(items))
}

func (m *market) doneOnceFor(id uint64, pay *uint256.Int) {
	m.t.Helper()
	j, r := m.result(id)
	b := &j.Batches[0]
	if b.State != "settled" || b.Attempt != 0 || len(r.Slashed) != 0 {
		m.t.Errorf("batch: got %s at attempt %d, slashed %v, want it settled at attempt 0 and nobody slashed", b.State, b.Attempt, r.Slashed)
	}
	if !j.Money.PaidWorkers.Eq(pay) {
		m.t.Errorf("worker was paid %s, want %s", j.Money.PaidWorkers.Dec(), pay.Dec())
	}
}

func TestWorkerKilledWhileItComputes(t *testing.T) {
	m := startMarket(t)
	id := m.order(pictures(t, 8))
	done := 0
	eventually(t, "two items", func(context.Context) (bool, string) {
		done = m.items(m.metrics)
		return done >= 2, strconv.Itoa(done)
	})
	m.worker.Kill()
	m.start()
	m.doneOnce(id, 8)
	if again := m.items(m.metrics); again > 8-done {
		t.Errorf("items run by the second process: got %d, want %d at most, since %d were done", again, 8-done, done)
	}
}

// The first item of a batch waits for its input while those behind it are done. A worker that is killed then runs that one alone when it is
// back. The model takes no time, so that nothing but the input is waited for.
func TestWorkerKilledOutOfOrder(t *testing.T) {
	m := newMarket(t)
	file := doubler(t)
	for _, h := range m.homes() {
		stock(t, model.Store{Dir: filepath.Join(h, "models")}, file)
	}
	m.flags = []string{"--engines", "2"}
	m.run()
	m.model = file.Name
	id, plan := m.fund(vectors(t, 5), 0)
	late := plan.Inputs
	plan.Inputs = late[1:]
	if err := plan.Upload(t.Context(), m.node, func(int) {}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "four items", func(context.Context) (bool, string) {
		done := m.items(m.metrics)
		return done == 4, strconv.Itoa(done)
	})
	m.worker.Kill()
	plan.Inputs = late[:1]
	if err := plan.Upload(t.Context(), m.node, func(int) {}); err != nil {
		t.Fatal(err)
	}
	m.start()
	m.doneOnce(id, 5)
	if again := m.items(m.metrics); again != 1 {
		t.Errorf("items run by the second process: got %d, want the one whose input was late", again)
	}
}

// vectors gives n inputs of a model of tensors, each longer than the one before.
func vectors(t *testing.T, n int) (inputs []requester.Input) {
	t.Helper()
	for i := range n {
		path := filepath.Join(t.TempDir(), "x.npy")
		if err := os.WriteFile(path, npy.Encode(tensor.Of([]int{i + 1}, make([]float32, i+1))), 0o644); err != nil {
			t.Fatal(err)
		}
		in, err := requester.ReadInput(path)
		if err != nil {
			t.Fatal(err)
		}
		inputs = append(inputs, in)
	}
	return inputs
}

func TestWorkerKilledBetweenCommitAndOpen(t *testing.T) {
	m := startMarket(t)
	id := m.caught("commitment", 3, batchIs("committed", "auditing", "opening"))
	m.worker.Kill()
	m.start()
	m.doneOnce(id, 3)
	if again := m.items(m.metrics); again != 0 {
		t.Errorf("items run by the second process: got %d, want 0", again)
	}
}

// ended waits for the worker's end and gives what is said of it: "ended" stands for exit code 0.
func (m *market) ended(within time.Duration) string {
	m.t.Helper()
	select {
	case <-m.worker.Done():
	case <-time.After(within):
		m.t.Fatalf("the worker still runs after %s", within)
	}
	how, _, _ := strings.Cut(strings.TrimPrefix(m.worker.Failure().Error(), "worker0: "), ";")
	return how
}

func (m *market) signal(s syscall.Signal) {
	m.t.Helper()
	if err := syscall.Kill(m.worker.PID(), s); err != nil {
		m.t.Fatal(err)
	}
}

func TestWorkerDrains(t *testing.T) {
	m := startMarket(t)
	id := m.order(pictures(t, 3))
	m.until(id, "assignment", batchIs("assigned", "committed", "auditing"))
	m.signal(syscall.SIGTERM)
	if how := m.ended(waitMax); how != "ended" {
		t.Errorf("drained worker: got %s, want exit code 0", how)
	}
	// It waited for the settlement, so the node shows it at once.
	if j, err := requester.Load(t.Context(), m.node, id); err != nil || !j.Over() {
		t.Errorf("when the worker had ended: got job %v, %v, want it over", j.State, err)
	}
	m.doneOnce(id, 3)
	var w struct {
		State string `json:"state"`
	}
	if err := m.node.Call(t.Context(), &w, "aiwork_getWorker", addressOf(100)); err != nil || w.State != "draining" {
		t.Errorf("on chain: got %q, %v, want draining", w.State, err)
	}

	m.start() // resumes
	m.signal(syscall.SIGTERM)
	if how := m.ended(waitMax); how != "ended" {
		t.Errorf("idle worker: got %s, want exit code 0", how)
	}
}

// A second signal ends a worker at once: here its drain would last, since two of four validators are gone and no block comes.
func TestSecondSignalEndsADrain(t *testing.T) {
	m := startMarket(t)
	id := m.caught("assignment", 3, batchIs("assigned", "committed", "auditing"))
	for _, v := range m.cluster.Validators[2:] {
		v.Kill()
	}
	m.signal(syscall.SIGTERM)
	log := filepath.Join(m.cluster.Dir, "worker0", "worker.log")
	eventually(t, "word of the first signal", func(context.Context) (bool, string) {
		text, err := os.ReadFile(log)
		return strings.Contains(string(text), "stopping: finishing"), fmt.Sprint(err)
	})
	eventually(t, "end by a second signal", func(context.Context) (bool, string) {
		pid := m.worker.PID()
		if pid != 0 {
			_ = syscall.Kill(pid, syscall.SIGTERM) // it may have ended meanwhile
		}
		return pid == 0, m.worker.How()
	})
	if how := m.ended(waitMax); how != "signal: terminated" {
		t.Errorf("worker: got %s, want the end that the signal means", how)
	}
	for _, v := range m.cluster.Validators[2:] {
		if err := v.Start(); err != nil {
			t.Fatal(err)
		}
	}
	m.start()
	m.doneOnce(id, 3)
}

// An auditor dies between its commitment and its reveal, and reveals what it committed to, not computed anew.
func TestAuditorRestarts(t *testing.T) {
	m := startMarket(t)
	victim := 0
	id := m.caught("a sealed audit", 4, func(j *requester.Job) bool {
		if !batchIs("auditing", "opening")(j) {
			return false
		}
		for _, a := range j.Batches[0].Auditors {
			for i := 1; i < 4; i++ { // validator 0 is the one that is asked
				if a.Sealed && !a.Revealed && a.Address == addressOf(10+i) {
					victim = i
					return true
				}
			}
		}
		return false
	})
	m.cluster.Validators[victim].Kill()
	if err := m.cluster.Validators[victim].Start(); err != nil {
		t.Fatal(err)
	}
	j, r := m.result(id)
	if len(r.Slashed) != 0 || j.Batches[0].State != "settled" || j.Batches[0].Attempt != 0 {
		t.Errorf("got %s, slashed %v, want it settled and nobody slashed", j.Batches[0].State, r.Slashed)
	}
	for _, a := range j.Batches[0].Auditors {
		if !a.Revealed || !a.Agrees {
			t.Errorf("auditor %s: got revealed %v, agrees %v, want both", a.Address, a.Revealed, a.Agrees)
		}
	}
	metrics := net.JoinHostPort("127.0.0.1", strconv.Itoa(m.cluster.Layout.MetricsPort+victim))
	eventually(t, "restarted validator", func(ctx context.Context) (bool, string) {
		status, words := get(ctx, "http://"+metrics+"/livez")
		return status == 200, words
	})
	if again := m.items(metrics); again != 0 {
		t.Errorf("items run again by the auditor: got %d, want 0", again)
	}
}

func TestJobsThatCannotBeDone(t *testing.T) {
	m := startMarket(t)
	for name, run := range map[string]func(*market, *testing.T){
		"input is no picture": (*market).noPicture, "input never comes": (*market).neverUploaded, "cancelled before work": (*market).cancelled,
	} {
		t.Run(name, func(t *testing.T) {
			in := *m
			in.t = t
			run(&in, t)
		})
	}
}

// What is no PNG ends as a fault of that item, computed and audited like any other, for a tenth of the price.
func (m *market) noPicture(t *testing.T) {
	text := []byte("this is a text, whatever its file is called")
	inputs := append(pictures(t, 1), requester.Input{Name: "text.png", Data: text, Form: "8-bit PNG", Blob: blake3.Sum256(text)})
	j, r := m.result(m.order(inputs))
	good, bad := &r.Items[0], &r.Items[1]
	if good.Fault != "" || len(good.Values) != 5 || good.Verdict != "verified" || good.Paid != "1" {
		t.Errorf("the picture: got %+v, want five classes, verified, paid 1", good)
	}
	if bad.Fault == "" || len(bad.Values) != 0 || bad.Verdict != "verified" || bad.Paid != "0.1" {
		t.Errorf("the text: got %+v, want a fault, verified, paid 0.1", bad)
	}
	if r.Fees != "0.011" || j.Money.PaidWorkers.Dec() != "1100000000000000000" {
		t.Errorf("money: got fees %s and %s for the worker, want 0.011 and 1.1", r.Fees, j.Money.PaidWorkers.Dec())
	}
}

// A worker gives a batch back whose input nobody has, loses nothing by it, and the job ends in a refund.
func (m *market) neverUploaded(t *testing.T) {
	id, _ := m.fund(pictures(t, 2), 8*time.Second)
	j, r := m.result(id)
	back := new(uint256.Int).Add(&j.Money.Refunded.Int, &j.Money.Tips.Int)
	if len(r.Payments) != 0 || !back.Eq(&j.Money.Funded.Int) {
		t.Errorf("got %s back of %s and payments %v, want all but tips", r.Refund, r.Escrow, r.Payments)
	}
	var w struct {
		Slashed client.Uint256 `json:"slashed"`
	}
	if err := m.node.Call(t.Context(), &w, "aiwork_getWorker", addressOf(100)); err != nil || !w.Slashed.IsZero() {
		t.Errorf("the worker lost %s, %v, want nothing", w.Slashed.Dec(), err)
	}
}

func (m *market) cancelled(t *testing.T) {
	id, _ := m.fund(pictures(t, 2), 0)
	call := client.Call{To: chain.AddrJobs, Data: job.PackCancel(id)}
	if _, err := m.sender.Send(t.Context(), call); err != nil {
		t.Fatal(err)
	}
	j, r := m.result(id)
	if j.State != "cancelled" || !j.Money.Refunded.Eq(&j.Money.Funded.Int) || r.Refund != r.Escrow {
		t.Errorf("got %s with %s back of %s, want it cancelled and all of it back", j.State, r.Refund, r.Escrow)
	}
}

// A worker that is started before its node warns once and takes up work when the node is there; one that loses
// the node in the middle of a batch does not run its items again.
func TestWorkerOutlivesItsNode(t *testing.T) {
	c := createNetwork(t, program(t), 4, 1)
	c.Workers = nil
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	home := filepath.Join(c.Dir, "worker0")
	log := filepath.Join(home, "worker.log")
	m := &market{t: t, cluster: c, node: dial(t, c.URL(1))}
	m.metrics = net.JoinHostPort("127.0.0.1", strconv.Itoa(c.Layout.MetricsPort+4))
	m.worker = testnet.NewProcess("worker0", program(t), []string{"--home", home, "worker", "--rpc", c.URL(0), "--metrics", m.metrics}, nil, log)
	t.Cleanup(m.worker.Kill)
	if err := m.worker.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "reason of not being ready", func(ctx context.Context) (bool, string) {
		status, words := get(ctx, "http://"+m.metrics+"/readyz")
		return status == 503 && strings.Contains(words, "enrolled"), words
	})
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "worker ready", func(ctx context.Context) (bool, string) {
		status, words := get(ctx, "http://"+m.metrics+"/readyz")
		return status == 200, words
	})
	if n := warnings(t, log); n > 2 { // one for the node that is not there, one for one that is still starting
		t.Errorf("warnings while the node was not there: got %d, want one", n)
	}

	m.sender = client.NewSender(m.node, testnet.Account(1))
	id := m.order(pictures(t, 6))
	eventually(t, "an item", func(context.Context) (bool, string) { return m.items(m.metrics) > 0, "none yet" })
	c.Validators[0].Kill()
	eventually(t, "notice of the outage", func(ctx context.Context) (bool, string) {
		status, words := get(ctx, "http://"+m.metrics+"/readyz")
		return status == 503, words
	})
	if err := c.Validators[0].Start(); err != nil {
		t.Fatal(err)
	}
	m.doneOnce(id, 6)
	if n := m.items(m.metrics); n != 6 {
		t.Errorf("items run: got %d, want 6, each once", n)
	}
}

// warnings counts them in a log.
func warnings(t *testing.T, path string) int {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(text), "level=WARN")
}

// A network that is stopped with jobs under way stops soon, and finishes them after the next start.
func TestNetworkStopsWithJobsUnderWay(t *testing.T) {
	c := startNetwork(t, 4, 2)
	m := &market{t: t, cluster: c, node: dial(t, c.URL(0))}
	m.sender = client.NewSender(m.node, testnet.Account(1))
	eventually(t, "workers", func(ctx context.Context) (bool, string) {
		var workers []struct{}
		err := m.node.Call(ctx, &workers, "aiwork_getWorkers")
		return len(workers) == 2, fmt.Sprint(len(workers), err)
	})
	var ids []uint64
	for range 3 {
		ids = append(ids, m.order(pictures(t, 8)))
	}
	// The first job may be over by now; the last was ordered a moment ago and is still to be drawn.
	m.until(ids[2], "work", batchIs("assigned", "committed", "auditing"))
	if err := c.Stop(); err != nil { // one that must be killed is an error
		t.Errorf("stop: %v", err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		j, _ := m.result(id)
		if j.State != "closed" || !j.Money.PaidWorkers.Eq(awo(8)) {
			t.Errorf("job %d: got %s with %s paid, want all of it done", id, j.State, j.Money.PaidWorkers.Dec())
		}
	}
}

func TestWorkerCommands(t *testing.T) {
	m := startMarket(t)
	rpc := []string{"--rpc", m.cluster.URL(0)}
	home := filepath.Join(m.cluster.Dir, "worker0")
	run := func(args ...string) outcome {
		return command(t, nil, append(append([]string{"--home", home}, args...), rpc...)...)
	}
	var record struct {
		State string `json:"state"`
		Bond  string `json:"bond"`
	}
	oneValue(t, run("--json", "worker", "status").succeeded(t), &record)
	if record.State != "active" || record.Bond != "0x3635c9adc5dea00000" {
		t.Errorf("status: got %+v, want active with 1000 tokens", record)
	}
	command(t, nil, append([]string{"worker", "status", "--dev", "0"}, rpc...)...).refused(t, 1, "is no worker")
	run("worker", "withdraw").refused(t, 1, "worker leave")

	photo := filepath.Join(testutil.Root(t), "internal", "photos", "data", "fig.jpg")
	var estimate struct {
		Total string  `json:"total"`
		Ends  float64 `json:"endsWithinSeconds"`
	}
	oneValue(t, command(t, nil, append([]string{"job", "create", "--json", "--estimate"}, append(rpc, photo)...)...).succeeded(t), &estimate)
	if estimate.Total == "" || estimate.Ends < 600 {
		t.Errorf("estimate: got %+v", estimate)
	}
	var result struct {
		State  string `json:"state"`
		AddsUp bool   `json:"addsUp"`
		Items  []struct {
			Name    string             `json:"name"`
			Classes map[string]float64 `json:"classes"`
		} `json:"items"`
	}
	oneValue(t, command(t, nil, append([]string{"job", "create", "--json", "--dev", "0", "--audit", "1"}, append(rpc, photo)...)...).succeeded(t), &result)
	if result.State != "closed" || !result.AddsUp || len(result.Items) != 1 || result.Items[0].Name != "fig.jpg" || len(result.Items[0].Classes) != 5 {
		t.Errorf("job create --json: got %+v", result)
	}
	before, _ := height(t.Context(), m.node)
	command(t, nil, append([]string{"job", "create", "--dev", "0", "--model", "clairvoyance"}, append(rpc, photo)...)...).
		refused(t, 1, `unknown model "clairvoyance"`, "content-safety")
	command(t, nil, append([]string{"job", "create", "--dev", "0", "--price", "2000000"}, append(rpc, photo)...)...).
		refused(t, 1, "nothing was sent", "the job needs")

	// Draws may still look at the weight of a worker that has just registered: it drains until it can leave.
	run("worker", "leave").refused(t, 3, "too few sessions ago", "is draining", "again later")
	oneValue(t, run("--json", "worker", "status").succeeded(t), &record)
	if record.State != "draining" {
		t.Errorf("after leave: got %s, want draining", record.State)
	}
	command(t, nil, append([]string{"job", "create", "--dev", "0"}, append(rpc, photo)...)...).
		refused(t, 1, "nothing was sent", "no active worker serves this model")
	var jobs []struct{}
	if err := m.node.Call(t.Context(), &jobs, "aiwork_getJobs"); err != nil || len(jobs) != 1 {
		t.Errorf("jobs on chain since block %d: got %d, %v, want the one that was paid for", before, len(jobs), err)
	}
}

// oneValue checks that text is one JSON value and nothing else.
func oneValue(t *testing.T, text string, into any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	if err := d.Decode(into); err != nil {
		t.Fatalf("no JSON: %v in %s", err, text)
	}
	if _, err := d.Token(); err != io.EOF {
		t.Errorf("more than one value: %s", text)
	}
}
