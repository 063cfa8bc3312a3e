package trace

import (
	"encoding/hex"
	"encoding/json"
	"strconv"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/vm"
	"github.com/aiwork/aiwork-node/vm/precompile"
)

// selectors is 4byteTracer: how often which method was called, by selector and size of the arguments.
type selectors struct {
	budget *budget
	built  *precompile.Set
	counts map[string]int
}

// selectorBytes is what an entry takes.
const selectorBytes = 48

func newSelectors(b *budget) *selectors { return &selectors{budget: b, counts: map[string]int{}} }

func (t *selectors) Begin(env *Env, _ *Tx) { t.built = precompile.New(env.Fork) }

func (t *selectors) Enter(c vm.Call) {
	switch c.Op {
	case vm.CALL, vm.CALLCODE, vm.DELEGATECALL, vm.STATICCALL:
	default:
		return
	}
	if len(c.Input) < 4 || t.built.At(&c.To) != nil {
		return
	}
	key := "0x" + hex.EncodeToString(c.Input[:4]) + "-" + strconv.Itoa(len(c.Input)-4)
	if _, ok := t.counts[key]; ok || t.budget.take(selectorBytes) {
		t.counts[key]++
	}
}

func (t *selectors) Step(*vm.Step)                 {}
func (t *selectors) Log(*chain.Log)                {}
func (t *selectors) Exit([]byte, uint64, vm.Fault) {}
func (t *selectors) End(uint64)                    {}

func (t *selectors) Result() (json.RawMessage, error) {
	if err := t.budget.err(); err != nil {
		return nil, err
	}
	return json.Marshal(t.counts)
}
