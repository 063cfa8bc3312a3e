package exec

// What is tested: the base fee against an independent computation in big integers and its properties; the
// outcomes of calls, step by step over all gas limits; simulation, which must leave nothing behind; and
// that tokens are conserved by every block of random transactions.

import (
	"errors"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/crypto/keccak"
	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/vm"
	"github.com/aiwork/aiwork-node/vm/native"
)

const testChain = 99

// testModule is a system contract with one method for each thing a method can do.
func testModule() native.Module {
	event := native.Event{Signature: "Stored(uint64)", Indexed: 1}
	return native.Module{
		Name: "test", Address: chain.AddrJobs,
		Methods: []native.Method{
			{Signature: "store(uint64)", Returns: "()", Mutability: native.Payable, Run: func(c *native.Call) {
				v := c.Args.Uint64()
				if !c.Ready() {
					return
				}
				c.SetUint64(native.Key("a"), v)
				c.SetUint64(native.Key("b"), v+1)
				c.Emit(event, []chain.Hash{{31: byte(v)}}, event.Data())
			}},
			{Signature: "burn()", Returns: "()", Mutability: native.Payable, Run: func(c *native.Call) {
				if c.Ready() {
					v := c.Value()
					c.Burn(&v)
				}
			}},
			{Signature: "refuse(uint64)", Returns: "()", Mutability: native.Payable, Run: func(c *native.Call) {
				v := c.Args.Uint64()
				if !c.Ready() {
					return
				}
				c.SetUint64(native.Key("a"), v)
				c.Fail("refused as asked")
			}},
		},
	}
}

func packed(signature string, v ...uint64) []byte {
	e := native.NewInput(signature)
	for _, x := range v {
		e.Uint64(x)
	}
	return e.Out()
}

type world struct {
	t      testing.TB
	engine *Engine
	in     *Input
	keys   []secp.PrivateKey
	view   *state.View
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, engine: NewEngine(native.NewSet(testModule()), vm.CodesBytesMax), view: state.New(state.Empty{})}
	for i := range 4 {
		k, err := secp.ParsePrivateKey([32]byte{0: 1, 31: byte(i + 1)})
		if err != nil {
			t.Fatal(err)
		}
		w.keys = append(w.keys, k)
		w.view.AddBalance(w.addr(i), uint256.NewInt(1e18))
	}
	w.view.SetCode(chain.AddrJobs, []byte{0xfe})
	w.view.SetCode(HistoryAddress(), HistoryCode())
	w.in = &Input{
		Block: native.Block{
			Height: 1, TimeMs: 1020, ParentTimeMs: 1000, Coinbase: chain.Address{9}, BaseFee: *uint256.NewInt(7),
			ChainID: testChain, Params: &chain.Params{ChainID: testChain},
		},
		ParentHash: chain.Hash{5}, GasLimit: 30_000_000,
	}
	return w
}

func (w *world) addr(i int) chain.Address { return chain.Address(w.keys[i].Public().Address()) }

func (w *world) tx(from int, to chain.Address, f func(*chain.Tx)) *chain.Tx {
	w.t.Helper()
	tx := &chain.Tx{
		Type: chain.TxTypeDynamicFee, ChainID: testChain, Nonce: w.view.Nonce(w.addr(from)), Gas: 200_000, To: &to,
		GasTipCap: *uint256.NewInt(3), GasFeeCap: *uint256.NewInt(100), Value: *uint256.NewInt(11),
	}
	if f != nil {
		f(tx)
	}
	signed, err := chain.SignTx(tx, w.keys[from], testChain)
	if err != nil {
		w.t.Fatal(err)
	}
	return signed
}

func (w *world) apply(tx *chain.Tx) *chain.Receipt {
	w.t.Helper()
	r := Begin(w.view, w.in, w.engine)
	if err := r.Apply(tx); err != nil {
		w.t.Fatal(err)
	}
	return r.End().Receipts[0]
}

func TestOutcomesOfCalls(t *testing.T) {
	plain := chain.Address{0xaa}
	for _, tc := range []struct {
		name    string
		to      chain.Address
		data    []byte
		status  uint8
		gas     uint64 // 0: more than the intrinsic
		reason  string
		moved   uint64
		logs    int
		changed bool
	}{
		{"transfer", plain, nil, 1, 21_000, "", 11, 0, false},
		{"transfer with data", plain, []byte("hello"), 1, 21_200, "", 11, 0, false}, // the floor
		{"module", chain.AddrJobs, packed("store(uint64)", 5), 1, 0, "", 11, 1, true},
		{"module refuses", chain.AddrJobs, packed("refuse(uint64)", 5), 0, 0, "refused as asked", 0, 0, false},
		{"module, unknown method", chain.AddrJobs, []byte{1, 2, 3, 4}, 0, 0, "test: unknown method 0x01020304", 0, 0, false},
		{"module, plain transfer", chain.AddrJobs, nil, 0, 0, "no method named", 0, 0, false},
		{"byte code", HistoryAddress(), nil, 0, 0, "execution reverted", 0, 0, false},
		{"precompile", chain.Address{19: 4}, nil, 1, 21_015, "", 11, 0, false},
		{"precompile refuses", chain.Address{19: 8}, []byte{1}, 0, 200_000, "precompiled contract refused its input", 0, 0, false},
		{"last precompile", chain.Address{18: 1}, nil, 1, 27_900, "", 11, 0, false},
		{"beside the precompiles", chain.Address{19: 0x12}, nil, 1, 21_000, "", 11, 0, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			before, held := w.view.Balance(w.addr(0)), w.view.Balance(tc.to)
			r := w.apply(w.tx(0, tc.to, func(tx *chain.Tx) { tx.Data = tc.data }))
			if r.Status != tc.status || !strings.Contains(r.Reason, tc.reason) || (tc.reason == "") != (r.Reason == "") {
				t.Errorf("status %d, reason %q, want %d, %q", r.Status, r.Reason, tc.status, tc.reason)
			}
			if tc.gas != 0 && r.GasUsed != tc.gas || tc.gas == 0 && r.GasUsed <= 21_000 || r.GasUsed > 200_000 {
				t.Errorf("gas: got %d, want %d", r.GasUsed, tc.gas)
			}
			if len(r.Logs) != tc.logs {
				t.Errorf("logs: got %d, want %d", len(r.Logs), tc.logs)
			}
			if got := w.view.Slot(chain.AddrJobs, native.Key("a")).IsZero(); got == tc.changed {
				t.Errorf("slot changed: got %v, want %v", !got, tc.changed)
			}
			if got := w.view.Nonce(w.addr(0)); got != 1 {
				t.Errorf("nonce: got %d, want 1", got)
			}
			// The sender pays value and gas at base fee and tip; the tip is the coinbase's.
			want := before
			want.SubUint64(&want, tc.moved+10*r.GasUsed)
			if got := w.view.Balance(w.addr(0)); got != want {
				t.Errorf("sender: got %s, want %s", got.Dec(), want.Dec())
			}
			held.AddUint64(&held, tc.moved)
			if got := w.view.Balance(tc.to); got != held {
				t.Errorf("receiver: got %s, want %s", got.Dec(), held.Dec())
			}
			if got := w.view.Balance(chain.Address{9}); got != *uint256.NewInt(3 * r.GasUsed) {
				t.Errorf("coinbase: got %s, want %d", got.Dec(), 3*r.GasUsed)
			}
		})
	}
}

// A call with every gas limit from the least allowed to more than enough: it fails without a trace but
// the fee, or succeeds, and once it succeeds it always does with the same gas used.
func TestEveryGasLimit(t *testing.T) {
	data := packed("store(uint64)", 7)
	var used uint64
	for gas := uint64(21_800); gas < 75_000; gas += 97 {
		w := newWorld(t)
		r := w.apply(w.tx(0, chain.AddrJobs, func(tx *chain.Tx) { tx.Data, tx.Gas = data, gas }))
		a, b := w.view.Slot(chain.AddrJobs, native.Key("a")), w.view.Slot(chain.AddrJobs, native.Key("b"))
		switch {
		case r.Status == chain.StatusOK && used == 0:
			used = r.GasUsed
		case r.Status == chain.StatusOK && r.GasUsed != used:
			t.Fatalf("gas %d: used %d, before %d", gas, r.GasUsed, used)
		case r.Status != chain.StatusOK && (used != 0 || r.GasUsed != gas || r.Reason != "out of gas"):
			t.Fatalf("gas %d: failed with %d used, %q", gas, r.GasUsed, r.Reason)
		}
		if ok := r.Status == chain.StatusOK; a.IsZero() == ok || b.IsZero() == ok {
			t.Fatalf("gas %d: status %d, slots %v %v", gas, r.Status, a, b)
		}
		if held := w.view.Balance(chain.AddrJobs); held.IsZero() == (r.Status == chain.StatusOK) {
			t.Fatalf("gas %d: status %d, module holds %s", gas, r.Status, held.Dec())
		}
	}
	if used == 0 {
		t.Fatal("the call never succeeded")
	}
}

// Estimate finds the least limit: it works in a transaction, one less does not, and nothing is left behind.
func TestEstimate(t *testing.T) {
	for signature, data := range map[string][]byte{
		"store(uint64)": packed("store(uint64)", 9), "burn()": packed("burn()"),
	} {
		w := newWorld(t)
		to := chain.AddrJobs
		m := &Message{From: w.addr(0), To: &to, Gas: 5_000_000, Value: *uint256.NewInt(11), Data: data}
		Begin(w.view, w.in, w.engine) // what the beginning of a block writes is no part of the estimate
		before := w.view.Diff()
		gas, res, err := Begin(w.view, w.in, w.engine).Estimate(m, func() error { return nil })
		if err != nil || res.Fault != 0 {
			t.Fatal(err, res.Fault)
		}
		if after := w.view.Diff(); len(after.Slots) != len(before.Slots) || len(after.Accounts) != len(before.Accounts) {
			t.Errorf("%s: the estimate left %v", signature, after)
		}
		exact := w.tx(0, to, func(tx *chain.Tx) { tx.Data, tx.Gas = data, gas })
		if r := w.apply(exact); r.Status != chain.StatusOK {
			t.Errorf("%s: %d gas are not enough: %s", signature, gas, r.Reason)
		}
		w = newWorld(t)
		if r := w.apply(w.tx(0, to, func(tx *chain.Tx) { tx.Data, tx.Gas = data, gas-1 })); r.Status == chain.StatusOK {
			t.Errorf("%s: %d gas are more than needed", signature, gas)
		}
	}
}

func TestCallRefusals(t *testing.T) {
	w := newWorld(t)
	to := chain.Address{0xaa}
	for _, tc := range []struct {
		name string
		m    Message
		want error
	}{
		{"value", Message{To: &to, Gas: 1e6, Value: *uint256.NewInt(1)}, FaultFunds},
		{"price", Message{To: &to, Gas: 1e6, FeeCap: *uint256.NewInt(7)}, FaultFunds},
		{"fee cap", Message{From: w.addr(0), To: &to, Gas: 1e6, FeeCap: *uint256.NewInt(6)}, FaultFeeCap},
		{"gas", Message{To: &to, Gas: 20_000}, FaultForm},
		{"floor", Message{To: &to, Gas: 25_000, Data: make([]byte, 900)}, FaultForm},
		{"creation code", Message{Gas: 5e6, Data: make([]byte, chain.InitCodeSizeMax+1)}, FaultForm},
		{"creation by authorization", Message{Gas: 5e6, Auths: make([]chain.Authorization, 1)}, FaultForm},
	} {
		if _, err := Begin(w.view, w.in, w.engine).Probe(&tc.m); !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %v", tc.name, err, tc.want)
		}
	}
	jobs := chain.AddrJobs
	res, err := Begin(w.view, w.in, w.engine).Probe(&Message{To: &jobs, Gas: 1e6, Data: packed("refuse(uint64)", 1)})
	if err != nil || res.Fault != vm.FaultRevert || Reason(res.Fault, res.Output) != "refused as asked" {
		t.Errorf("revert: got %v, %x, %v", res.Fault, res.Output, err)
	}
}

// Random blocks conserve tokens: what the balances lose is what base fees and modules burned.
func TestConservation(t *testing.T) {
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 1))
		w := newWorld(t)
		r := Begin(w.view, w.in, w.engine)
		nonces := [4]uint64{}
		var burned uint256.Int
		for range 30 {
			from := rng.IntN(4)
			to := []chain.Address{{0xaa}, {0xbb}, chain.AddrJobs, w.addr(rng.IntN(4)), {9}, {19: 1}}[rng.IntN(6)]
			data := [][]byte{nil, packed("store(uint64)", rng.Uint64N(9)), packed("burn()"), packed("refuse(uint64)", 1)}[rng.IntN(4)]
			tx := w.tx(from, to, func(tx *chain.Tx) {
				tx.Nonce, tx.Data = nonces[from], data
				tx.Value = *uint256.NewInt(rng.Uint64N(1e17))
				tx.GasTipCap = *uint256.NewInt(rng.Uint64N(90))
				tx.Gas = 22_000 + rng.Uint64N(100_000)
			})
			if err := r.Apply(tx); err != nil {
				if !errors.Is(err, FaultFunds) {
					t.Fatal(err)
				}
				continue
			}
			nonces[from]++
			last := r.out.Receipts[len(r.out.Receipts)-1]
			if to == chain.AddrJobs && last.Status == 1 && len(last.Logs) == 0 {
				burned.Add(&burned, &tx.Value)
			}
		}
		out := r.End()
		var sum uint256.Int
		d := w.view.Diff()
		for i := range d.Accounts {
			sum.Add(&sum, &d.Accounts[i].New.Balance)
		}
		sum.Add(&sum, &out.Burned)
		sum.Add(&sum, &burned)
		if want := uint256.NewInt(4e18); !sum.Eq(want) {
			t.Errorf("seed %d: %s tokens, want %s", seed, sum.Dec(), want.Dec())
		}
		if len(out.Receipts) > 0 && out.Receipts[len(out.Receipts)-1].CumulativeGas != out.GasUsed {
			t.Errorf("seed %d: cumulative gas %d, used %d", seed, out.Receipts[len(out.Receipts)-1].CumulativeGas, out.GasUsed)
		}
	}
}

// A refusal changes nothing at all.
func TestRefusalChangesNothing(t *testing.T) {
	w := newWorld(t)
	r := Begin(w.view, w.in, w.engine)
	before := w.view.Diff()
	for name, tx := range map[string]*chain.Tx{
		"nonce": w.tx(0, chain.Address{1}, func(tx *chain.Tx) { tx.Nonce = 5 }),
		"funds": w.tx(0, chain.Address{1}, func(tx *chain.Tx) { tx.Value = *uint256.NewInt(2e18) }),
		"gas":   w.tx(0, chain.Address{1}, func(tx *chain.Tx) { tx.Gas = 1 << 24; r.in.GasLimit = 1 << 23 }),
	} {
		if err := r.Apply(tx); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	after := w.view.Diff()
	if len(after.Accounts) != len(before.Accounts) || r.out.GasUsed != 0 || len(r.out.Receipts) != 0 {
		t.Errorf("refusals left %v", after)
	}
}

func TestHistoryCode(t *testing.T) {
	got, want := chain.Hash(keccak.Sum256(HistoryCode())).String(), "0x6e49e66782037c0555897870e29fa5e552daf4719552131a0abce779daec0a5d"
	if got != want {
		t.Errorf("code hash: got %s, want %s", got, want)
	}
	w := newWorld(t)
	Begin(w.view, w.in, w.engine)
	if got := w.view.Slot(HistoryAddress(), chain.Hash{}); got != w.in.ParentHash {
		t.Errorf("history of block 0: got %s, want %s", got, w.in.ParentHash)
	}
	if got, want := HistorySlot(8191*3+2), (chain.Hash{31: 2}); got != want {
		t.Errorf("slot: got %s, want %s", got, want)
	}
}

// bigFee is EXEC-6 written with big integers and Euclidean division only.
func bigFee(p *chain.Params, fee *uint256.Int, used, elapsed uint64) *big.Int {
	b, t := fee.ToBig(), new(big.Int).SetUint64(p.GasTargetPerSecond)
	num := new(big.Int).SetUint64(used)
	num.Mul(num, big.NewInt(1000))
	num.Sub(num, new(big.Int).Mul(t, new(big.Int).SetUint64(min(elapsed, FeeElapsedMaxMs))))
	num.Mul(num, b)
	den := new(big.Int).Mul(t, big.NewInt(8000))
	q := new(big.Int).Div(num, den) // Euclidean: down, since den is positive
	b.Add(b, q)
	if floor := new(big.Int).SetUint64(p.BaseFeeFloor); b.Cmp(floor) < 0 {
		return floor
	}
	if limit := feeMax(); b.Cmp(limit.ToBig()) > 0 {
		return limit.ToBig()
	}
	return b
}

func TestBaseFee(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for range 20_000 {
		p := &chain.Params{GasTargetPerSecond: 1 + rng.Uint64N(1<<uint(1+rng.IntN(36))), BaseFeeFloor: rng.Uint64N(1 << 40)}
		fee := uint256.Int{rng.Uint64(), rng.Uint64() >> rng.IntN(64) * uint64(rng.IntN(2))}
		used, elapsed := rng.Uint64N(1<<uint(1+rng.IntN(32))), 1+rng.Uint64N(10_000)
		got := NextBaseFee(p, &fee, used, elapsed)
		if want := bigFee(p, &fee, used, elapsed); got.ToBig().Cmp(want) != 0 {
			t.Fatalf("target %d, fee %s, used %d, elapsed %d: got %s, want %s", p.GasTargetPerSecond, fee.Dec(), used,
				elapsed, got.Dec(), want)
		}
		// More gas never means a lower fee, more time never a higher one, and it at most halves.
		if more := NextBaseFee(p, &fee, used+used/2+1, elapsed); more.Lt(&got) {
			t.Fatalf("fee %s falls to %s with more gas used", got.Dec(), more.Dec())
		}
		if later := NextBaseFee(p, &fee, used, elapsed+100); later.Gt(&got) {
			t.Fatalf("fee %s rises to %s with more time", got.Dec(), later.Dec())
		}
		half := fee
		half.Rsh(&half, 1)
		if got.Lt(&half) && got.ToBig().Cmp(new(big.Int).SetUint64(p.BaseFeeFloor)) > 0 {
			t.Fatalf("fee %s falls to %s, below its half", fee.Dec(), got.Dec())
		}
	}
}

// The examples of docs/protocol/fees.md.
func TestBaseFeeExamples(t *testing.T) {
	p := &chain.Params{GasTargetPerSecond: 60_000_000, BaseFeeFloor: 1_000_000_000}
	for _, tc := range []struct {
		fee, used, elapsed, want uint64
	}{
		{8_000_000_000, 60_000_000, 1000, 8_000_000_000},  // on target
		{8_000_000_000, 1_200_000, 20, 8_000_000_000},     // on target, fast blocks
		{8_000_000_000, 120_000_000, 1000, 9_000_000_000}, // twice the target for a second
		{8_000_000_000, 0, 1000, 7_000_000_000},           // nothing for a second
		{8_000_000_000, 0, 60_000, 4_000_000_000},         // nothing for a minute
		{8_000_000_000, 30_000_000, 20, 8_480_000_000},    // a full block after 20 ms
		{1_000_000_000, 0, 2000, 1_000_000_000},           // the floor
	} {
		got := NextBaseFee(p, uint256.NewInt(tc.fee), tc.used, tc.elapsed)
		if got != *uint256.NewInt(tc.want) {
			t.Errorf("fee %d, used %d in %d ms: got %s, want %d", tc.fee, tc.used, tc.elapsed, got.Dec(), tc.want)
		}
	}
}
