package trace

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"strconv"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/exec"
	"github.com/aiwork/aiwork-node/vm"
)

// calls is callTracer: the tree of calls, creations and self-destructions.
type calls struct {
	config callsConfig
	budget *budget
	env    *Env

	gasLimit uint64
	top      *callFrame
	open     []openCall
	logs     int // alive in the transaction
}

type callsConfig struct {
	OnlyTopCall bool `json:"onlyTopCall"`
	WithLog     bool `json:"withLog"`
}

// callFrame is a call; its fields are go-ethereum's, in its order.
type callFrame struct {
	From         chain.Address  `json:"from"`
	Gas          quantity       `json:"gas"`
	GasUsed      quantity       `json:"gasUsed"`
	To           *chain.Address `json:"to,omitempty"`
	Input        data           `json:"input"`
	Output       data           `json:"output,omitempty"`
	Error        string         `json:"error,omitempty"`
	RevertReason string         `json:"revertReason,omitempty"`
	Calls        []*callFrame   `json:"calls,omitempty"`
	Logs         []callLog      `json:"logs,omitempty"`
	Value        *amount        `json:"value,omitempty"`
	Type         string         `json:"type"`
}

// openCall is a running call.
type openCall struct {
	frame   *callFrame // nil if it is not told of
	created bool
	last    last
	logs    int // alive when it began
}

type callLog struct {
	Address  chain.Address `json:"address"`
	Topics   []chain.Hash  `json:"topics"`
	Data     data          `json:"data"`
	Index    quantity      `json:"index"`
	Position quantity      `json:"position"`
}

// callBytes and logBytes are what a call and a log take beside their data.
const (
	callBytes = 400
	logBytes  = 480
)

func newCalls(config json.RawMessage, b *budget) (Tracer, error) {
	t := &calls{budget: b}
	if err := readConfig(config, &t.config); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *calls) Begin(env *Env, tx *Tx) { t.env, t.gasLimit = env, tx.Gas }

func (t *calls) Enter(c vm.Call) {
	o := openCall{created: c.Op == vm.CREATE || c.Op == vm.CREATE2, last: last{none: true}, logs: t.logs}
	if depth := len(t.open); depth == 0 {
		o.frame = t.frame(&c)
		t.top = o.frame
	} else if up := t.open[depth-1].frame; up != nil && !t.config.OnlyTopCall {
		if o.frame = t.frame(&c); o.frame != nil {
			up.Calls = append(up.Calls, o.frame)
		}
	}
	t.open = append(t.open, o)
}

func (t *calls) frame(c *vm.Call) *callFrame {
	if !t.budget.take(callBytes + 2*len(c.Input)) {
		return nil
	}
	f := &callFrame{From: c.From, To: &c.To, Gas: quantity(c.Gas), Input: bytes.Clone(c.Input), Type: opName(c.Op)}
	if c.Op != vm.STATICCALL {
		f.Value = &amount{c.Value}
	}
	return f
}

func (t *calls) Step(s *vm.Step) {
	if o := &t.open[len(t.open)-1]; o.frame != nil {
		o.last.set(t.env, s)
	}
}

func (t *calls) Log(l *chain.Log) {
	t.logs++
	f := t.open[len(t.open)-1].frame
	if !t.config.WithLog || f == nil || !t.budget.take(logBytes+2*len(l.Data)) {
		return
	}
	f.Logs = append(f.Logs, callLog{
		Address: l.Address, Topics: append([]chain.Hash{}, l.Topics...), Data: bytes.Clone(l.Data),
		Index: quantity(t.env.LogIndex + t.logs - 1), Position: quantity(len(f.Calls)),
	})
}

func (t *calls) Exit(output []byte, gasLeft uint64, fault vm.Fault) {
	o := &t.open[len(t.open)-1]
	t.open = t.open[:len(t.open)-1]
	if fault != 0 {
		t.logs = o.logs
	}
	f := o.frame
	if f == nil {
		return
	}
	f.GasUsed = f.Gas - quantity(gasLeft)
	if (fault == 0 || fault == vm.FaultRevert) && t.budget.take(2*len(output)) {
		f.Output = bytes.Clone(output)
	}
	if fault != 0 {
		t.failed(o, fault)
	}
}

// failed tells why a call failed. Its logs, and those of the calls inside, did not happen.
func (t *calls) failed(o *openCall, fault vm.Fault) {
	f := o.frame
	switch {
	case fault == vm.FaultRevert:
		f.Error, f.RevertReason = faultText(fault), revertReason(f.Output)
	case o.last.none:
		f.Error = faultText(fault)
	default:
		f.Error = o.last.explain(t.env.Fork, fault, o.created).text
	}
	if o.created {
		f.To = nil
	}
	f.dropLogs()
}

func (f *callFrame) dropLogs() {
	f.Logs = nil
	for _, c := range f.Calls {
		c.dropLogs()
	}
}

func (t *calls) End(gasUsed uint64) {
	if t.top != nil {
		t.top.Gas, t.top.GasUsed = quantity(t.gasLimit), quantity(gasUsed)
	}
}

func (t *calls) Result() (json.RawMessage, error) {
	if err := t.budget.err(); err != nil {
		return nil, err
	}
	return json.Marshal(t.top)
}

// revertReason reads what Solidity's require and assert say, in go-ethereum's words.
func revertReason(output []byte) string {
	if code, ok := exec.PanicCode(output); ok {
		if text, ok := exec.PanicText(code); ok {
			return text
		}
		return "unknown panic code: " + code.Hex()
	}
	reason, _ := exec.RevertReason(output)
	return reason
}

// quantity is a number in hexadecimal.
type quantity uint64

// MarshalText gives that form.
func (q quantity) MarshalText() ([]byte, error) {
	return strconv.AppendUint([]byte("0x"), uint64(q), 16), nil
}

// amount is a big number in hexadecimal.
type amount struct{ uint256.Int }

// MarshalText gives that form.
func (a amount) MarshalText() ([]byte, error) { return []byte(a.Hex()), nil }

// MarshalJSON keeps the embedded number from writing itself.
func (a amount) MarshalJSON() ([]byte, error) { return []byte(`"` + a.Hex() + `"`), nil }

// data is bytes in hexadecimal.
type data []byte

// MarshalText gives that form.
func (d data) MarshalText() ([]byte, error) { return hex.AppendEncode([]byte("0x"), d), nil }
