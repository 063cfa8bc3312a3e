package vm_test

// What is tested beside the official tests of vm/statetest: that small programs cost and answer what one
// works out by hand, that tracing changes nothing, that a running program allocates nothing, and that no
// program makes the machine panic or give back more gas than it got. The benchmarks assert gas and answer.

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/vm"
	"github.com/aiwork/aiwork-node/vm/fork"
	"github.com/aiwork/aiwork-node/vm/statetest"
)

var (
	sender   = chain.Address{19: 1, 0: 0xaa}
	contract = chain.Address{19: 2, 0: 0xcc}
	other    = chain.Address{19: 3, 0: 0xdd}
)

func unhex(t testing.TB, text string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// bench is a machine with two contracts, ready to run transactions.
type bench struct {
	w     *statetest.World
	codes *vm.Codes
	m     *vm.Machine
	tx    vm.Tx
}

func newBench(f fork.Fork, code, otherCode []byte) *bench {
	b := &bench{w: statetest.NewWorld(), codes: vm.NewCodes(vm.CodesBytesMax)}
	b.w.SetCode(contract, code)
	b.w.SetCode(other, otherCode)
	b.m = vm.New(f, b.w, b.codes)
	b.m.SetBlock(vm.Block{ChainID: 1, Number: 1, GasLimit: 1 << 40})
	b.tx = vm.Tx{From: sender, To: &contract, Gas: 1 << 24}
	return b
}

func (b *bench) run(t testing.TB) vm.Outcome {
	b.w.Begin()
	b.tx.Nonce = b.w.Nonce(sender)
	out, err := b.m.Run(&b.tx)
	if err != nil {
		t.Fatalf("transaction refused: %v", err)
	}
	b.w.End(true)
	return out
}

func TestProgramsByHand(t *testing.T) {
	const ret = "5f52 60205ff3" // store at 0 and return the word
	for _, c := range []struct {
		name, code string
		gas        uint64 // beside the 21000 of the transaction
		output     string
		fault      vm.Fault
	}{
		{"add", "60026003 01" + ret, 3 + 3 + 3 + 2 + 3 + 3 + 3 + 2, "5", 0},
		{"sub wraps", "60036002 03" + ret, 3 + 3 + 3 + 2 + 3 + 3 + 3 + 2, strings.Repeat("f", 64), 0},
		{"divide by zero", "5f6005 04" + ret, 2 + 3 + 5 + 2 + 3 + 3 + 3 + 2, "0", 0},
		{"clz of one", "6001 1e" + ret, 3 + 5 + 2 + 3 + 3 + 3 + 2, "ff", 0},
		{"sar beyond", "5f196101001d" + ret, 2 + 3 + 3 + 3 + 2 + 3 + 3 + 3 + 2, strings.Repeat("f", 64), 0},
		{"push at the end", "61ff", 3, "", 0},
		{"revert", "60205ffd", 3 + 2 + 3, "0", vm.FaultRevert},
		{"cold and warm slot", "5f545f5450 50", 2 + 2100 + 2 + 100 + 2 + 2, "", 0},
		{"underflow", "01", 1<<24 - 21000, "", vm.FaultUnderflow},
		{"jump into data", "600156605b", 1<<24 - 21000, "", vm.FaultJump},
		{"no instruction", "0c", 1<<24 - 21000, "", vm.FaultInstruction},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := newBench(fork.Osaka, unhex(t, c.code), nil).run(t)
			if got, want := out.GasUsed-21000, c.gas; got != want {
				t.Errorf("gas: got %d, want %d", got, want)
			}
			if out.Fault != c.fault {
				t.Errorf("fault: got %d, want %d", out.Fault, c.fault)
			}
			if c.output == "" {
				if len(out.Output) != 0 {
					t.Errorf("output: got %x, want none", out.Output)
				}
			} else if got, want := hex.EncodeToString(out.Output), strings.Repeat("0", 64-len(c.output))+c.output; got != want {
				t.Errorf("output: got %s, want %s", got, want)
			}
		})
	}
}

func TestOverflow(t *testing.T) {
	full := bytes.Repeat([]byte{byte(vm.PUSH0)}, 1025)
	if got := newBench(fork.Osaka, full, nil).run(t).Fault; got != vm.FaultOverflow {
		t.Errorf("1025 words: got fault %d, want %d", got, vm.FaultOverflow)
	}
	if got := newBench(fork.Osaka, full[1:], nil).run(t).Fault; got != 0 {
		t.Errorf("1024 words: got fault %d, want none", got)
	}
}

// programs are loops that run as often as the call's data says. Each counts down at the top of its stack.
var programs = []struct{ name, body, other string }{
	{"arithmetic", "8080 02 8101 6007 04 6003 1b 50", ""},
	{"memory", "805f52 5f51 50 80602052 60205f604052 50", ""},
	{"keccak", "805f52 60405f20 50", ""},
	{"identity", "60205f60205f60045afa50", ""},
	{"call", "60205f60205f5f73dd000000000000000000000000000000000000035af150", "60205ff3"},
	{"storage", "8060ff16 8054 6001 01 9055", ""},
	{"stack", "80818283 91 90 92 50505050", ""},
	{"push32", "7f" + "112233445566778899aabbccddeeff00112233445566778899aabbccddeeff00" + "50", ""},
}

func program(t testing.TB, body string) []byte {
	return unhex(t, "5f355b"+body+"600190038060025700")
}

func (b *bench) times(n uint64) {
	word := uint256.NewInt(n).Bytes32()
	b.tx.Data = word[:]
}

func TestLoopAllocatesNothing(t *testing.T) {
	for _, p := range programs {
		if p.name == "storage" {
			continue // the journal of the state grows
		}
		b := newBench(fork.Osaka, program(t, p.body), unhex(t, p.other))
		count := func(n uint64) float64 {
			b.times(n)
			b.run(t)
			return testing.AllocsPerRun(5, func() { b.run(t) })
		}
		if few, many := count(10), count(2000); many > few+1 {
			t.Errorf("%s: got %.0f allocations for 2000 rounds, want the %.0f of 10", p.name, many, few)
		}
	}
}

// counter is a tracer that checks what it is told against itself.
type counter struct {
	t            *testing.T
	steps, depth int
	gas          []uint64
}

func (c *counter) Enter(call vm.Call) {
	if call.Depth != c.depth {
		c.t.Errorf("enter at depth %d, want %d", call.Depth, c.depth)
	}
	c.depth++
	c.gas = append(c.gas, call.Gas)
}

func (c *counter) Log(*chain.Log) {}

func (c *counter) Exit(_ []byte, left uint64, _ vm.Fault) {
	c.depth--
	if left > c.gas[c.depth] {
		c.t.Errorf("gas left %d, more than %d at the start", left, c.gas[c.depth])
	}
	c.gas = c.gas[:c.depth]
}

func (c *counter) Step(s *vm.Step) {
	c.steps++
	if s.Depth != c.depth-1 {
		c.t.Errorf("step at depth %d, want %d", s.Depth, c.depth-1)
	}
}

func TestTraceChangesNothing(t *testing.T) {
	for _, p := range programs {
		code, otherCode := program(t, p.body), unhex(t, p.other)
		plain, watched := newBench(fork.Osaka, code, otherCode), newBench(fork.Osaka, code, otherCode)
		c := &counter{t: t}
		watched.m.Trace(c)
		plain.times(50)
		watched.times(50)
		got, want := watched.run(t), plain.run(t)
		if got.GasUsed != want.GasUsed || got.Fault != want.Fault || !bytes.Equal(got.Output, want.Output) {
			t.Errorf("%s: traced %+v, plain %+v", p.name, got, want)
		}
		if g, w := watched.w.Root(), plain.w.Root(); g != w {
			t.Errorf("%s: traced root %s, plain %s", p.name, g, w)
		}
		if c.depth != 0 || c.steps < 50*3 {
			t.Errorf("%s: depth %d and %d steps at the end", p.name, c.depth, c.steps)
		}
	}
}

func FuzzMachine(f *testing.F) {
	for _, p := range programs {
		f.Add(uint8(fork.Osaka), program(f, p.body), unhex(f, p.other), []byte{31: 3})
	}
	f.Add(uint8(fork.Berlin), unhex(f, "60ff60005560016000f0ff"), unhex(f, "ff"), []byte{1})
	f.Add(uint8(fork.Frontier), unhex(f, "3d5f5f3e"), unhex(f, "5b600056"), []byte{})
	f.Add(uint8(fork.Cancun), unhex(f, "365f5f375f5f365f34f05ff1"), []byte{}, unhex(f, "33ff"))
	f.Fuzz(func(t *testing.T, which uint8, code, otherCode, data []byte) {
		b := newBench(fork.Fork(which%uint8(fork.Latest+1)), code, otherCode)
		b.tx.Data = data
		b.tx.Gas = 300_000
		if gas, floor := vm.IntrinsicGas(fork.Osaka, &b.tx); max(gas, floor) > b.tx.Gas || len(data) > 2000 {
			t.Skip("more data than gas")
		}
		out := b.run(t)
		// Refunds give back up to half of what was used (a fifth from London on).
		if out.GasUsed > b.tx.Gas || out.GasUsed < 21000/2 {
			t.Errorf("gas used: got %d of %d", out.GasUsed, b.tx.Gas)
		}
		for name, how := range map[string]func(*bench){
			"traced": func(b *bench) { b.m.Trace(&counter{t: t}) }, "translated": func(b *bench) { b.codes.TranslateAll() },
		} {
			again := newBench(fork.Fork(which%uint8(fork.Latest+1)), code, otherCode)
			how(again)
			again.tx.Data, again.tx.Gas = data, b.tx.Gas
			if got := again.run(t); got.GasUsed != out.GasUsed || got.Fault != out.Fault || !bytes.Equal(got.Output, out.Output) {
				t.Errorf("%s: got %+v, want %+v", name, got, out)
			}
			if got, want := again.w.Root(), b.w.Root(); got != want {
				t.Errorf("%s: root: got %s, want %s", name, got, want)
			}
		}
	})
}

func BenchmarkProgram(b *testing.B) {
	const rounds = 10_000
	for _, p := range programs {
		b.Run(fmt.Sprintf("name=%s/rounds=%d", p.name, rounds), func(b *testing.B) {
			r := newBench(fork.Osaka, program(b, p.body), unhex(b, p.other))
			r.tx.Gas = 1 << 24
			r.times(rounds)
			r.run(b)
			want := r.run(b)
			if want.Fault != 0 {
				b.Fatalf("fault: %v", want.Fault)
			}
			b.ReportAllocs()
			for b.Loop() {
				if got := r.run(b); got.GasUsed != want.GasUsed || got.Fault != 0 || len(got.Output) != 0 {
					b.Fatalf("got %+v, want %+v", got, want)
				}
			}
			b.ReportMetric(float64(want.GasUsed)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mgas/s")
		})
	}
}
