package exec

import (
	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/vm"
)

// Message is a call that is only tried: nobody signed it, its nonce is the sender's next one. With fee
// caps of zero it is free, and code sees a base fee of zero.
type Message struct {
	From       chain.Address
	To         *chain.Address // nil creates a contract
	Gas        uint64
	FeeCap     uint256.Int
	TipCap     uint256.Int
	Value      uint256.Int
	Data       []byte
	AccessList []chain.AccessTuple
	Auths      []chain.Authorization
}

// CallResult is what a Message did.
type CallResult struct {
	Output   []byte // the answer, what a revert said, or the code of a new contract
	GasUsed  uint64 // after refunds, with the intrinsic part
	Refunded uint64
	GasPeak  uint64   // what it needed before refunds came
	Fault    vm.Fault // 0: it went well
	Created  chain.Address
	Logs     []chain.Log
}

// Try runs a message after the block's transactions so far and keeps what it changed. The error is a
// refusal, a Fault, or view.Err().
func (r *Run) Try(m *Message) (CallResult, error) {
	r.view.BeginTx()
	res, err := r.try(m)
	r.view.EndTx()
	return res, err
}

// Probe is Try, but takes back all that it changed.
func (r *Run) Probe(m *Message) (CallResult, error) {
	r.view.BeginTx()
	mark := r.view.Snapshot()
	res, err := r.try(m)
	r.view.RevertTo(mark)
	r.view.EndTx()
	return res, err
}

func (r *Run) try(m *Message) (CallResult, error) {
	machine := r.engine.machine
	if m.FeeCap.IsZero() && m.TipCap.IsZero() {
		free := r.in.vm(r.view)
		free.BaseFee.Clear()
		machine.SetBlock(free)
		defer func() { machine.SetBlock(r.in.vm(r.view)) }()
	}
	out, err := machine.Try(&vm.Tx{
		Type: m.kind(), From: m.From, To: m.To, Gas: m.Gas, FeeCap: m.FeeCap, TipCap: m.TipCap, Value: m.Value, Data: m.Data,
		Access: m.AccessList, Auths: m.Auths,
	})
	if r.view.Err() != nil {
		return CallResult{}, r.view.Err()
	}
	if err != nil {
		return CallResult{}, faultOf(err)
	}
	return CallResult{
		Output: out.Output, GasUsed: out.GasUsed, Refunded: out.Refunded, GasPeak: out.GasPeak, Fault: out.Fault, Created: out.Created,
		Logs: append([]chain.Log(nil), r.view.Logs()...),
	}, nil
}

func (m *Message) kind() uint8 {
	if len(m.Auths) > 0 {
		return chain.TxTypeSetCode
	}
	return chain.TxTypeDynamicFee
}

// Estimate gives the least gas limit with which m succeeds, up to m.Gas, by trying. If it does not
// succeed with m.Gas either, the result of that try says why. Before each further try it asks goOn, whose
// error ends it.
func (r *Run) Estimate(m *Message, goOn func() error) (uint64, CallResult, error) {
	try := *m
	best, err := r.Probe(&try)
	if err != nil || best.Fault != 0 {
		return 0, best, err
	}
	low, high := best.GasUsed-1, m.Gas // fails or was not tried, succeeds
	// Most calls need what they use before refunds, and a 64th more in each call inside.
	try.Gas = min(high, (best.GasUsed+best.Refunded+callStipend)*64/63)
	for ; low+1 < high; try.Gas = low + (high-low)/2 {
		if err := goOn(); err != nil {
			return 0, CallResult{}, err
		}
		res, err := r.Probe(&try)
		if r.view.Err() != nil {
			return 0, CallResult{}, r.view.Err()
		}
		if err == nil && res.Fault == 0 {
			high, best = try.Gas, res
		} else {
			low = try.Gas
		}
	}
	return high, best, nil
}

// callStipend is what a call with value gets as a gift; a first guess that leaves room for one is seldom
// too low.
const callStipend = 2_300
