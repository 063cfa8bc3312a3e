package compute

// The market behind JSON-RPC, against a fake node over HTTP: which errors are refusals, what counts as no
// blob, when an attempt is over, and what enrolling takes.

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/holiman/uint256"
	"lukechampine.com/blake3"

	"github.com/aiwork/aiwork-node/compute/capability"
	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/tasks/registry"
)

// rpcFault is an error object.
type rpcFault struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// fakeRPC answers each method with a result or a *rpcFault. Transactions are kept, and have good receipts.
type fakeRPC struct {
	mu      sync.Mutex
	answers map[string]any
	txs     []*chain.Tx
	nonces  int // times that the nonce was asked for
}

func (n *fakeRPC) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var c struct {
		ID     uint64            `json:"id"`
		Method string            `json:"method"`
		Params []json.RawMessage `json:"params"`
	}
	_ = json.NewDecoder(r.Body).Decode(&c)
	answer, known := n.answers[c.Method]
	switch c.Method {
	case "eth_sendRawTransaction":
		var raw client.Bytes
		_ = json.Unmarshal(c.Params[0], &raw)
		if tx, err := chain.DecodeTx(raw); err == nil && !known {
			n.txs = append(n.txs, tx)
			answer, known = tx.Hash(), true
		}
	case "eth_getTransactionCount":
		n.nonces++
	}
	reply := map[string]any{"id": c.ID}
	if fault, bad := answer.(*rpcFault); bad || !known {
		if !known {
			fault = &rpcFault{-32601, "no method " + c.Method}
		}
		reply["error"] = fault
	} else {
		reply["result"] = answer
	}
	_ = json.NewEncoder(w).Encode(reply)
}

func newRemote(t *testing.T) (*fakeRPC, *Remote) {
	t.Helper()
	n := &fakeRPC{answers: map[string]any{
		"eth_chainId": "0x1", "eth_getTransactionCount": "0x5", "eth_gasPrice": "0x1", "eth_estimateGas": "0x5208",
		"eth_getTransactionReceipt": map[string]any{"status": "0x1"},
	}}
	s := httptest.NewServer(n)
	t.Cleanup(s.Close)
	c, err := client.New(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	key, err := secp.ParsePrivateKey([32]byte{31: 7})
	if err != nil {
		t.Fatal(err)
	}
	return n, NewRemote(c, key)
}

func TestRemoteSend(t *testing.T) {
	n, m := newRemote(t)
	call := Call{To: chain.AddrJobs, Data: []byte{1, 2, 3, 4}}
	if err := m.Send(t.Context(), call); err != nil {
		t.Fatal(err)
	}
	if got := n.txs[0]; got.Nonce != 5 || got.Gas != GasLimit(21000) || *got.To != chain.AddrJobs {
		t.Errorf("got nonce %d, gas %d to %s", got.Nonce, got.Gas, got.To)
	}
	n.answers["eth_estimateGas"] = &rpcFault{3, "execution reverted: jobs: no such job"}
	refused, ok := errors.AsType[*Refused](m.Send(t.Context(), call))
	if !ok || refused.Reason != "jobs: no such job" || len(n.txs) != 1 {
		t.Errorf("refused by the estimate: got %v and %d transactions", refused, len(n.txs))
	}
	n.answers["eth_estimateGas"] = &rpcFault{-32005, "too many requests"}
	if err := m.Send(t.Context(), call); err == nil {
		t.Error("a busy node: got nil")
	} else if _, refused := errors.AsType[*Refused](err); refused {
		t.Errorf("a busy node: got a refusal by the chain, %v", err)
	}
	n.answers["eth_estimateGas"] = "0x5208"
	n.answers["eth_getTransactionReceipt"] = map[string]any{"status": "0x0", "revertReason": "jobs: too late"}
	if refused, ok := errors.AsType[*Refused](m.Send(t.Context(), call)); !ok || !strings.Contains(refused.Reason, "too late") {
		t.Errorf("reverted: got %v", refused)
	}
	// A transaction that no block shows: its nonce may be free again, so the next one asks.
	n.answers["eth_getTransactionReceipt"] = &rpcFault{-32000, "gone"}
	asked := n.nonces
	if err := m.Send(t.Context(), call); err == nil {
		t.Error("a lost transaction: got nil")
	}
	n.answers["eth_getTransactionReceipt"] = map[string]any{"status": "0x1"}
	if err := m.Send(t.Context(), call); err != nil || n.nonces != asked+1 {
		t.Errorf("after a lost transaction: got %v and the nonce asked for %d times more, want once", err, n.nonces-asked)
	}
}

func TestRemoteBlob(t *testing.T) {
	n, m := newRemote(t)
	data := []byte("an input")
	n.answers["aiwork_getBlob"] = base64.StdEncoding.EncodeToString(data)
	if got, err := m.Blob(t.Context(), blake3.Sum256(data)); err != nil || string(got) != string(data) {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := m.Blob(t.Context(), chain.Hash{1}); !errors.Is(err, ErrNoBlob) {
		t.Errorf("other bytes: got %v, want %v", err, ErrNoBlob)
	}
	n.answers["aiwork_getBlob"] = nil
	if _, err := m.Blob(t.Context(), chain.Hash{1}); !errors.Is(err, ErrNoBlob) {
		t.Errorf("no blob: got %v, want %v", err, ErrNoBlob)
	}
	n.answers["aiwork_getBlob"] = &rpcFault{-32005, "busy"}
	if _, err := m.Blob(t.Context(), chain.Hash{1}); err == nil || errors.Is(err, ErrNoBlob) {
		t.Errorf("a busy node: got %v, want an error that says nothing of the blob", err)
	}
}

func TestRemoteOver(t *testing.T) {
	n, m := newRemote(t)
	by := func(who chain.Address, state string, attempt uint64) map[string]any {
		return map[string]any{"state": state, "attempt": client.Uint64(attempt), "worker": who}
	}
	batch := func(state string, attempt uint64) map[string]any { return by(m.sender.Address(), state, attempt) }
	job := func(state string, batches ...map[string]any) any {
		return map[string]any{"state": state, "batches": batches}
	}
	for name, c := range map[string]struct {
		answer any
		want   bool
	}{
		"unknown job":     {nil, false},
		"closed":          {job("closed"), true},
		"cancelled":       {job("cancelled"), true},
		"same attempt":    {job("open", batch("settled", 0), batch("committed", 1)), false},
		"earlier attempt": {job("open", batch("settled", 0), batch("drawing", 0)), false},
		"later attempt":   {job("open", batch("drawing", 0), batch("drawing", 2)), true},
		"settled":         {job("closing", batch("drawing", 0), batch("settled", 1)), true},
		"void":            {job("open", batch("drawing", 0), batch("void", 1)), true},
		"no such batch":   {job("filling"), false},
		"another's lease": {job("open", batch("drawing", 0), by(chain.Address{1}, "assigned", 1)), false},
		"another's work":  {job("open", batch("drawing", 0), by(chain.Address{1}, "committed", 1)), true},
	} {
		n.answers["aiwork_getJob"] = c.answer
		if got, err := m.Over(t.Context(), Key{RoleWorker, 1, 1, 1}); err != nil || got != c.want {
			t.Errorf("%s: got %v, %v, want %v", name, got, err, c.want)
		}
	}
}

func TestEnrol(t *testing.T) {
	bond := *uint256.NewInt(100)
	e := Enrolment{Bond: bond, Payout: chain.Address{1}, Models: []chain.Hash{{1}, {2}}, About: "a"}
	record := func(state registry.State, bond uint64, models ...chain.Hash) any {
		return map[string]any{"state": state.String(), "bond": client.Uint256{Int: *uint256.NewInt(bond)}, "models": models}
	}
	for name, c := range map[string]struct {
		record any
		want   []string
		value  uint64 // of the first transaction
	}{
		"new":          {nil, []string{"registered"}, 100},
		"all well":     {record(registry.Active, 100, chain.Hash{2}, chain.Hash{1}), nil, 0},
		"other models": {record(registry.Active, 200, chain.Hash{2}, chain.Hash{3}), []string{"models changed"}, 0},
		"bond too low": {record(registry.Active, 40, chain.Hash{2}, chain.Hash{1}), []string{"bond added"}, 60},
		"slashed":      {record(registry.Suspended, 40, chain.Hash{1}, chain.Hash{2}), []string{"bond added", "resumed"}, 60},
		"drained":      {record(registry.Draining, 100, chain.Hash{1}, chain.Hash{2}), []string{"resumed"}, 0},
	} {
		n, m := newRemote(t)
		n.answers["aiwork_getWorker"] = c.record
		steps, err := m.Enrol(t.Context(), e)
		if err != nil || !slices.Equal(steps, c.want) || len(n.txs) != len(c.want) {
			t.Errorf("%s: got %v, %v and %d transactions, want %v", name, steps, err, len(n.txs), c.want)
			continue
		}
		if len(n.txs) > 0 && !n.txs[0].Value.Eq(uint256.NewInt(c.value)) {
			t.Errorf("%s: got value %s, want %d", name, n.txs[0].Value.Dec(), c.value)
		}
	}
	e.Ask, e.Record = *uint256.NewInt(1 << 40), &capability.Record{Models: []capability.Model{{ID: chain.Hash{1}, ItemsPerHour: 60}}}
	offered := func(speed uint64, hash chain.Hash) any {
		one := func(speed uint64) any {
			return map[string]any{"speed": client.Uint64(speed), "ask": client.Uint256{Int: e.Ask}}
		}
		return map[string]any{
			"state": "active", "bond": client.Uint256{Int: bond}, "models": e.Models, "offers": []any{one(speed), one(0)}, "capability": hash,
		}
	}
	same := capability.Hash(e.Record.Encode())
	both := registry.PackOffer(e.Models, []uint64{60, 0}, []uint256.Int{e.Ask, e.Ask}, e.Record.Encode())
	for name, c := range map[string]struct {
		record any
		want   []byte
	}{
		"offered already": {offered(60, same), nil},
		"other speed":     {offered(50, same), registry.PackOffer(e.Models[:1], []uint64{60}, []uint256.Int{e.Ask}, nil)},
		"other record":    {offered(60, chain.Hash{9}), registry.PackOffer(nil, nil, nil, e.Record.Encode())},
		"nothing offered": {record(registry.Active, 100, e.Models...), both},
	} {
		n, m := newRemote(t)
		n.answers["aiwork_getWorker"] = c.record
		steps, err := m.Enrol(t.Context(), e)
		if err != nil || len(n.txs) != len(steps) || (c.want == nil) != (len(steps) == 0) {
			t.Fatalf("%s: got %v, %v and %d transactions", name, steps, err, len(n.txs))
		}
		if c.want != nil && (len(steps) != 1 || !bytes.Equal(n.txs[0].Data, c.want)) {
			t.Errorf("%s: got %v and %x, want one offer %x", name, steps, n.txs[0].Data, c.want)
		}
	}
	n, m := newRemote(t)
	n.answers["aiwork_getWorker"] = record(registry.Leaving, 100)
	if _, err := m.Enrol(t.Context(), e); !errors.Is(err, ErrLeaving) {
		t.Errorf("leaving: got %v, want %v", err, ErrLeaving)
	}
}
