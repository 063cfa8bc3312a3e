package node

// Calls, estimates, overrides, simulations, access lists and proofs over ethWorld. What they say is held against
// what then happens, wherever something can happen.

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/crypto/keccak"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/codec/rlp"
	"github.com/aiwork/aiwork-node/internal/rpc"
	"github.com/aiwork/aiwork-node/ledger/ledgertest"
	"github.com/aiwork/aiwork-node/ledger/tree"
	"github.com/aiwork/aiwork-node/tasks/registry"
)

// Code that returns one word: what the instructions before leave on the stack.
const returnWord = "60005260206000f3"

func word(n uint64) string { return fmt.Sprintf(`"0x%064x"`, n) }

// at puts code on an account for a call.
func at(code string) string { return `{"CODE":{"code":"0x` + code + `"}}` }

var callAnswers = []struct {
	name, method, params string
	code                 int
	want                 string
}{
	{"number of latest", "eth_call", `[{"to":"CODE"},"latest",` + at("43"+returnWord) + `]`, 0, word(5)},
	{"number of pending", "eth_call", `[{"to":"CODE"},"pending",` + at("43"+returnWord) + `]`, 0, word(6)},
	{"number of a height", "eth_call", `[{"to":"CODE"},"0x2",` + at("43"+returnWord) + `]`, 0, word(2)},
	{"number by hash", "eth_call", `[{"to":"CODE"},{"blockHash":"BLOCK1","requireCanonical":true},` + at("43"+returnWord) + `]`, 0, word(1)},
	{"number of earliest", "eth_call", `[{"to":"CODE"},"earliest",` + at("43"+returnWord) + `]`, 0, word(0)},
	{"hash of the parent", "eth_call", `[{"to":"CODE"},"0x3",` + at("600240"+returnWord) + `]`, 0, `"BLOCK2"`},
	{"no hash of the block itself", "eth_call", `[{"to":"CODE"},"0x2",` + at("600240"+returnWord) + `]`, 0, word(0)},
	{"hash with a number of one's own", "eth_call", `[{"to":"CODE"},"0x3",` + at("600240"+returnWord) + `,{"number":"0x90"}]`, 0, `"BLOCK2"`},
	{"no hash of a future block", "eth_call", `[{"to":"CODE"},"0x3",` + at("605040"+returnWord) + `,{"number":"0x90"}]`, 0, word(0)},
	{"free gas: no base fee", "eth_call", `[{"to":"CODE"},"latest",` + at("48"+returnWord) + `]`, 0, word(0)},
	{"base fee where a price is named", "eth_call", `[{"to":"CODE","from":"ALICE","gas":"0x10000","gasPrice":"0x9999999999"},"latest",` + at("48"+returnWord) + `,{"baseFeePerGas":"0x77"}]`, 0, word(0x77)},
	{"time", "eth_call", `[{"to":"CODE"},"latest",` + at("42"+returnWord) + `,{"time":"0x1"}]`, 0, word(1)},
	{"recipient", "eth_call", `[{"to":"CODE"},"latest",` + at("41"+returnWord) + `,{"feeRecipient":"0x0000000000000000000000000000000000000123"}]`, 0, word(0x123)},
	{"gas limit", "eth_call", `[{"to":"CODE"},"latest",` + at("45"+returnWord) + `,{"gasLimit":"0x99"}]`, 0, word(0x99)},
	{"random", "eth_call", `[{"to":"CODE"},"latest",` + at("44"+returnWord) + `,{"prevRandao":` + word(0x99) + `}]`, 0, word(0x99)},
	{"blob fee", "eth_call", `[{"to":"CODE"},"latest",` + at("4a"+returnWord) + `,{"blobBaseFee":"0x7"}]`, 0, word(7)},
	{"huge time at a system contract", "eth_call", `[{"to":"JOBS","data":"0x12345678"},"pending",{},{"time":"0x4000000000000"}]`, 3, "execution reverted"},
	{"time out of range", "eth_call", `[{"to":"CODE"},"latest",{},{"time":"0x4000000000001"}]`, -32602, "time above"},
	{"withdrawals", "eth_call", `[{"to":"CODE"},"latest",{},{"withdrawals":[{}]}]`, -32602, "no withdrawals"},

	{"storage before", "eth_getStorageAt", `["COUNTER","0x0","0x1"]`, 0, word(0)},
	{"storage then", "eth_getStorageAt", `["COUNTER","0x0","0x2"]`, 0, word(4)},
	{"delegated storage", "eth_getStorageAt", `["CAROL","0x0","0x3"]`, 0, word(1)},
	{"code before creation", "eth_getCode", `["COUNTER","0x0"]`, 0, `"0x"`},
	{"nonce then", "eth_getTransactionCount", `["ALICE","0x2"]`, 0, `"0x7"`},

	{"override of balance", "eth_call", `[{"to":"CODE"},"latest",{"CODE":{"code":"0x47` + returnWord + `","balance":"0x1234"}}]`, 0, word(0x1234)},
	{"override of state", "eth_call", `[{"to":"COUNTER"},"latest",{"COUNTER":{"code":"0x60005460015401` + returnWord + `","state":{` + word(1) + `:` + word(3) + `}}}]`, 0, word(3)},
	{"override of a slot", "eth_call", `[{"to":"COUNTER"},"latest",{"COUNTER":{"code":"0x60005460015401` + returnWord + `","stateDiff":{` + word(1) + `:` + word(3) + `}}}]`, 0, word(7)},
	{"both", "eth_call", `[{"to":"COUNTER"},"latest",{"COUNTER":{"state":{},"stateDiff":{}}}]`, -32602, "both 'state' and 'stateDiff'"},
	{"override makes a creation's address", "eth_simulateV1", `[{"blockStateCalls":[{"stateOverrides":{"BOB":{"nonce":"0x5"}},"calls":[{"from":"BOB","input":"0x30` + returnWord + `"}]}],"returnFullTransactions":true}]`, 0, `"nonce":"0x5","from":"BOB","to":null`},
	{"moved precompile", "eth_call", `[{"to":"CODE","data":"0x1234"},"latest",{"0x0000000000000000000000000000000000000004":{"movePrecompileToAddress":"CODE"}}]`, 0, `"0x1234"`},
	{"precompile moved away", "eth_call", `[{"to":"0x0000000000000000000000000000000000000004","data":"0x1234"},"latest",{"0x0000000000000000000000000000000000000004":{"movePrecompileToAddress":"CODE"}}]`, 0, `"0x"`},
	{"precompile stands again afterwards", "eth_call", `[{"to":"0x0000000000000000000000000000000000000004","data":"0x1234"}]`, 0, `"0x1234"`},
	{"no precompile", "eth_call", `[{"to":"CODE"},"latest",{"ALICE":{"movePrecompileToAddress":"CODE"}}]`, -32000, "is not a precompile"},
	{"code of the chain itself", "eth_call", `[{"to":"JOBS"},"latest",{"JOBS":{"code":"0x00"}}]`, -32000, "cannot be overridden"},

	{"revert without a reason", "eth_call", `[{"to":"REVERTER","data":"0x010203"}]`, 3, "execution reverted"},
	{"revert with a reason", "eth_call", `[{"to":"REVERTER","data":"ERROR"}]`, 3, "execution reverted: wrong"},
	{"invalid opcode", "eth_call", `[{"to":"CODE"},"latest",` + at("0c") + `]`, -32000, "invalid opcode: opcode 0xc not defined"},
	{"designated invalid opcode", "eth_call", `[{"to":"CODE"},"latest",` + at("fe") + `]`, -32000, "invalid opcode: INVALID"},
	{"stack underflow", "eth_call", `[{"to":"CODE"},"latest",` + at("01") + `]`, -32000, "stack underflow"},
	{"jump", "eth_call", `[{"to":"CODE"},"latest",` + at("600056") + `]`, -32000, "invalid jump destination"},
	{"out of gas", "eth_call", `[{"to":"CODE","gas":"0x5300"},"latest",` + at("5b600056") + `]`, -32000, "out of gas"},
	{"endless", "eth_call", `[{"to":"CODE"},"latest",` + at("5b600056") + `]`, -32000, "out of gas"},
	{"too little gas", "eth_call", `[{"to":"CODE","gas":"0x5207"}]`, -32000, "intrinsic gas too low: have 20999, want 21000"},
	{"funds", "eth_call", `[{"from":"CODE","to":"ALICE","value":"0x1"}]`, -32000, "insufficient funds for gas * price + value: address 0xc0DE000000000000000000000000000000000000 have 0 want 1"},
	{"price below the base fee", "eth_call", `[{"from":"ALICE","to":"BOB","gasPrice":"0x1","gas":"0x5208"}]`, -32000, "max fee per gas less than block base fee: address 0x"},
	{"tip above the cap", "eth_call", `[{"from":"ALICE","to":"BOB","maxPriorityFeePerGas":"0x1","gas":"0x5208"}]`, -32000, "max priority fee per gas higher than max fee per gas"},
	{"two kinds of fees", "eth_call", `[{"from":"ALICE","to":"BOB","gasPrice":"0x1","maxFeePerGas":"0x1"}]`, -32602, "both gasPrice and (maxFeePerGas"},
	{"another chain", "eth_call", `[{"to":"BOB","chainId":"0x1"}]`, -32602, "chainId does not match node's (have=1, want=7357)"},
	{"blobs", "eth_call", `[{"to":"BOB","type":"0x3"}]`, -32602, "this chain keeps no blobs"},
	{"unknown type", "eth_call", `[{"to":"BOB","type":"0x7"}]`, -32602, "transaction type 7 not supported"},
	{"creation", "eth_call", `[{"data":"0x60aa60005260206000f3"}]`, 0, word(0xaa)},
	{"long creation", "eth_call", `[{"data":"LONG"}]`, -32000, "creation code size limit exceeded"},

	{"estimate of a loop", "eth_estimateGas", `[{"to":"CODE"},"latest",` + at("5b600056") + `]`, -32000, "gas required exceeds allowance (16777216)"},
	{"estimate beyond means", "eth_estimateGas", `[{"from":"CODE","to":"BOB","gasPrice":"0x9999999999"},"latest",{"CODE":{"balance":"0x1"}}]`, -32000, "gas required exceeds allowance (0)"},
	{"estimate of a value beyond means", "eth_estimateGas", `[{"from":"CODE","to":"BOB","value":"0x2","gasPrice":"0x9999999999"},"latest",{"CODE":{"balance":"0x1"}}]`, -32000, "insufficient funds for transfer"},

	{"access list", "eth_createAccessList", `[{"from":"ALICE","to":"CODE"},"latest",{"CODE":{"code":"0x600060006000600060006000COUNTERHEX5af1"}}]`, 0, `"accessList":[{"address":"COUNTER","storageKeys":[` + word(0) + `]}]`},
	{"access list of a revert", "eth_createAccessList", `[{"to":"REVERTER","data":"ERROR"}]`, 0, `"error":"execution reverted: wrong"`},
	{"access list without end", "eth_createAccessList", `[{"to":"CODE","gas":"0x7530"},"latest",` + at("5a611f401015600b575f545b00") + `]`, -32000, "no access list found"},

	{"simulated gap", "eth_simulateV1", `[{"blockStateCalls":[{"blockOverrides":{"number":"0x9"}}]}]`, 0, `"number":"0x9"`},
	{"simulated base fee out of range", "eth_simulateV1", `[{"blockStateCalls":[{"blockOverrides":{"baseFeePerGas":"0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"}}]}]`, -32602, "baseFeePerGas above"},
	{"simulated gas", "eth_simulateV1", `[{"blockStateCalls":[{"blockOverrides":{"gasLimit":"0x5208"},"calls":[{"from":"ALICE","to":"BOB","gas":"0x5209"}]}]}]`, -38015, "block gas limit reached: 0 >= 21000"},
	{"simulated low nonce", "eth_simulateV1", `[{"blockStateCalls":[{"calls":[{"from":"ALICE","to":"BOB","nonce":"0x1","maxFeePerGas":"0x9999999999"}]}],"validation":true}]`, -38010, "nonce too low"},
	{"simulated high nonce", "eth_simulateV1", `[{"blockStateCalls":[{"calls":[{"from":"ALICE","to":"BOB","nonce":"0x77","maxFeePerGas":"0x9999999999"}]}],"validation":true}]`, -38011, "nonce too high"},
	{"simulated long creation", "eth_simulateV1", `[{"blockStateCalls":[{"calls":[{"from":"ALICE","input":"LONG"}]}]}]`, -38025, "creation code size"},
	{"simulated endless calls", "eth_simulateV1", `[{"blockStateCalls":[{"blockOverrides":{"gasLimit":"0xffffffffff"},"stateOverrides":` + at("5b600056") + `,"calls":[{"to":"CODE"},{"to":"CODE"}]}]}]`, -38026, "use more than 50000000 gas in all"},
	{"simulated far blocks", "eth_simulateV1", `[{"blockStateCalls":[{"blockOverrides":{"number":"0x106"}}]}]`, -38026, "too many blocks"},
	{"simulated move to itself", "eth_simulateV1", `[{"blockStateCalls":[{"stateOverrides":{"0x0000000000000000000000000000000000000004":{"movePrecompileToAddress":"0x0000000000000000000000000000000000000004"}}}]}]`, -38022, "its own address"},
	{"simulated move onto another", "eth_simulateV1", `[{"blockStateCalls":[{"stateOverrides":{"CODE":{"balance":"0x1"},"0x0000000000000000000000000000000000000004":{"movePrecompileToAddress":"CODE"}}}]}]`, -38023, "already overridden"},
	{"simulated on an old block", "eth_simulateV1", `[{"blockStateCalls":[{"calls":[{"from":"ALICE","to":"COUNTER"}]}]},"0x1"]`, 0, `"data":` + word(1)},
}

func TestCallAnswers(t *testing.T) {
	w := newEthWorld(t)
	long := "0x" + strings.Repeat("00", chain.InitCodeSizeMax+1)
	for _, tc := range callAnswers {
		t.Run(tc.name, func(t *testing.T) {
			w.t = t
			fill := func(s string) string {
				s = strings.NewReplacer("COUNTERHEX", "73"+strings.ToLower(w.counter.String())[2:], "CODE", "0xc0de000000000000000000000000000000000000", "LONG", long, "JOBS", strings.ToLower(chain.AddrJobs.String())).Replace(s)
				return w.fillIn(s)
			}
			r := w.ask(tc.method, fill(tc.params))
			got, code := string(r.Result), 0
			if r.Error != nil {
				got, code = r.Error.Message, r.Error.Code
			}
			if want := fill(tc.want); code != tc.code || !strings.Contains(got, want) {
				t.Errorf("got code %d, %.1500s\nwant code %d, %s", code, got, tc.code, want)
			}
		})
	}
}

// What is filled in, signed and sent becomes final with exactly the gas that was estimated for it, and with
// one unit less it fails.
func TestFilledTransactionGoesThrough(t *testing.T) {
	w := newEthWorld(t)
	for _, call := range []string{
		`{"from":"CAROL","to":"COUNTER"}`,
		`{"from":"CAROL","to":"REGISTRY","value":"0x6c6b935b8bbd400000","data":"REGISTERCALL"}`,
		`{"from":"CAROL","data":"0x` + hex.EncodeToString(creationOf(counterCode)) + `"}`,
	} {
		call = w.fillIn(strings.NewReplacer(
			"REGISTERCALL", "0x"+hex.EncodeToString(registry.PackRegister(w.Accounts[2].Address, []chain.Hash{{9}}, "x")),
			"REGISTRY", strings.ToLower(chain.AddrRegistry.String()),
		).Replace(call))
		var filled struct {
			Tx struct {
				Nonce, Gas, MaxFeePerGas, MaxPriorityFeePerGas rpc.Uint64
				To                                             *chain.Address
				Value                                          rpc.Uint256
				Input                                          rpc.Bytes
			}
		}
		w.result(&filled, "eth_fillTransaction", "["+call+"]")
		f := &filled.Tx
		tx := ledgertest.Sign(t, &chain.Tx{
			Type: chain.TxTypeDynamicFee, ChainID: ledgertest.ChainID, Nonce: uint64(f.Nonce), Gas: uint64(f.Gas), To: f.To, Value: f.Value.Int,
			GasFeeCap: *uint256.NewInt(uint64(f.MaxFeePerGas)), GasTipCap: *uint256.NewInt(uint64(f.MaxPriorityFeePerGas)), Data: f.Input,
		}, w.Accounts[2])
		less := strings.Replace(call, "{", fmt.Sprintf(`{"gas":"0x%x",`, uint64(f.Gas)-1), 1)
		if r := w.ask("eth_call", "["+less+`,"pending"]`); r.Error == nil {
			t.Errorf("%s: goes well with less gas than estimated", call)
		}
		if r := w.Block(tx)[0]; r.Status != chain.StatusOK {
			t.Errorf("%s: failed with the gas estimated: %s", call, r.Reason)
		}
		w.follow()
	}
}

// A simulated block is what then happens: same gas, status and logs.
func TestSimulationIsWhatHappens(t *testing.T) {
	w := newEthWorld(t)
	fees := `"maxFeePerGas":"0x77359400","maxPriorityFeePerGas":"0x77359400"`
	params := w.fillIn(`[{"blockStateCalls":[{"calls":[
		{"from":"ALICE","to":"COUNTER","gas":"0x30d40",` + fees + `},
		{"from":"ALICE","to":"REVERTER","input":"0x010203","gas":"0x30d40",` + fees + `},
		{"from":"ALICE","input":"0x` + hex.EncodeToString(creationOf(counterCode)) + `","gas":"0x30d40",` + fees + `}]}],"validation":true},"latest"]`)
	var simulated []struct {
		GasUsed      rpc.Uint64
		Transactions []chain.Hash
		Calls        []struct {
			GasUsed, Status rpc.Uint64
			Logs            []struct {
				Address chain.Address
				Topics  []chain.Hash
				Data    rpc.Bytes
			}
		}
	}
	w.result(&simulated, "eth_simulateV1", params)
	receipts := w.Block(
		w.sign(9, func(*chain.Tx) {}),
		w.sign(10, func(tx *chain.Tx) { tx.To, tx.Data = &w.reverter, []byte{1, 2, 3} }),
		w.sign(11, func(tx *chain.Tx) { tx.To, tx.Data = nil, creationOf(counterCode) }),
	)
	if len(simulated) != 1 || len(simulated[0].Calls) != len(receipts) || uint64(simulated[0].GasUsed) != receipts[2].CumulativeGas {
		t.Fatalf("got %+v, want %d calls and %d gas", simulated, len(receipts), receipts[2].CumulativeGas)
	}
	for i, r := range receipts {
		s := simulated[0].Calls[i]
		if uint64(s.GasUsed) != r.GasUsed || uint64(s.Status) != uint64(r.Status) || len(s.Logs) != len(r.Logs) {
			t.Errorf("call %d: got %+v, want %+v", i, s, r)
			continue
		}
		for k, l := range r.Logs {
			if got := s.Logs[k]; got.Address != l.Address || string(got.Data) != string(l.Data) || fmt.Sprint(got.Topics) != fmt.Sprint(l.Topics) {
				t.Errorf("call %d, log %d: got %+v, want %+v", i, k, got, l)
			}
		}
	}
}

// A list that was created is complete: naming it changes nothing any more, and it is never dearer than what it
// saves where it names a slot of an account called.
func TestAccessListIsComplete(t *testing.T) {
	w := newEthWorld(t)
	var first, again struct {
		AccessList json.RawMessage
		GasUsed    rpc.Uint64
	}
	w.result(&first, "eth_createAccessList", w.fillIn(`[{"from":"BOB","to":"COUNTER"}]`))
	w.result(&again, "eth_createAccessList", w.fillIn(`[{"from":"BOB","to":"COUNTER","accessList":`+string(first.AccessList)+`}]`))
	if string(first.AccessList) != string(again.AccessList) || first.GasUsed != again.GasUsed {
		t.Errorf("got %s with %d gas, then %s with %d", first.AccessList, first.GasUsed, again.AccessList, again.GasUsed)
	}
	var list []struct {
		Address     chain.Address
		StorageKeys []chain.Hash
	}
	if err := json.Unmarshal(first.AccessList, &list); err != nil || len(list) != 1 || list[0].Address != w.counter {
		t.Fatalf("got %s, want the counter alone", first.AccessList)
	}
	tx := &chain.Tx{
		Type: chain.TxTypeDynamicFee, ChainID: ledgertest.ChainID, Nonce: 1, Gas: 100_000, To: &w.counter,
		GasFeeCap: *uint256.NewInt(2e9), AccessList: []chain.AccessTuple{{Address: w.counter, Slots: list[0].StorageKeys}},
	}
	if r := w.Block(ledgertest.Sign(t, tx, w.Accounts[1]))[0]; r.GasUsed != uint64(first.GasUsed) {
		t.Errorf("got %d gas, the answer said %d", r.GasUsed, first.GasUsed)
	}
}

// A client with the header alone can check what aiwork_getProof says.
func TestProofsHold(t *testing.T) {
	w := newEthWorld(t)
	var p struct {
		StateRoot chain.Hash
		Key       chain.Hash
		Nonce     rpc.Uint64
		CodeHash  chain.Hash
		Proof     rpc.Bytes
		Slots     []struct {
			Value, Key chain.Hash
			Proof      rpc.Bytes
		}
	}
	w.result(&p, "aiwork_getProof", w.fillIn(`["COUNTER",["0x0","0x1"],"latest"]`))
	head, _ := w.Head()
	if p.StateRoot != head.Header.StateRoot || p.CodeHash != keccak.Sum256([]byte(counterCode)) || p.Nonce != 1 {
		t.Fatalf("got %+v", p)
	}
	hold := func(proof []byte, key, want chain.Hash) {
		t.Helper()
		decoded, err := tree.DecodeProof(proof)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := decoded.Verify(head.Header.StateRoot, key); err != nil || got != want {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
	}
	acc, _, err := w.View().Account(w.counter)
	if err != nil {
		t.Fatal(err)
	}
	hold(p.Proof, tree.AccountKey(w.counter), tree.AccountValue(&acc))
	hold(p.Slots[0].Proof, tree.SlotKey(w.counter, chain.Hash{}), chain.Hash{31: 4})
	hold(p.Slots[1].Proof, tree.SlotKey(w.counter, chain.Hash{31: 1}), chain.Hash{})
}

// The raw forms are those of which the header holds the roots.
func TestRawForms(t *testing.T) {
	w := newEthWorld(t)
	for h, b := range w.blocks {
		var header, block rpc.Bytes
		var receipts []rpc.Bytes
		at := fmt.Sprintf(`["0x%x"]`, h)
		w.result(&header, "debug_getRawHeader", at)
		w.result(&block, "debug_getRawBlock", at)
		w.result(&receipts, "debug_getRawReceipts", at)
		if keccak.Sum256(header) != b.Hash() {
			t.Errorf("block %d: the header's hash is another", h)
		}
		encoded := make([][]byte, len(receipts))
		for i := range receipts {
			encoded[i] = receipts[i]
		}
		if got := chain.OrderedTrieRoot(encoded); got != b.Header.ReceiptRoot {
			t.Errorf("block %d: receipts have the root %s, want %s", h, got, b.Header.ReceiptRoot)
		}
		w.holdRawBlock(t, block, header, b)
	}
}

func (w *ethWorld) holdRawBlock(t *testing.T, block, header []byte, b *chain.Block) {
	t.Helper()
	outer := rlp.NewReader(block)
	r := outer.List()
	if string(r.Raw()) != string(header) {
		t.Errorf("block %d: another header", b.Header.Number)
	}
	var txs [][]byte
	for list := r.List(); list.More(); {
		if list.IsList() {
			txs = append(txs, list.Raw())
		} else {
			txs = append(txs, list.Bytes())
		}
	}
	uncles, withdrawals := r.List(), r.List()
	if uncles.More() || withdrawals.More() || r.End() != nil || outer.End() != nil {
		t.Errorf("block %d: not the form of a block", b.Header.Number)
	}
	if got := chain.OrderedTrieRoot(txs); got != b.Header.TxRoot {
		t.Errorf("block %d: transactions have the root %s, want %s", b.Header.Number, got, b.Header.TxRoot)
	}
	for i, tx := range b.Txs {
		var raw rpc.Bytes
		w.result(&raw, "debug_getRawTransaction", `["`+tx.Hash().String()+`"]`)
		if string(raw) != string(txs[i]) {
			t.Errorf("block %d, transaction %d: another encoding alone than in the block", b.Header.Number, i)
		}
	}
}

// Every transaction is found by its sender and nonce, and nonces that a delegation took have none.
func TestTransactionByNonce(t *testing.T) {
	w := newEthWorld(t)
	for _, b := range w.blocks {
		for _, tx := range b.Txs {
			from, err := tx.Sender()
			if err != nil {
				t.Fatal(err)
			}
			var got struct{ Hash chain.Hash }
			w.result(&got, "eth_getTransactionBySenderAndNonce", fmt.Sprintf(`["%s","0x%x"]`, strings.ToLower(from.String()), tx.Nonce))
			if got.Hash != tx.Hash() {
				t.Errorf("nonce %d of %s: got %s, want %s", tx.Nonce, from, got.Hash, tx.Hash())
			}
		}
	}
	if r := w.ask("eth_getTransactionBySenderAndNonce", w.fillIn(`["CAROL","0x0"]`)); string(r.Result) != "null" {
		t.Errorf("carol's delegation: got %s %v, want null", r.Result, r.Error)
	}
	var waits struct{ BlockHash *chain.Hash }
	w.result(&waits, "eth_getTransactionBySenderAndNonce", w.fillIn(`["BOB","0x1"]`))
	if waits.BlockHash != nil {
		t.Errorf("bob's waiting transaction: got block %s", waits.BlockHash)
	}
}

// FuzzCalls puts any parameters to the methods that run code: they answer or refuse, and never fail by a fault of
// our own.
func FuzzCalls(f *testing.F) {
	w := newEthWorld(f)
	methods := []string{"eth_call", "eth_estimateGas", "eth_createAccessList", "eth_simulateV1", "eth_fillTransaction", "eth_getProof", "eth_getStorageValues"}
	for i, m := range methods {
		for _, tc := range callAnswers {
			if tc.method == m {
				params := strings.NewReplacer("COUNTERHEX", "73"+strings.ToLower(w.counter.String())[2:], "CODE", "0xc0de000000000000000000000000000000000000", "LONG", "0x00", "JOBS", strings.ToLower(chain.AddrJobs.String())).Replace(tc.params)
				f.Add(uint8(i), []byte(w.fillIn(params)))
			}
		}
	}
	f.Add(uint8(5), []byte(w.fillIn(`["COUNTER",["0x0"],"latest"]`)))
	f.Add(uint8(6), []byte(w.fillIn(`[{"COUNTER":["0x0"]}]`)))
	f.Fuzz(func(t *testing.T, which uint8, params []byte) {
		m, fault := w.table.Lookup(methods[int(which)%len(methods)])
		if fault != nil {
			t.Fatal(fault)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		result, fault := m.Call(ctx, params)
		if fault == nil && !json.Valid(result) {
			t.Errorf("%s %s: not JSON: %s", m.Name, params, result)
		}
		if fault != nil && fault.Code == rpc.CodeInternal && !strings.Contains(fault.Message, "nonce has max value") {
			t.Errorf("%s %s: %v", m.Name, params, fault)
		}
	})
}
