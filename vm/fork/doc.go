// Package fork names the rule sets of the EVM, in the order in which Ethereum took them into force.
//
// A [Fork] is a number, so that a rule reads "if f >= fork.Berlin". This chain runs Osaka from its first
// block; the older ones are there because most of the official tests are written for them, and a rule
// that is right in twelve variants is understood. Constantinople is the form without EIP-1283, which
// Ethereum called Petersburg.
//
// The package is pure. vm, vm/precompile and vm/statetest call it.
package fork
