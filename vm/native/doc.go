// Package native turns a table of Go functions into a system contract: an account at a fixed address
// that is called with ABI-encoded input, pays gas, emits logs and keeps its records in ordinary slots.
//
// Nouns: a Module is one system contract with its Methods; a Set is the table of all modules; a Frame is
// one call to a module, as an execution engine makes it; a Call is what the method's Go function works
// with: arguments, slots, money, logs and the gas meter; a Result is the outcome.
//
// Rules, cited in the code:
//
//	NATIVE-1: one state, one journal. A module reads and writes only through State, so that reverting,
//	          proofs, tracing and simulation need nothing of their own.
//	NATIVE-2: gas is charged before each touch of the state, with the prices of EIP-2929 and EIP-2200
//	          (without refunds), plus fixed prices for computing. Running out of gas is a result, never
//	          a panic: the Call keeps its first error, and from then on reads give zero and writes,
//	          payments and logs do nothing.
//	NATIVE-3: a call that ends with an error leaves the state as it was before the call.
//	NATIVE-4: a delegated call is refused; a static one may not change anything; value comes only to
//	          methods that are payable.
//	NATIVE-5: a module never calls out into contracts; it pays by moving balance, which runs no code. So
//	          there is no re-entrance. Modules call each other as Go functions on the same Call.
//	NATIVE-6: input is decoded strictly: exactly one encoding of each value, exact bounds, zero padding,
//	          offsets in order, nothing after the last byte.
//	NATIVE-7: the caller is the immediate caller. Protocol time is the parent block's time, in ms.
//	NATIVE-8: an error is reported as Error(string), so that every Ethereum client can show it.
//	NATIVE-9: a state that cannot be read ends the call with State.Err, which is neither a refusal nor a
//	          broken ledger: whoever runs calls looks at State.Err before he believes a result.
//
// Callers: ledger/exec runs frames, block beginnings and genesis; the contracts (stake, beacon, registry,
// job) are written with Module, Method and Call; their readers for RPC, workers and auditors use Inspect,
// which runs the same reading code over any SlotReader. The package is pure.
//
//	set := native.NewSet(stake.Module(), beacon.Module())
//	res := set.Run(native.Frame{State: view, Block: &blk, Caller: from, Self: to, Input: data, Gas: gas})
package native
