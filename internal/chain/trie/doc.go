// Package trie computes the root of Ethereum's Merkle Patricia trie over pairs held in memory.
//
// It serves the transaction and receipt roots in block headers, which wallets and light tools compute
// again from what they are given. Nothing is stored: the pairs come sorted, each node is encoded once,
// bottom up, in one reused buffer, and only the root remains. It is not the state tree.
//
// In the trie a key is a path of nibbles. A node is an RLP list: a leaf or extension of two items (the
// path with a flag nibble, then the value or the child), or a branch of seventeen (a child for each
// nibble, then the value of the key that ends here). A child whose encoding has less than 32 bytes
// stands inside its parent; any other stands there as its Keccak-256 hash. The root is always hashed.
//
// internal/chain calls it; it is pure.
package trie
