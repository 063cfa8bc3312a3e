package testnet_test

// Bad input, end to end: what users and strangers get wrong gives a clear error and an exit code, and the
// network loses nothing by it.

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/internal/requester"
	"github.com/aiwork/aiwork-node/internal/testutil"
	"github.com/aiwork/aiwork-node/testnet"
)

const (
	codeMethod  = -32601
	codeLimit   = -32005
	codeRefused = -32000
	exitUsage   = 2
	exitRefused = 3
)

func one() *uint256.Int { return uint256.NewInt(1) }

func TestBadInput(t *testing.T) {
	c := startNetwork(t, 4, 1)
	b := badInput{c, dial(t, c.URL(0)), c.URL(0)}
	before := balance(t, b.node, 0)
	t.Run("transactions", b.transactions)
	t.Run("requests", b.requests)
	t.Run("files", b.files)
	t.Run("missing blob", b.missingBlob)
	t.Run("full mempool", b.fullMempool)
	t.Run("wrong genesis", b.wrongGenesis)
	t.Run("ports in use", b.portsInUse)
	t.Run("passwords", b.passwords)

	if after := balance(t, b.node, 0); !after.Eq(&before) {
		t.Errorf("balance of the account that was refused: got %s, want %s", after.Dec(), before.Dec())
	}
	send(t, b.node, 1, 1) // the network goes on
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	for _, v := range c.Validators {
		home := filepath.Join(c.Dir, v.Name)
		if out := command(t, nil, "--home", home, "--json", "db", "verify").succeeded(t); !strings.Contains(out, `"ok": true`) {
			t.Errorf("%s: db verify: %s", v.Name, out)
		}
	}
}

type badInput struct {
	cluster *testnet.Cluster
	node    *client.Client
	url     string
}

func balance(t *testing.T, c *client.Client, account int) uint256.Int {
	t.Helper()
	var v client.Uint256
	if err := c.Call(t.Context(), &v, "eth_getBalance", addressOf(account), "latest"); err != nil {
		t.Fatal(err)
	}
	return v.Int
}

func addressOf(account int) chain.Address {
	return chain.Address(testnet.Account(account).Public().Address())
}

// signed gives an encoded transfer of account 0 with one thing changed.
func signed(t *testing.T, chainID uint64, change func(*chain.Tx)) []byte {
	t.Helper()
	to := addressOf(1)
	tx := &chain.Tx{
		Type: chain.TxTypeDynamicFee, ChainID: chainID, Gas: 21_000, To: &to, Value: *one(),
		GasTipCap: *uint256.NewInt(1e6), GasFeeCap: *uint256.NewInt(5e9),
	}
	if change != nil {
		change(tx)
	}
	out, err := chain.SignTx(tx, testnet.Account(0), chainID)
	if err != nil {
		t.Fatal(err)
	}
	return out.Encode()
}

func (b badInput) transactions(t *testing.T) {
	good := signed(t, 20260, nil)
	flipped := bytes.Clone(good)
	flipped[len(flipped)-40] ^= 1 // in r: the signature is of nobody, or of somebody without tokens
	highS := bytes.Clone(good)
	highS[len(highS)-32] = 0xff
	for _, tc := range []struct {
		name, want string
		raw        []byte
	}{
		{"wrong chain id", "chain id", signed(t, 1, nil)},
		{"bad signature", "", flipped},
		{"high s", "signature", highS},
		{"overdraft", "insufficient funds", signed(t, 20260, func(tx *chain.Tx) { tx.Value.Mul(uint256.NewInt(1e18), uint256.NewInt(1e9)) })},
		{"more gas than a block", "gas limit", signed(t, 20260, func(tx *chain.Tx) { tx.Gas = 16_000_000_000 })},
		{"too little gas", "intrinsic gas", signed(t, 20260, func(tx *chain.Tx) { tx.Gas = 20_999 })},
		{"fee below the floor", "underpriced", signed(t, 20260, func(tx *chain.Tx) { tx.GasFeeCap.SetUint64(1e6) })},
		{"creation with little gas", "intrinsic gas", signed(t, 20260, func(tx *chain.Tx) { tx.To, tx.Data, tx.Gas = nil, []byte{0}, 52_999 })},
		{"creation code too long", "initcode size", signed(t, 20260, func(tx *chain.Tx) { tx.To, tx.Data, tx.Gas = nil, make([]byte, 49_153), 10_000_000 })},
		{"no authorization", "at least one authorization", signed(t, 20260, func(tx *chain.Tx) { tx.Type = chain.TxTypeSetCode })},
		{"blobs", "no blobs", []byte{chain.TxTypeBlob, 0xc0}},
		{"half of it", "transaction", good[:len(good)/2]},
		{"something behind it", "transaction", append(bytes.Clone(good), 0)},
		{"nothing", "transaction", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := b.node.Call(t.Context(), nil, "eth_sendRawTransaction", client.Bytes(tc.raw))
			refusal, ok := errors.AsType[*client.Error](err)
			if !ok || refusal.Code != codeRefused || !strings.Contains(refusal.Message, tc.want) {
				t.Errorf("got %v, want code %d and %q", err, codeRefused, tc.want)
			}
		})
	}
}

func (b badInput) requests(t *testing.T) {
	err := b.node.Call(t.Context(), nil, "eth_nope")
	if refusal, ok := errors.AsType[*client.Error](err); !ok || refusal.Code != codeMethod {
		t.Errorf("unknown method: got %v, want code %d", err, codeMethod)
	}
	body := `{"jsonrpc":"2.0","id":1,"method":"web3_sha3","params":["0x` + strings.Repeat("00", 5<<20) + `"]}`
	resp, err := http.Post(b.url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var reply struct{ Error *client.Error }
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<16)).Decode(&reply); err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusRequestEntityTooLarge || reply.Error == nil || reply.Error.Code != codeLimit {
		t.Errorf("body of 10 MiB: got %s, %v; want 413 and code %d", resp.Status, reply.Error, codeLimit)
	}
}

func (b badInput) files(t *testing.T) {
	dir := t.TempDir()
	photo, err := os.ReadFile(filepath.Join(testutil.Root(t), "internal", "photos", "data", "cat.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	whole := write("whole.jpg", photo)
	for _, tc := range []struct {
		name string
		want string
		args []string
		code int
	}{
		{"truncated photograph", "cut.jpg", []string{write("cut.jpg", photo[:len(photo)/2])}, 1},
		{"text named jpg", "not a JPEG", []string{write("text.jpg", []byte("dear diary"))}, 1},
		{"empty file", "empty.jpg", []string{write("empty.jpg", nil)}, 1},
		{"no such file", "no such file", []string{filepath.Join(dir, "none.jpg")}, 1},
		{"a folder", dir, []string{dir}, 1},
		{"unknown model", "unknown model", []string{"--model", "gpt", whole}, 1},
		{"price of nothing", "want tokens", []string{"--price", "much", whole}, exitUsage},
		{"audit share", "want a share", []string{"--audit", "2", whole}, exitUsage},
		{"too dear", "has 1000000 AWO", []string{"--price", "9000000", whole}, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			args := append([]string{"job", "create", "--rpc", b.url, "--dev", "0"}, tc.args...)
			command(t, nil, args...).refused(t, tc.code, tc.want)
		})
	}
	command(t, nil, "job", "result", "--rpc", b.url, "424242").refused(t, 1, "no such job")
	command(t, nil, "job", "cancel", "--rpc", b.url, "--dev", "0", "424242").refused(t, exitRefused, "no such job")
	command(t, nil, "status", "--rpc", "http://127.0.0.1:1").refused(t, 1, "no node answers", "--rpc")
}

// A job whose input never comes is given back in full but for the tips of those who moved it.
func (b badInput) missingBlob(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), waitMax)
	defer cancel()
	content, err := os.ReadFile(filepath.Join(testutil.Root(t), "internal", "photos", "data", "fig.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	in, err := requester.NewInput("fig.jpg", content)
	if err != nil {
		t.Fatal(err)
	}
	model, err := requester.FindModel(ctx, b.node, "")
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "a worker that serves the model", func(ctx context.Context) (bool, string) {
		var price struct {
			Workers client.Uint64 `json:"workers"`
		}
		err := b.node.Call(ctx, &price, "aiwork_getPrice", model.ID)
		return price.Workers > 0, fmt.Sprint(err)
	})
	plan, err := requester.NewPlan(ctx, b.node, model, []requester.Input{in}, requester.Terms{Price: *uint256.NewInt(1e18), LifeMs: 3000})
	if err != nil {
		t.Fatal(err)
	}
	id, _, err := plan.Fund(ctx, client.NewSender(b.node, testnet.Account(2)))
	if err != nil {
		t.Fatal(err)
	}
	j, err := requester.Watch(ctx, b.node, id, func(*requester.Job) {})
	if err != nil {
		t.Fatalf("job %d with a missing input: %v: %+v", id, err, j)
	}
	m := &j.Money
	var sum uint256.Int
	for _, part := range []*client.Uint256{&m.Escrow, &m.PaidWorkers, &m.PaidAuditors, &m.Fees, &m.Tips, &m.Refunded} {
		sum.Add(&sum, &part.Int)
	}
	if !m.PaidWorkers.IsZero() || !m.PaidAuditors.IsZero() || !m.Escrow.IsZero() || !sum.Eq(&m.Funded.Int) {
		t.Errorf("money: got %+v, want all of it back but tips and fees", m)
	}
}

func (b badInput) fullMempool(t *testing.T) {
	home := filepath.Join(t.TempDir(), "small")
	command(t, nil, "--home", home, "init", "--genesis", b.url, "--peer", peerAddress(t, b.node)).succeeded(t)
	at := freePlace(t)
	node := startNode(t, home, at, "--mempool-txs", "8", "--mempool-per-sender", "4")
	small := dial(t, at.rpc)
	follows(t, node, b.node, small)
	refusals := map[string]int{}
	for account := 3; account < 8; account++ {
		for nonce := range uint64(6) {
			to := addressOf(0)
			// Nonces with a gap before them wait for ever, so that the pool stays full.
			tx, err := chain.SignTx(&chain.Tx{
				Type: chain.TxTypeDynamicFee, ChainID: 20260, Nonce: nonce + 100, Gas: 21_000, To: &to, Value: *one(),
				GasTipCap: *uint256.NewInt(1e6), GasFeeCap: *uint256.NewInt(5e9),
			}, testnet.Account(account), 20260)
			if err != nil {
				t.Fatal(err)
			}
			err = small.Call(t.Context(), nil, "eth_sendRawTransaction", client.Bytes(tx.Encode()))
			if refusal, ok := errors.AsType[*client.Error](err); ok {
				refusals[refusal.Message]++
			} else if err != nil {
				t.Fatal(err)
			}
		}
	}
	full := 0
	for text, n := range refusals {
		if strings.Contains(text, "full") || strings.Contains(text, "limit") || strings.Contains(text, "missing") {
			full += n
		} else {
			t.Errorf("refusal %q: want the pool's limits", text)
		}
	}
	if full < 20 {
		t.Errorf("refusals: got %v, want at least 20 of 30", refusals)
	}
	var status map[string]client.Uint64
	if err := small.Call(t.Context(), &status, "txpool_status"); err != nil || status["queued"]+status["pending"] > 8 {
		t.Errorf("pool: got %v, %v; want at most 8", status, err)
	}
	send(t, small, 8, 1) // what can be included is still taken
}

func (b badInput) wrongGenesis(t *testing.T) {
	other := createNetwork(t, program(t), 1, 0)
	foreign := filepath.Join(other.Dir, "validator0", "genesis.json")
	home := filepath.Join(t.TempDir(), "stranger")
	command(t, nil, "--home", home, "init", "--genesis", foreign, "--peer", peerAddress(t, b.node)).succeeded(t)
	command(t, nil, "--home", home, "init", "--genesis", foreign).refused(t, 1, "is a node already")
	at := freePlace(t)
	startNode(t, home, at)
	stranger := dial(t, at.rpc)
	eventually(t, "a peer of another network is refused in words", func(ctx context.Context) (bool, string) {
		var peers []struct {
			Connected bool   `json:"connected"`
			LastError string `json:"lastError"`
		}
		err := stranger.Call(ctx, &peers, "aiwork_peers")
		for _, p := range peers {
			if !p.Connected && strings.Contains(p.LastError, "genesis") {
				return true, ""
			}
		}
		return false, fmt.Sprint(peers, err)
	})

	// Its data under our network's genesis file is refused before anything is touched.
	mixed := filepath.Join(t.TempDir(), "mixed")
	command(t, nil, "--home", mixed, "init", "--genesis", b.url).succeeded(t)
	if err := os.CopyFS(filepath.Join(mixed, "data"), os.DirFS(filepath.Join(b.stoppedData(t), "data"))); err != nil {
		t.Fatal(err)
	}
	command(t, nil, append([]string{"--home", mixed, "start"}, freePlace(t).flags()...)...).refused(t, 1, "another network")

	broken := filepath.Join(t.TempDir(), "broken.json")
	if err := os.WriteFile(broken, []byte(`{"params":`), 0o600); err != nil {
		t.Fatal(err)
	}
	command(t, nil, "--home", filepath.Join(t.TempDir(), "x"), "init", "--genesis", broken).refused(t, 1, "broken.json")
	command(t, nil, "--home", filepath.Join(t.TempDir(), "x"), "init", "--genesis", "http://127.0.0.1:1").refused(t, 1, "no node answers")
	command(t, nil, "--home", filepath.Join(t.TempDir(), "x"), "start").refused(t, 1, "aiwork-node init")
	if err := os.WriteFile(filepath.Join(mixed, "genesis.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	command(t, nil, "--home", mixed, "start").refused(t, 1, "genesis.json")
}

// stoppedData gives the home of a node of another network that has made a data folder and ended.
func (b badInput) stoppedData(t *testing.T) string {
	t.Helper()
	other := createNetwork(t, program(t), 1, 0)
	v := other.Validators[0]
	if err := v.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), waitMax)
	defer cancel()
	if err := errors.Join(other.WaitHeight(ctx, 0, 1), v.Stop()); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(other.Dir, "validator0")
}

func (b badInput) portsInUse(t *testing.T) {
	home := filepath.Join(t.TempDir(), "late")
	command(t, nil, "--home", home, "init", "--genesis", b.url).succeeded(t)
	taken := place{
		strings.TrimPrefix(b.url, "http://"), fmt.Sprintf("127.0.0.1:%d", b.cluster.Layout.MetricsPort),
		fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", b.cluster.Layout.P2PPort),
	}
	start := func(p place) outcome {
		return command(t, nil, append([]string{"--home", home, "start"}, p.flags()...)...)
	}
	for _, tc := range []struct {
		flag   string
		change func(*place)
	}{
		{"--rpc", func(p *place) { p.rpc = taken.rpc }},
		{"--metrics", func(p *place) { p.metrics = taken.metrics }},
		{"--p2p", func(p *place) { p.p2p = taken.p2p }},
	} {
		p := freePlace(t)
		tc.change(&p)
		start(p).refused(t, 1, "address already in use", tc.flag)
	}
	// A second node in a folder in use.
	busy := filepath.Join(b.cluster.Dir, "validator1")
	command(t, nil, append([]string{"--home", busy, "start"}, freePlace(t).flags()...)...).refused(t, 1, "another")
	// Settings that do not exist, and values that cannot be.
	for _, tc := range []struct{ text, want string }{
		{"[rpc]\nlissten = \"x\"\n", "rpc.lissten"},
		{"[p2p]\nmax_peers = \"many\"\n", "p2p.max_peers"},
		{"[log]\nlevel = \"loud\"\n", "log.level"},
		{"[rpc\n", "config.toml"},
	} {
		if err := os.WriteFile(filepath.Join(home, "config.toml"), []byte(tc.text), 0o600); err != nil {
			t.Fatal(err)
		}
		start(freePlace(t)).refused(t, 1, tc.want)
		command(t, nil, "--home", home, "config", "show").refused(t, 1, tc.want)
	}
	command(t, []string{"AIWORK_RPC_LISSTEN=x"}, "config", "show").refused(t, 1, "AIWORK_RPC_LISSTEN")
}

func (b badInput) passwords(t *testing.T) {
	home := filepath.Join(t.TempDir(), "wallet")
	to := addressOf(1)
	send := func(variables ...string) outcome {
		return command(t, variables, "--home", home, "account", "send", "--rpc", b.url, to.String(), "1")
	}
	send().refused(t, 1, "keys new")
	command(t, []string{"AIWORK_PASSWORD=right"}, "--home", home, "keys", "new").succeeded(t)
	send().refused(t, 1, "--password-file")
	send("AIWORK_PASSWORD=wrong").refused(t, 1, "password")
	send("AIWORK_PASSWORD=right").refused(t, exitRefused, "insufficient funds")
	key := testnet.Account(0).Bytes()
	out := command(t, []string{"AIWORK_PASSWORD=right"}, "--home", home, "keys", "list").succeeded(t)
	if strings.Contains(out, hex.EncodeToString(key[:])) {
		t.Error("keys list shows a private key")
	}
}

// A disk that fills up stops a node with words, and when there is room again nothing is missing.
func TestDiskFull(t *testing.T) {
	program(t)
	if os.Geteuid() != 0 {
		t.Skip("needs to mount a small file system: not root")
	}
	c := startNetwork(t, 1, 0)
	first := c.Client(0)
	defer first.Close()
	home := filepath.Join(t.TempDir(), "small")
	command(t, nil, "--home", home, "init", "--genesis", c.URL(0), "--peer", peerAddress(t, first)).succeeded(t)
	data := filepath.Join(home, "data")
	mountSmall(t, data)
	at := freePlace(t)
	node := startNode(t, home, at)
	follows(t, node, first, dial(t, at.rpc))
	if status, body := get(t.Context(), "http://"+at.metrics+"/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(body, "MiB free") {
		t.Errorf("readyz short of disk: got %d %s, want 503 and the room that is left", status, body)
	}

	ballast := filepath.Join(data, "ballast")
	fill(t, ballast)
	send(t, first, 0, 3)
	select {
	case <-node.Done():
	case <-time.After(waitMax):
		t.Fatal("a node without room goes on")
	}
	if words := node.Failure().Error(); !strings.Contains(words, "disk full") || !strings.Contains(words, "nothing that was committed is lost") {
		t.Errorf("end of a node without room: got %s", words)
	}
	command(t, nil, append([]string{"--home", home, "start"}, at.flags()...)...).refused(t, 1, "disk full")

	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	command(t, nil, "--home", home, "db", "verify").succeeded(t)
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	follows(t, node, first, dial(t, at.rpc))
}

// mountSmall puts a small file system on a folder until the test ends.
func mountSmall(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=160m", "aiwork-test", dir).CombinedOutput(); err != nil {
		t.Skipf("no small file system to be had: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
}

// fill writes a file until the disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 1<<16)
	for size := len(block); size > 0; {
		if _, err := f.Write(block[:size]); err != nil {
			size /= 2
		}
	}
	_ = f.Sync()
}
