package clients

import (
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/testnet"
)

// castClient is Foundry's cast on one node.
type castClient struct {
	t   *testing.T
	exe string
	url string
}

func newCast(t *testing.T) castClient {
	exe := installed(t, "@foundry-rs/cast-linux-amd64", "bin", "cast")
	return castClient{t, exe, needDevnet(t)}
}

func (c castClient) try(args ...string) (string, error) {
	return run(c.t, []string{"ETH_RPC_URL=" + c.url, "FOUNDRY_DISABLE_NIGHTLY_WARNING=1"}, c.exe, args...)
}

func (c castClient) run(args ...string) string {
	c.t.Helper()
	out, err := c.try(args...)
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

// object runs a command whose output is a JSON object.
func (c castClient) object(args ...string) map[string]any {
	c.t.Helper()
	out := map[string]any{}
	text := c.run(append(args, "--json")...)
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		c.t.Fatalf("cast %s: %v: %s", strings.Join(args, " "), err, text)
	}
	return out
}

func keyOf(account int) string {
	b := testnet.Account(account).Bytes()
	return "0x" + hex.EncodeToString(b[:])
}

func TestCastTransfer(t *testing.T) {
	c := newCast(t)
	const to = "0x00000000000000000000000000000000000ca570"
	if got, want := c.run("chain-id"), "20260"; got != want {
		t.Errorf("chain-id: got %s, want %s", got, want)
	}
	sender := c.run("wallet", "address", "--private-key", keyOf(0))
	before := c.run("nonce", sender)
	receipt := c.object("send", "--private-key", keyOf(0), "--value", "1.5ether", to)
	hash, _ := receipt["transactionHash"].(string)
	if receipt["status"] != "0x1" || receipt["gasUsed"] != "0x5208" {
		t.Errorf("send: got status %v and gas %v, want 0x1 and 0x5208", receipt["status"], receipt["gasUsed"])
	}
	if got, want := c.run("balance", to), "1500000000000000000"; got != want {
		t.Errorf("balance: got %s, want %s", got, want)
	}
	if after := c.run("nonce", sender); after == before {
		t.Errorf("nonce: got %s before and after", after)
	}
	again := c.object("receipt", hash)
	for _, key := range []string{"transactionHash", "blockHash", "blockNumber", "status", "effectiveGasPrice"} {
		if again[key] != receipt[key] {
			t.Errorf("receipt: %s: got %v, want %v", key, again[key], receipt[key])
		}
	}
	if tx := c.object("tx", hash); tx["blockHash"] != receipt["blockHash"] || tx["value"] != "0x14d1120d7b160000" {
		t.Errorf("tx: got block %v, value %v; want block %v", tx["blockHash"], tx["value"], receipt["blockHash"])
	}
	block := c.object("block", receipt["blockHash"].(string))
	if block["number"] != receipt["blockNumber"] || !strings.Contains(toJSON(t, block["transactions"]), hash) {
		t.Errorf("block: got number %v, transactions %v", block["number"], block["transactions"])
	}
}

func TestCastReads(t *testing.T) {
	c := newCast(t)
	for _, tc := range []struct {
		name string
		args []string
		want string // a part of the output
	}{
		{"head", []string{"block", "finalized", "--field", "gasLimit"}, "30000000"},
		{"genesis", []string{"block", "earliest", "--field", "number"}, "0"},
		{"gas price", []string{"gas-price"}, "1131000000"},
		{"base fee", []string{"base-fee"}, "1000000000"},
		{"estimate", []string{"estimate", "--from", testnetAddress(1), "--value", "1", testnetAddress(2)}, "21000"},
		{"code of a person", []string{"code", testnetAddress(2)}, "0x"},
		{"storage", []string{"storage", testnetAddress(2), "0"}, "0x" + strings.Repeat("0", 64)},
		{"method call", []string{"rpc", "web3_sha3", "0x"}, "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"},
		{"our method", []string{"rpc", "aiwork_getValidators"}, `"name":"validator3"`},
		{"our method with arguments", []string{"rpc", "aiwork_getFinality", "0x1"}, `"kind":"finalize"`},
		{"client", []string{"client"}, "aiwork-node/"},
		{"contract", []string{"call", "0x000000000000000000000000000000000000A103", "jobCount()(uint64)"}, "0"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c.t = t
			if got := c.run(tc.args...); !strings.Contains(got, tc.want) {
				t.Errorf("got %q, want %q in it", got, tc.want)
			}
		})
	}
}

func TestCastLogs(t *testing.T) {
	c := newCast(t)
	const registry, event = "0x000000000000000000000000000000000000a102", "WorkerRegistered(address indexed,address,uint256)"
	model := "0x" + strings.Repeat("22", 32)
	r := c.object("send", "--private-key", keyOf(3), "--value", "2000ether", registry, "register(address,bytes32[],string)",
		testnetAddress(3), "["+model+"]", "cast")
	if r["status"] != "0x1" {
		t.Fatalf("register: got status %v: %v", r["status"], r)
	}
	logs := c.run("logs", "--json", "--from-block", "0", "--address", registry, event, testnetAddress(3))
	for _, want := range []string{r["transactionHash"].(string), `"removed":false`, strings.ToLower(testnetAddress(3))[2:]} {
		if !strings.Contains(logs, want) {
			t.Errorf("logs: got %s, want %s in it", logs, want)
		}
	}
	if none := c.run("logs", "--json", "--from-block", "0", "--address", registry, event, testnetAddress(9)); none != "[]" {
		t.Errorf("logs of another worker: got %s, want none", none)
	}
}

func TestCastRefused(t *testing.T) {
	c := newCast(t)
	for _, tc := range []struct {
		name string
		args []string
		want string
	}{
		{"unknown method", []string{"rpc", "eth_nope"}, "-32601"},
		{"overdraft", []string{"send", "--private-key", keyOf(4), "--value", "2000000ether", testnetAddress(0)}, "insufficient funds"},
		{"wrong chain", []string{"send", "--private-key", keyOf(4), "--chain", "1", "--gas-limit", "21000", "--value", "1", testnetAddress(0)}, "chain"},
		{"revert", []string{"call", "0x000000000000000000000000000000000000A103", "cancel(uint64)", "424242"}, "no such job"},
		{"garbage", []string{"publish", "0x02c0"}, "transaction"},
		{"contract creation", []string{"send", "--private-key", keyOf(4), "--create", "0x600060005500"}, "contract"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c.t = t
			out, err := c.try(tc.args...)
			if err == nil {
				t.Fatalf("got %s, want a refusal", out)
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q in it", err, tc.want)
			}
		})
	}
}

func testnetAddress(account int) string {
	a := testnet.Account(account).Public().Address()
	return "0x" + hex.EncodeToString(a[:])
}

func toJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
