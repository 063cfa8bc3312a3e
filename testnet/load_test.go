package testnet

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/client"
)

// fakeNode is a JSON-RPC node as far as a load needs one: it keeps accounts' nonces and makes a block of what
// is valid at every question for the height. It refuses and forgets transfers as told.
type fakeNode struct {
	mu      sync.Mutex
	nonces  map[chain.Address]uint64
	pool    []*chain.Tx
	blocks  []blockForm
	place   map[chain.Hash]int
	calls   int
	refuse  int // every so manyth transfer, 0: none
	forget  int // likewise
	outside int // transfers that came out of their account's order
}

func (f *fakeNode) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var raw json.RawMessage
	if json.NewDecoder(r.Body).Decode(&raw) != nil {
		http.Error(w, "no subscriptions here", http.StatusBadRequest)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if raw[0] != '[' {
		_ = json.NewEncoder(w).Encode(f.answer(raw))
		return
	}
	var items []json.RawMessage
	_ = json.Unmarshal(raw, &items)
	out := make([]any, len(items))
	for i := range items {
		out[i] = f.answer(items[i])
	}
	_ = json.NewEncoder(w).Encode(out)
}

func (f *fakeNode) answer(raw json.RawMessage) any {
	var c struct {
		ID     uint64            `json:"id"`
		Method string            `json:"method"`
		Params []json.RawMessage `json:"params"`
	}
	_ = json.Unmarshal(raw, &c)
	result, err := f.call(c.Method, c.Params)
	if err != nil {
		return map[string]any{"jsonrpc": "2.0", "id": c.ID, "error": map[string]any{"code": -32000, "message": err.Error()}}
	}
	return map[string]any{"jsonrpc": "2.0", "id": c.ID, "result": result}
}

func (f *fakeNode) call(method string, params []json.RawMessage) (any, error) {
	var text string
	if len(params) > 0 {
		_ = json.Unmarshal(params[0], &text)
	}
	switch method {
	case "eth_chainId":
		return "0x5", nil
	case "eth_gasPrice":
		return "0x3b9aca00", nil
	case "eth_getTransactionCount":
		a, _ := chain.ParseAddress(text)
		return client.Uint64(f.nonces[a]), nil
	case "eth_blockNumber":
		f.seal()
		return client.Uint64(len(f.blocks) - 1), nil
	case "eth_getBlockByNumber":
		var n client.Uint64
		if n.UnmarshalText([]byte(text)) != nil || int(n) >= len(f.blocks) {
			return nil, nil
		}
		return f.blocks[n], nil
	case "eth_getTransactionReceipt":
		f.seal()
		return f.receipt(text), nil
	case "eth_sendRawTransaction":
		var enc client.Bytes
		_ = enc.UnmarshalText([]byte(text))
		return f.send(enc)
	}
	return nil, fmt.Errorf("the method %s does not exist", method)
}

func (f *fakeNode) receipt(text string) any {
	for i, b := range f.blocks {
		for _, h := range b.Transactions {
			if h.String() == text {
				return map[string]any{"transactionHash": h, "blockHash": b.Hash, "blockNumber": client.Uint64(i), "status": "0x1", "gasUsed": "0x5208", "effectiveGasPrice": "0x1"}
			}
		}
	}
	return nil
}

func (f *fakeNode) send(enc []byte) (any, error) {
	tx, err := chain.DecodeTx(enc)
	if err != nil {
		return nil, err
	}
	if _, ok := f.place[tx.Hash()]; ok {
		return nil, fmt.Errorf("already known")
	}
	f.calls++
	if f.refuse > 0 && f.calls%f.refuse == 0 {
		return nil, fmt.Errorf("the pool is full: come again")
	}
	if f.forget > 0 && f.calls%f.forget == 0 {
		return tx.Hash(), nil
	}
	from, err := tx.Sender()
	if err != nil {
		return nil, err
	}
	waiting := uint64(0)
	for _, p := range f.pool {
		if a, _ := p.Sender(); a == from {
			waiting++
		}
	}
	if tx.Nonce > f.nonces[from]+waiting {
		f.outside++
		return tx.Hash(), nil // dropped, as a small queue would
	}
	f.place[tx.Hash()] = len(f.blocks)
	f.pool = append(f.pool, tx)
	return tx.Hash(), nil
}

// seal makes a block of everything that waits.
func (f *fakeNode) seal() {
	if len(f.pool) == 0 && len(f.blocks) > 0 {
		return
	}
	b := blockForm{Number: client.Uint64(len(f.blocks)), Transactions: []chain.Hash{}}
	b.Hash[0], b.Hash[1] = byte(len(f.blocks)), byte(len(f.blocks)>>8)
	for _, tx := range f.pool {
		from, _ := tx.Sender()
		f.nonces[from] = tx.Nonce + 1
		b.Transactions = append(b.Transactions, tx.Hash())
	}
	f.pool, f.blocks = nil, append(f.blocks, b)
}

func fakeLoad(t *testing.T, f *fakeNode) *Load {
	t.Helper()
	f.nonces, f.place = map[chain.Address]uint64{}, map[chain.Hash]int{}
	f.seal()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	o := DefaultLoad([]string{server.URL, server.URL}, Account(0))
	o.Senders, o.BatchItems, o.Backlog, o.ResendAfter, o.DrainMax = 20, 7, 60, 300*time.Millisecond, 10*time.Second
	l, err := NewLoad(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	if err := l.Fund(t.Context(), 100); err != nil {
		t.Fatal(err)
	}
	return l
}

// Whatever a node refuses or forgets, every transfer that it accepted ends in a block, and is counted once.
func TestLoad(t *testing.T) {
	for name, f := range map[string]*fakeNode{
		"well-behaved": {}, "refuses": {refuse: 5}, "forgets": {forget: 40}, "both": {refuse: 7, forget: 50},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refuse, forget := f.refuse, f.forget
			f.refuse, f.forget = 0, 0
			l := fakeLoad(t, f)
			f.mu.Lock()
			f.refuse, f.forget = refuse, forget
			f.mu.Unlock()
			for _, p := range []Phase{{Name: "rate", Duration: time.Second, Rate: 100}, {Name: "saturation", Duration: time.Second}} {
				r, err := l.Run(t.Context(), p)
				if err != nil {
					t.Fatal(err)
				}
				if r.Lost != 0 || r.Included != r.Accepted || r.Included == 0 {
					t.Errorf("%s: accepted %d, in blocks %d, lost %d", p.Name, r.Accepted, r.Included, r.Lost)
				}
				if (r.Refused > 0) != (refuse > 0) || r.Refused > 0 && r.Reasons["the pool is full"] == 0 {
					t.Errorf("%s: refused %d for %v", p.Name, r.Refused, r.Reasons)
				}
				if p.Rate > 0 && r.Accepted > 100 {
					t.Errorf("%s: sent %d in a second, want 100 at most", p.Name, r.Accepted)
				}
				if forget == 0 && f.outside > 0 {
					t.Errorf("%s: %d transfers came out of order", p.Name, f.outside)
				}
			}
			for _, a := range l.Receipts() {
				if a.At.Before(a.Sent) {
					t.Fatalf("transfer %s in a block before it was sent", a.Tx)
				}
			}
		})
	}
}

// A lane sends at its rate, makes up for what it could not send in time, and stops at the end.
func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, k := &Load{opt: LoadOptions{BatchItems: 30}}, &lane{rate: 50}
		now := time.Now()
		run := &phase{Phase: Phase{Rate: 100}, start: now, end: now.Add(2 * time.Second)}
		for at, want := range []int{0, 25, 25, 25, 0} { // at half a second each
			got := l.allowed(run, k, 2)
			if got != want {
				t.Errorf("after %d half seconds: got %d, want %d", at, got, want)
			}
			k.sent += got
			time.Sleep(500 * time.Millisecond)
		}
		run.end = time.Now().Add(time.Second)
		if got := l.allowed(run, k, 2); got != l.opt.BatchItems {
			t.Errorf("50 behind: got %d, want what a request holds", got)
		}
	})
}

func TestQuantiles(t *testing.T) {
	var times []time.Duration
	for i := 100; i >= 1; i-- {
		times = append(times, time.Duration(i)*time.Millisecond)
	}
	if got, want := quantiles(times), (Quantiles{P50: 50, P90: 90, P99: 99, Max: 100, N: 100}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := quantiles(nil); got != (Quantiles{}) {
		t.Errorf("of nothing: %+v", got)
	}
}

func TestHistogram(t *testing.T) {
	h, values := histogram{}, map[string]float64{}
	for _, line := range []string{
		"# HELP x_seconds help", `x_seconds_bucket{le="0.01"} 10`, `x_seconds_bucket{le="0.02"} 30`, `x_seconds_bucket{le="+Inf"} 40`,
		"x_seconds_count 40", "y_total 7", "broken", "z nonsense",
	} {
		parseSample(line, "x_seconds", h, values)
	}
	if values["y_total"] != 7 || values["x_seconds_count"] != 40 || len(h) != 3 {
		t.Errorf("parsed %v and %v", h, values)
	}
	for q, want := range map[float64]float64{0.25: 0.01, 0.5: 0.015, 0.75: 0.02, 0.99: 0.02} {
		if got := h.quantile(q); math.Abs(got-want) > 1e-9 {
			t.Errorf("quantile %v: got %v, want %v", q, got, want)
		}
	}
	if got := h.sub(h).quantile(0.5); !math.IsNaN(got) {
		t.Errorf("nothing new: got %v", got)
	}
}

// This process has used CPU and memory; one that is not there has not.
func TestUsages(t *testing.T) {
	own, ok := Usages([]Target{{"me", os.Getpid()}, {"nobody", 0}})
	if !ok {
		t.Skip("this system has no /proc")
	}
	if own[0].RSSMiB <= 0 || own[0].RSSTopMiB < own[0].RSSMiB || own[1] != (Usage{Name: "nobody"}) {
		t.Errorf("got %+v", own)
	}
}
