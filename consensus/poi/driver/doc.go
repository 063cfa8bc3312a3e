// Package driver runs the consensus machine of a node: it brings it the network, the clock and the results
// of the ledger, and does what it says.
//
// Nouns: the loop is the one goroutine that owns the machine; a turn is what it does for the events that
// are there, from Step to the last effect; a body is a block with its encoding, held until it is final and
// a little longer; the intake decodes and checks messages before the loop sees them; the runner executes,
// builds and commits blocks in order; the syncer fetches final blocks when others are ahead.
//
// Invariants, cited where they are enforced:
//
//	DRV-1: what a turn logs is synced as one group before any other effect of the turn is performed.
//	       A turn that logs certificates only is not synced: they stand before the next vote in the log.
//	DRV-2: effects are performed in the order in which the machine gave them.
//	DRV-3: a local fault never makes a block bad. One of the vote log makes the node silent, one of the
//	       ledger ends Run with an error.
//	DRV-4: messages of one peer reach the machine in the order in which they came.
//	DRV-5: blocks are committed in order, once each, whoever found out that they are final.
//	DRV-6: a node with a lost vote log votes again only from the first session of an epoch that began,
//	       by its blocks' time, after this process began.
//
// Whoever silences the node in the middle of a run restarts the machine in place: it is given the log as
// after a crash, which is the one way in which a machine may lose its state.
//
// A node without keys, or with a key outside the validator set, follows: the same loop, without votes.
//
// internal/node makes a Driver, calls Run, gives Source to the peers, and shows Status.
package driver
