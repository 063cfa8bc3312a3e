// Package beacon is the system contract that keeps the chain's randomness: the seed of every recent
// session, made from the VRF outputs in the blocks of the session before.
//
// Nouns: a beta is the VRF output of one block's proposer; R_s is the seed of session s.
//
//	BEACON-1: R_0 is fixed by the genesis hash and written in block 1.
//	BEACON-2: R_s is written at the start of the first block of session s, before its transactions, from
//	          R_{s-1} and the betas of all blocks of session s-1 in order.
//	BEACON-3: the last RingSessions seeds are readable; a later reader must ask for a new draw.
//	BEACON-4: what is asked for in session s is drawn with R_{s+2}: no party can know that seed before
//	          session s+1 has ended, nor choose it by leaving out a block of session s.
//
// Who needs randomness reads Seed (from Go, over any reader), SeedIn (inside a call of another contract)
// or seedOf(uint64) (from anywhere else). The package is pure.
package beacon
