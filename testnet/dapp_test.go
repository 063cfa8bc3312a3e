package testnet_test

// The example application, contracts/dapp/PhotoGate.sol, on a real network: a contract orders machine work, a
// worker and auditors do it on a real photograph, and the contract pays out by the result. Every token is
// followed from the sponsor to where it ends.

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/holiman/uint256"
	"lukechampine.com/blake3"

	"github.com/aiwork/aiwork-node/crypto/keccak"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/internal/photos"
	"github.com/aiwork/aiwork-node/internal/requester"
	"github.com/aiwork/aiwork-node/internal/testutil"
	"github.com/aiwork/aiwork-node/testnet"
)

const (
	sponsor   = 1 // test accounts; the sponsor's is that of the market's sender
	submitter = 2
	anybody   = 3
)

// gate is a deployed PhotoGate.
type gate struct {
	*market
	address chain.Address
}

// order is a check of a photograph that a gate has ordered.
type order struct {
	job  uint64
	sent uint256.Int
	fee  uint256.Int // for the order's gas
}

// deployGate deploys a PhotoGate that lets through what scores below limit.
func (m *market) deployGate(model requester.Model, limit uint64) *gate {
	m.t.Helper()
	text, err := os.ReadFile(filepath.Join(testutil.Root(m.t), "contracts", "build", "PhotoGate.json"))
	if err != nil {
		m.t.Fatal(err)
	}
	var built struct{ Bytecode client.Bytes }
	if err := json.Unmarshal(text, &built); err != nil {
		m.t.Fatal(err)
	}
	bad := uint64(0)
	for _, name := range []string{"Hentai", "Porn", "Sexy"} {
		bad |= 1 << slices.Index(model.Classes, name)
	}
	args := input("", new(uint256.Int).SetBytes(model.ID[:]), uint256.NewInt(bad), uint256.NewInt(limit))
	data := append(built.Bytecode, args[4:]...)
	var nonce client.Uint64
	if err := m.node.Call(m.t.Context(), &nonce, "eth_getTransactionCount", addressOf(anybody), "pending"); err != nil {
		m.t.Fatal(err)
	}
	tx, err := chain.SignTx(&chain.Tx{
		Type: chain.TxTypeDynamicFee, ChainID: 20260, Nonce: uint64(nonce), Gas: 3_000_000, Data: data,
		GasTipCap: *uint256.NewInt(1e6), GasFeeCap: *uint256.NewInt(1e11),
	}, testnet.Account(anybody), 20260)
	if err != nil {
		m.t.Fatal(err)
	}
	if err := m.node.SendRaw(m.t.Context(), tx.Encode()); err != nil {
		m.t.Fatal(err)
	}
	if _, err := m.node.WaitReceipt(m.t.Context(), tx.Hash()); err != nil {
		m.t.Fatal(err)
	}
	var r struct{ ContractAddress chain.Address }
	if err := m.node.Call(m.t.Context(), &r, "eth_getTransactionReceipt", tx.Hash()); err != nil {
		m.t.Fatal(err)
	}
	return &gate{m, r.ContractAddress}
}

// input packs a call whose arguments are all words.
func input(signature string, words ...*uint256.Int) []byte {
	sum := keccak.Sum256([]byte(signature))
	out := sum[:4]
	for _, w := range words {
		b := w.Bytes32()
		out = append(out, b[:]...)
	}
	return out
}

func word(a chain.Address) *uint256.Int { return new(uint256.Int).SetBytes(a[:]) }

// read calls a view and gives its first word.
func (g *gate) read(signature string, words ...*uint256.Int) *uint256.Int {
	g.t.Helper()
	var out client.Bytes
	call := map[string]any{"to": g.address, "data": client.Bytes(input(signature, words...))}
	if err := g.node.Call(g.t.Context(), &out, "eth_call", call, "latest"); err != nil {
		g.t.Fatal(err)
	}
	return new(uint256.Int).SetBytes(out[:32])
}

// send calls a method for a test account and gives what its gas cost.
func (g *gate) send(account int, value *uint256.Int, data []byte) (*client.Receipt, uint256.Int) {
	g.t.Helper()
	s := g.sender
	if account != sponsor {
		s = client.NewSender(g.node, testnet.Account(account))
	}
	r, err := s.Send(g.t.Context(), client.Call{To: g.address, Value: *value, Data: data})
	if err != nil {
		g.t.Fatal(err)
	}
	return r, r.Fee()
}

// refused checks that a call reverts with one of the contract's own errors.
func (g *gate) refused(custom string, value *uint256.Int, data []byte) {
	g.t.Helper()
	args := map[string]any{"from": addressOf(sponsor), "to": g.address, "value": client.Uint256{Int: *value}, "data": client.Bytes(data)}
	err := g.node.Call(g.t.Context(), nil, "eth_call", args, "latest")
	sum := keccak.Sum256([]byte(custom))
	fault, ok := errors.AsType[*client.Error](err)
	if !ok || fault.Code != 3 || !strings.HasPrefix(string(fault.Data), `"0x`+hex.EncodeToString(sum[:4])) {
		g.t.Errorf("got %v, want %s", err, custom)
	}
}

const orderSignature = "order(bytes32,bytes32,address,uint256,uint256)"

// order orders a check with a reward of three tokens, and has the picture uploaded.
func (g *gate) order(in requester.Input, upload func(requester.Input)) order {
	g.t.Helper()
	price := awo(1)
	cost := g.read("checkCost(uint256)", price)
	data := input(orderSignature, new(uint256.Int).SetBytes(in.Blob[:]), new(uint256.Int).SetBytes(in.Original[:]), word(addressOf(submitter)), awo(3), price)
	g.refused("RewardMissing()", awo(3), data)
	o := order{sent: *cost}
	o.sent.Add(&o.sent, awo(4)) // the reward, and more than the check costs
	r, fee := g.send(sponsor, &o.sent, data)
	o.fee = fee
	last := r.Logs[len(r.Logs)-1]
	if last.Address != g.address {
		g.t.Fatalf("last log: got one of %s, want the gate's", last.Address)
	}
	id := last.Topics[1]
	o.job = new(uint256.Int).SetBytes(id[:]).Uint64()
	g.refused("NotOver(uint64)", new(uint256.Int), input("settle(uint64)", uint256.NewInt(o.job)))
	upload(in)
	return o
}

// uploadRaw hands over bytes that no command line would take for a picture.
func (m *market) uploadRaw(in requester.Input) {
	m.t.Helper()
	plan := requester.Plan{Inputs: []requester.Input{in}}
	if err := plan.Upload(m.t.Context(), m.node, func(int) {}); err != nil {
		m.t.Fatal(err)
	}
}

// photoFile gives a photograph as the command line names it, and what uploads its file.
func (m *market) photoFile() (requester.Input, func(requester.Input)) {
	m.t.Helper()
	photo := photos.All()[0]
	path := filepath.Join(m.t.TempDir(), photo.Name)
	if err := os.WriteFile(path, photo.JPEG, 0o600); err != nil {
		m.t.Fatal(err)
	}
	var named []struct {
		Blob     chain.Hash
		Original chain.Hash `json:"originalSHA256"`
	}
	oneValue(m.t, command(m.t, nil, "job", "input", "--json", path).succeeded(m.t), &named)
	if len(named) != 1 || named[0].Original != sha256.Sum256(photo.JPEG) {
		m.t.Fatalf("job input: got %v, want the photograph's hash", named)
	}
	upload := func(requester.Input) {
		command(m.t, nil, "job", "upload", "--rpc", m.cluster.URL(0), path).succeeded(m.t)
	}
	return requester.Input{Blob: named[0].Blob, Original: named[0].Original}, upload
}

// settle waits for the end of an order's job, ends the order, and checks verdict and debts against the job as
// the node shows it. It gives what goes back to the sponsor of the escrow.
func (g *gate) settle(o order, safe bool) *uint256.Int {
	g.t.Helper()
	j, result := g.result(o.job)
	if j.Requester != g.address {
		g.t.Errorf("requester: got %s, want the gate", j.Requester)
	}
	before := [2]*uint256.Int{g.read("owed(address)", word(addressOf(sponsor))), g.read("owed(address)", word(addressOf(submitter)))}
	settle := input("settle(uint64)", uint256.NewInt(o.job))
	r, _ := g.send(anybody, new(uint256.Int), settle)
	g.refused("NoSuchOrder(uint64)", new(uint256.Int), settle)
	verdict, score := r.Logs[0].Data[31] == 1, new(uint256.Int).SetBytes(r.Logs[0].Data[32:64])
	want := uint64(0)
	for _, name := range []string{"Hentai", "Porn", "Sexy"} {
		want += uint64(math.Floor(result.Items[0].Classes[name] * 1e6)) // exact: 24 bits times 20
	}
	if verdict != safe || score.Uint64() != want {
		g.t.Errorf("job %d: got safe %v with score %d, want %v with %d: %+v", o.job, verdict, score, safe, want, result.Items[0])
	}
	rest := &j.Money.Refunded.Int
	owed := [2]*uint256.Int{new(uint256.Int).Add(before[0], rest), before[1]}
	winner := 0
	if safe {
		winner = 1
	}
	owed[winner] = new(uint256.Int).Add(owed[winner], awo(3))
	for i, account := range []int{sponsor, submitter} {
		if got := g.read("owed(address)", word(addressOf(account))); !got.Eq(owed[i]) {
			g.t.Errorf("job %d: account %d is owed %s, want %s", o.job, account, got.Dec(), owed[i].Dec())
		}
	}
	return rest
}

func TestDApp(t *testing.T) {
	m := startMarket(t)
	model, err := requester.FindModel(t.Context(), m.node, "")
	if err != nil {
		t.Fatal(err)
	}
	usual, strict := m.deployGate(model, 300_000), m.deployGate(model, 0)
	had := [2]uint256.Int{balance(t, m.node, sponsor), balance(t, m.node, submitter)}

	photo, upload := m.photoFile()
	noise := []byte("this is no picture")
	damaged := requester.Input{Name: "damaged", Data: noise, Blob: blake3.Sum256(noise)}
	passes, fails, broken := usual.order(photo, upload), strict.order(photo, upload), usual.order(damaged, m.uploadRaw)
	back := usual.settle(passes, true)
	back.Add(back, strict.settle(fails, false))
	back.Add(back, usual.settle(broken, false))

	// All that is owed is paid out, and nothing is left in the contracts.
	_, sponsorFee := usual.send(sponsor, new(uint256.Int), input("withdraw()"))
	_, strictFee := strict.send(sponsor, new(uint256.Int), input("withdraw()"))
	_, submitterFee := usual.send(submitter, new(uint256.Int), input("withdraw()"))
	usual.refused("NothingOwed()", new(uint256.Int), input("withdraw()"))
	for _, g := range []*gate{usual, strict} {
		var left client.Uint256
		if err := m.node.Call(t.Context(), &left, "eth_getBalance", g.address, "latest"); err != nil || !left.IsZero() {
			t.Errorf("gate %s holds %s (%v), want nothing", g.address, left.Dec(), err)
		}
	}
	want := had
	for _, o := range []order{passes, fails, broken} {
		want[0].Sub(&want[0], new(uint256.Int).Add(&o.sent, &o.fee))
	}
	want[0].Add(&want[0], back)
	want[0].Add(&want[0], awo(2*3)) // the rewards of what was not safe
	want[0].Sub(&want[0], new(uint256.Int).Add(&sponsorFee, &strictFee))
	want[1].Add(&want[1], awo(3))
	want[1].Sub(&want[1], &submitterFee)
	for i, account := range []int{sponsor, submitter} {
		if got := balance(t, m.node, account); got != want[i] {
			t.Errorf("account %d has %s, want %s", account, got.Dec(), want[i].Dec())
		}
	}
}
