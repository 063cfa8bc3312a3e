package requester

// A requester's calls against a fake node over HTTP: how logs are paged and found, how a job that moves on is
// read, what is checked before anything is sent, and that a watch outlives a restart of the node.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/tasks/job"
	"github.com/aiwork/aiwork-node/vm/native"
)

// fakeNode answers JSON-RPC calls by method. A method that is not there is an error of the node.
type fakeNode struct {
	mu      sync.Mutex
	methods map[string]func(params []json.RawMessage) (any, error)
	calls   map[string]int
	down    int // requests that are cut off from now on
}

type rpcCall struct {
	ID     uint64            `json:"id"`
	Method string            `json:"method"`
	Params []json.RawMessage `json:"params"`
}

func newFakeNode(t *testing.T) (*fakeNode, *client.Client) {
	t.Helper()
	n := &fakeNode{methods: map[string]func([]json.RawMessage) (any, error){}, calls: map[string]int{}}
	s := httptest.NewServer(n)
	t.Cleanup(s.Close)
	c, err := client.New(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return n, c
}

func (n *fakeNode) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if r.Method != http.MethodPost { // no WebSocket here
		http.Error(w, "no", http.StatusBadRequest)
		return
	}
	if n.down > 0 {
		n.down--
		panic(http.ErrAbortHandler)
	}
	var raw json.RawMessage
	if err := json.NewDecoder(r.Body).Decode(&raw); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if raw[0] != '[' {
		var c rpcCall
		_ = json.Unmarshal(raw, &c)
		_ = json.NewEncoder(w).Encode(n.answer(c))
		return
	}
	var calls []rpcCall
	_ = json.Unmarshal(raw, &calls)
	var out []any
	for _, c := range calls {
		out = append(out, n.answer(c))
	}
	_ = json.NewEncoder(w).Encode(out)
}

func (n *fakeNode) answer(c rpcCall) any {
	n.calls[c.Method]++
	run := n.methods[c.Method]
	if run == nil {
		return map[string]any{"id": c.ID, "error": map[string]any{"code": -32601, "message": "no method " + c.Method}}
	}
	result, err := run(c.Params)
	if err != nil {
		return map[string]any{"id": c.ID, "error": map[string]any{"code": 3, "message": err.Error()}}
	}
	return map[string]any{"id": c.ID, "result": result}
}

func (n *fakeNode) say(method string, result any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.methods[method] = func([]json.RawMessage) (any, error) { return result, nil }
}

// batchEnded and jobClosed are logs in the form of eth_getLogs.
func batchEnded(id, batch uint64) client.Log {
	e := native.Event{Signature: "BatchEnded(uint64,uint32,bool)", Indexed: 2}
	return formLog(e, []chain.Hash{native.WordOfUint64(id), native.WordOfUint64(batch)}, func(d *native.Encoder) { d.Bool(true) })
}

func jobClosed(id uint64) client.Log {
	e := native.Event{Signature: "JobClosed(uint64,address,uint256,uint256,uint256,uint256,uint256)", Indexed: 2}
	return formLog(e, []chain.Hash{native.WordOfUint64(id), {}}, func(d *native.Encoder) {
		for range 5 {
			d.Uint256(new(uint256.Int))
		}
	})
}

func formLog(e native.Event, topics []chain.Hash, fill func(*native.Encoder)) client.Log {
	d := e.Data()
	fill(d)
	return client.Log{Address: chain.AddrJobs, Topics: append([]chain.Hash{native.Topic(e.Signature)}, topics...), Data: d.Out()}
}

// blocks makes a node of a chain with a block a second; logs[h] is what block h logged for job 1. It takes at
// most most blocks a query.
func (n *fakeNode) blocks(head, most uint64, logs map[uint64]client.Log) {
	n.say("eth_blockNumber", client.Uint64(head))
	n.methods["eth_getBlockByNumber"] = func(p []json.RawMessage) (any, error) {
		var h client.Uint64
		_ = json.Unmarshal(p[0], &h)
		return map[string]any{"timestamp": client.Uint64(1000 + uint64(h))}, nil
	}
	n.methods["eth_getLogs"] = func(p []json.RawMessage) (any, error) {
		var f struct {
			From   client.Uint64 `json:"fromBlock"`
			To     client.Uint64 `json:"toBlock"`
			Topics []*chain.Hash `json:"topics"`
		}
		if err := json.Unmarshal(p[0], &f); err != nil {
			return nil, err
		}
		if len(f.Topics) != 2 || f.Topics[0] != nil || *f.Topics[1] != native.WordOfUint64(1) {
			return nil, fmt.Errorf("topics: got %v", f.Topics)
		}
		if uint64(f.To-f.From) >= most {
			return nil, fmt.Errorf("more than %d blocks: ask for blocks 1 to 2 first, then go on", most)
		}
		out := []client.Log{}
		for h := f.From; h <= f.To; h++ {
			if l, ok := logs[uint64(h)]; ok {
				out = append(out, l)
			}
		}
		return out, nil
	}
}

func TestLogsArePaged(t *testing.T) {
	n, c := newFakeNode(t)
	logs := map[uint64]client.Log{10: batchEnded(1, 9)} // before the job's time: an answer that reads it is wrong
	for i := range uint64(40) {
		logs[500+i*700] = batchEnded(1, i)
	}
	n.blocks(40_000, 3000, logs)
	j := &Job{ID: 1, State: "open", CreatedMs: 1_400_500}
	got, err := jobLogs(t.Context(), c, j, 40_000, 40_000)
	if err != nil || len(got) != 40 || got[39].Batch != 39 || got[0].Batch != 0 {
		t.Fatalf("got %d logs, %v, want 40 in order", len(got), err)
	}
	if calls := n.calls["eth_getLogs"]; calls > 20 {
		t.Errorf("queries: got %d, want about 40,000 / 2,500", calls)
	}
	// A closed job's logs are not looked for behind its end.
	for h := range logs {
		if h > 2000 {
			delete(logs, h)
		}
	}
	logs[2000] = jobClosed(1)
	n.calls["eth_getLogs"] = 0
	j.State = "closed"
	got, err = jobLogs(t.Context(), c, j, 40_000, 40_000)
	if err != nil || len(got) != 4 || got[3].Kind != job.JobClosed {
		t.Fatalf("got %d logs, %v, want 4 with the closing last", len(got), err)
	}
	if calls := n.calls["eth_getLogs"]; calls > 4 {
		t.Errorf("queries: got %d, want those up to the closing", calls)
	}
}

func TestForeignLogIsRefused(t *testing.T) {
	n, c := newFakeNode(t)
	n.blocks(10, 100, map[uint64]client.Log{5: batchEnded(2, 0)})
	if _, err := jobLogs(t.Context(), c, &Job{ID: 1}, 10, 10); err == nil {
		t.Error("a log of another job: got no error")
	}
}

func TestSnapshotOfAMovingJob(t *testing.T) {
	n, c := newFakeNode(t)
	n.blocks(5, 100, nil)
	n.say("aiwork_getJob", map[string]any{"id": "0x1", "state": "open"})
	head := 0
	n.methods["eth_blockNumber"] = func([]json.RawMessage) (any, error) {
		head++
		return client.Uint64(min(head, 7)), nil // moves six times, then stands
	}
	if j, _, err := snapshot(t.Context(), c, 1); err != nil || j.State != "open" {
		t.Fatalf("got %v, %v", j, err)
	}
	if got := n.calls["aiwork_getJob"]; got < 3 || got > 5 {
		t.Errorf("readings: got %d, want one for each two heads", got)
	}
	n.methods["eth_blockNumber"] = func([]json.RawMessage) (any, error) { head++; return client.Uint64(head), nil }
	if _, _, err := snapshot(t.Context(), c, 1); err == nil || !strings.Contains(err.Error(), "moves on") {
		t.Errorf("a job that never stands still: got %v", err)
	}
	n.say("aiwork_getJob", nil)
	if _, _, err := snapshot(t.Context(), c, 1); !errors.Is(err, errNoJob) {
		t.Errorf("no job: got %v, want %v", err, errNoJob)
	}
}

func TestPlanChecksBeforeItSends(t *testing.T) {
	n, c := newFakeNode(t)
	params := chain.Params{Jobs: job.DefaultParams()}
	n.say("aiwork_params", params)
	n.say("aiwork_getModels", []Model{{ID: chain.Hash{1}, Name: "one"}, {ID: chain.Hash{2}, Name: "two"}})
	n.say("aiwork_quoteJob", map[string]any{"total": client.Uint256{Int: *uint256.NewInt(1e18)}})
	n.say("eth_gasPrice", "0x3b9aca00")
	if _, err := FindModel(t.Context(), c, "three"); err == nil || !strings.Contains(err.Error(), "one, two") {
		t.Errorf("unknown model: got %v, want the known ones named", err)
	}
	m, err := FindModel(t.Context(), c, chain.Hash{2}.String())
	if err != nil || m.Name != "two" {
		t.Errorf("by id: got %v, %v", m, err)
	}
	in := Input{Name: "a", Blob: chain.Hash{1}}
	if _, err := NewPlan(t.Context(), c, m, make([]Input, job.ItemsMax+1), Terms{}); err == nil || !strings.Contains(err.Error(), "1024") {
		t.Errorf("too many inputs: got %v", err)
	}
	if _, err := NewPlan(t.Context(), c, m, nil, Terms{}); err == nil {
		t.Error("no inputs: got no error")
	}
	if _, err := NewPlan(t.Context(), c, m, []Input{in}, Terms{LifeMs: params.Jobs.JobDeadlineMaxMs + 1}); err == nil || !strings.Contains(err.Error(), "24h") {
		t.Errorf("a life too long: got %v", err)
	}
	p, err := NewPlan(t.Context(), c, m, []Input{in}, Terms{Price: *uint256.NewInt(1), LifeMs: 60_000})
	if err != nil || p.Life.Seconds() != 60 || p.Ends <= p.Life {
		t.Fatalf("got %v, %v to %v, want a minute and more", err, p.Life, p.Ends)
	}
	key, err := secp.ParsePrivateKey([32]byte{31: 1})
	if err != nil {
		t.Fatal(err)
	}
	s := client.NewSender(c, key)
	n.say("eth_getBalance", "0xde0b6b3a7640000") // the escrow, and nothing for gas
	if err := p.CheckFunds(t.Context(), c, s); err == nil || !strings.Contains(err.Error(), "has 1 AWO") {
		t.Errorf("poor account: got %v", err)
	}
	n.say("eth_getBalance", "0xffffffffffffffffff")
	n.methods["eth_estimateGas"] = func([]json.RawMessage) (any, error) {
		return nil, errors.New("execution reverted: jobs: no active worker serves this model")
	}
	if err := p.CheckFunds(t.Context(), c, s); err == nil || !strings.Contains(err.Error(), "no active worker") {
		t.Errorf("a job that would be refused: got %v", err)
	}
	n.say("eth_estimateGas", "0x5208")
	if err := p.CheckFunds(t.Context(), c, s); err != nil {
		t.Errorf("got %v, want nil", err)
	}
	if n.calls["eth_sendRawTransaction"] != 0 {
		t.Error("something was sent")
	}
}

func TestWatchOutlivesARestart(t *testing.T) {
	n, c := newFakeNode(t)
	n.say("aiwork_getJob", map[string]any{"id": "0x1", "state": "open"})
	readings := 0
	j, err := Watch(t.Context(), c, 1, func(j *Job) {
		readings++
		n.mu.Lock()
		n.down = 2
		n.mu.Unlock()
		n.say("aiwork_getJob", map[string]any{"id": "0x1", "state": "closed"})
	})
	if err != nil || !j.Over() || readings != 2 {
		t.Errorf("got %v, %v, %d readings, want the end and both", j, err, readings)
	}
	n.say("aiwork_getJob", nil)
	if _, err := Watch(t.Context(), c, 1, nil); !errors.Is(err, errNoJob) {
		t.Errorf("no job: got %v, want %v", err, errNoJob)
	}
	ctx, cancel := context.WithCancel(t.Context())
	n.say("aiwork_getJob", map[string]any{"id": "0x1", "state": "open"})
	if _, err := Watch(ctx, c, 1, func(*Job) { cancel() }); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
}
