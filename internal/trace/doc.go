// Package trace tells what a transaction did, in the JSON forms that go-ethereum gave the world.
//
// Nouns. A [Tracer] watches one transaction and gives a result. A [Config] names it and says what it
// leaves out; [Config.New] makes it. A [Run] executes transactions one after the other on a state, some
// of them watched. The tracers are the struct logger (a line for each instruction, the one without a
// name), callTracer, prestateTracer, 4byteTracer, noopTracer, and muxTracer, which is several at once.
// JavaScript is not run.
//
// Invariants.
//
//  1. Watching changes nothing: gas, logs and state are those of the run that was not watched.
//  2. Forms, names and numbers are those of go-ethereum, so that its clients need no change. What differs
//     is written in docs/ethereum.md.
//  3. What a tracer keeps is bounded by [ResultBytesMax]. Beyond it nothing more is kept, and the result
//     is an error that says what to ask for instead, never a part that looks like the whole.
//  4. Contracts of the chain run no instructions. They appear as calls with their logs, and what they
//     touched as accounts and slots.
//
// Package rpc calls it for debug_* and ots_*.
//
//	run := trace.Begin(view, &input, engine)
//	result, err := run.Trace(tx, config)
package trace
