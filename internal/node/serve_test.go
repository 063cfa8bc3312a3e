package node

// Every method's answers and refusals over a chain whose content is known; every answer is held against
// the schema that rpc.discover gives for it.

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/rpc"
	"github.com/aiwork/aiwork-node/ledger/ledgertest"
)

// answers lists calls with a part of what comes back: of the result, or with a code of the error's text.
// Capital words stand for accounts, blocks and transactions of rpcWorld.
var answers = []struct {
	method, params string
	code           int
	want           string
}{
	{"eth_chainId", `[]`, 0, `"0x1cbd"`},
	{"net_version", `[]`, 0, `"7357"`},
	{"net_listening", `[]`, 0, `true`},
	{"net_peerCount", `[]`, 0, `"0x3"`},
	{"web3_clientVersion", `[]`, 0, `"aiwork-node/test"`},
	{"web3_sha3", `["0x68656c6c6f"]`, 0, `"0x1c8aff950685c2ed4bc3174f3472287b56d9517b9c948127319a09a7a36deac8"`},
	{"eth_accounts", `[]`, 0, `[]`},
	{"eth_mining", `[]`, 0, `false`},
	{"eth_syncing", `[]`, 0, `false`},
	{"eth_protocolVersion", `[]`, 0, `"0x1"`},
	{"eth_blockNumber", `[]`, 0, `"0x4"`},
	{"eth_gasPrice", `[]`, 0, `"0x`},
	{"eth_maxPriorityFeePerGas", `[]`, 0, `"0xf4240"`},
	{"eth_blobBaseFee", `[]`, 0, `"0x1"`},

	{"erigon_getHeaderByNumber", `["0x2"]`, 0, `"number":"0x2"`},
	{"eth_getBlockByNumber", `["0x2",false]`, 0, `"transactions":["TX0","TX1","TX2"]`},
	{"eth_getBlockByNumber", `["latest"]`, 0, `"number":"0x4"`},
	{"eth_getBlockByNumber", `["finalized",true]`, 0, `"hash":"TX4"`},
	{"eth_getBlockByNumber", `["safe"]`, 0, `"number":"0x4"`},
	{"eth_getBlockByNumber", `["pending"]`, 0, `"number":"0x4"`},
	{"eth_getBlockByNumber", `["earliest"]`, 0, `"hash":"GENESIS"`},
	{"eth_getBlockByNumber", `["0x5"]`, 0, `null`},
	{"eth_getBlockByNumber", `["0xffffffffffffffff"]`, 0, `null`},
	{"eth_getBlockByNumber", `["newest"]`, -32602, "argument 0 (block)"},
	{"eth_getBlockByNumber", `[]`, -32602, "missing value for required argument 0 (block)"},
	{"eth_getBlockByHash", `["BLOCK3",true]`, 0, `"number":"0x3"`},
	{"eth_getBlockByHash", `["NOHASH",true]`, 0, `null`},
	{"eth_getBlockByHash", `["0x12",true]`, -32602, "argument 0 (hash)"},
	{"eth_getBlockReceipts", `["0x2"]`, 0, `"transactionHash":"TX2"`},
	{"eth_getBlockReceipts", `["GENESIS"]`, 0, `[]`},
	{"eth_getBlockReceipts", `["0x9"]`, 0, `null`},
	{"eth_getBlockTransactionCountByNumber", `["0x2"]`, 0, `"0x3"`},
	{"eth_getBlockTransactionCountByNumber", `["0x9"]`, 0, `null`},
	{"eth_getBlockTransactionCountByHash", `["BLOCK2"]`, 0, `"0x3"`},
	{"eth_getUncleCountByBlockNumber", `["0x2"]`, 0, `"0x0"`},
	{"eth_getUncleCountByBlockHash", `["BLOCK2"]`, 0, `"0x0"`},
	{"eth_getUncleByBlockNumberAndIndex", `["0x2","0x0"]`, 0, `null`},
	{"eth_getUncleByBlockHashAndIndex", `["BLOCK2","0x0"]`, 0, `null`},
	{"erigon_getHeaderByNumber", `["0x2"]`, 0, `"hash":"BLOCK2"`},
	{"erigon_getHeaderByNumber", `["0x9"]`, 0, `null`},
	{"ots_getApiLevel", `[]`, 0, `8`},
	{"ots_getBlockDetails", `[2]`, 0, `"transactionCount":3},"issuance":{"blockReward":"0x0"`},
	{"ots_getBlockTransactions", `["0x2",0,10]`, 0, `"logs":null,"logsBloom":null`},
	{"ots_searchTransactionsBefore", `["BOB",0,10]`, 0, `"firstPage":true,"lastPage":true`},
	{"debug_traceTransaction", `["TX0"]`, 0, `{"gas":21000,"failed":false,"returnValue":"0x","structLogs":[]}`},
	{"debug_traceBlockByNumber", `["0x2",{"tracer":"callTracer"}]`, 0, `[{"txHash":"TX0","result":{"from":"ALICE","gas":"0x5208"`},

	{"eth_getBalance", `["0x0000000000000000000000000000000000000123","latest"]`, 0, `"0x0"`},
	{"eth_getBalance", `["CAROL"]`, 0, `"0xd3c21bcecceda1000000"`},
	{"eth_getBalance", `["CAROL",{"blockNumber":"0x4"}]`, 0, `"0xd3c21bcecceda1000000"`},
	{"eth_getBalance", `["ALICE","0x1"]`, 0, `"0xd3c21bcecceda1000000"`},
	{"eth_getBalance", `["CAROL","0x77"]`, -32000, "header not found"},
	{"eth_getBalance", `["carol","latest"]`, -32602, "argument 0 (address)"},
	{"eth_getTransactionCount", `["ALICE","latest"]`, 0, `"0x3"`},
	{"eth_getTransactionCount", `["ALICE","pending"]`, 0, `"0x3"`},
	{"eth_getAccountInfo", `["ALICE","latest"]`, 0, `"nonce":"0x3","code":"0x"`},
	{"eth_getAccountInfo", `["0x0000000000000000000000000000000000000123"]`, 0, `{"balance":"0x0","nonce":"0x0","code":"0x"}`},
	{"eth_getCode", `["ALICE","latest"]`, 0, `"0x"`},
	{"eth_getStorageAt", `["ALICE","0x0","latest"]`, 0, `"0x0000000000000000000000000000000000000000000000000000000000000000"`},
	{"eth_getStorageAt", `["ALICE","0x00000000000000000000000000000000000000000000000000000000000000000","latest"]`, -32602, "argument 1 (slot)"},
	{"eth_getStorageAt", `["ALICE","0xasdf","latest"]`, -32602, "argument 1 (slot)"},

	{"eth_call", `[{"to":"ALICE"},"latest"]`, 0, `"0x"`},
	{"eth_call", `[{"from":"BOB","to":"REGISTRY","input":"REGISTERCALL"},"latest"]`, 3, "execution reverted: registry: "},
	{"eth_call", `[{"to":"ALICE","input":"0x01","data":"0x02"}]`, -32602, "not equal"},
	{"eth_call", `[{"from":"ALICE","to":"BOB","value":"0x2"},"latest",{"ALICE":{"balance":"0x1"}}]`, -32000, "insufficient funds for gas * price + value: address 0x"},
	{"eth_call", `[{"to":"ALICE"},"0x1"]`, 0, `"0x"`},
	{"eth_estimateGas", `[{"from":"CAROL","to":"ALICE","value":"0x1"}]`, 0, `"0x5208"`},
	{"eth_estimateGas", `[{"from":"CAROL","to":"ALICE","value":"0xffffffffffffffffffffff"}]`, -32000, "insufficient funds"},
	{"eth_estimateGas", `[{"from":"BOB","to":"REGISTRY","data":"REGISTERCALL"}]`, 3, "registry: "},
	{"eth_estimateGas", `[{"from":"CAROL","to":"ALICE","gas":"0x5207"}]`, 0, `"0x5208"`},
	{"eth_estimateGas", `[{"from":"CAROL","data":"0x6000"}]`, 0, `"0xcf21"`},

	{"eth_simulateV1", `[{"blockStateCalls":[{"calls":[{"from":"ALICE","to":"BOB","value":"0x1"}]}],"traceTransfers":true},"latest"]`, 0, `"number":"0x5"`},
	{"eth_simulateV1", `[{"blockStateCalls":[]}]`, -32602, "empty input"},
	{"eth_createAccessList", `[{"from":"ALICE","to":"BOB","value":"0x1"}]`, 0, `{"accessList":[],"gasUsed":"0x5208"}`},
	{"eth_fillTransaction", `[{"from":"ALICE","to":"BOB","value":"0x1"}]`, 0, `"nonce":"0x3","to":"BOB","gas":"0x5208","gasPrice":null`},
	{"eth_fillTransaction", `[{"from":"ALICE"}]`, -32000, "contract creation without any data"},
	{"eth_baseFee", `[]`, 0, `"0x3b9ac`},
	{"eth_config", `[]`, 0, `"chainId":"0x1cbd"`},
	{"eth_capabilities", `[]`, 0, `"state":{"disabled":false,"oldestBlock":"0x0","deleteStrategy":{"type":"window","retentionBlocks":"0x2000"}}`},
	{"eth_getProof", `["ALICE",["0x0"],"latest"]`, 0, `"storageProof":[{"key":"0x00`},
	{"eth_getProof", `["ALICE",[],"0x1"]`, -32000, "proofs are made for the head's state only"},
	{"aiwork_getProof", `["ALICE"]`, 0, `"blockNumber":"0x4"`},
	{"eth_getStorageValues", `[{"ALICE":["0x0"]}]`, 0, `{"ALICE":["0x0000000000000000000000000000000000000000000000000000000000000000"]}`},
	{"eth_getStorageValues", `[{}]`, -32602, "empty request"},
	{"eth_getTransactionBySenderAndNonce", `["ALICE","0x1"]`, 0, `"hash":"TX1"`},
	{"eth_getTransactionBySenderAndNonce", `["ALICE","0x9"]`, 0, `null`},
	{"debug_getRawHeader", `["0x2"]`, 0, `"0xf9`},
	{"debug_getRawHeader", `["0x77"]`, -32000, "header not found"},
	{"debug_getRawBlock", `["BLOCK2"]`, 0, `"0xf9`},
	{"debug_getRawReceipts", `["0x2"]`, 0, `["0xf9`},
	{"debug_getRawTransaction", `["TX2"]`, 0, `"0x02f8`},
	{"debug_getRawTransaction", `["NOHASH"]`, 0, `"0x"`},
	{"eth_getRawTransactionByHash", `["TX2"]`, 0, `"0x02f8`},
	{"eth_sendTransaction", `[{}]`, -32601, "holds no keys"},
	{"anvil_setBalance", `[]`, -32601, "no cheat codes"},

	{"eth_getTransactionByHash", `["TX0"]`, 0, `"transactionIndex":"0x0"`},
	{"eth_getTransactionByHash", `["TX1"]`, 0, `"accessList":[{"address":"BOB"`},
	{"eth_getTransactionByHash", `["TX2"]`, 0, `"maxPriorityFeePerGas":"0x3"`},
	{"eth_getTransactionByHash", `["NOHASH"]`, 0, `null`},
	{"eth_getTransactionByBlockNumberAndIndex", `["0x2","0x1"]`, 0, `"hash":"TX1"`},
	{"eth_getTransactionByBlockNumberAndIndex", `["0x2","0x3"]`, 0, `null`},
	{"eth_getTransactionByBlockHashAndIndex", `["BLOCK3","0x0"]`, 0, `"hash":"TX3"`},
	{"eth_getTransactionReceipt", `["TX0"]`, 0, `"status":"0x1"`},
	{"eth_getTransactionReceipt", `["TX2"]`, 0, `"cumulativeGasUsed":"0x`},
	{"eth_getTransactionReceipt", `["TX4"]`, 0, `"revertReason":"registry: `},
	{"eth_getTransactionReceipt", `["NOHASH"]`, 0, `null`},
	{"eth_sendRawTransaction", `["OVERDRAFT"]`, -32000, "insufficient funds"},
	{"eth_sendRawTransaction", `["0x01"]`, -32000, "transaction: "},
	{"eth_sendRawTransaction", `["01"]`, -32602, "argument 0"},
	{"eth_sendRawTransactionSync", `["OVERDRAFT"]`, -32000, "insufficient funds"},
	{"eth_sendRawTransactionSync", `["RAWTX","0x1"]`, 4, "in no block after 1ms"},

	{"eth_getLogs", `[{"fromBlock":"0x0"}]`, 0, `"logIndex":"0x0","removed":false`},
	{"eth_getLogs", `[{"fromBlock":"0x0","address":"REGISTRY","topics":[null,[]]}]`, 0, `"transactionHash":"TX3"`},
	{"eth_getLogs", `[{"fromBlock":"0x0","address":["ALICE","BOB"]}]`, 0, `[]`},
	{"eth_getLogs", `[{"blockHash":"BLOCK3"}]`, 0, `"blockHash":"BLOCK3"`},
	{"eth_getLogs", `[{}]`, 0, `[]`},
	{"eth_getLogs", `[{"blockHash":"NOHASH"}]`, -32000, "unknown block"},
	{"eth_getLogs", `[{"fromBlock":"0x32","toBlock":"0x38"}]`, -32602, "beyond current head"},
	{"eth_getLogs", `[{"fromBlock":"0x3","toBlock":"0x2"}]`, -32602, "invalid block range params"},
	{"eth_getLogs", `[{"blockHash":"BLOCK3","fromBlock":"0x3"}]`, -32602, "not both"},
	{"eth_getLogs", `[{"topics":[null,null,null,null,null]}]`, -32602, "at most 4"},

	{"eth_feeHistory", `["0x2","latest",[0,50,100]]`, 0, `"oldestBlock":"0x3"`},
	{"eth_feeHistory", `[2,"0x2"]`, 0, `"oldestBlock":"0x1"`},
	{"eth_feeHistory", `["0x0","latest"]`, 0, `"baseFeePerGas":[]`},
	{"eth_feeHistory", `["0x2","latest",[50,10]]`, -32602, "percentiles"},
	{"eth_feeHistory", `["0x2","0x99"]`, -32000, "header not found"},

	{"txpool_status", `[]`, 0, `"pending"`},
	{"txpool_content", `[]`, 0, `"queued":{}`},
	{"txpool_contentFrom", `["ALICE"]`, 0, `{"pending":{},"queued":{}}`},
	{"txpool_inspect", `[]`, 0, `"queued":{}`},
	{"aiwork_whyDropped", `["NOHASH"]`, 0, `null`},

	{"eth_uninstallFilter", `["0x12"]`, 0, `false`},
	{"eth_getFilterChanges", `["0x12"]`, -32000, "filter not found"},
	{"eth_getFilterLogs", `["0x12"]`, -32000, "filter not found"},
	{"eth_newFilter", `[{"blockHash":"BLOCK3"}]`, -32602, "blockHash"},

	{"aiwork_status", `[]`, 0, `"genesis":"GENESIS","height":"0x4"`},
	{"aiwork_peers", `[]`, 0, `"lastError":"gone"`},
	{"aiwork_genesis", `[]`, 0, `"{}"`},
	{"aiwork_params", `[]`, 0, `"chainId":7357`},
	{"aiwork_getValidators", `[]`, 0, `"name":"validator/1"`},
	{"aiwork_getFinality", `["0x99"]`, 0, `null`},
	{"aiwork_getExtension", `["0x3"]`, 0, `"view":"0x3"`},
	{"aiwork_getExtension", `["0x99"]`, 0, `null`},
	{"aiwork_getSeed", `["0x99"]`, 0, `null`},
	{"aiwork_getModels", `[]`, 0, `"name":"m"`},
	{"aiwork_getWorker", `["BOB"]`, 0, `"state":"active"`},
	{"aiwork_getWorker", `["ALICE"]`, 0, `null`},
	{"aiwork_getWorkers", `[]`, 0, `"address":"BOB"`},
	{"aiwork_getWorkers", `["0x1"]`, 0, `[]`},
	{"aiwork_getPrice", `["0x0900000000000000000000000000000000000000000000000000000000000000"]`, 0, `"posted":"0x0","ask":"0x0","waiting":`},
	{"aiwork_getPrice", `["0x0a"]`, -32602, ""},
	{"aiwork_getAgenda", `["BOB"]`, 0, `{`},
	{"aiwork_getUnsettled", `["BOB"]`, 0, `[]`},
	{"aiwork_getUnsettled", `["0xb0"]`, -32602, ""},
	{"aiwork_getDispute", `["0x1"]`, 0, `null`},
	{"aiwork_getJob", `["0x1"]`, 0, `null`},
	{"aiwork_getJobs", `[]`, 0, `[]`},
	{"aiwork_quoteJob", `[{"model":"NOHASH","items":"0x8","price":"0x2386f26fc10000"}]`, 0, `"total":"0x`},
	{"aiwork_quoteJob", `[{"model":"NOHASH","items":"0xffffff","price":"0x1"}]`, -32602, "at most"},
	{"aiwork_putBlob", `["aGVsbG8="]`, 0, `"0xea8f163db38682925e4491c5e58d4bb3506ef8c14eb78a86e908c5624a67200f"`},
	{"aiwork_putBlob", `["?"]`, -32602, "not base64"},
	{"aiwork_getBlob", `["NOHASH"]`, 0, `null`},
	{"rpc.discover", `[]`, 0, `"openrpc":"1.3.2"`},

	{"eth_sign", `["ALICE","0x00"]`, -32601, "does not exist"},
	{"anvil_setBalance", `["ALICE","0x00"]`, -32601, "no cheat codes"},
}

func TestAnswersOverAChain(t *testing.T) {
	w := newRPCWorld(t)
	schemas := w.schemas()
	asked := map[string]bool{}
	for _, tc := range answers {
		t.Run(tc.method+tc.params, func(t *testing.T) {
			w.t = t
			asked[tc.method] = true
			r, want := w.ask(tc.method, w.fillIn(tc.params)), w.fillIn(tc.want)
			switch {
			case tc.code == 0 && (r.Error != nil || !bytes.Contains(r.Result, []byte(want))):
				t.Errorf("got %s %v, want %s", r.Result, r.Error, want)
			case tc.code != 0 && (r.Error == nil || r.Error.Code != tc.code || !strings.Contains(r.Error.Message, want)):
				t.Errorf("got %s %v, want code %d and %q", r.Result, r.Error, tc.code, want)
			}
			if tc.code == 0 {
				for _, wrong := range check(schemas[tc.method], decode(t, r.Result), "result") {
					t.Error(wrong)
				}
			}
		})
	}
	polled := []string{"eth_newBlockFilter", "eth_newPendingTransactionFilter", "eth_newFilter"} // TestFilters
	for method := range schemas {
		elsewhere := strings.HasPrefix(method, "debug_trace") || strings.HasPrefix(method, "ots_") // trace_test.go, ots_test.go
		if !asked[method] && !slices.Contains(polled, method) && !elsewhere {
			t.Errorf("%s: no call in the table", method)
		}
	}
}

// schemas gives the schema of each method's result, as the node describes it.
func (w *rpcWorld) schemas() map[string]any {
	var doc struct {
		Methods []struct {
			Name    string `json:"name"`
			Summary string `json:"summary"`
			Result  struct {
				Schema any `json:"schema"`
			} `json:"result"`
		} `json:"methods"`
	}
	w.result(&doc, "rpc.discover", "[]")
	out := map[string]any{}
	for _, m := range doc.Methods {
		out[m.Name] = m.Result.Schema
		if len(m.Summary) < 10 {
			w.t.Errorf("%s: no summary", m.Name)
		}
	}
	return out
}

func decode(t *testing.T, raw json.RawMessage) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// check holds a value against a JSON Schema, as far as ours go, and lists what is wrong. Properties that
// the schema does not name are wrong too.
func check(schema, v any, at string) (wrong []string) {
	s, _ := schema.(map[string]any)
	if len(s) == 0 || s["type"] == nil {
		return nil
	}
	if kind := kindOf(v); !hasKind(s["type"], kind) {
		return []string{fmt.Sprintf("%s: is %s, the schema says %v", at, kind, s["type"])}
	}
	switch v := v.(type) {
	case string:
		if p, ok := s["pattern"].(string); ok && !regexp.MustCompile(p).MatchString(v) {
			wrong = append(wrong, fmt.Sprintf("%s: %q does not match %s", at, v, p))
		}
	case []any:
		for i := range v {
			wrong = append(wrong, check(s["items"], v[i], fmt.Sprintf("%s[%d]", at, i))...)
		}
	case map[string]any:
		properties, _ := s["properties"].(map[string]any)
		for name := range v {
			of, known := properties[name]
			if !known {
				if of = s["additionalProperties"]; of == nil && s["properties"] != nil {
					wrong = append(wrong, fmt.Sprintf("%s.%s: not in the schema", at, name))
				}
			}
			wrong = append(wrong, check(of, v[name], at+"."+name)...)
		}
	}
	return wrong
}

func kindOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case float64:
		if v == float64(int64(v)) {
			return "integer"
		}
		return "number"
	case []any:
		return "array"
	default:
		return "object"
	}
}

func hasKind(of any, kind string) bool {
	kinds, ok := of.([]any)
	if !ok {
		kinds = []any{of}
	}
	return slices.Contains(kinds, any(kind)) || (kind == "integer" && slices.Contains(kinds, any("number")))
}

// Receipts and logs say the same wherever they stand.
func TestReceiptsAgree(t *testing.T) {
	w := newRPCWorld(t)
	for h := range w.blocks {
		var block struct{ Transactions []json.RawMessage }
		var all []json.RawMessage
		w.result(&block, "eth_getBlockByNumber", fmt.Sprintf(`["0x%x",true]`, h))
		w.result(&all, "eth_getBlockReceipts", fmt.Sprintf(`["0x%x"]`, h))
		if len(all) != len(block.Transactions) {
			t.Fatalf("block %d: %d receipts for %d transactions", h, len(all), len(block.Transactions))
		}
		for i, tx := range w.blocks[h].Txs {
			hash := fmt.Sprintf(`["%s"]`, tx.Hash())
			if got := w.ask("eth_getTransactionReceipt", hash).Result; !bytes.Equal(got, all[i]) {
				t.Errorf("receipt: got %s alone, %s in the block", got, all[i])
			}
			if got := w.ask("eth_getTransactionByHash", hash).Result; !bytes.Equal(got, block.Transactions[i]) {
				t.Errorf("transaction: got %s alone, %s in the block", got, block.Transactions[i])
			}
		}
	}
	var receipt struct{ Logs json.RawMessage }
	w.result(&receipt, "eth_getTransactionReceipt", w.fillIn(`["TX3"]`))
	if got := w.ask("eth_getLogs", `[{"fromBlock":"0x0"}]`).Result; !bytes.Equal(got, receipt.Logs) {
		t.Errorf("logs: got %s by query, %s in the receipt", got, receipt.Logs)
	}
}

func TestFilters(t *testing.T) {
	w := newRPCWorld(t)
	var blocks, logs, pending string
	w.result(&blocks, "eth_newBlockFilter", `[]`)
	w.result(&logs, "eth_newFilter", w.fillIn(`[{"address":"REGISTRY"}]`))
	w.result(&pending, "eth_newPendingTransactionFilter", `[]`)
	changes := func(id string) (out []json.RawMessage) {
		w.result(&out, "eth_getFilterChanges", `["`+id+`"]`)
		return out
	}
	for name, id := range map[string]string{"blocks": blocks, "logs": logs, "pending": pending} {
		if got := changes(id); len(got) != 0 {
			t.Errorf("%s before anything happened: got %s, want none", name, got)
		}
	}
	tx := w.Tx(w.Accounts[2], chain.AddrRegistry, ledgertest.Tokens(2000), callData(w))
	if err := w.pool.Add(tx, true); err != nil {
		t.Fatal(err)
	}
	if got := changes(pending); len(got) != 1 || string(got[0]) != `"`+tx.Hash().String()+`"` {
		t.Errorf("pending: got %s, want %s", got, tx.Hash())
	}
	w.Block(tx)
	w.Block()
	if got := changes(blocks); len(got) != 2 {
		t.Errorf("blocks: got %s, want two", got)
	}
	if got := changes(logs); len(got) != 1 || !bytes.Contains(got[0], []byte(tx.Hash().String())) {
		t.Errorf("logs: got %s, want one of %s", got, tx.Hash())
	}
	if got := changes(logs); len(got) != 0 {
		t.Errorf("logs again: got %s, want none", got)
	}
	var removed bool
	if w.result(&removed, "eth_uninstallFilter", `["`+logs+`"]`); !removed {
		t.Error("eth_uninstallFilter: got false, want true")
	}
	if r := w.ask("eth_getFilterLogs", `["`+logs+`"]`); r.Error == nil {
		t.Errorf("a removed filter: got %s, want an error", r.Result)
	}
	if r := w.ask("eth_getFilterLogs", `["`+blocks+`"]`); r.Error == nil || r.Error.Code != -32602 {
		t.Errorf("logs of a block filter: got %s %v, want code -32602", r.Result, r.Error)
	}
}

func callData(w *rpcWorld) []byte { return w.txs[3].Data }

// eth_sendRawTransactionSync answers when the block is final.
func TestSendAndWait(t *testing.T) {
	w := newRPCWorld(t)
	tx := w.Tx(w.Accounts[2], w.Accounts[0].Address, uint256.NewInt(1), nil)
	answer := make(chan rpcReply, 1)
	go func() {
		raw, _ := json.Marshal(rpc.Bytes(tx.Encode()))
		answer <- w.ask("eth_sendRawTransactionSync", fmt.Sprintf(`[%s,"0x1388"]`, raw))
	}()
	for {
		changed := w.pool.Changed() // before the look, so that no change is missed
		if w.pool.Get(tx.Hash()) != nil {
			break
		}
		<-changed
	}
	w.Block(tx)
	if r := <-answer; r.Error != nil || !bytes.Contains(r.Result, []byte(`"blockNumber":"0x5"`)) {
		t.Errorf("got %s %v, want a receipt in block 5", r.Result, r.Error)
	}
}

func TestSubscriptions(t *testing.T) {
	w := newRPCWorld(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(w.url, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	type message struct {
		ID     int             `json:"id"`
		Result json.RawMessage `json:"result"`
		Error  *rpc.Error      `json:"error"`
		Params struct {
			Subscription string          `json:"subscription"`
			Result       json.RawMessage `json:"result"`
		} `json:"params"`
	}
	read := func() (m message) {
		_, text, err := conn.Read(ctx)
		if err == nil {
			err = json.Unmarshal(text, &m)
		}
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	subscribe := func(params string) (id string) {
		body := `{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":` + w.fillIn(params) + `}`
		if err := conn.Write(ctx, websocket.MessageText, []byte(body)); err != nil {
			t.Fatal(err)
		}
		m := read()
		if m.Error != nil {
			return m.Error.Message
		}
		if err := json.Unmarshal(m.Result, &id); err != nil {
			t.Fatal(err)
		}
		return id
	}
	if got := subscribe(`["logs",{"address":"nobody"}]`); !strings.Contains(got, "argument 1 (filter)") {
		t.Errorf("a bad filter: got %s", got)
	}
	heads := subscribe(`["newHeads"]`)
	logs := subscribe(`["logs",{"address":"REGISTRY"}]`)
	pending := subscribe(`["newPendingTransactions"]`)
	// Each stream begins after the answer; a call behind them says that their goroutines were started, and
	// one block that they all run.
	tx := w.Tx(w.Accounts[2], chain.AddrRegistry, ledgertest.Tokens(2000), callData(w))
	seen := map[string]string{}
	next := make(chan message)
	go func() {
		defer close(next)
		for {
			_, text, err := conn.Read(ctx)
			if err != nil {
				return
			}
			var m message
			_ = json.Unmarshal(text, &m)
			next <- m
		}
	}()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for seen[heads] == "" {
		select {
		case <-tick.C:
			w.Block()
		case m := <-next:
			seen[m.Params.Subscription] = string(m.Params.Result)
		}
	}
	if err := w.pool.Add(tx, true); err != nil {
		t.Fatal(err)
	}
	for seen[pending] == "" {
		m := <-next
		seen[m.Params.Subscription] = string(m.Params.Result)
	}
	w.Block(tx)
	for seen[logs] == "" {
		m, open := <-next
		if !open {
			t.Fatalf("socket ended; seen %v", seen)
		}
		seen[m.Params.Subscription] = string(m.Params.Result)
	}
	for id, want := range map[string]string{heads: `"number":"0x`, logs: tx.Hash().String(), pending: tx.Hash().String()} {
		if !strings.Contains(seen[id], want) {
			t.Errorf("got %s, want %s in it", seen[id], want)
		}
	}
}
