package node

// What is tested: Otterscan's methods, over the chain of trace_test.go.

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/rpc"
)

type otsPage struct {
	Txs []struct {
		Hash        chain.Hash
		BlockNumber rpc.Uint64
		Input       string
	}
	Receipts []struct {
		TransactionHash chain.Hash
		Timestamp       rpc.Uint64
		Logs, LogsBloom *json.RawMessage
	}
	FirstPage, LastPage bool
}

// A walk through all pages, in both directions, meets every transaction of an address once, newest first
// within each page.
func TestOtsSearch(t *testing.T) {
	w := newTraceWorld(t)
	appears := func(a chain.Address) (want []chain.Hash) {
		for h := chain.Height(1); h <= 7; h++ {
			b, err := w.BlockByHeight(h)
			if err != nil {
				t.Fatal(err)
			}
			receipts, err := w.Receipts(h)
			if err != nil {
				t.Fatal(err)
			}
			for i, tx := range b.Txs {
				from, _ := tx.Sender()
				created := receipts[i].ContractAddress
				logged := slices.ContainsFunc(receipts[i].Logs, func(l chain.Log) bool { return l.Address == a })
				if from == a || tx.To != nil && *tx.To == a || created != nil && *created == a || logged {
					want = append(want, tx.Hash())
				}
			}
		}
		return want
	}
	for _, a := range []chain.Address{w.Accounts[0].Address, w.Accounts[1].Address, w.Accounts[2].Address, w.factory, chain.AddrRegistry, {1}} {
		want := appears(a)
		up := w.walk("ots_searchTransactionsAfter", a, false)
		down := w.walk("ots_searchTransactionsBefore", a, true)
		slices.Reverse(down)
		if !slices.Equal(up, want) || !slices.Equal(down, want) {
			t.Errorf("%s: up %v, down %v, want %v", a, up, down, want)
		}
		if len(want) == 0 && a != (chain.Address{1}) {
			t.Errorf("%s appears nowhere", a)
		}
	}
}

// walk goes through all pages of at least one transaction and gives the hashes in the order of the walk.
func (w *traceWorld) walk(method string, a chain.Address, back bool) (all []chain.Hash) {
	at := rpc.Uint64(0)
	for first := true; ; first = false {
		var page otsPage
		w.askFor(&page, method, a, uint64(at), 1)
		if back && page.FirstPage != first || !back && page.LastPage != first {
			w.t.Errorf("%s %s: first %v: %+v", method, a, first, page)
		}
		var found []chain.Hash
		for i, tx := range page.Txs {
			r := page.Receipts[i]
			if r.TransactionHash != tx.Hash || r.Timestamp == 0 || r.Logs != nil || r.LogsBloom != nil || len(tx.Input) > 10 {
				w.t.Errorf("%s %s: %+v, %+v", method, a, tx, r)
			}
			found = append(found, tx.Hash)
			at = tx.BlockNumber
		}
		if !back {
			slices.Reverse(found)
			if len(page.Txs) > 0 {
				at = page.Txs[0].BlockNumber
			}
		}
		all = append(all, found...)
		if back && page.LastPage || !back && page.FirstPage {
			return all
		}
		if len(page.Txs) == 0 {
			w.t.Fatalf("%s %s: an empty page with more behind it", method, a)
		}
	}
}

func TestOtsBlocks(t *testing.T) {
	w := newTraceWorld(t)
	var details struct {
		Block     map[string]any
		Issuance  map[string]string
		TotalFees rpc.Uint256
	}
	w.askFor(&details, "ots_getBlockDetails", 2)
	_, hasTxs := details.Block["transactions"]
	if bloom, ok := details.Block["logsBloom"]; !ok || bloom != nil || hasTxs || details.Block["transactionCount"] != 3.0 {
		t.Errorf("details: %+v", details.Block)
	}
	receipts, err := w.Receipts(2)
	if err != nil {
		t.Fatal(err)
	}
	var fees uint256.Int
	for _, r := range receipts {
		fees.Add(&fees, new(uint256.Int).Mul(uint256.NewInt(r.GasUsed), &r.EffectivePrice))
	}
	if details.TotalFees.Int != fees || fees.IsZero() {
		t.Errorf("fees: got %s, want %s", details.TotalFees.Dec(), fees.Dec())
	}
	var byHash json.RawMessage
	w.askFor(&byHash, "ots_getBlockDetailsByHash", w.blocks[2].Hash())
	var byNumber json.RawMessage
	if w.askFor(&byNumber, "ots_getBlockDetails", "0x2"); string(byHash) != string(byNumber) {
		t.Errorf("by hash %s, by number %s", byHash, byNumber)
	}
	var header struct{ Hash chain.Hash }
	if w.askFor(&header, "erigon_getHeaderByNumber", "0x2"); header.Hash != w.blocks[2].Hash() {
		t.Errorf("header: %s", header.Hash)
	}
	for page, want := range [][]chain.Hash{{w.txs[1].Hash(), w.txs[2].Hash()}, {w.txs[0].Hash()}, nil} {
		var got struct {
			Fullblock struct {
				Transactions     []struct{ Hash chain.Hash }
				TransactionCount int
			}
			Receipts []struct{ TransactionHash chain.Hash }
		}
		w.askFor(&got, "ots_getBlockTransactions", 2, page, 2)
		var txs, rs []chain.Hash
		for i := range got.Fullblock.Transactions {
			txs = append(txs, got.Fullblock.Transactions[i].Hash)
		}
		for i := range got.Receipts {
			rs = append(rs, got.Receipts[i].TransactionHash)
		}
		if !slices.Equal(txs, want) || !slices.Equal(rs, want) || got.Fullblock.TransactionCount != 3 {
			t.Errorf("page %d: got %v and %v, want %v", page, txs, rs, want)
		}
	}
}

func TestOtsTransactions(t *testing.T) {
	w := newTraceWorld(t)
	for _, c := range []struct {
		method string
		params []any
		want   string
	}{
		{"ots_getApiLevel", nil, `8`},
		{"ots_hasCode", []any{w.factory, "latest"}, `true`},
		{"ots_hasCode", []any{w.factory, "0x4"}, `false`},
		{"ots_hasCode", []any{w.Accounts[0].Address, "latest"}, `false`},
		{"ots_getTransactionBySenderAndNonce", []any{w.Accounts[2].Address, 2}, quoted(w.call.Hash())},
		{"ots_getTransactionBySenderAndNonce", []any{w.Accounts[2].Address, 9}, `null`},
		{"ots_getTransactionError", []any{w.reverted.Hash()}, `"0xab000000"`},
		{"ots_getTransactionError", []any{w.call.Hash()}, `"0x"`},
		{"ots_getContractCreator", []any{w.factory}, `{"hash":` + quoted(w.create.Hash()) + `,"creator":"` + lower(w.Accounts[2].Address) + `"}`},
		{"ots_getContractCreator", []any{w.made}, `{"hash":` + quoted(w.call.Hash()) + `,"creator":"` + lower(w.factory) + `"}`},
		{"ots_getContractCreator", []any{w.Accounts[0].Address}, `null`},
		{"ots_getInternalOperations", []any{w.call.Hash()}, `[{"type":2,"from":"` + lower(w.factory) + `","to":"` + lower(w.made) + `","value":"0x3"}]`},
		{"ots_getInternalOperations", []any{w.txs[0].Hash()}, `[]`},
		{"ots_traceTransaction", []any{w.txs[0].Hash()}, `[{"type":"CALL","depth":0,"from":"` + lower(w.Accounts[0].Address) +
			`","to":"` + lower(w.Accounts[1].Address) + `","value":"0x5","input":"0x","output":"0x"}]`},
	} {
		var got json.RawMessage
		if w.askFor(&got, c.method, c.params...); string(got) != c.want {
			t.Errorf("%s %v: got %s, want %s", c.method, c.params, got, c.want)
		}
	}
	var calls []struct {
		Type, From, To string
		Depth          int
	}
	w.askFor(&calls, "ots_traceTransaction", w.call.Hash())
	if len(calls) != 2 || calls[1].Type != "CREATE" || calls[1].Depth != 1 || calls[1].To != lower(w.made) {
		t.Errorf("calls: %+v", calls)
	}
}

func quoted(h chain.Hash) string { return `"` + h.String() + `"` }
