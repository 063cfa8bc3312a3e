// Package secp is the elliptic curve secp256k1: keys, ECDSA as Ethereum uses it and BIP-340 Schnorr as
// our validators use it.
//
// Nouns: a PrivateKey is a secret scalar; a PublicKey a point; a Signature is an ECDSA signature from
// which the signer can be recovered; a SchnorrKey a validator's public key, parsed once and used often;
// a SchnorrItem one entry of a batch.
//
// Invariants, cited where they are enforced:
//
//	SECP-1: a private key is in [1, n). A public key is a point of the curve with coordinates below p,
//	        never the identity. Compressed (0x02, 0x03) and uncompressed (0x04) forms are accepted
//	        where named, the hybrid forms never.
//	SECP-2: an ECDSA signature has r in [1, n), s in [1, n/2] and V 0 or 1 (the parity of the nonce
//	        point's y). So nobody can make a second valid form of a given signature.
//	SECP-3: ECDSA nonces are RFC 6979 over SHA-256: the same key and hash always give the same
//	        signature.
//	SECP-4: Schnorr signatures are exactly those of BIP-340, with messages of any length.
//	SECP-5: a batch is accepted when every signature in it is valid; a batch with an invalid one is
//	        refused but for a chance of 2^-128 that the signers cannot steer, because the
//	        coefficients come from a hash over all keys, messages and signatures.
//
// Group operations on public data take time that depends on the data. Signing is done with the
// scalar and point routines of dcrd and is not hardened against an observer on the same machine.
//
// Everything that signs or verifies calls it: transactions, votes, proofs of possession, the VRF. All
// functions are safe for concurrent use. The package is pure: chance comes in as an argument.
package secp
