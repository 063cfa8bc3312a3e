// Package genesis is the beginning of a chain: the file that an operator is given, what it says in
// checked form, and the block and state that follow from it.
//
// Its nouns: a [Genesis] is a parsed file; an [Alloc] gives tokens to an account; a [Validator] is a
// member of the first validator set with proofs that somebody holds its keys; [Built] is block 0 with
// its state. The hash of block 0 names the network and stands in everything that is signed.
//
// Rules:
//
//	GEN-1  What all nodes must agree on is here and nowhere else. Block 0's extra data is the SHA-256 hash of
//	       all of it in canonical form ([Genesis.Commitment]); its state root is that of the allocation and
//	       of the system contracts' first records.
//	GEN-2  Forks are the exception: they are decided later, so they are not in the hash. The fork id names
//	       those in force: a CRC-32 over the genesis hash and, in order, each fork's name and time ([ForkID]).
//	GEN-3  All tokens together, bonds included, are at most 10^10 (10^28 base units).
//	GEN-4  Each validator proves that it holds its vote key and its VRF key, over its address and the chain
//	       id (rule 15): without that, a key could be chosen to cancel another one.
//	GEN-5  System contracts have the code 0xfe (an invalid instruction), so that Solidity's check for code
//	       passes. The history contract of EIP-2935 has its own code.
//	GEN-6  Every parameter has bounds, within which jobs end, fees move and stakes weigh something. A file that
//	       Check takes can be built.
//
// Decoding is strict: an unknown key, a missing field or an amount that is not a plain decimal number is
// refused with a sentence that says where. Pure; called by ledger, the devnet and `aiwork-node init`.
package genesis
