// Package hd makes many keys from one secret that a person can write down.
//
// Nouns: a mnemonic is 12 to 24 English words with a checksum (BIP-39); a seed is 64 bytes that come from
// it and an optional passphrase; a Key is a node of the tree of keys over a seed (BIP-32); a Path leads
// from the root to a Key.
//
//	HD-1: a mnemonic is accepted when its words and its checksum are right. Case and runs of white space
//	      do not matter; the passphrase counts to the letter, after Unicode normalisation NFKD.
//	HD-2: a path is "m" and then up to PathDepthMax steps "/n" or "/n'", n decimal below 2^31 without
//	      leading zeros. Nothing else is a path, so that a slip of the pen never gives another key.
//	HD-3: account i of a mnemonic is the key at m/44'/60'/0'/0/i (BIP-44 with Ethereum's coin type), as
//	      wallets for Ethereum have it.
//
// The command line (keys) and the devnet call it.
//
//	key, err := hd.Account(mnemonic, "", 0)
package hd
