// Package state is the one view through which everything reads and changes accounts and storage slots.
//
// Its nouns: an [Account] is a nonce, a balance and a code hash; a slot is a 32-byte value under an
// address and a 32-byte key. A [Reader] gives both as they stood after some block. A [View] lies over a
// Reader, holds what a block changes and can take any part of it back. A [Diff] is the net change of a
// View in sorted order, and an [Overlay] is a Reader that puts a Diff on top of another Reader, so that
// blocks which are not final yet can be executed on each other.
//
// Invariants:
//
//  1. One journal. Every change, of money, slots, logs, refunds and warmth alike, goes through a View
//     and is undone by RevertTo in the reverse order. There is no second ledger beside it.
//  2. An account that is empty (nonce 0, balance 0, no code) does not exist (EIP-161), and a slot that
//     holds zero does not exist. So equal states have equal flat forms and equal roots.
//  3. The zero code hash means "no code". The Keccak hash of nothing, which Ethereum writes in its
//     place, appears at the RPC only.
//  4. A Reader that fails does not change what a View returns into something that looks valid for
//     ever: the first error sticks, [View.Err] gives it, and whoever drives the View throws its result
//     away. A failing disk never makes a block bad (rule 11).
//  5. Equal views given equal calls give equal Diffs on every computer.
//
// A View is used by one goroutine. It is created by ledger/exec for a block or a call, and handed to
// the native modules, which declare the few methods that they need themselves.
//
//	view := state.New(reader)
//	view.BeginTx()
//	mark := view.Snapshot()
//	view.SubBalance(from, &amount)
//	view.AddBalance(to, &amount)
//	if refused {
//		view.RevertTo(mark)
//	}
//	view.EndTx()
//	diff := view.Diff()
package state
