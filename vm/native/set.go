package native

import (
	"encoding/hex"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/must"
)

// Mutability says what a method may do.
type Mutability uint8

// The kinds of methods, as Solidity knows them.
const (
	View       Mutability = iota // changes nothing, takes no value
	NonPayable                   // changes records, takes no value
	Payable                      // changes records and may take value
)

// Method is one function of a module.
type Method struct {
	Signature  string // "bond(address)"
	Returns    string // "(uint256)", or "()" for nothing
	Mutability Mutability
	Compute    uint64 // gas beside what the call's touches cost
	Run        func(*Call)
}

// Module is one system contract.
type Module struct {
	Name    string
	Address chain.Address
	Methods []Method
	Begin   func(c *Call, beta [32]byte) // at the start of every block, or nil
	Genesis func(c *Call, g *Genesis)    // once, or nil
}

// Genesis is what modules write their first records from.
type Genesis struct {
	Validators []chain.Validator
	Params     *chain.Params
	Seed       [32]byte
}

// Set is the table of all modules. It is immutable and safe for concurrent use.
type Set struct {
	modules []*table
	places  map[chain.Address]*table
}

// table is a module made ready for calls.
type table struct {
	Module
	methods map[[4]byte]*entry
}

type entry struct {
	Method
	params, results []string
}

// NewSet makes the table. Hooks run in the order of the modules. Two modules at one address, or two
// methods with one selector, are mistakes of ours and panic.
func NewSet(modules ...Module) *Set {
	s := &Set{places: make(map[chain.Address]*table, len(modules))}
	for _, m := range modules {
		must.Hold(s.places[m.Address] == nil, "native: two modules at one address")
		t := newTable(m)
		s.modules = append(s.modules, t)
		s.places[m.Address] = t
	}
	return s
}

func newTable(m Module) *table {
	t := &table{Module: m, methods: make(map[[4]byte]*entry, len(m.Methods))}
	for _, method := range m.Methods {
		sel := Selector(method.Signature)
		must.Hold(t.methods[sel] == nil, "native: two methods with one selector: "+method.Signature)
		t.methods[sel] = &entry{Method: method, params: typesOf(method.Signature), results: typesOf(method.Returns)}
	}
	return t
}

// Has reports whether a module stands at addr.
func (s *Set) Has(addr chain.Address) bool { return s.places[addr] != nil }

// Addresses gives the modules' addresses in their order.
func (s *Set) Addresses() []chain.Address {
	out := make([]chain.Address, 0, len(s.modules))
	for _, m := range s.modules {
		out = append(out, m.Address)
	}
	return out
}

// Modules gives what the set was made of, for tests and descriptions.
func (s *Set) Modules() []Module {
	out := make([]Module, 0, len(s.modules))
	for _, m := range s.modules {
		out = append(out, m.Module)
	}
	return out
}

// Run executes one call. There must be a module at f.Self.
func (s *Set) Run(f Frame) Result {
	m := s.places[f.Self]
	must.Hold(m != nil, "native: no module at the called address")
	c := newCall(&f)
	before := f.State.Snapshot()
	m.dispatch(c, &f)
	if c.err == nil {
		return Result{Output: c.output, GasLeft: c.gas}
	}
	f.State.RevertTo(before) // NATIVE-3
	if revert, ok := c.err.(*Revert); ok {
		return Result{Output: revert.Data, GasLeft: c.gas, Err: revert}
	}
	return Result{Err: c.err}
}

// dispatch finds the method of a frame's input and runs it.
func (t *table) dispatch(c *Call, f *Frame) {
	if !c.Charge(GasCall + GasInputWord*words(len(f.Input))) {
		return
	}
	method := t.accept(c, f)
	if method == nil || !c.Charge(method.Compute) {
		return
	}
	c.readonly = f.Static || method.Mutability == View
	c.Args = newDecoder(method.params, f.Input[4:])
	c.Out = &Encoder{types: method.results}
	method.Run(c)
	if c.err != nil {
		return
	}
	must.Hold(c.Args.read == len(c.Args.types) && c.Args.err == nil, "native: method ended without Ready: "+method.Signature)
	out := c.Out.Out()
	if c.Charge(GasOutputWord * words(len(out))) {
		c.output = out
	}
}

// accept gives the method that the frame calls, or fails the call (NATIVE-4).
func (t *table) accept(c *Call, f *Frame) *entry {
	if f.Delegate {
		c.Fail(t.Name + ": a system contract takes no delegated calls")
		return nil
	}
	if len(f.Input) < 4 {
		c.Fail(t.Name + ": no method named: a system contract takes no plain transfers")
		return nil
	}
	method := t.methods[[4]byte(f.Input)]
	switch {
	case method == nil:
		c.Fail(t.Name + ": unknown method 0x" + hex.EncodeToString(f.Input[:4]))
	case method.Mutability != Payable && !f.Value.IsZero():
		c.Fail(t.Name + ": this method takes no value")
		return nil
	case method.Mutability != View && f.Static:
		c.Fail(t.Name + ": a static call may not change anything")
		return nil
	}
	return method
}

// BeginBlock runs the modules' hooks at the start of a block, outside of any gas.
func (s *Set) BeginBlock(st State, b *Block, beta [32]byte) {
	for _, m := range s.modules {
		if m.Begin == nil {
			continue
		}
		c := systemCall(st, b, m.Address)
		m.Begin(c, beta)
		if c.lost() {
			return
		}
		must.Hold(c.err == nil, "native: block hook failed: "+m.Name)
	}
}

// Genesis runs the modules' genesis hooks.
func (s *Set) Genesis(st State, validators []chain.Validator, params *chain.Params, genesisSeed [32]byte) {
	g := &Genesis{Validators: validators, Params: params, Seed: genesisSeed}
	for _, m := range s.modules {
		if m.Genesis == nil {
			continue
		}
		c := systemCall(st, &Block{Params: params, ChainID: params.ChainID}, m.Address)
		m.Genesis(c, g)
		must.Hold(c.err == nil, "native: genesis hook failed: "+m.Name)
	}
}
