// Package testnet runs networks of real processes on one machine.
//
// Nouns. A Cluster is a folder with a genesis and a home for each validator and worker; it is made once
// and can be started again. A Process is one child of the same binary: it writes its log into its home,
// is asked to stop with SIGTERM, can be killed, and stops by itself when the program that started it is
// gone, however that went. Load sends pre-signed transfers and measures; Chaos kills processes under
// load and checks that nothing was lost. Both speak only JSON-RPC, so the same client drives other nodes.
//
// Invariants. Everything listens on loopback. Every loop is bounded in count and time.
package testnet
