// Package vm is the Ethereum Virtual Machine, and the rules by which a transaction uses it.
//
// Its nouns: a [Machine] runs one transaction after the other on a [State] in a [Block]; a [Tx] is a
// transaction whose sender is known; an [Outcome] is what became of it; a [Code] is code made ready to run,
// and [Codes] remembers them; a program is what a code becomes that is run often; a [Fault] says why code ended, a [TxFault] why a transaction cannot
// stand in a block; a [Tracer] is told of each step.
//
// Invariants:
//
//  1. The rule set (package vm/fork) is chosen when the machine is made. All that differs between rule
//     sets is a row of the instruction table, a built-in contract, or a comparison with a fork's name.
//  2. Equal machines, states, blocks and transactions give equal outcomes and equal changes. The package
//     knows no clock, chance, file, goroutine or float.
//  3. Gas is taken before the work that it pays for is done. Gas of one frame never grows but by what a
//     call gives back.
//  4. A call that faults leaves nothing behind but the gas it took; all changes go through the State,
//     whose snapshots undo them. Creations and destructions are remembered beside it and cut back with it.
//  5. In the steady state a running program allocates nothing but the logs and code that outlive it:
//     frames, stacks and memories are kept from call to call, codes and programs by their hash.
//  6. One loop, run, is the definition of the instructions. Tracing has a copy of it, made by a rule that a test
//     checks, so that a run without a tracer pays nothing for it. Programs have a loop of their own, which does
//     what run does at every gas limit, faults included; it leaves to run what it cannot do so.
//  7. What others wrote is translated into a program only when what it has run has paid for that.
//
// Called by ledger/exec, which gives it the system contracts as [Natives]; and by vm/statetest, which runs
// it against the official tests of Ethereum, and with which `aiwork-node evm` serves it to people.
//
//	m := vm.New(fork.Latest, state, vm.NewCodes(vm.CodesBytesMax))
//	m.SetBlock(block)
//	outcome, err := m.Run(&tx) // err is a TxFault
package vm
