package clients

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/internal/testutil"
)

// script runs one of the folder's JavaScript programs and decodes the object that it prints.
func script(t *testing.T, name string, into any, keys ...string) {
	t.Helper()
	node := testutil.Tool(t, "node", "nodejs")
	installed(t, strings.TrimSuffix(name, ".mjs"), "package.json")
	out, err := run(t, nil, node, append([]string{name, needDevnet(t)}, keys...)...)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(out), into); err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
}

type transfer struct {
	Status  any    `json:"status"`
	Hash    string `json:"hash"`
	GasUsed string `json:"gasUsed"`
}

func TestViem(t *testing.T) {
	var got struct {
		ChainID       int `json:"chainId"`
		Transfer      transfer
		Before, After string
		Transaction   struct{ Value, BlockNumber, ReceiptBlock, Type string }
		Block         struct {
			Hash, Rehash string
			Holds        bool
		}
		Registered     string
		RegisteredHash string `json:"registeredHash"`
		Logs           []struct{ Worker, Payout, Bond, TransactionHash string }
		Record         struct {
			State       int
			Bond, About string
		}
		Revert  string
		Fees    struct{ Max, Tip string }
		History int
		Refused string
		Watched []int
		Event   string
		Polled  string
		Worker  string
	}
	script(t, "viem.mjs", &got, keyOf(1), keyOf(2))
	if got.ChainID != 20260 {
		t.Errorf("chain id: got %d, want 20260", got.ChainID)
	}
	if got.Transfer.Status != "success" || got.Transfer.GasUsed != "21000" || got.Before != "0" || got.After != "1250000000000000000" {
		t.Errorf("transfer: got %+v, balance %s then %s", got.Transfer, got.Before, got.After)
	}
	if tx := got.Transaction; tx.Value != "1250000000000000000" || tx.BlockNumber != tx.ReceiptBlock || tx.Type != "eip1559" {
		t.Errorf("transaction: got %+v", tx)
	}
	if !got.Block.Holds || got.Block.Hash != got.Block.Rehash {
		t.Errorf("block: got hash %s, from its fields %s; holds the transfer: %t", got.Block.Hash, got.Block.Rehash, got.Block.Holds)
	}
	i := slices.IndexFunc(got.Logs, func(l struct{ Worker, Payout, Bond, TransactionHash string }) bool { return l.Worker == got.Worker })
	if got.Registered != "success" || i < 0 || got.Logs[i].Bond != "2000000000000000000000" || got.Logs[i].TransactionHash != got.RegisteredHash {
		t.Errorf("event: got %s, logs %+v", got.Registered, got.Logs)
	}
	if got.Record.State != 1 || got.Record.Bond != "2000000000000000000000" || got.Record.About != "viem" {
		t.Errorf("worker(): got %+v", got.Record)
	}
	if !strings.HasPrefix(got.Revert, "registry: ") {
		t.Errorf("revert reason: got %q, want the registry's", got.Revert)
	}
	if got.History != 5 || got.Fees.Max == "0" || got.Fees.Max == "" {
		t.Errorf("fees: got %+v and %d base fees, want 5", got.Fees, got.History)
	}
	if !strings.Contains(got.Refused, "transaction") {
		t.Errorf("garbage: got %q", got.Refused)
	}
	if !consecutive(got.Watched, 3) {
		t.Errorf("watched blocks: got %v, want three in a row", got.Watched)
	}
	if got.Event != got.Worker || got.Polled != got.Worker {
		t.Errorf("watched events: got %s by WebSocket and %s by polling, want %s", got.Event, got.Polled, got.Worker)
	}
}

func TestEthers(t *testing.T) {
	var got struct {
		ChainID  string `json:"chainId"`
		Transfer transfer
		After    string
		Block    struct {
			Hash, ReceiptBlock string
			Holds              bool
		}
		Quote  map[string]json.Number
		Revert string
		Typed  int
		Heads  []int
	}
	script(t, "ethers.mjs", &got, keyOf(5))
	if got.ChainID != "20260" || got.Transfer.Status != 1.0 || got.After != "500000000000000000" {
		t.Errorf("transfer: got chain %s, %+v, balance %s", got.ChainID, got.Transfer, got.After)
	}
	if !got.Block.Holds || got.Block.Hash != got.Block.ReceiptBlock {
		t.Errorf("block: got %+v", got.Block)
	}
	if got.Quote["escrow"] == "" || got.Revert != "jobs: no such job" || got.Typed != 1 {
		t.Errorf("contract: got quote %v, revert %q, legacy transaction %d", got.Quote, got.Revert, got.Typed)
	}
	if !consecutive(got.Heads, 2) {
		t.Errorf("heads: got %v, want two in a row", got.Heads)
	}
}

func consecutive(heights []int, n int) bool {
	for i := range heights {
		if heights[i] != heights[0]+i {
			return false
		}
	}
	return len(heights) == n
}
