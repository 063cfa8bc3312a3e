package exec

import (
	"errors"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/must"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/vm/native"
)

// Failures of a call that are no refusal: the fee is paid, the receipt says why.
var (
	ErrByteCode   = errors.New("contracts in bytecode are not supported yet")
	ErrPrecompile = errors.New("precompiled contracts are not supported yet")
)

// call is the outermost frame of a transaction, its gas without the intrinsic part.
type call struct {
	from, to chain.Address
	value    uint256.Int
	data     []byte
	gas      uint64
	access   []chain.AccessTuple
}

// call moves the value and runs what stands at the receiver. If it fails, nothing of it remains.
func (r *Run) call(c *call) native.Result {
	v := r.view
	module := r.modules.Has(c.to)
	switch {
	case module:
	case precompile(c.to):
		return native.Result{GasLeft: c.gas, Err: ErrPrecompile}
	case !v.CodeHash(c.to).IsZero():
		return native.Result{GasLeft: c.gas, Err: ErrByteCode}
	}
	mark := v.Snapshot()
	v.SubBalance(c.from, &c.value)
	v.AddBalance(c.to, &c.value)
	if !module {
		return native.Result{GasLeft: c.gas}
	}
	r.warm(c)
	res := r.modules.Run(native.Frame{
		State: v, Block: &r.in.Block, Caller: c.from, Self: c.to, Value: c.value, Input: c.data, Gas: c.gas,
	})
	must.Hold(res.GasLeft <= c.gas, "exec: a module gave back more gas than it got")
	if res.Err != nil {
		v.RevertTo(mark)
	}
	return res
}

// warm marks what a transaction pays no first touch for (EIP-2929, 2930, 3651). A plain transfer touches
// nothing that is metered, so only calls to modules need it.
func (r *Run) warm(c *call) {
	v := r.view
	v.WarmAddress(c.from)
	v.WarmAddress(c.to)
	v.WarmAddress(r.in.Block.Coinbase)
	for i := range c.access {
		v.WarmAddress(c.access[i].Address)
		for _, slot := range c.access[i].Slots {
			v.WarmSlot(c.access[i].Address, slot)
		}
	}
}

// precompile reports whether Ethereum's Osaka rules have a precompiled contract at addr: 0x01 to 0x11
// and 0x0100.
func precompile(addr chain.Address) bool {
	low := addr[19]
	rest := addr
	rest[18], rest[19] = 0, 0
	if !rest.IsZero() {
		return false
	}
	return addr[18] == 0 && low >= 0x01 && low <= 0x11 || addr[18] == 0x01 && low == 0
}

// Message is a call that is only tried: no signature, no nonce, no fee.
type Message struct {
	From       chain.Address
	To         *chain.Address
	Gas        uint64
	Value      uint256.Int
	Data       []byte
	AccessList []chain.AccessTuple
}

// CallResult is what a Message would do. Err is nil, native.ErrOutOfGas, a *native.Revert, ErrByteCode
// or ErrPrecompile; Output is then the revert data.
type CallResult struct {
	Output  []byte
	GasUsed uint64
	Logs    []chain.Log
	Err     error
}

// Call tries m at the end of the block that in describes and takes back all it did. The error is a
// refusal: a Fault, a chain.TxFault, or view.Err().
func Call(view *state.View, in *Input, modules *native.Set, m *Message) (CallResult, error) {
	if m.To == nil {
		return CallResult{}, FaultCallCreation
	}
	tx := chain.Tx{To: m.To, Gas: m.Gas, Data: m.Data, AccessList: m.AccessList}
	intrinsic, err := tx.IntrinsicGas()
	if err != nil {
		return CallResult{}, err
	}
	if m.Gas < intrinsic {
		return CallResult{}, chain.TxGasLow
	}
	if m.Gas < tx.FloorGas() {
		return CallResult{}, chain.TxGasFloor
	}
	if balance := view.Balance(m.From); balance.Lt(&m.Value) {
		return CallResult{}, FaultCallFunds
	}
	r := &Run{view: view, in: in, modules: modules}
	view.BeginTx()
	mark := view.Snapshot()
	res := r.call(&call{
		from: m.From, to: *m.To, value: m.Value, data: m.Data, gas: m.Gas - intrinsic, access: m.AccessList,
	})
	used := m.Gas - res.GasLeft
	out := CallResult{
		Output: res.Output, Err: res.Err, Logs: append([]chain.Log(nil), view.Logs()...),
		GasUsed: max(used-refund(view.Refund(), used), tx.FloorGas()),
	}
	view.RevertTo(mark)
	view.EndTx()
	return out, view.Err()
}

// Estimate gives the least gas limit with which m succeeds, up to m.Gas, by trying. If it does not
// succeed with m.Gas either, the result of that try says why.
func Estimate(view *state.View, in *Input, modules *native.Set, m *Message) (uint64, CallResult, error) {
	try := *m
	best, err := Call(view, in, modules, &try)
	if err != nil || best.Err != nil {
		return 0, best, err
	}
	low, high := best.GasUsed-1, m.Gas // fails or was not tried, succeeds
	for try.Gas = best.GasUsed; low+1 < high; try.Gas = low + (high-low)/2 {
		res, err := Call(view, in, modules, &try)
		if view.Err() != nil {
			return 0, CallResult{}, view.Err()
		}
		if err == nil && res.Err == nil {
			high, best = try.Gas, res
		} else {
			low = try.Gas
		}
	}
	return high, best, nil
}
