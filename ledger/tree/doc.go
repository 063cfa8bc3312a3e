// Package tree commits to the whole state in one hash: a sparse binary Merkle tree over SHA-256 whose
// root stands in every header and from which any account or slot can be proved, or proved absent.
//
// The tree is a function of the set of its leaves alone: neither the order of blocks nor of changes
// within a block can be seen in the root. Its rules, which docs/protocol/state.md repeats:
//
//	TREE-1  The key of an account is SHA-256(0x00 || address), of a slot SHA-256(0x01 || address || key).
//	TREE-2  The value of an account is SHA-256(0x02 || nonce u64 || balance 32 bytes || code hash), big-endian;
//	        the value of a slot is what it holds. Empty accounts and slots holding zero have no leaf.
//	TREE-3  A subtree without leaves has the zero hash.
//	TREE-4  A subtree with one leaf, at whatever depth, has the hash SHA-256(0x03 || key || value).
//	TREE-5  Any other subtree has SHA-256(0x04 || left || right), split by the next bit of the key, highest
//	        bit first.
//	TREE-6  The root is the hash of the whole tree.
//
// On disk the tree lies in pages of four levels: a page has 16 children, each absent, a leaf with its
// key and value, or the hash of another page; a page below the root holds at least two leaves. A page is
// found by its [Path], so that a newer page takes the place of an older one and nothing has to be
// collected. How pages are cut does not show in the root.
//
// [Apply] computes the pages and the root after a block from a [Reader] of the pages before it; the
// caller keeps the new pages in memory ([Overlay]) until the block is final. [Rebuild] computes the root
// from all leaves by other code. [Prove] and [Proof.Verify] are for light clients.
//
// Called by ledger and internal/genesis. What another commitment would have to offer is Apply's
// signature: changes in, root and things to store out.
package tree
