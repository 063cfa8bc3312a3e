// Package keccak is the hash of Ethereum: Keccak-256 with the padding from before SHA-3 was standard.
//
// Addresses, transaction hashes, block hashes and trie nodes are made with it, so that wallets and tools
// for Ethereum understand ours. Our own commitments use SHA-256 instead (crypto/merkle).
//
// Everything that speaks an Ethereum format calls it. Sum256 is safe for concurrent use.
//
//	address := keccak.Sum256(publicKey[1:])[12:]
package keccak
