package node

// What is tested: debug_* and ots_* over a real chain, through the node's own adapters: what they say is
// held against receipts, against the states before and after, and against each other. TestOfficialCases holds them
// against the recorded answers of other nodes.

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/rpc"
	"github.com/aiwork/aiwork-node/ledger/ledgertest"
	"github.com/aiwork/aiwork-node/vm"
)

// traceWorld adds contracts to an rpcWorld:
//
//	5 account 2 creates a factory, and sends money to account 1
//	6 it calls the factory, which creates a contract with 3 units and logs; a call that reverts; another like the first
//	7 account 1 sends to account 0
type traceWorld struct {
	*rpcWorld
	factory, made                 chain.Address
	create, call, reverted, again *chain.Tx
}

// factoryCode creates, when it is called with a value, a contract that holds three units and logs its
// address; without one it reverts with four bytes.
func factoryCode() []byte {
	child := []byte{byte(vm.PUSH1), 1, byte(vm.PUSH1), 31, byte(vm.RETURN)} // a contract of one byte
	code := []byte{byte(vm.CALLVALUE), byte(vm.PUSH1), 12, byte(vm.JUMPI)}
	code = append(code, byte(vm.PUSH1), 0xab, byte(vm.PUSH0), byte(vm.MSTORE8), byte(vm.PUSH1), 4, byte(vm.PUSH0), byte(vm.REVERT))
	code = append(code, byte(vm.JUMPDEST), byte(vm.PUSH1)+byte(len(child)-1))
	code = append(append(code, child...), byte(vm.PUSH0), byte(vm.MSTORE))
	code = append(code, byte(vm.PUSH1), byte(len(child)), byte(vm.PUSH1), byte(32-len(child)), byte(vm.PUSH1), 3, byte(vm.CREATE))
	return append(code, byte(vm.PUSH0), byte(vm.PUSH0), byte(vm.LOG0+1), byte(vm.STOP))
}

func newTraceWorld(t *testing.T) *traceWorld {
	w := &traceWorld{rpcWorld: newRPCWorld(t)}
	c, b, a := w.Accounts[2], w.Accounts[1], w.Accounts[0]
	code := factoryCode()
	deploy := append([]byte{byte(vm.PUSH1), byte(len(code)), byte(vm.DUP1), byte(vm.PUSH1), 9, byte(vm.PUSH0), byte(vm.CODECOPY), byte(vm.PUSH0), byte(vm.RETURN)}, code...)
	sign := func(nonce, value uint64, to *chain.Address, data []byte) *chain.Tx {
		return ledgertest.Sign(t, &chain.Tx{
			Type: chain.TxTypeDynamicFee, ChainID: ledgertest.ChainID, Nonce: nonce, Gas: 300_000, To: to, Value: *uint256.NewInt(value),
			GasFeeCap: *uint256.NewInt(3e9), GasTipCap: *uint256.NewInt(2), Data: data,
		}, c)
	}
	w.create = sign(0, 0, nil, deploy)
	r := w.Block(w.create, sign(1, 7, &b.Address, nil))
	if r[0].Status != chain.StatusOK {
		t.Fatalf("the factory: %s", r[0].Reason)
	}
	w.factory = *r[0].ContractAddress
	w.call, w.reverted, w.again = sign(2, 5, &w.factory, []byte{1, 2, 3, 4, 5}), sign(3, 0, &w.factory, nil), sign(4, 5, &w.factory, nil)
	r = w.Block(w.call, w.reverted, w.again)
	if r[0].Status != chain.StatusOK || len(r[0].Logs) != 1 || r[1].Status != chain.StatusFailed {
		t.Fatalf("the calls: %+v, %+v", r[0], r[1])
	}
	w.made = chain.Address(r[0].Logs[0].Topics[0][12:])
	w.Block(w.Tx(b, a.Address, uint256.NewInt(1), nil))
	return w
}

func (w *traceWorld) askFor(into any, method string, params ...any) {
	w.t.Helper()
	raw, err := json.Marshal(params)
	if err != nil {
		w.t.Fatal(err)
	}
	w.result(into, method, string(raw))
}

type object = map[string]any

func tracer(name string, config object) object { return object{"tracer": name, "tracerConfig": config} }

type callFrame struct {
	Type, From, To, Gas, GasUsed, Input, Output, Error, RevertReason, Value string
	Calls                                                                   []callFrame
	Logs                                                                    []struct{ Address, Data, Index, Position string }
}

func TestTraceCalls(t *testing.T) {
	w := newTraceWorld(t)
	var f callFrame
	w.askFor(&f, "debug_traceTransaction", w.call.Hash(), tracer("callTracer", object{"withLog": true}))
	if len(f.Calls) != 1 || f.Calls[0].Type != "CREATE" || f.Calls[0].To != lower(w.made) || f.Calls[0].Value != "0x3" || f.Value != "0x5" {
		t.Errorf("the call: %+v", f)
	}
	if len(f.Logs) != 1 || f.Logs[0].Address != lower(w.factory) || f.Logs[0].Position != "0x1" || f.Logs[0].Index != "0x0" {
		t.Errorf("its log: %+v", f.Logs)
	}
	f = callFrame{}
	w.askFor(&f, "debug_traceTransaction", w.again.Hash(), tracer("callTracer", object{"withLog": true}))
	if len(f.Logs) != 1 || f.Logs[0].Index != "0x1" {
		t.Errorf("the second log of the block: %+v", f.Logs)
	}
	w.askFor(&f, "debug_traceTransaction", w.reverted.Hash(), tracer("callTracer", nil))
	if f.Error != "execution reverted" || f.Output != "0xab000000" {
		t.Errorf("the reverted call: %+v", f)
	}
	// A contract of the chain itself runs no instructions, but its call and logs are told of.
	f = callFrame{}
	w.askFor(&f, "debug_traceTransaction", w.txs[3].Hash(), tracer("callTracer", object{"withLog": true}))
	if f.To != lower(chain.AddrRegistry) || len(f.Logs) != 1 || len(f.Calls) != 0 || f.Error != "" {
		t.Errorf("the registration: %+v", f)
	}
	var steps struct{ StructLogs []any }
	w.askFor(&steps, "debug_traceTransaction", w.txs[3].Hash())
	if len(steps.StructLogs) != 0 {
		t.Errorf("the registration has %d instructions", len(steps.StructLogs))
	}
	w.askFor(&f, "debug_traceTransaction", w.txs[4].Hash(), tracer("callTracer", nil))
	if f.Error != "execution reverted" || !strings.HasPrefix(f.RevertReason, "registry: ") {
		t.Errorf("the second registration: %+v", f)
	}
}

// A block's traces are those of its transactions one by one, and their gas is that of the receipts.
func TestTraceBlock(t *testing.T) {
	w := newTraceWorld(t)
	for _, config := range []object{{}, tracer("callTracer", object{"withLog": true}), tracer("prestateTracer", object{"diffMode": true})} {
		for h := chain.Height(1); h <= 7; h++ {
			b, err := w.BlockByHeight(h)
			if err != nil {
				t.Fatal(err)
			}
			receipts, err := w.Receipts(h)
			if err != nil {
				t.Fatal(err)
			}
			var all, byHash []struct {
				TxHash chain.Hash
				Result json.RawMessage
			}
			w.askFor(&all, "debug_traceBlockByNumber", rpc.Uint64(h), config)
			w.askFor(&byHash, "debug_traceBlockByHash", b.Hash(), config)
			if len(all) != len(b.Txs) || len(byHash) != len(b.Txs) {
				t.Fatalf("block %d: %d and %d traces, want %d", h, len(all), len(byHash), len(b.Txs))
			}
			for i, tx := range b.Txs {
				var one json.RawMessage
				w.askFor(&one, "debug_traceTransaction", tx.Hash(), config)
				if all[i].TxHash != tx.Hash() || !bytes.Equal(all[i].Result, one) || !bytes.Equal(byHash[i].Result, one) {
					t.Errorf("block %d, transaction %d: the traces differ", h, i)
				}
				var gas struct {
					Gas    any
					Failed bool
				}
				if err := json.Unmarshal(one, &gas); err != nil {
					t.Fatal(err)
				}
				if len(config) == 0 && (gas.Gas != float64(receipts[i].GasUsed) || gas.Failed != (receipts[i].Status != chain.StatusOK)) {
					t.Errorf("block %d, transaction %d: gas %v, failed %v, want %+v", h, i, gas.Gas, gas.Failed, receipts[i])
				}
			}
		}
	}
}

type accountForm struct {
	Balance, Code string
	Nonce         uint64
	Storage       map[string]string
}

// What diffMode says of a block with one transaction is what the states before and after it hold, also for
// what contracts of the chain itself have changed.
func TestPrestateIsTheState(t *testing.T) {
	w := newTraceWorld(t)
	var diff struct{ Pre, Post map[string]accountForm }
	w.askFor(&diff, "debug_traceTransaction", w.txs[3].Hash(), tracer("prestateTracer", object{"diffMode": true}))
	slots := 0
	for addr, post := range diff.Post {
		if post.Balance != "" {
			w.sameAs(post.Balance, "eth_getBalance", addr, "0x3")
			if pre, ok := diff.Pre[addr]; ok {
				w.sameAs(pre.Balance, "eth_getBalance", addr, "0x2")
			}
		}
		for key, val := range post.Storage {
			slots++
			w.sameAs(val, "eth_getStorageAt", addr, key, "0x3")
			if pre, ok := diff.Pre[addr].Storage[key]; ok {
				w.sameAs(pre, "eth_getStorageAt", addr, key, "0x2")
			}
		}
	}
	if _, ok := diff.Post[lower(chain.AddrRegistry)]; !ok || slots == 0 {
		t.Errorf("the registry's %d slots: %+v", slots, diff.Post)
	}
	var pre map[string]accountForm
	w.askFor(&pre, "debug_traceTransaction", w.txs[3].Hash(), tracer("prestateTracer", nil))
	for addr, changed := range diff.Post {
		for key := range changed.Storage {
			if _, ok := pre[addr].Storage[key]; !ok {
				t.Errorf("%s: slot %s is changed, and not told of without diffMode", addr, key)
			}
		}
	}
}

func (w *traceWorld) sameAs(said, method string, params ...any) {
	w.t.Helper()
	var want string
	if w.askFor(&want, method, params...); said != want {
		w.t.Errorf("%s %v: the trace says %s, the state %s", method, params, said, want)
	}
}

func TestTraceCallStages(t *testing.T) {
	w := newTraceWorld(t)
	call := object{"from": w.Accounts[2].Address, "to": w.factory, "value": "0x5"}
	var f callFrame
	w.askFor(&f, "debug_traceCall", call, "latest", tracer("callTracer", nil))
	if len(f.Calls) != 1 || f.Error != "" {
		t.Errorf("on the head: %+v", f)
	}
	// Before the factory was there, money is all that moves.
	f = callFrame{}
	w.askFor(&f, "debug_traceCall", call, "0x4", tracer("callTracer", nil))
	if len(f.Calls) != 0 || f.Error != "" {
		t.Errorf("on block 4: %+v", f)
	}
	// Between the transactions of block 6 the factory has created one contract: the next has another address.
	created := func(index string) string {
		var f callFrame
		config := tracer("callTracer", nil)
		config["txIndex"] = index
		w.askFor(&f, "debug_traceCall", call, "0x6", config)
		if len(f.Calls) != 1 {
			t.Fatalf("before transaction %s: %+v", index, f)
		}
		return f.Calls[0].To
	}
	if created("0x0") != lower(w.made) || created("0x1") == lower(w.made) {
		t.Error("txIndex names the transaction before which the call stands")
	}
	// Overrides of state and block.
	config := tracer("callTracer", nil)
	config["stateOverrides"] = object{lower(w.factory): object{"code": "0x4360005260206000f3"}} // NUMBER, returned
	config["blockOverrides"] = object{"number": "0x1234"}
	f = callFrame{}
	w.askFor(&f, "debug_traceCall", call, "latest", config)
	if f.Output != fmt.Sprintf("0x%064x", 0x1234) {
		t.Errorf("under overrides: %+v", f)
	}
}

func TestTraceRefusals(t *testing.T) {
	w := newTraceWorld(t)
	for _, c := range []struct {
		method, params string
		code           int
		text           string
	}{
		{"debug_traceTransaction", `["NOHASH"]`, -32000, "transaction not found"},
		{"debug_traceTransaction", `["TX0",{"tracer":"callTrace"}]`, -32602, "the tracers are callTracer, "},
		{"debug_traceTransaction", `["TX0",{"tracer":"{step: function() {}}"}]`, -32602, "JavaScript tracers are not supported"},
		{"debug_traceBlockByNumber", `["0x0"]`, -32000, "genesis is not traceable"},
		{"debug_traceBlockByNumber", `["0x99"]`, -32000, "block #153 not found"},
		{"debug_traceBlockByHash", `["GENESIS"]`, -32000, "genesis is not traceable"},
		{"debug_traceBlockByHash", `["NOHASH"]`, -32000, "block NOHASH not found"},
		{"debug_traceBlock", `["0x00"]`, -32000, "debug_traceBlockByNumber"},
		{"debug_traceCall", `[{"to":"ALICE"},"pending"]`, -32000, "pending is not supported"},
		{"debug_traceCall", `[{"to":"ALICE"},"0x2",{"txIndex":"0x3"}]`, -32000, "out of range"},
		{"debug_traceCall", `[{"from":"ALICE","to":"BOB","value":"0xffffffffffffffffffffffff"}]`, -32000, "insufficient funds"},
		{"ots_getBlockTransactions", `[2,0,101]`, -32602, "1 to 100"},
		{"ots_searchTransactionsBefore", `["ALICE",0,0]`, -32602, "1 to 100"},
		{"ots_traceTransaction", `["NOHASH"]`, -32000, "transaction not found"},
		{"ots_getTransactionError", `["NOHASH"]`, -32000, "transaction not found"},
	} {
		r := w.ask(c.method, w.fillIn(c.params))
		if r.Error == nil || r.Error.Code != c.code || !strings.Contains(r.Error.Message, w.fillIn(c.text)) {
			t.Errorf("%s %s: got %+v %s, want %d %s", c.method, c.params, r.Error, r.Result, c.code, c.text)
		}
	}
}

func lower(a chain.Address) string { return strings.ToLower(a.String()) }
