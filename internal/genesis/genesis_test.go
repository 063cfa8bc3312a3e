package genesis

// What is tested: a file survives decoding and encoding; each way to spoil it is refused with a sentence
// that names the place; everything that all nodes must agree on changes the hash, and only that; the
// state of block 0 has what the file says, and its tokens add up.

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/consensus/poi/beacon"
	"github.com/aiwork/aiwork-node/consensus/poi/stake"
	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/exec"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/tasks/dispute"
	"github.com/aiwork/aiwork-node/tasks/job"
	"github.com/aiwork/aiwork-node/tasks/registry"
	"github.com/aiwork/aiwork-node/vm/native"
)

const testChain = 4242

func testKey(t testing.TB, name string) secp.PrivateKey {
	k, err := secp.ParsePrivateKey(sha256.Sum256([]byte(name)))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func tokens(n uint64) *uint256.Int {
	v := uint256.NewInt(n)
	return v.Mul(v, uint256.NewInt(1e18))
}

func testGenesis(t testing.TB) *Genesis {
	var set []Validator
	for i := range 2 {
		k := Keys{testKey(t, fmt.Sprint("vote", i)), testKey(t, fmt.Sprint("vrf", i))}
		set = append(set, NewValidator(testChain, fmt.Sprint("v", i), chain.Address{1, byte(i)}, k, tokens(500), tokens(1000)))
	}
	alloc := []Alloc{{chain.Address{2, 1}, Amount{*tokens(7)}}, {chain.Address{2, 2}, Amount{*tokens(8)}}}
	g := Devnet(testChain, 1_700_000_000_123, alloc, set)
	g.Params.Forks = []chain.Fork{{Name: "later", ActivationMs: 1_800_000_000_000}}
	return g
}

func modules() *native.Set {
	return native.NewSet(stake.Module(), beacon.Module(), registry.Module(), job.Module(), dispute.Module())
}

func TestFileSurvives(t *testing.T) {
	g := testGenesis(t)
	b := g.Encode()
	read, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(read.Encode(), b) || !reflect.DeepEqual(read, g) {
		t.Errorf("got %s, want %s", read.Encode(), b)
	}
	x, y := g.Build(modules()), read.Build(modules())
	if x.Hash() != y.Hash() {
		t.Errorf("hash: got %s, want %s", y.Hash(), x.Hash())
	}
}

func TestRefusals(t *testing.T) {
	good := string(testGenesis(t).Encode())
	for _, tc := range []struct{ name, from, to, want string }{
		{"no JSON", good, "hello", "line 1"},
		{"broken at the end", "\n}\n", "\n", "unexpected"},
		{"text after it", "\n}\n", "\n}\n{}", "text follows"},
		{"unknown key", `"timestampMs"`, `"timestamp"`, `unknown field "timestamp"`},
		{"missing parameter", `"requesterFeePpm": 10000,`, ``, "params.jobs.requesterFeePpm is missing"},
		{"parameter twice", `"requesterFeePpm": 10000,`, `"requesterFeePpm": 10000, "requesterFeePpm": 10000,`, "params.jobs.requesterFeePpm stands twice"},
		{"other capitals", `"requesterFeePpm"`, `"RequesterFeePpm"`, "params.jobs.RequesterFeePpm stands twice or is misspelt"},
		{"unknown parameter", `"heartbeatMs"`, `"heartBeat"`, `unknown field "heartBeat"`},
		{"chain id 0", `"chainId": 4242`, `"chainId": 0`, "chainId"},
		{"other chain id", `"chainId": 4242`, `"chainId": 4243`, "possession of voteKey on chain 4243"},
		{"gas limit", `"blockGasLimit": 30000000`, `"blockGasLimit": 1`, "blockGasLimit"},
		{"gas target", `"gasTargetPerSecond": 60000000`, `"gasTargetPerSecond": 0`, "gasTargetPerSecond"},
		{"negative", `"heartbeatMs": 2000`, `"heartbeatMs": -1`, "heartbeatMs"},
		{"draw interval", `"drawIntervalMs": 20`, `"drawIntervalMs": 2001`, "drawIntervalMs"},
		{"delta", `"deltaFloorMs": 30`, `"deltaFloorMs": 0`, "deltaFloorMs"},
		{"fork without name", `"name": "later"`, `"name": ""`, "fork 0: want a name"},
		{"amount as number", `"balance": "7000000000000000000"`, `"balance": 7`, "balance"},
		{"amount with point", `"7000000000000000000"`, `"7.5"`, "decimal digits"},
		{"amount signed", `"7000000000000000000"`, `"+7"`, "decimal digits"},
		{"amount with zeros", `"7000000000000000000"`, `"07"`, "decimal digits"},
		{"amount above 2^256", `"7000000000000000000"`, `"` + strings.Repeat("9", 78) + `"`, "amount"},
		{"no balance", `"7000000000000000000"`, `"0"`, "has no balance"},
		{"above the cap", `"7000000000000000000"`, `"9999999997000000000000000000"`, "above 10^10 tokens"},
		{"account twice", "0x0202000000000000000000000000000000000000", "0x0201000000000000000000000000000000000000", "stands twice"},
		{"system address", "0x0202000000000000000000000000000000000000", "0x000000000000000000000000000000000000a100", "system contract"},
		{"short address", "0x0202000000000000000000000000000000000000", "0x02020000000000000000000000000000000000", "address"},
		{"upper-case key", `"voteKey": "0x`, `"voteKey": "0X`, "lower-case"},
		{"no stake", `"stake": "500000000000000000000"`, `"stake": "0"`, "validators: 0 (v0): stake"},
		{"validator elsewhere", "0x0100000000000000000000000000000000000000", "0x0300000000000000000000000000000000000000", "voteProof"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			spoilt := strings.Replace(good, tc.from, tc.to, 1)
			if spoilt == good {
				t.Fatal("the file does not have what is to be spoilt")
			}
			_, err := Decode([]byte(spoilt))
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.HasPrefix(err.Error(), "genesis: ") {
				t.Errorf("got %v, want it to say %q", err, tc.want)
			}
		})
	}
	t.Run("keys of two chains", func(t *testing.T) {
		g := testGenesis(t)
		g.Validators[1].VRFKey, g.Validators[1].VRFProof = g.Validators[0].VRFKey, g.Validators[0].VRFProof
		if err := g.Check(); err == nil || !strings.Contains(err.Error(), "vrfProof") {
			t.Errorf("a proof by another validator: got %v", err)
		}
		g = testGenesis(t)
		g.Validators[1] = g.Validators[0]
		if err := g.Check(); err == nil || !strings.Contains(err.Error(), "earlier validator") {
			t.Errorf("a validator twice: got %v", err)
		}
		g.Validators = nil
		if err := g.Check(); err == nil {
			t.Error("no validators: accepted")
		}
	})
}

// Every number of the parameters is in the hash: a field that is forgotten in writeParams fails here.
func TestEverythingIsCommittedTo(t *testing.T) {
	base := testGenesis(t).Commitment()
	seen := map[chain.Hash]string{base: "nothing"}
	differs := func(name string, g *Genesis) {
		t.Helper()
		h := g.Commitment()
		if other, ok := seen[h]; ok {
			t.Errorf("changing %s gives the same hash as changing %s", name, other)
		}
		seen[h] = name
	}
	for _, part := range []func(*Genesis) reflect.Value{
		func(g *Genesis) reflect.Value { return reflect.ValueOf(&g.Params).Elem() },
		func(g *Genesis) reflect.Value { return reflect.ValueOf(&g.Params.Jobs).Elem() },
	} {
		n := part(testGenesis(t)).NumField()
		for i := range n {
			g := testGenesis(t)
			v := part(g)
			if f := v.Field(i); f.Kind() == reflect.Uint64 {
				f.SetUint(f.Uint() + 1)
				differs(v.Type().Field(i).Name, g)
			} else if name := v.Type().Field(i).Name; name != "Forks" && name != "Jobs" {
				t.Errorf("parameter %s is neither a number nor known to this test", name)
			}
		}
	}
	for name, change := range map[string]func(*Genesis){
		"time":        func(g *Genesis) { g.TimestampMs++ },
		"balance":     func(g *Genesis) { g.Alloc[0].Balance.Int.AddUint64(&g.Alloc[0].Balance.Int, 1) },
		"account":     func(g *Genesis) { g.Alloc[0].Address[5]++ },
		"stake":       func(g *Genesis) { g.Validators[0].Stake.Int.AddUint64(&g.Validators[0].Stake.Int, 1) },
		"bond":        func(g *Genesis) { g.Validators[0].ServiceBond.Int.AddUint64(&g.Validators[0].ServiceBond.Int, 1) },
		"name":        func(g *Genesis) { g.Validators[0].Name = "x" },
		"order of v.": func(g *Genesis) { g.Validators[0], g.Validators[1] = g.Validators[1], g.Validators[0] },
		"vote key":    func(g *Genesis) { g.Validators[0].VoteKey = bytes.Clone(g.Validators[1].VoteKey) },
	} {
		g := testGenesis(t)
		change(g)
		differs(name, g)
	}
	for name, change := range map[string]func(*Genesis){
		"forks":          func(g *Genesis) { g.Params.Forks = nil },
		"order of alloc": func(g *Genesis) { g.Alloc[0], g.Alloc[1] = g.Alloc[1], g.Alloc[0] },
	} {
		g := testGenesis(t)
		change(g)
		if g.Commitment() != base {
			t.Errorf("changing %s changes the hash", name)
		}
	}
}

func TestBuild(t *testing.T) {
	g := testGenesis(t)
	b := g.Build(modules())
	r := state.NewOverlay(state.Empty{}, b.Diff)
	if got, want := b.Supply, *tokens(7 + 8 + 2*1500); got != want {
		t.Errorf("supply: got %s, want %s", got.Dec(), want.Dec())
	}
	a, _, err := r.Account(chain.Address{2, 2})
	if err != nil || a.Balance != *tokens(8) {
		t.Errorf("account: got %s, %v", a.Balance.Dec(), err)
	}
	for _, addr := range []chain.Address{chain.AddrStake, chain.AddrBeacon, chain.AddrRegistry, chain.AddrJobs} {
		a, _, _ := r.Account(addr)
		if code, err := r.Code(a.CodeHash); err != nil || !bytes.Equal(code, []byte{0xfe}) || a.Nonce != 1 {
			t.Errorf("system contract %s: code %x, nonce %d, %v", addr, code, a.Nonce, err)
		}
	}
	a, _, _ = r.Account(exec.HistoryAddress())
	if code, err := r.Code(a.CodeHash); err != nil || !bytes.Equal(code, exec.HistoryCode()) {
		t.Errorf("history contract: code %x, %v", code, err)
	}
	set, err := stake.Validators(r)
	if err != nil || !reflect.DeepEqual(set, g.Set()) {
		t.Errorf("validators in the state: got %v, %v, want %v", set, err, g.Set())
	}
	h := &b.Block.Header
	if h.Number != 0 || h.Time != 1_700_000_000 || h.StateRoot != b.Tree.Root || h.Extra != g.Commitment() ||
		b.Block.Ext.TimeMs != g.TimestampMs {
		t.Errorf("header: %+v", h)
	}
}

func TestForkID(t *testing.T) {
	forks := []chain.Fork{{Name: "a", ActivationMs: 100}, {Name: "b", ActivationMs: 200}}
	var ids []uint32
	for _, at := range []uint64{0, 99, 100, 199, 200, 1 << 60} {
		ids = append(ids, ForkID(chain.Hash{1}, forks, at))
	}
	if ids[0] != ids[1] || ids[2] != ids[3] || ids[4] != ids[5] || ids[0] == ids[2] || ids[2] == ids[4] {
		t.Errorf("ids around two forks: %x", ids)
	}
	// A fork that is planned does not part the nodes that know of it from those that do not, until it comes.
	if ForkID(chain.Hash{1}, nil, 50) != ids[0] || ForkID(chain.Hash{1}, forks[:1], 150) != ids[2] {
		t.Error("a later fork changes the id before its time")
	}
	if ForkID(chain.Hash{2}, nil, 50) == ids[0] {
		t.Error("two chains have one id")
	}
	if f, unknown := UnknownFork(forks, 150); !unknown || f.Name != "a" {
		t.Errorf("unknown fork: got %v, %v", f, unknown)
	}
	if _, unknown := UnknownFork(forks, 99); unknown {
		t.Error("a fork is in force before its time")
	}
}

func FuzzDecode(f *testing.F) {
	good := testGenesis(f).Encode()
	f.Add(good)
	f.Add(bytes.Replace(good, []byte(`"0x`), []byte(`"0X`), 1))
	f.Add(bytes.Replace(good, []byte(`: "`), []byte(`: `), 3))
	f.Add(good[:len(good)/2])
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := Decode(b)
		if err != nil {
			return
		}
		again, err := Decode(g.Encode())
		if err != nil || again.Commitment() != g.Commitment() {
			t.Fatalf("does not survive its own encoding: %v", err)
		}
	})
}
