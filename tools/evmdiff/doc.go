// Package evmdiff holds the machine of package vm against that of go-ethereum: the same contracts, the same
// transactions, the same worlds.
//
// It is a module of its own, so that the node does not depend on go-ethereum. Its nouns: a [World] is the
// accounts that are there at first; a [Side] is one of the two machines on its copy of a world; a [Result]
// is what a transaction did there, and a [Program] is a world with transactions made from a seed.
//
// Both sides take the whole way of a transaction: [Ours] is vm.Machine.Run on a ledger/state.View,
// [Geth] is core.ApplyMessage and StateDB.Finalise on a StateDB over a database in memory.
package evmdiff
