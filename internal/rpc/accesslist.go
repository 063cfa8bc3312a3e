package rpc

import (
	"bytes"
	"context"
	"slices"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/exec"
	"github.com/aiwork/aiwork-node/vm"
	"github.com/aiwork/aiwork-node/vm/fork"
	"github.com/aiwork/aiwork-node/vm/precompile"
)

// accessRoundsMax bounds how often a call is tried. A list changes what code sees of its gas, and code can
// make what it touches depend on that for ever.
const accessRoundsMax = 16

func (e *eth) addAccessList(t *Table) {
	t.Add(Method{
		Name: "eth_createAccessList", Summary: "Accounts and slots that a transaction touches, and its gas when it names them.",
		Params: []string{"call", "block", "stateOverrides"}, Cost: 20, Class: ClassCall,
	}, e.createAccessList)
}

type accessListForm struct {
	AccessList []accessForm `json:"accessList"`
	Error      string       `json:"error,omitempty"`
	GasUsed    Uint64       `json:"gasUsed"`
}

func (e *eth) createAccessList(ctx context.Context, args callArgs, tag *BlockTag, over *stateOverrides) (*accessListForm, error) {
	m, err := args.message(e.params.ChainID)
	if err != nil {
		return nil, err
	}
	st, err := e.open(scene{tag, "latest", over, nil})
	if err != nil {
		return nil, err
	}
	defer st.Close()
	defer st.run.Trace(nil)
	for range accessRoundsMax {
		if err := pauses(ctx).Err(); err != nil {
			return nil, st.refused(&m, err)
		}
		touched := st.newTouched(&m)
		st.run.Trace(touched)
		r, err := st.run.Probe(&m)
		if err != nil {
			return nil, st.refused(&m, err)
		}
		list := touched.list()
		if slices.EqualFunc(list, m.AccessList, equalTuples) {
			out := &accessListForm{AccessList: formAccess(list), GasUsed: Uint64(r.GasUsed)}
			st.run.Trace(nil)
			if fault := st.fault(&m, &r); fault != nil {
				out.Error = fault.Message
			}
			return out, nil
		}
		m.AccessList = list
	}
	return nil, Errorf(CodeRefused, "no access list found: what the call touches still changes after %d tries", accessRoundsMax)
}

func equalTuples(a, b chain.AccessTuple) bool {
	return a.Address == b.Address && slices.Equal(a.Slots, b.Slots)
}

// touched is a Tracer that notes what a call touches.
type touched struct {
	usual map[chain.Address]bool // warm without being named
	slots map[chain.Address]map[chain.Hash]bool
}

// newTouched begins with the slots that the message names, as its own are part of the answer.
func (st *stage) newTouched(m *exec.Message) *touched {
	t := &touched{usual: map[chain.Address]bool{m.From: true}, slots: map[chain.Address]map[chain.Hash]bool{}}
	t.usual[st.Input.Block.Coinbase] = true
	if m.To != nil {
		t.usual[*m.To] = true
	}
	precompile.New(fork.Latest).Addresses(func(a chain.Address) { t.usual[a] = true })
	for i := range m.Auths {
		if signer, err := m.Auths[i].Signer(); err == nil {
			t.usual[signer] = true
		}
	}
	return t
}

// list gives what was touched, in order, without accounts that are warm anyway unless they have slots.
func (t *touched) list() []chain.AccessTuple {
	out := []chain.AccessTuple{}
	for addr, slots := range t.slots {
		if t.usual[addr] && len(slots) == 0 {
			continue
		}
		tuple := chain.AccessTuple{Address: addr}
		for slot := range slots {
			tuple.Slots = append(tuple.Slots, slot)
		}
		slices.SortFunc(tuple.Slots, func(a, b chain.Hash) int { return bytes.Compare(a[:], b[:]) })
		out = append(out, tuple)
	}
	slices.SortFunc(out, func(a, b chain.AccessTuple) int { return bytes.Compare(a.Address[:], b.Address[:]) })
	return out
}

func (t *touched) address(a chain.Address) map[chain.Hash]bool {
	if t.slots[a] == nil {
		t.slots[a] = map[chain.Hash]bool{}
	}
	return t.slots[a]
}

// Enter notes a created account as warm: it is from then on.
func (t *touched) Enter(c vm.Call) {
	if c.Op == vm.CREATE || c.Op == vm.CREATE2 {
		t.usual[c.To] = true
	}
}

// Step notes the account or slot that an instruction is about to touch.
func (t *touched) Step(s *vm.Step) {
	top := len(s.Stack) - 1
	switch s.Op {
	case vm.SLOAD, vm.SSTORE:
		if top >= 0 {
			t.address(s.Self)[s.Stack[top].Bytes32()] = true
		}
	case vm.BALANCE, vm.EXTCODESIZE, vm.EXTCODECOPY, vm.EXTCODEHASH, vm.SELFDESTRUCT:
		if top >= 0 {
			t.address(s.Stack[top].Bytes20())
		}
	case vm.CALL, vm.CALLCODE, vm.DELEGATECALL, vm.STATICCALL:
		if top >= 1 {
			t.address(s.Stack[top-1].Bytes20())
		}
	}
}

// Log does nothing.
func (*touched) Log(*chain.Log) {}

// Exit does nothing.
func (*touched) Exit([]byte, uint64, vm.Fault) {}
