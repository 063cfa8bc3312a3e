// Package rpcabuse does to a node's JSON-RPC what hostile and careless callers do, all at once, for as long
// as it is told: searches of all logs, calls and estimates that never end, traces, simulations, full batches,
// large and broken bodies, sockets that never read, requests that never come to their end, floods of filters
// and of worthless transactions.
//
// Its nouns: an [Attack] is one kind of abuse; a [Tally] says what a node answered to it. Nothing here knows
// how a node defends itself; that finality stays as it was is measured from outside, by package testnet,
// while [Run] runs (`aiwork-node testnet rpcabuse`).
//
// It attacks loopback addresses only.
package rpcabuse
