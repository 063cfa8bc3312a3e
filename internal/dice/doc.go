// Package dice turns a 32-byte seed into a stream of numbers that is the same on every computer.
//
// It serves the draws of the protocol (leaders, panels, samples; the seed is then derived from agreed
// randomness) and seeded simulations. It is not a source of secrets: who knows the seed knows the stream.
//
// The stream is part of the protocol:
//
//	DICE-1: block i = SHA-256("aiwork/dice/1" || seed || u64be(i)), i = 0, 1, 2, ...
//	DICE-2: the stream is block 0 || block 1 || ...; every draw takes the next bytes, none is skipped.
//	DICE-3: Uint64 is the next 8 bytes, big-endian. Hash is the next 32 bytes.
//	DICE-4: Below(n) draws Uint64 values until one is less than 2^64 - (2^64 mod n); it is that one
//	        modulo n. So every value has exactly the same chance.
//
// Callers: sortition, sampling, genesis, simulators. A Dice belongs to one goroutine.
//
//	d := dice.New(seed)
//	winner := d.Below(totalStake)
package dice
