// Package keystore keeps private keys in files that a password protects, in the format that wallets for
// Ethereum share: Web3 Secret Storage, version 3.
//
// Nouns: a file is one key as JSON; a Cost says how much work a guess at its password takes.
//
//	KEYSTORE-1: we write scrypt (N = 2^18, r = 8, p = 1 unless told otherwise), AES-128-CTR and a Keccak
//	            MAC, and read scrypt and PBKDF2 with HMAC-SHA-256.
//	KEYSTORE-2: a file is read only when it is at most FileBytesMax long and its work factors lie within
//	            named limits, so that a hostile file takes neither memory nor time without bound.
//	KEYSTORE-3: a file appears under its name complete or not at all, readable by its owner only, and
//	            never replaces another.
//	KEYSTORE-4: an address in a file must be that of the key in it.
//
// Field names that we do not know are ignored, as other wallets add their own.
//
// The command line and the node's start call it.
//
//	path, err := keystore.Write(dir, key, password, keystore.Default(), time.Now())
//	key, err := keystore.Read(path, password)
package keystore
