// Package statetest runs the official state tests of Ethereum against package vm.
//
// Its nouns: a file holds tests by name; a test has a state before, a transaction with several data, gas
// limits and values, and for each rule set the cases that combine them with what must be there after; a
// [Runner] runs the cases of a file and hands each [Result] to its caller; a [World] is a state in maps.
//
// A case passes when the transaction was refused exactly where it had to be and for a reason that was
// asked for, and when all accounts with nonce, balance, code and slots (where the test lists them), the
// root of the state's trie, and the hash of the logs are those that the test names. The first difference
// is what a Result says.
//
// The decoder refuses fields that it does not know, so that a test cannot ask for something that is
// passed over. The tests of this package run all files of the published archive; `aiwork-node evm
// statetest` runs files and folders of the user.
package statetest
