package node

// JSON-RPC over a real chain in memory, through the adapters that the node uses: what the other files of
// tests ask.

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/holiman/uint256"
	"lukechampine.com/blake3"

	"github.com/aiwork/aiwork-node/compute"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/rpc"
	"github.com/aiwork/aiwork-node/ledger/ledgertest"
	"github.com/aiwork/aiwork-node/mempool"
	"github.com/aiwork/aiwork-node/tasks/registry"
)

// rpcWorld is a chain with four blocks, a pool, and a server of them.
//
//	1 empty
//	2 three transfers of account 0 to account 1: legacy, with access list, with dynamic fee
//	3 account 1 registers as a worker: one log
//	4 account 1 tries again and is reverted
type rpcWorld struct {
	*ledgertest.Chain
	t      testing.TB
	url    string
	pool   *mempool.Pool
	table  *rpc.Table
	txs    [5]*chain.Tx // those of blocks 2 to 4, in order
	blocks []*chain.Block
}

// testPool submits to the pool alone: there is no network.
type testPool struct{ *mempool.Pool }

func (p testPool) Submit(_ context.Context, tx *chain.Tx) error { return p.Add(tx, true) }

type testNode struct{ syncing bool }

func (testNode) PeerCount() int { return 3 }

func (n testNode) Behind() (current, highest chain.Height, syncing bool) { return 4, 9, n.syncing }

func (testNode) Consensus() rpc.ConsensusStatus {
	index := rpc.Uint64(1)
	return rpc.ConsensusStatus{Session: 2, View: 3, Validator: &index, Voting: true, FinalityMs: 12.5}
}

func (testNode) Peers() []rpc.PeerForm {
	validator := 1
	return []rpc.PeerForm{{ID: "a", Validator: &validator, Connected: true}, {ID: "b", LastError: "gone"}}
}
func (testNode) P2PAddresses() []string { return []string{"/ip4/127.0.0.1/tcp/1"} }
func (testNode) Models() []rpc.ModelInfo {
	return []rpc.ModelInfo{{ID: chain.Hash{7}, Name: "m", Classes: []string{"x"}, Input: "PNG", Licence: "MIT"}}
}
func (testNode) GenesisFile() []byte { return []byte("{}") }

type testBlobs map[chain.Hash][]byte

func (b testBlobs) Put(_ context.Context, data []byte) (chain.Hash, error) {
	if len(data) == 0 {
		return chain.Hash{}, errors.New("blob: empty")
	}
	id := chain.Hash(blake3.Sum256(data))
	b[id] = data
	return id, nil
}

func (b testBlobs) Get(_ context.Context, id chain.Hash) ([]byte, error) { return b[id], nil }

func newRPCWorld(t testing.TB) *rpcWorld {
	t.Helper()
	w := &rpcWorld{Chain: ledgertest.New(t, ledgertest.Options{Accounts: 3, Validators: 2}), t: t}
	w.fill()
	return w.open()
}

// open reads the blocks and serves them.
func (w *rpcWorld) open() *rpcWorld {
	head, _ := w.Head()
	for h := range head.Height + 1 {
		block, err := w.BlockByHeight(h)
		if err != nil {
			w.t.Fatal(err)
		}
		w.blocks = append(w.blocks, block)
	}
	w.pool = mempool.New(mempool.Default(ledgertest.ChainID))
	w.follow()
	w.serve()
	return w
}

func (w *rpcWorld) fill() {
	a, b := w.Accounts[0], w.Accounts[1]
	sign := func(change func(*chain.Tx)) *chain.Tx {
		tx := &chain.Tx{Gas: 21_000, To: &b.Address, Value: *uint256.NewInt(5), GasTipCap: *uint256.NewInt(2e9), GasFeeCap: *uint256.NewInt(2e9)}
		change(tx)
		return ledgertest.Sign(w.t, tx, a)
	}
	w.txs[0] = sign(func(tx *chain.Tx) { tx.Type = chain.TxTypeLegacy })
	w.txs[1] = sign(func(tx *chain.Tx) {
		tx.Type, tx.ChainID, tx.Nonce, tx.Gas = chain.TxTypeAccessList, ledgertest.ChainID, 1, 60_000
		tx.AccessList = []chain.AccessTuple{{Address: b.Address, Slots: []chain.Hash{{1}}}, {Address: a.Address}}
	})
	w.txs[2] = sign(func(tx *chain.Tx) {
		tx.Type, tx.ChainID, tx.Nonce, tx.GasTipCap = chain.TxTypeDynamicFee, ledgertest.ChainID, 2, *uint256.NewInt(3)
	})
	register := registry.PackRegister(b.Address, []chain.Hash{{9}}, "test")
	w.txs[3] = w.Tx(b, chain.AddrRegistry, ledgertest.Tokens(2000), register)
	w.txs[4] = w.Tx(b, chain.AddrRegistry, ledgertest.Tokens(2000), register)
	for _, txs := range [][]*chain.Tx{nil, w.txs[:3], w.txs[3:4], w.txs[4:]} {
		w.Block(txs...)
	}
}

// follow brings the pool up to the head.
func (w *rpcWorld) follow() {
	head, _ := w.Head()
	if err := followHead(w.Ledger, w.pool, head); err != nil {
		w.t.Fatal(err)
	}
}

func (w *rpcWorld) serve() {
	w.table = rpc.NewTable()
	c := rpcChain{w.Ledger}
	rpc.AddEth(w.table, c, testPool{w.pool}, testNode{}, w.Params(), "test")
	rpc.AddAiwork(w.table, c, testBlobs{}, compute.NewBook(bookStates{w.Ledger}), testNode{}, w.Params())
	rpc.AddDiscover(w.table, "test")
	s, err := rpc.Listen(w.table, rpc.Options{
		Listen: "127.0.0.1:0", Limits: rpc.DefaultLimits(), Log: slog.New(slog.DiscardHandler), Feeds: rpc.Feeds(c, testPool{w.pool}, testNode{}),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Error(err)
		}
	})
	w.url = "http://" + s.Addr().String()
}

type rpcReply struct {
	Result json.RawMessage `json:"result"`
	Error  *rpc.Error      `json:"error"`
}

// ask calls a method; params is a JSON array.
func (w *rpcWorld) ask(method, params string) rpcReply {
	w.t.Helper()
	body := `{"jsonrpc":"2.0","id":1,"method":"` + method + `","params":` + params + `}`
	resp, err := http.Post(w.url, "application/json", strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	var r rpcReply
	if err := json.NewDecoder(resp.Body).Decode(&r); err != nil {
		w.t.Fatalf("%s: %v", method, err)
	}
	return r
}

// result calls a method that has to succeed and decodes its result.
func (w *rpcWorld) result(into any, method, params string) {
	w.t.Helper()
	r := w.ask(method, params)
	if r.Error != nil {
		w.t.Fatalf("%s %s: %v", method, params, r.Error)
	}
	if err := json.Unmarshal(r.Result, into); err != nil {
		w.t.Fatalf("%s %s: %v: %s", method, params, err, r.Result)
	}
}

// fillIn replaces names by what the world has under them.
func (w *rpcWorld) fillIn(text string) string {
	raw := ledgertest.Sign(w.t, &chain.Tx{Gas: 21_000, To: &w.Accounts[0].Address, GasFeeCap: *uint256.NewInt(2e9)}, w.Accounts[2]).Encode()
	wrong := ledgertest.Sign(w.t, &chain.Tx{Gas: 21_000, To: &w.Accounts[0].Address, GasFeeCap: *uint256.NewInt(2e9), Value: *ledgertest.Tokens(5e6)}, w.Accounts[2]).Encode()
	address := func(i int) string { return strings.ToLower(w.Accounts[i].Address.String()) }
	encode := func(b []byte) string {
		text, _ := json.Marshal(rpc.Bytes(b))
		return string(bytes.Trim(text, `"`))
	}
	return strings.NewReplacer(
		"ALICE", address(0), "BOB", address(1), "CAROL", address(2),
		"REGISTRY", chain.AddrRegistry.String(), "JOBS", chain.AddrJobs.String(),
		"BLOCK2", w.blocks[2].Hash().String(), "BLOCK3", w.blocks[3].Hash().String(), "GENESIS", w.blocks[0].Hash().String(),
		"TX0", w.txs[0].Hash().String(), "TX1", w.txs[1].Hash().String(), "TX2", w.txs[2].Hash().String(),
		"TX3", w.txs[3].Hash().String(), "TX4", w.txs[4].Hash().String(),
		"NOHASH", chain.Hash{1, 2, 3}.String(), "OVERDRAFT", encode(wrong), "RAWTX", encode(raw),
		"REGISTERCALL", encode(registry.PackRegister(w.Accounts[1].Address, []chain.Hash{{9}}, "x")),
	).Replace(text)
}
