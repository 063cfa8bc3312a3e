package clients

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// How cast names what it does not know the source of.
const (
	postSelector      = "8ee93cf3"
	postTwiceSelector = "dfce98f8"
	postedTopic       = "emit topic 0: 0xc81d15f76f665dc633238bb59b023f7ebc75eb0c90ef79ff741f6bbf03e586e6"
)

// castClient is Foundry's cast on one node, with a contract to play with.
type castClient struct {
	exe, url string
	made     map[string]contract
	board    string
}

// try runs cast and gives its error as part of the answer.
func (c *castClient) try(t *testing.T, args ...string) (string, error) {
	t.Helper()
	return command{path: c.exe, env: []string{"ETH_RPC_URL=" + c.url}, args: args}.run(t)
}

func (c *castClient) run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := c.try(t, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// object runs a command whose output is a JSON object.
func (c *castClient) object(t *testing.T, args ...string) map[string]any {
	t.Helper()
	out := map[string]any{}
	text := c.run(t, append(args, "--json")...)
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatalf("cast %s: %v: %s", strings.Join(args, " "), err, text)
	}
	return out
}

// send sends a transaction of the client's account, which must succeed, and gives its receipt.
func (c *castClient) send(t *testing.T, args ...string) map[string]any {
	t.Helper()
	r := c.object(t, append([]string{"send", "--private-key", keyOf(0)}, args...)...)
	if r["status"] != "0x1" {
		t.Fatalf("send %v: got status %v", args, r["status"])
	}
	return r
}

func (c *castClient) deploy(t *testing.T, name string, args ...string) string {
	t.Helper()
	r := c.send(t, append([]string{"--create", c.made[name].Bytecode}, args...)...)
	return r["contractAddress"].(string)
}

// want checks parts of an output, whose addresses may be written in either case.
func want(t *testing.T, got string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(strings.ToLower(got), strings.ToLower(p)) {
			t.Errorf("got %s\nwant %q in it", got, p)
		}
	}
}

// refused checks that a command fails, in these words.
func (c *castClient) refused(t *testing.T, word string, args ...string) {
	t.Helper()
	out, err := c.try(t, args...)
	if err == nil {
		t.Errorf("cast %s: got %s, want a refusal", strings.Join(args, " "), out)
	} else if !regexp.MustCompile("(?i)" + word).MatchString(err.Error()) {
		t.Errorf("got %v, want %q in it", err, word)
	}
}

func runCast(t *testing.T, col column) {
	c := &castClient{exe: installed(t, "@foundry-rs/cast-linux-amd64", "bin", "cast"), url: needDevnet(t), made: contracts(t)}
	for _, f := range []struct {
		name  string
		check func(*testing.T)
	}{
		{"reads", c.reads},
		{"block tags", c.tags},
		{"fees", c.fees},
		{"deploy", c.deploys},
		{"call", func(t *testing.T) { want(t, c.run(t, "call", c.board, "title()(string)"), `"cast"`) }},
		{"send type 0", func(t *testing.T) { c.typed(t, "0x0", "--legacy") }},
		{"send type 1", func(t *testing.T) {
			c.typed(t, "0x1", "--legacy", "--access-list", `[{"address":"`+c.board+`","storageKeys":["0x`+strings.Repeat("0", 64)+`"]}]`)
		}},
		{"send type 2", func(t *testing.T) { c.typed(t, "0x2") }},
		{"send type 4", c.delegate},
		{"type 3 refused", c.blob},
		{"receipt", c.receipt},
		{"send and wait", func(t *testing.T) { c.send(t, "--sync", c.board, "post(string)", "waited for") }},
		{"nonces in a row", c.row},
		{"logs", c.logs},
		{"estimate", c.estimate},
		{"call with overrides", c.overrides},
		{"access list", func(t *testing.T) {
			want(t, c.run(t, "access-list", "--from", addressOf(0), c.board, "post(string)", "listed"), c.board, "0x"+strings.Repeat("0", 63)+"1")
		}},
		{"trace calls", c.traceCalls},
		{"trace state", c.traceState},
		{"trace steps", c.runAgain},
		{"simulate", c.simulate},
		{"proof", c.proof},
		{"fork", c.callTrace},
		{"custom error", func(t *testing.T) {
			c.refused(t, "0x09931802.*00003", "call", c.board, "post(string)", "no")
			c.refused(t, "0x09931802.*00003", "send", "--private-key", keyOf(0), c.board, "post(string)", "no")
		}},
		{"revert reason", c.reasons},
		{"ERC-20", c.erc20},
		{"ERC-721", c.erc721},
		{"refusals", c.refusals},
		{"cheat codes refused", func(t *testing.T) { c.refused(t, "-32601", "rpc", "anvil_mine") }},
		{"system contracts", c.system},
	} {
		col.flow(t, f.name, f.check)
	}
}

func (c *castClient) reads(t *testing.T) {
	if got := c.run(t, "chain-id"); got != "20260" {
		t.Errorf("chain-id: got %s, want 20260", got)
	}
	want(t, c.run(t, "block", "latest", "--field", "gasLimit"), "30000000")
	want(t, c.run(t, "block", "0", "--field", "number"), "0")
	want(t, c.run(t, "code", addressOf(2)), "0x")
	want(t, c.run(t, "storage", addressOf(2), "0"), "0x"+strings.Repeat("0", 64))
	want(t, c.run(t, "rpc", "web3_sha3", "0x"), "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470")
	want(t, c.run(t, "client"), "/")
	want(t, c.run(t, "chain-id", "--rpc-url", strings.Replace(c.url, "http", "ws", 1)), "20260")
	want(t, c.run(t, "tx-pool", "status"), "pending", "queued")
}

func (c *castClient) tags(t *testing.T) {
	for _, tag := range []string{"earliest", "finalized", "safe", "latest", "pending"} {
		if b := c.object(t, "block", tag, "--full"); b["gasLimit"] == nil {
			t.Errorf("%s: got %v", tag, b)
		}
	}
}

func (c *castClient) fees(t *testing.T) {
	for _, command := range []string{"gas-price", "base-fee"} {
		if got := c.run(t, command); len(got) < 8 {
			t.Errorf("%s: got %s, want at least a gwei", command, got)
		}
	}
	want(t, c.run(t, "rpc", "eth_feeHistory", "0x1", "latest", "[25,75]"), "baseFeePerGas")
}

func (c *castClient) deploys(t *testing.T) {
	c.board = c.deploy(t, "Board", "constructor(string)", "cast")
	if size := c.run(t, "codesize", c.board); len(size) < 4 {
		t.Errorf("codesize: got %s, want over a thousand", size)
	}
}

// typed moves money with a transaction of one type.
func (c *castClient) typed(t *testing.T, kind string, flags ...string) {
	const to = "0x00000000000000000000000000000000000ca570"
	before := c.run(t, "balance", to)
	r := c.send(t, append(flags, "--value", "1.5ether", to)...)
	if r["type"] != kind {
		t.Errorf("type: got %v, want %s", r["type"], kind)
	}
	if after := c.run(t, "balance", to); after == before {
		t.Errorf("balance: got %s before and after", after)
	}
	if tx := c.object(t, "tx", r["transactionHash"].(string)); tx["type"] != kind || tx["value"] != "0x14d1120d7b160000" {
		t.Errorf("tx: got type %v, value %v", tx["type"], tx["value"])
	}
}

// delegate gives account 4 code, calls it, and takes the code away.
func (c *castClient) delegate(t *testing.T) {
	batcher := c.deploy(t, "Batcher")
	owner := []string{"send", "--private-key", keyOf(4)}
	const friend = "0x00000000000000000000000000000000000ca574"
	r := c.object(t, append(owner, "--auth", batcher, addressOf(4), "execute((address,uint256,bytes)[])", "[("+friend+",9,0x)]")...)
	if r["status"] != "0x1" || r["type"] != "0x4" {
		t.Fatalf("delegated call: got status %v, type %v", r["status"], r["type"])
	}
	want(t, c.run(t, "balance", friend), "9")
	want(t, c.run(t, "code", addressOf(4)), "0xef0100"+batcher[2:])
	// A signed authorization that another account carries.
	auth := c.run(t, "wallet", "sign-auth", "--private-key", keyOf(4), "0x0000000000000000000000000000000000000000")
	c.send(t, "--auth", auth, addressOf(0))
	if code := c.run(t, "code", addressOf(4)); code != "0x" {
		t.Errorf("code: got %s, want none", code)
	}
}

func (c *castClient) blob(t *testing.T) {
	file := filepath.Join(t.TempDir(), "blob")
	if err := os.WriteFile(file, []byte("much data"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.refused(t, "blob", "send", "--private-key", keyOf(3), "--blob", "--blob-gas-price", "1gwei", "--gas-price", "10gwei",
		"--priority-gas-price", "1gwei", "--gas-limit", "50000", "--path", file, addressOf(0))
}

func (c *castClient) receipt(t *testing.T) {
	r := c.send(t, "--value", "5", c.board, "post(string)", "a receipt")
	hash := r["transactionHash"].(string)
	again := c.object(t, "receipt", hash)
	for _, key := range []string{"transactionHash", "blockHash", "blockNumber", "status", "effectiveGasPrice", "gasUsed"} {
		if again[key] != r[key] {
			t.Errorf("receipt: %s: got %v, want %v", key, again[key], r[key])
		}
	}
	if tx := c.object(t, "tx", hash); tx["blockHash"] != r["blockHash"] || tx["value"] != "0x5" {
		t.Errorf("tx: got block %v, value %v; want block %v", tx["blockHash"], tx["value"], r["blockHash"])
	}
	block := c.object(t, "block", r["blockHash"].(string))
	if block["number"] != r["blockNumber"] {
		t.Errorf("block: got number %v, want %v", block["number"], r["blockNumber"])
	}
	want(t, c.run(t, "rpc", "eth_getBlockReceipts", r["blockNumber"].(string)), hash)
}

// row signs three transactions beforehand and publishes them without waiting.
func (c *castClient) row(t *testing.T) {
	const to = "0x00000000000000000000000000000000000ca573"
	before := c.run(t, "nonce", "--block", "pending", addressOf(3))
	nonce, err := strconv.Atoi(before)
	if err != nil {
		t.Fatal(err)
	}
	var last string
	for i := range 3 {
		raw := c.run(t, "mktx", "--private-key", keyOf(3), "--nonce", strconv.Itoa(nonce+i), "--gas-limit", "21000", "--value", "1", to)
		last = strings.Trim(c.run(t, "publish", "--async", raw), `"`)
	}
	if r := c.object(t, "receipt", last); r["status"] != "0x1" {
		t.Errorf("receipt: got %v", r)
	}
	if after := c.run(t, "nonce", addressOf(3)); after == before {
		t.Errorf("nonce: got %s before and after", after)
	}
	want(t, c.run(t, "balance", to), "3")
}

func (c *castClient) logs(t *testing.T) {
	r := c.send(t, c.board, "post(string)", "in the logs")
	event := "Posted(uint256 indexed,address indexed,string)"
	near := []string{"logs", "--json", "--from-block", r["blockNumber"].(string), "--to-block", "latest", "--address", c.board, event}
	want(t, c.run(t, near...), r["transactionHash"].(string), `"removed":false`)
	if none := c.run(t, append(near, "7777777")...); none != "[]" {
		t.Errorf("logs of another post: got %s, want none", none)
	}
}

func (c *castClient) estimate(t *testing.T) {
	want(t, c.run(t, "estimate", "--from", addressOf(1), "--value", "1", addressOf(2)), "21000")
	gas := c.run(t, "estimate", "--from", addressOf(0), c.board, "post(string)", "estimated")
	c.send(t, "--gas-limit", gas, c.board, "post(string)", "estimated")
	if create := c.run(t, "estimate", "--from", addressOf(0), "--create", c.made["Deed"].Bytecode); len(create) < 6 {
		t.Errorf("creation: got %s gas, want over a hundred thousand", create)
	}
}

func (c *castClient) overrides(t *testing.T) {
	const at = "0x00000000000000000000000000000000000ca577"
	code := c.run(t, "code", c.board)
	slot := at + ":0x1:0x2a"
	want(t, c.run(t, "call", at, "count()(uint256)", "--override-code", at+":"+code, "--override-state-diff", slot), "42")
	want(t, c.run(t, "call", at, "count()(uint256)", "--override-code", at+":"+code, "--override-state", slot), "42")
	want(t, c.run(t, "call", c.board, "balance()(uint256)", "--override-balance", c.board+":1234"), "1234")
	// NUMBER, returned by a few bytes of code.
	want(t, c.run(t, "call", at, "--override-code", at+":0x435f5260205ff3", "--block.number", "12345"), "3039")
}

func (c *castClient) traceCalls(t *testing.T) {
	r := c.send(t, "--value", "3", c.board, "postTwice(string)", "traced")
	trace := c.run(t, "rpc", "debug_traceTransaction", r["transactionHash"].(string), `{"tracer":"callTracer","tracerConfig":{"withLog":true}}`)
	want(t, trace, `"calls":[`, `"value":"0x3"`, `"type":"CALL"`, `"logs":[`)
}

func (c *castClient) traceState(t *testing.T) {
	r := c.send(t, "--value", "3", c.board, "post(string)", "diffed")
	trace := c.run(t, "rpc", "debug_traceTransaction", r["transactionHash"].(string), `{"tracer":"prestateTracer","tracerConfig":{"diffMode":true}}`)
	want(t, trace, `"pre":{`, `"post":{`, c.board)
}

// runAgain lets cast fetch a transaction with what its block did before it and execute it itself.
func (c *castClient) runAgain(t *testing.T) {
	r := c.send(t, "--value", "3", c.board, "postTwice(string)", "again")
	out := c.run(t, "run", r["transactionHash"].(string))
	want(t, out, "Transaction successfully executed", postTwiceSelector+"{value: 3}", postSelector+"{value: 3}", postSelector+"(", postedTopic,
		"Gas used: "+decimal(t, r["gasUsed"]))
}

// decimal gives a quantity of JSON-RPC in the decimal form that tools print.
func decimal(t *testing.T, quantity any) string {
	t.Helper()
	text, _ := quantity.(string)
	n, err := strconv.ParseUint(text, 0, 64)
	if err != nil {
		t.Fatal(err)
	}
	return strconv.FormatUint(n, 10)
}

func (c *castClient) simulate(t *testing.T) {
	data := c.run(t, "calldata", "post(string)", "simulated")
	arg := `{"blockStateCalls":[{"stateOverrides":{"` + addressOf(0) + `":{"balance":"0xde0b6b3a7640000"}},"calls":[{"from":"` + addressOf(0) + `","to":"` + c.board + `","input":"` + data + `"}]}]}`
	out := c.run(t, "rpc", "eth_simulateV1", arg, "latest")
	want(t, out, `"status":"0x1"`, `"logs":[{`, `"baseFeePerGas"`)
}

func (c *castClient) proof(t *testing.T) {
	out := c.run(t, "proof", c.board, "0x0000000000000000000000000000000000000000000000000000000000000001")
	want(t, out, "accountProof", "storageHash", "storageProof")
	hash := c.run(t, "codehash", c.board)
	want(t, c.run(t, "keccak", c.run(t, "code", c.board)), hash)
}

// callTrace runs a call on a copy of the chain that cast makes for itself.
func (c *castClient) callTrace(t *testing.T) {
	out := c.run(t, "call", "--trace", "--from", addressOf(0), "--value", "3", c.board, "postTwice(string)", "on a copy")
	want(t, out, postTwiceSelector, postSelector, postedTopic, "Transaction successfully executed")
}

func (c *castClient) reasons(t *testing.T) {
	c.refused(t, "because", "call", c.board, "refuse(string)", "because")
	c.refused(t, "because", "estimate", c.board, "refuse(string)", "because")
	c.refused(t, "division or modulo by zero|0x12", "call", c.board, "divide(uint256,uint256)", "1", "0")
	r := c.object(t, "send", "--private-key", keyOf(0), "--gas-limit", "100000", c.board, "refuse(string)", "late")
	if r["status"] != "0x0" {
		t.Errorf("failed transaction: got status %v, want 0x0", r["status"])
	}
}

func (c *castClient) erc20(t *testing.T) {
	const friend = "0x00000000000000000000000000000000000ca520"
	coin := c.deploy(t, "Coin", "constructor(uint256)", "1000000")
	c.run(t, "erc20-token", "transfer", "--private-key", keyOf(0), coin, friend, "7")
	c.send(t, coin, "approve(address,uint256)", addressOf(3), "9")
	r := c.object(t, "send", "--private-key", keyOf(3), coin, "transferFrom(address,address,uint256)", addressOf(0), friend, "9")
	if r["status"] != "0x1" {
		t.Errorf("transferFrom: got %v", r)
	}
	want(t, c.run(t, "erc20-token", "balance", coin, friend), "16")
	want(t, c.run(t, "erc20-token", "total-supply", coin), "1000000")
	want(t, c.run(t, "erc20-token", "symbol", coin), "COIN")
	c.refused(t, "0xfb8f41b2|ERC20InsufficientAllowance", "call", "--from", addressOf(3), coin, "transferFrom(address,address,uint256)", addressOf(0), friend, "1")
}

func (c *castClient) erc721(t *testing.T) {
	const friend = "0x00000000000000000000000000000000000Ca721"
	deed := c.deploy(t, "Deed")
	c.send(t, deed, "mint(address)", addressOf(0))
	c.send(t, deed, "safeTransferFrom(address,address,uint256)", addressOf(0), friend, "1")
	if got := c.run(t, "call", deed, "ownerOf(uint256)(address)", "1"); !strings.EqualFold(got, friend) {
		t.Errorf("owner: got %s, want %s", got, friend)
	}
	c.refused(t, "0x64a0ae92|ERC721InvalidReceiver", "call", deed, "mint(address)", c.board)
}

func (c *castClient) refusals(t *testing.T) {
	c.refused(t, "-32601", "rpc", "eth_nope")
	c.refused(t, "insufficient funds", "send", "--private-key", keyOf(3), "--value", "2000000ether", addressOf(0))
	c.refused(t, "chain", "send", "--private-key", keyOf(3), "--chain", "1", "--gas-limit", "21000", "--value", "1", addressOf(0))
	c.refused(t, "transaction|decode|typed", "publish", "0x02c0")
	c.refused(t, "nonce too low", "send", "--private-key", keyOf(0), "--nonce", "0", "--gas-limit", "21000", addressOf(0))
}

func (c *castClient) system(t *testing.T) {
	const registry, event = "0x000000000000000000000000000000000000a102", "WorkerRegistered(address indexed,address,uint256)"
	want(t, c.run(t, "rpc", "aiwork_getValidators"), `"name":"validator3"`)
	want(t, c.run(t, "rpc", "aiwork_getFinality", "0x1"), `"kind":"finalize"`)
	want(t, c.run(t, "call", "0x000000000000000000000000000000000000A103", "jobCount()(uint64)"), "0")
	c.refused(t, "no such job", "call", "0x000000000000000000000000000000000000A103", "cancel(uint64)", "424242")
	r := c.object(t, "send", "--private-key", keyOf(3), "--value", "2000ether", registry, "register(address,bytes32[],string)",
		addressOf(3), "[0x"+strings.Repeat("22", 32)+"]", "cast")
	if r["status"] != "0x1" {
		t.Fatalf("register: got status %v: %v", r["status"], r)
	}
	logs := c.run(t, "logs", "--json", "--from-block", "0", "--address", registry, event, addressOf(3))
	want(t, logs, r["transactionHash"].(string), `"removed":false`, addressOf(3)[2:])
	if none := c.run(t, "logs", "--json", "--from-block", "0", "--address", registry, event, addressOf(9)); none != "[]" {
		t.Errorf("logs of another worker: got %s, want none", none)
	}
}
