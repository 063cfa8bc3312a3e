package exec

// What is tested: what blocks make of contracts: creations and their receipts, what code learns of its
// block, calls to system contracts from code, delegations, and that money which goes with an account is
// counted as burned. That code runs as on Ethereum is shown by vm/statetest and tools/evmdiff.

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/crypto/keccak"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/vm"
	"github.com/aiwork/aiwork-node/vm/native"
)

// code strings instructions and bytes together; a number above 255 is not one of them.
func code(parts ...any) []byte {
	var b []byte
	for _, p := range parts {
		switch p := p.(type) {
		case vm.Op:
			b = append(b, byte(p))
		case int:
			b = append(b, byte(p))
		case []byte:
			b = append(b, p...)
		case chain.Address:
			b = append(append(b, byte(vm.PUSH20)), p[:]...)
		default:
			panic(fmt.Sprintf("code of %T", p))
		}
	}
	return b
}

// returnTop ends a program with the word on top of the stack.
func returnTop() []byte {
	return code(vm.PUSH0, vm.MSTORE, vm.PUSH1, 32, vm.PUSH0, vm.RETURN)
}

// deploys gives creation code for a program of at most 255 bytes.
func deploys(program []byte) []byte {
	return append(code(vm.PUSH1, len(program), vm.DUP1, vm.PUSH1, 9, vm.PUSH0, vm.CODECOPY, vm.PUSH0, vm.RETURN), program...)
}

func (w *world) put(addr chain.Address, program []byte) {
	w.view.SetCode(addr, program)
	w.view.SetNonce(addr, 1)
}

func (w *world) create(init []byte) *chain.Receipt {
	w.t.Helper()
	return w.apply(w.tx(0, chain.Address{}, func(tx *chain.Tx) { tx.To, tx.Data, tx.Gas = nil, init, 1_000_000 }))
}

func TestCreation(t *testing.T) {
	w := newWorld(t)
	program := code(vm.CALLVALUE, returnTop())
	r := w.create(deploys(program))
	if r.Status != chain.StatusOK || r.ContractAddress == nil {
		t.Fatalf("receipt: %+v", r)
	}
	if got := w.view.Code(*r.ContractAddress); !bytes.Equal(got, program) {
		t.Errorf("code: got %x, want %x", got, program)
	}
	acct := w.view.Account(*r.ContractAddress)
	if acct.Nonce != 1 || acct.Balance != *uint256.NewInt(11) || acct.CodeHash != keccak.Sum256(program) {
		t.Errorf("account: %+v", acct)
	}
	// A creation that fails names its address too, and leaves the fee and the nonce only.
	before := w.view.Balance(w.addr(0))
	r = w.create(code(vm.PUSH0, vm.PUSH0, vm.REVERT))
	if r.Status != chain.StatusFailed || r.ContractAddress == nil || r.Reason != "execution reverted" {
		t.Fatalf("receipt: %+v", r)
	}
	if acct := w.view.Account(*r.ContractAddress); !acct.Empty() {
		t.Errorf("account: %+v", acct)
	}
	before.SubUint64(&before, 10*r.GasUsed)
	if got := w.view.Balance(w.addr(0)); got != before {
		t.Errorf("sender: got %s, want %s", got.Dec(), before.Dec())
	}
	if r = w.create(code(0xfe)); r.GasUsed != 1_000_000 || r.Reason != "invalid opcode" {
		t.Errorf("receipt: %+v", r)
	}
}

// What code learns of the block is what the header says.
func TestBlockSeenByCode(t *testing.T) {
	w := newWorld(t)
	w.in.Block.Height, w.in.Block.TimeMs, w.in.MixHash = 300, 7_999, chain.Hash{1, 2, 3}
	for h := chain.Height(1); h < 300; h++ {
		w.view.SetSlot(HistoryAddress(), HistorySlot(h), chain.Hash{31: byte(h % 251)})
	}
	word := func(n uint64) chain.Hash { return uint256.NewInt(n).Bytes32() }
	push2 := func(n int) []byte { return code(vm.PUSH1+1, n>>8, n&0xff) }
	at, sender := chain.Address{0xcc}, w.addr(0)
	for name, tc := range map[string]struct {
		program []byte
		want    chain.Hash
	}{
		"number":         {code(vm.NUMBER), word(300)},
		"time":           {code(vm.TIMESTAMP), word(7)},
		"random":         {code(vm.PREVRANDAO), chain.Hash{1, 2, 3}},
		"gas limit":      {code(vm.GASLIMIT), word(30_000_000)},
		"chain id":       {code(vm.CHAINID), word(testChain)},
		"base fee":       {code(vm.BASEFEE), word(7)},
		"blob base fee":  {code(vm.BLOBBASEFEE), word(1)},
		"price":          {code(vm.GASPRICE), word(10)},
		"coinbase":       {code(vm.COINBASE), chain.Hash{12: 9}},
		"origin":         {code(vm.ORIGIN), chain.Hash(append(make([]byte, 12), sender[:]...))},
		"parent":         {code(push2(299), vm.BLOCKHASH), chain.Hash{5}},
		"old hash":       {code(push2(44), vm.BLOCKHASH), word(44)},
		"too old a hash": {code(push2(43), vm.BLOCKHASH), chain.Hash{}},
		"its own hash":   {code(push2(300), vm.BLOCKHASH), chain.Hash{}},
		"system code":    {code(chain.AddrJobs, vm.EXTCODESIZE), word(1)},
	} {
		w.put(at, code(tc.program, vm.PUSH0, vm.SSTORE))
		if r := w.apply(w.tx(0, at, nil)); r.Status != chain.StatusOK {
			t.Fatalf("%s: %s", name, r.Reason)
		}
		if got := w.view.Slot(at, chain.Hash{}); got != tc.want {
			t.Errorf("%s: got %s, want %s", name, got, tc.want)
		}
		w.view.SetSlot(at, chain.Hash{}, chain.Hash{})
	}
}

// callStore is a program that calls store(5) of the test module with the value it got.
func callStore(after ...any) []byte {
	data := packed("store(uint64)", 5)
	return code(
		vm.PUSH32, append(bytes.Clone(data), make([]byte, 28)...)[:32], vm.PUSH0, vm.MSTORE,
		vm.PUSH32, append(bytes.Clone(data[32:]), make([]byte, 28)...)[:32], vm.PUSH1, 32, vm.MSTORE,
		vm.PUSH0, vm.PUSH0, vm.PUSH1, len(data), vm.PUSH0, vm.CALLVALUE, chain.AddrJobs, vm.GAS, vm.CALL, code(after...),
	)
}

func TestCodeCallsSystemContract(t *testing.T) {
	w := newWorld(t)
	at := chain.Address{0xcc}
	w.put(at, callStore(vm.PUSH0, vm.SSTORE))
	r := w.apply(w.tx(0, at, nil))
	if r.Status != chain.StatusOK || len(r.Logs) != 1 || r.Logs[0].Address != chain.AddrJobs {
		t.Fatalf("receipt: %+v", r)
	}
	if got := w.view.Slot(at, chain.Hash{}); got != (chain.Hash{31: 1}) {
		t.Errorf("the call said %s", got)
	}
	if got := w.view.Balance(chain.AddrJobs); got != *uint256.NewInt(11) {
		t.Errorf("the system contract holds %s", got.Dec())
	}

	w = newWorld(t)
	w.put(at, callStore(vm.PUSH0, vm.PUSH0, vm.REVERT))
	before := w.view.Diff()
	r = w.apply(w.tx(0, at, nil))
	if r.Status != chain.StatusFailed || len(r.Logs) != 0 || !w.view.Slot(chain.AddrJobs, native.Key("a")).IsZero() {
		t.Errorf("a reverted call left something: %+v", r)
	}
	if after := w.view.Diff(); len(after.Slots) != len(before.Slots)+1 { // the history of EIP-2935
		t.Errorf("slots changed: %v", after.Slots)
	}
}

func TestDelegation(t *testing.T) {
	w := newWorld(t)
	at := chain.Address{0xcc}
	w.put(at, code(vm.CALLER, vm.PUSH0, vm.SSTORE))
	sign := func(who int, nonce uint64) chain.Authorization {
		return chain.SignAuthorization(chain.Authorization{ChainID: *uint256.NewInt(testChain), Address: at, Nonce: nonce}, w.keys[who])
	}
	r := w.apply(w.tx(0, w.addr(1), func(tx *chain.Tx) {
		tx.Type, tx.Auths = chain.TxTypeSetCode, []chain.Authorization{sign(1, 0), sign(2, 7), {}, sign(0, 1)}
	}))
	if r.Status != chain.StatusOK || r.TxType != chain.TxTypeSetCode {
		t.Fatalf("receipt: %+v", r)
	}
	if got := w.view.Slot(w.addr(1), chain.Hash{}); chain.Address(got[12:]) != w.addr(0) {
		t.Errorf("the delegate saw caller %s", got)
	}
	for who, want := range map[int]uint64{0: 2, 1: 1, 2: 0} {
		if got := w.view.Nonce(w.addr(who)); got != want {
			t.Errorf("nonce of %d: got %d, want %d", who, got, want)
		}
		if got := len(w.view.Code(w.addr(who))); (got == 23) != (want > 0) {
			t.Errorf("code of %d has %d bytes", who, got)
		}
	}
	// Who has delegated still sends transactions; a contract does not.
	if r := w.apply(w.tx(1, chain.Address{0xaa}, nil)); r.Status != chain.StatusOK {
		t.Errorf("receipt: %+v", r)
	}
	w.put(w.addr(3), code(vm.STOP))
	if err := Begin(w.view, w.in, w.engine).Apply(w.tx(3, chain.Address{0xaa}, nil)); err != FaultSender {
		t.Errorf("a contract sends: got %v, want %v", err, FaultSender)
	}
	// A delegation to a system contract runs its one byte of code, which is no instruction.
	auth := chain.SignAuthorization(chain.Authorization{Address: chain.AddrJobs}, w.keys[2])
	r = w.apply(w.tx(0, w.addr(2), func(tx *chain.Tx) {
		tx.Type, tx.Auths, tx.Data = chain.TxTypeSetCode, []chain.Authorization{auth}, packed("store(uint64)", 5)
	}))
	if r.Status != chain.StatusFailed || r.Reason != "invalid opcode" {
		t.Errorf("receipt: %+v", r)
	}
}

// supply is what all accounts hold and what a run has burned.
func supply(v *state.View, out *Output) uint256.Int {
	sum := out.Burned
	d := v.Diff()
	for i := range d.Accounts {
		sum.Add(&sum, &d.Accounts[i].New.Balance)
	}
	return sum
}

// childBurns creates a contract with some money, which destroys itself with it.
func childBurns(value int) []byte {
	init := code(vm.ADDRESS, vm.SELFDESTRUCT)
	return code(vm.PUSH1+1, init, vm.PUSH0, vm.MSTORE, vm.PUSH1, len(init), vm.PUSH1, 30, vm.PUSH1, value, vm.CREATE, vm.POP)
}

// Money that an account holds when it goes away is burned: sent to itself, or sent after its end.
func TestDestructionBurns(t *testing.T) {
	heir, reverter := chain.Address{0xdd}, chain.Address{0xde}
	for name, tc := range map[string]struct {
		init   []byte
		burned uint64 // beside fees
	}{
		"to itself":           {code(vm.ADDRESS, vm.SELFDESTRUCT), 11},
		"to an heir":          {code(heir, vm.SELFDESTRUCT), 0},
		"a child, kept":       {code(childBurns(5), heir, vm.SELFDESTRUCT), 5},
		"a child, taken back": {code(vm.PUSH0, vm.PUSH0, vm.PUSH0, vm.PUSH0, vm.PUSH1, 7, reverter, vm.GAS, vm.CALL, heir, vm.SELFDESTRUCT), 0},
	} {
		w := newWorld(t)
		w.put(heir, code(vm.STOP))
		w.put(reverter, code(childBurns(5), vm.PUSH0, vm.PUSH0, vm.REVERT))
		run := Begin(w.view, w.in, w.engine)
		if err := run.Apply(w.tx(0, chain.Address{}, func(tx *chain.Tx) { tx.To, tx.Data = nil, tc.init })); err != nil {
			t.Fatal(err)
		}
		out := run.End()
		r := out.Receipts[0]
		if r.Status != chain.StatusOK {
			t.Fatalf("%s: %+v", name, r)
		}
		if acct := w.view.Account(*r.ContractAddress); !acct.Empty() {
			t.Errorf("%s: still there: %+v", name, acct)
		}
		if got, want := out.Burned, *uint256.NewInt(7*r.GasUsed + tc.burned); got != want {
			t.Errorf("%s: burned %s, want %s", name, got.Dec(), want.Dec())
		}
		if got := supply(w.view, &out); got != *uint256.NewInt(4e18) {
			t.Errorf("%s: %s tokens", name, got.Dec())
		}
	}
}

// Random programs, calling each other, the system contract and themselves, with money, conserve tokens.
func TestRandomCodeConservesTokens(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 2))
		w := newWorld(t)
		places := []chain.Address{{0xc1}, {0xc2}, {0xc3}, chain.AddrJobs, w.addr(0), {19: 4}, {0xdd}}
		for i := range 3 {
			w.put(places[i], randomProgram(rng, places))
		}
		run := Begin(w.view, w.in, w.engine)
		want := uint256.NewInt(4e18)
		for n := range uint64(10) {
			to := places[rng.IntN(3)]
			tx := w.tx(0, to, func(tx *chain.Tx) { tx.Nonce, tx.Gas, tx.Value = n, 400_000, *uint256.NewInt(1000) })
			if rng.IntN(3) == 0 {
				tx = w.tx(0, to, func(tx *chain.Tx) {
					tx.Nonce, tx.Gas, tx.To, tx.Data = n, 400_000, nil, randomProgram(rng, places)
				})
			}
			if err := run.Apply(tx); err != nil {
				t.Fatal(seed, err)
			}
		}
		out := run.End()
		if got := supply(w.view, &out); got != *want {
			t.Fatalf("seed %d: %s tokens, want %s", seed, got.Dec(), want.Dec())
		}
	}
}

// randomProgram makes calls, creations and self-destructions that mostly have what they need.
func randomProgram(rng *rand.Rand, places []chain.Address) []byte {
	var b []byte
	for range 1 + rng.IntN(6) {
		to, value := places[rng.IntN(len(places))], rng.IntN(9)
		switch rng.IntN(6) {
		case 0, 1:
			b = append(b, code(vm.PUSH0, vm.PUSH0, vm.PUSH0, vm.PUSH0, vm.PUSH1, value, to, vm.PUSH1+1, 0xff, 0xff, vm.CALL, vm.POP)...)
		case 2: // create a contract that destroys itself for the benefit of to
			init := code(to, vm.SELFDESTRUCT)
			if rng.IntN(2) == 0 {
				init = code(vm.ADDRESS, vm.SELFDESTRUCT)
			}
			b = append(b, code(vm.PUSH32, append(bytes.Clone(init), make([]byte, 32-len(init))...), vm.PUSH0, vm.MSTORE,
				vm.PUSH1, len(init), vm.PUSH0, vm.PUSH1, value, vm.CREATE)...)
			// ... and pay it once more
			b = append(b, code(vm.PUSH0, vm.PUSH0, vm.PUSH0, vm.PUSH0, vm.PUSH1, value, vm.DUP1+5, vm.PUSH1+1, 0xff, 0xff, vm.CALL, vm.POP)...)
		case 3:
			b = append(b, code(vm.PUSH1, value, vm.PUSH1, rng.IntN(3), vm.SSTORE)...)
		case 4:
			if rng.IntN(3) == 0 {
				b = append(b, code(to, vm.SELFDESTRUCT)...)
			}
		case 5:
			if rng.IntN(4) == 0 {
				b = append(b, code(vm.PUSH0, vm.PUSH0, vm.REVERT)...)
			}
		}
	}
	return b
}
