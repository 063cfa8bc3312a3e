package evmdiff

// What is tested: the tracers of package trace say of the programs of TestPrograms what go-ethereum's own
// tracers say of them, to the last number. What may differ is listed in sameWords.

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	gethstate "github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/types"
	gethvm "github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/eth/tracers"
	"github.com/ethereum/go-ethereum/eth/tracers/logger"
	"github.com/ethereum/go-ethereum/eth/tracers/native"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/trace"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/vm"
	"github.com/aiwork/aiwork-node/vm/fork"
)

// watches are all ways to watch that are compared. One without a tracer is of the struct logger.
var watches = []struct{ tracer, config string }{
	{"", `{"enableMemory":true,"enableReturnData":true}`},
	{"", `{"disableStack":true,"disableStorage":true}`},
	{"callTracer", `{"withLog":true}`},
	{"callTracer", `{"onlyTopCall":true,"withLog":true}`},
	{"prestateTracer", `{}`},
	{"prestateTracer", `{"includeEmpty":true,"disableCode":true}`},
	{"prestateTracer", `{"diffMode":true}`},
	{"prestateTracer", `{"diffMode":true,"disableCode":true,"disableStorage":true}`},
	{"4byteTracer", `{}`},
}

// traceGasMax keeps programs that loop from filling the memory with lines.
const traceGasMax = 90_000

// shrinksMax bounds how often a program that fails is tried again, each time with all its lines.
const shrinksMax = 300

func TestTracers(t *testing.T) {
	lines := 0
	for n := range uint64(*programs) / 10 {
		p := Generate(*seed + n)
		for i := range p.Txs {
			p.Txs[i].Gas = min(p.Txs[i].Gas, traceGasMax)
		}
		if err := traceBoth(p, &lines); err != nil {
			t.Errorf("seed %d: %v", *seed+n, err)
			tries := 0
			small := Shrink(p, func(q *Program) bool { tries++; return tries <= shrinksMax && traceBoth(q, new(int)) != nil })
			t.Fatalf("shrunk: %v\n%s", traceBoth(small, new(int)), small)
		}
	}
	t.Logf("%d transactions traced alike, each in %d ways", lines, len(watches))
	if lines == 0 {
		t.Error("nothing was traced")
	}
}

// traceBoth runs a program under all tracers on both sides.
func traceBoth(p *Program, traced *int) error {
	geth, err := NewGeth(p.World)
	if err != nil {
		return err
	}
	ours := NewOurs(p.World, vm.NewCodes(vm.CodesBytesMax))
	for i := range p.Txs {
		a, ranA, err := ours.traced(&p.Txs[i])
		if err != nil {
			return fmt.Errorf("transaction %d: ours: %w", i, err)
		}
		b, ranB, err := geth.traced(&p.Txs[i])
		if err != nil {
			return fmt.Errorf("transaction %d: geth: %w", i, err)
		}
		if ranA != ranB {
			return fmt.Errorf("transaction %d: ours ran %v, geth %v", i, ranA, ranB)
		}
		if !ranA {
			continue
		}
		*traced++
		for k, w := range watches {
			if a[k] == nil {
				continue
			}
			if err := sameTrace(a[k], b[k], ours.view.Exists); err != nil {
				return fmt.Errorf("transaction %d: %s %s: %w", i, w.tracer, w.config, err)
			}
		}
	}
	return nil
}

// all is several tracers at once.
type all []trace.Tracer

func (a all) Enter(c vm.Call) {
	for _, t := range a {
		t.Enter(c)
	}
}

func (a all) Step(s *vm.Step) {
	for _, t := range a {
		t.Step(s)
	}
}

func (a all) Log(l *chain.Log) {
	for _, t := range a {
		t.Log(l)
	}
}

func (a all) Exit(output []byte, left uint64, fault vm.Fault) {
	for _, t := range a {
		t.Exit(output, left, fault)
	}
}

func (o *Ours) traced(tx *vm.Tx) (results []json.RawMessage, ran bool, err error) {
	up := state.New(o.view.Below())
	env := &trace.Env{State: up, Before: o.view, Fork: fork.Osaka, Coinbase: coinbase, LogIndex: o.logs}
	var watching all
	for _, w := range watches {
		config := &trace.Config{}
		if w.tracer == "" {
			if err := json.Unmarshal([]byte(w.config), config); err != nil {
				return nil, false, err
			}
		} else {
			config.Tracer, config.TracerConfig = &w.tracer, json.RawMessage(w.config)
		}
		t, err := config.New()
		if err != nil {
			return nil, false, err
		}
		t.Begin(env, &trace.Tx{From: tx.From, To: tx.To, Gas: tx.Gas, Auths: tx.Auths})
		watching = append(watching, t)
	}
	up.BeginTx()
	o.machine.SetState(up)
	o.machine.Trace(watching)
	out, err := o.machine.Run(tx)
	o.machine.Trace(nil)
	o.machine.SetState(o.view)
	if err != nil {
		return nil, false, nil
	}
	o.logs += len(up.Logs())
	up.EndTx()
	for _, t := range watching {
		t.End(out.GasUsed)
		r, err := t.Result()
		if err != nil && !errors.Is(err, trace.ErrTooLarge) {
			return nil, false, err
		}
		results = append(results, r) // nil is not compared
	}
	d := up.Diff()
	o.view.Absorb(&d)
	return results, true, nil
}

func (g *Geth) traced(tx *vm.Tx) (results []json.RawMessage, ran bool, err error) {
	var objects []*tracers.Tracer
	var names []string
	for i, w := range watches {
		names = append(names, fmt.Sprint(i))
		if w.tracer == "" {
			var config logger.Config
			if err := json.Unmarshal([]byte(w.config), &config); err != nil {
				return nil, false, err
			}
			l := logger.NewStructLogger(&config)
			objects = append(objects, &tracers.Tracer{Hooks: l.Hooks(), GetResult: l.GetResult, Stop: l.Stop})
			continue
		}
		t, err := tracers.DefaultDirectory.New(w.tracer, new(tracers.Context), json.RawMessage(w.config), params.MergedTestChainConfig)
		if err != nil {
			return nil, false, err
		}
		objects = append(objects, t)
	}
	m, err := native.NewMuxTracer(names, objects)
	if err != nil {
		return nil, false, err
	}
	g.runs++
	id := common.Hash{28: byte(g.runs >> 24), 29: byte(g.runs >> 16), 30: byte(g.runs >> 8), 31: byte(g.runs)}
	g.db.SetTxContext(id, g.runs, 0)
	evm := gethvm.NewEVM(g.evm.Context, gethstate.NewHookedState(g.db, m.Hooks), params.MergedTestChainConfig, gethvm.Config{Tracer: m.Hooks})
	msg := message(tx)
	back := g.db.Snapshot()
	m.OnTxStart(evm.GetVMContext(), transaction(msg), msg.From)
	result, err := core.ApplyMessage(evm, msg, core.NewGasPool(blockGasMax))
	if err != nil {
		g.db.RevertToSnapshot(back)
		return nil, false, nil
	}
	g.db.Finalise(evm.GetRules())
	m.OnTxEnd(&types.Receipt{GasUsed: result.UsedGas}, nil)
	for _, t := range objects {
		r, err := t.GetResult()
		if err != nil {
			return nil, false, err
		}
		results = append(results, r)
	}
	return results, true, nil
}

// transaction gives a message as a transaction, as far as tracers look at it.
func transaction(m *core.Message) *types.Transaction {
	if m.To == nil || m.SetCodeAuthorizations == nil {
		return types.NewTx(&types.LegacyTx{To: m.To, Gas: m.GasLimit, Nonce: m.Nonce})
	}
	return types.NewTx(&types.SetCodeTx{ChainID: new(uint256.Int), To: *m.To, Gas: m.GasLimit, Nonce: m.Nonce, AuthList: m.SetCodeAuthorizations})
}

// sameTrace says where two traces differ; exists tells which accounts are there afterwards.
func sameTrace(ours, geth json.RawMessage, exists func(chain.Address) bool) error {
	var a, b any
	if err := errors.Join(json.Unmarshal(ours, &a), json.Unmarshal(geth, &b)); err != nil {
		return err
	}
	sameWords(a)
	sameWords(b)
	dropNothing(b)
	dropUndone(a, b, exists)
	if reflect.DeepEqual(a, b) {
		return nil
	}
	return difference("", a, b)
}

// sameWords rewrites what may differ: go-ethereum adds a second reason to a failure for want of gas, and
// names the reasons of its built-in contracts, which we do not. It also tells of the refund that an SSTORE
// would have brought that was not run.
func sameWords(v any) {
	switch v := v.(type) {
	case map[string]any:
		if text, ok := v["error"].(string); ok {
			v["error"] = plainError(text)
			delete(v, "refund")
		}
		if name, ok := v["op"].(string); ok {
			v["op"] = plainName(name)
		}
		for _, inner := range v {
			sameWords(inner)
		}
	case []any:
		for _, inner := range v {
			sameWords(inner)
		}
	}
}

// dropNothing takes out what go-ethereum says under diffMode of accounts that were and are not there: that
// they got the code hash zero.
func dropNothing(v any) {
	m, _ := v.(map[string]any)
	post, _ := m["post"].(map[string]any)
	for addr, v := range post {
		a := v.(map[string]any)
		if a["codeHash"] == common.Hash(chain.Hash{}).String() {
			if delete(a, "codeHash"); len(a) == 0 {
				delete(post, addr)
			}
		}
	}
}

// dropUndone takes out accounts that go-ethereum takes for destroyed under diffMode although the destruction
// was undone: it does not say what else became of them.
func dropUndone(ours, geth any, exists func(chain.Address) bool) {
	m, _ := geth.(map[string]any)
	pre, _ := m["pre"].(map[string]any)
	post, _ := m["post"].(map[string]any)
	for addr := range pre {
		if _, told := post[addr]; told || !exists(chain.Address(common.HexToAddress(addr))) {
			continue
		}
		delete(pre, addr)
		for _, side := range []string{"pre", "post"} {
			delete(ours.(map[string]any)[side].(map[string]any), addr)
		}
	}
}

// plainName takes back the names that go-ethereum has for instructions of later rule sets.
func plainName(name string) string {
	for op := range 256 {
		if gethvm.OpCode(op).String() == name && strings.HasPrefix(vm.Op(op).String(), "opcode ") {
			return fmt.Sprintf("opcode %#x not defined", op)
		}
	}
	return name
}

func plainError(text string) string {
	if name, ok := strings.CutPrefix(text, "invalid opcode: "); ok {
		return "invalid opcode: " + plainName(name)
	}
	for _, known := range []string{"write protection", "max initcode size exceeded"} {
		if text == known || strings.HasPrefix(text, "out of gas: "+known) {
			return known
		}
	}
	for _, known := range []string{
		"execution reverted", "max call depth exceeded", "insufficient balance for transfer", "invalid jump destination",
		"return data out of bounds", "contract address collision", "max code size exceeded", "stack underflow (", "stack limit reached ",
		"invalid code: must not begin with 0xef", "contract creation code storage out of gas",
	} {
		if strings.HasPrefix(text, known) {
			return text
		}
	}
	if strings.HasPrefix(text, "out of gas") || text == "gas uint64 overflow" {
		return "out of gas"
	}
	return "a built-in contract refused"
}

// difference names the first place at which two values differ.
func difference(at string, a, b any) error {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok {
			break
		}
		for key := range y {
			if _, ok := x[key]; !ok {
				return fmt.Errorf("%s.%s: only geth has it: %.300v", at, key, y[key])
			}
		}
		for key := range x {
			if _, ok := y[key]; !ok {
				return fmt.Errorf("%s.%s: only ours has it: %.300v", at, key, x[key])
			}
			if !reflect.DeepEqual(x[key], y[key]) {
				return difference(at+"."+key, x[key], y[key])
			}
		}
	case []any:
		y, ok := b.([]any)
		if !ok {
			break
		}
		for i := range min(len(x), len(y)) {
			if !reflect.DeepEqual(x[i], y[i]) {
				return fmt.Errorf("%w\n ours %.1500v\n geth %.1500v", difference(fmt.Sprintf("%s[%d]", at, i), x[i], y[i]), x[i], y[i])
			}
		}
		return fmt.Errorf("%s: ours has %d, geth %d", at, len(x), len(y))
	}
	return fmt.Errorf("%s: ours %.300v, geth %.300v", at, a, b)
}
