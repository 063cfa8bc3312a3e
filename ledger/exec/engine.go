package exec

import (
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/vm"
	"github.com/aiwork/aiwork-node/vm/fork"
	"github.com/aiwork/aiwork-node/vm/native"
)

// Engine is what executes: the virtual machine with the programs it has made ready, and the system
// contracts. It is for one goroutine, which keeps it from block to block.
type Engine struct {
	machine *vm.Machine
	natives natives
}

// NewEngine gives an engine that remembers up to codeBytesMax bytes of programs.
func NewEngine(modules *native.Set, codeBytesMax int) *Engine {
	e := &Engine{machine: vm.New(fork.Latest, nil, vm.NewCodes(codeBytesMax)), natives: natives{modules: modules}}
	e.machine.SetNatives(&e.natives)
	return e
}

// IsNative reports whether a contract of the chain itself stands at addr.
func (e *Engine) IsNative(addr chain.Address) bool { return e.natives.Has(addr) }

// use puts the engine to work on a view, in a block.
func (e *Engine) use(view *state.View, in *Input) {
	e.natives.view, e.natives.block = view, &in.Block
	e.machine.SetState(view)
	e.machine.SetBlock(in.vm(view))
	e.machine.SetPrecompiles(in.Precompiles)
	e.machine.Trace(nil)
}

// natives shows the system contracts to the machine.
type natives struct {
	modules *native.Set
	view    *state.View
	block   *native.Block
}

// Has reports whether a system contract stands at addr.
func (n *natives) Has(addr chain.Address) bool {
	// Nearly every other address differs in its first bytes, so for those this is one comparison.
	return [16]byte(addr[:16]) == [16]byte{} && n.modules.Has(addr)
}

// Run runs a call to a system contract.
func (n *natives) Run(c *vm.NativeCall) {
	logs := len(n.view.Logs())
	res := n.modules.Run(native.Frame{
		State: n.view, Block: n.block, Caller: c.Caller, Self: c.Address, Value: c.Value, Input: c.Input, Gas: c.Gas,
		Static: c.Static, Delegate: c.Delegate, Depth: c.Depth,
	})
	c.Output, c.Gas, c.Fault = res.Output, res.GasLeft, 0
	switch res.Err.(type) {
	case nil:
		c.Logs = n.view.Logs()[logs:]
	case *native.Revert:
		c.Fault = vm.FaultRevert
	default: // out of gas; or the state could not be read, which whoever runs the block looks at
		c.Fault = vm.FaultGas
	}
}
