// Package precompile holds the contracts that Ethereum has built in at the addresses 0x01 to 0x11 and
// 0x100: signature recovery, hashes, big powers, curves and pairings.
//
// A [Contract] is one of them under one rule set: it has a price that follows from the input, and an
// answer that is either bytes or a refusal. The price is asked first; the answer is worked out only when
// the caller has paid. A refusal takes all gas of the call, as in Ethereum.
//
// Invariants:
//
//  1. Price and answer depend on the input and the rule set alone.
//  2. No input panics, and work is bounded by the price: lengths are checked before anything is allocated.
//  3. The mathematics of the curves is that of gnark-crypto, of P-256 and SHA-256 that of the standard
//     library, of RIPEMD-160 that of golang.org/x/crypto, of secp256k1 ours. Encodings, bounds, subgroup
//     checks and prices are here.
//  4. The point evaluation of EIP-4844 needs one point of the public ceremony, which is a constant here;
//     the tests hold it against the setup of go-eth-kzg.
//
// The package is pure. Package vm calls it.
package precompile
