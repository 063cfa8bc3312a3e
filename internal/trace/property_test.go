package trace

// What is tested, on programs from seeds: a transaction does the same under every tracer as without one;
// the gas of the lines and of the calls adds up; and what the tracers keep is bounded.

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/vm"
)

const programSeeds = 300

// configs are all ways to watch.
func configs() map[string]*Config {
	named := func(name, config string) *Config {
		return &Config{Tracer: &name, TracerConfig: json.RawMessage(config)}
	}
	return map[string]*Config{
		"steps": {EnableMemory: true, EnableReturnData: true}, "calls": named("callTracer", `{"withLog":true}`),
		"top": named("callTracer", `{"onlyTopCall":true}`), "prestate": named("prestateTracer", `{}`),
		"diff": named("prestateTracer", `{"diffMode":true}`), "4byte": named("4byteTracer", ``), "noop": named("noopTracer", ``),
		"mux": named("muxTracer", `{"callTracer":{},"prestateTracer":{"diffMode":true}}`),
	}
}

// random fills a world with contracts that call each other.
func random(seed uint64) (*world, *vm.Tx) {
	r := rand.New(rand.NewPCG(seed, 0x7ace))
	w := newWorld()
	for i := range byte(4) {
		a := chain.Address{19: 0xa0 + i}
		w.view.SetCode(a, randomCode(r))
		w.view.SetNonce(a, 1)
		w.view.AddBalance(a, uint256.NewInt(r.Uint64N(10)))
		w.view.SetSlot(a, chain.Hash{31: 1}, chain.Hash{31: byte(r.IntN(2))})
	}
	w.view.EndTx()
	tx := &vm.Tx{From: sender, To: &chain.Address{19: 0xa0}, Gas: 30_000 + r.Uint64N(120_000), Data: []byte{1, 2, 3, 4, 5}}
	if r.IntN(5) == 0 {
		tx.To, tx.Data, tx.Gas = nil, randomCode(r), tx.Gas+60_000
	}
	return w, tx
}

func randomCode(r *rand.Rand) []byte {
	var code []byte
	push := func(n int) { code = append(code, byte(vm.PUSH1), byte(n)) }
	for range 4 + r.IntN(20) {
		switch r.IntN(9) {
		case 0:
			push(r.IntN(3))
			push(r.IntN(3))
			code = append(code, byte(vm.SSTORE))
		case 1:
			push(r.IntN(3))
			code = append(code, byte(vm.SLOAD))
		case 2, 3: // sizes of memory, value, callee, gas
			for range 4 {
				push(r.IntN(40))
			}
			op := []vm.Op{vm.CALL, vm.CALLCODE, vm.DELEGATECALL, vm.STATICCALL}[r.IntN(4)]
			if op == vm.CALL || op == vm.CALLCODE {
				push(r.IntN(4) / 2)
			}
			push([]int{0xa0, 0xa1, 0xa2, 0xa3, 4, 0x77}[r.IntN(6)])
			code = append(code, byte(vm.GAS), byte(op))
		case 4:
			push(r.IntN(70))
			push(r.IntN(70))
			code = append(code, byte(vm.LOG0))
		case 5:
			push(r.IntN(50))
			push(0)
			push(r.IntN(2))
			code = append(code, byte(vm.CREATE))
		case 6:
			push(r.IntN(256))
			push(r.IntN(50))
			code = append(code, byte(vm.MSTORE))
		case 7:
			code = append(code, byte(r.IntN(256)))
		case 8:
			push(0xa0 + r.IntN(5))
			code = append(code, []byte{byte(vm.BALANCE), byte(vm.EXTCODESIZE), byte(vm.SELFDESTRUCT)}[r.IntN(3)])
		}
	}
	return code
}

func TestWatchingChangesNothing(t *testing.T) {
	failed := 0
	for seed := range uint64(programSeeds) {
		plain, tx := random(seed)
		plain.view.BeginTx()
		tx.Nonce = plain.view.Nonce(tx.From)
		want, err := plain.machine.Run(tx)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		plain.view.EndTx()
		if want.Fault != 0 {
			failed++
		}
		for name, c := range configs() {
			w, tx := random(seed)
			tracer, err := c.New()
			if err != nil {
				t.Fatal(err)
			}
			got, err := w.watch(tx, tracer)
			if err != nil {
				t.Fatalf("seed %d, %s: %v", seed, name, err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("seed %d, %s: got %+v, want %+v", seed, name, got, want)
			}
			if a, b := w.view.Diff(), plain.view.Diff(); !reflect.DeepEqual(a, b) {
				t.Errorf("seed %d, %s: the state differs: got %+v, want %+v", seed, name, a, b)
			}
			if raw, err := tracer.Result(); err != nil || !json.Valid(raw) {
				t.Errorf("seed %d, %s: %v, %.200s", seed, name, err, raw)
			}
		}
	}
	if failed == 0 || failed == programSeeds {
		t.Errorf("%d of %d programs fail: they try little", failed, programSeeds)
	}
}

// result runs the program of a seed under a tracer and reads what it says.
func result(t *testing.T, seed uint64, c *Config, into any) (vm.Outcome, *vm.Tx) {
	w, tx := random(seed)
	tracer, err := c.New()
	if err != nil {
		t.Fatal(err)
	}
	out, err := w.watch(tx, tracer)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := tracer.Result()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
	return out, tx
}

// Between two lines of a frame the gas falls by what the first one cost. A call's line names what it handed
// on too, of which some comes back.
func TestLinesAddUp(t *testing.T) {
	calls := 0
	for seed := range uint64(programSeeds) {
		var trace struct {
			Gas        uint64
			StructLogs []struct {
				Op                  string
				Gas, GasCost, Depth uint64
				Error               string
			}
		}
		out, _ := result(t, seed, &Config{DisableStack: true}, &trace)
		if trace.Gas != out.GasUsed {
			t.Errorf("seed %d: gas: got %d, want %d", seed, trace.Gas, out.GasUsed)
		}
		for i := range trace.StructLogs {
			l := &trace.StructLogs[i]
			if i+1 == len(trace.StructLogs) || l.Error != "" {
				continue
			}
			next := &trace.StructLogs[i+1]
			isCall := strings.Contains(l.Op, "CALL") && l.Op != "CALLVALUE" || strings.HasPrefix(l.Op, "CREATE")
			switch {
			case next.Depth == l.Depth && !isCall && next.Gas != l.Gas-l.GasCost:
				t.Errorf("seed %d, line %d, %s: %d gas less %d, then %d", seed, i, l.Op, l.Gas, l.GasCost, next.Gas)
			case next.Depth == l.Depth+1 && strings.Contains(l.Op, "CALL"):
				calls++
				if next.Gas > l.GasCost+stipendGas {
					t.Errorf("seed %d, line %d, %s: costs %d and hands on %d", seed, i, l.Op, l.GasCost, next.Gas)
				}
			}
		}
	}
	if calls == 0 {
		t.Error("no program called another")
	}
}

// A call uses no more than it got, and at least what the calls inside used.
func TestCallsAddUp(t *testing.T) {
	inner := 0
	for seed := range uint64(programSeeds) {
		type frame struct {
			Gas, GasUsed string
			Calls        []*frame
		}
		var top frame
		name := "callTracer"
		out, tx := result(t, seed, &Config{Tracer: &name}, &top)
		var check func(f *frame) uint64
		check = func(f *frame) uint64 {
			gas, used := number(t, f.Gas), number(t, f.GasUsed)
			if used > gas {
				t.Errorf("seed %d: a call used %d of %d", seed, used, gas)
			}
			sum := uint64(0)
			for _, c := range f.Calls {
				inner++
				sum += check(c)
			}
			// What calls with value get as a gift is not the caller's.
			if f != &top && sum > used+uint64(len(f.Calls))*stipendGas {
				t.Errorf("seed %d: a call used %d, those inside %d", seed, used, sum)
			}
			return used
		}
		if used := check(&top); used != out.GasUsed || number(t, top.Gas) != tx.Gas {
			t.Errorf("seed %d: the transaction used %d of %s, want %d of %d", seed, used, top.Gas, out.GasUsed, tx.Gas)
		}
	}
	if inner == 0 {
		t.Error("no program called another")
	}
}

func TestTooLarge(t *testing.T) {
	// A loop that hands a megabyte of memory to each call, and one that fills the trace with its memory.
	const loop = "JUMPDEST PUSH0 PUSH0 PUSH3 100000 PUSH0 PUSH0 PUSH1 04 PUSH2 ffff CALL POP PUSH0 JUMP"
	for name, c := range configs() {
		w := newWorld()
		to := chain.Address{19: 0xa0}
		w.view.SetCode(to, assemble(t, []string{loop}))
		w.view.EndTx()
		tracer, err := c.New()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.watch(&vm.Tx{From: sender, To: &to, Gas: 16_000_000}, tracer); err != nil {
			t.Fatal(err)
		}
		_, err = tracer.Result()
		want := name == "steps" || name == "calls" || name == "mux"
		if got := errors.Is(err, ErrTooLarge); got != want || err != nil && !got {
			t.Errorf("%s: got %v, want too large: %v", name, err, want)
		}
	}
}

func FuzzConfig(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"tracer":"callTracer","tracerConfig":{"withLog":true}}`, `{"limit":-1,"enableMemory":true}`,
		`{"tracer":"prestateTracer","tracerConfig":{"diffMode":true,"disableCode":true}}`,
		`{"tracer":"muxTracer","tracerConfig":{"4byteTracer":null,"prestateTracer":{}}}`, `{"tracer":""}`, `{"overrides":{}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var c Config
		if json.Unmarshal(raw, &c) != nil {
			return
		}
		tracer, err := c.New()
		if err != nil {
			return
		}
		w, tx := random(1)
		if _, err := w.watch(tx, tracer); err != nil {
			t.Fatal(err)
		}
		if out, err := tracer.Result(); err != nil || !json.Valid(out) {
			t.Errorf("%s: %v, %.200s", raw, err, out)
		}
	})
}
