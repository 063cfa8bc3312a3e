// Package merkle commits to a list of byte strings and proves that one of them stands at one place.
//
// Nouns: a leaf is one byte string; a tag names what the list is (each use has its own, so that a proof
// made for one purpose is worth nothing for another); a root is 32 bytes; a Proof the list of sibling
// hashes from the leaf up.
//
//	MERKLE-1: T = SHA-256("aiwork/merkle/1" || u64be(len(tag)) || tag) begins every hash of a tree.
//	MERKLE-2: a leaf's hash is SHA-256(T || 0x00 || leaf), an inner node's is
//	          SHA-256(T || 0x01 || left || right).
//	MERKLE-3: levels are built pairwise from the left; the last node of an odd level moves up as it is.
//	MERKLE-4: the root is SHA-256(T || 0x02 || u64be(count) || top), top being the last node left, or
//	          32 zero bytes when count is 0. So a root fixes the number of leaves and with it the shape.
//	MERKLE-5: a proof holds exactly the siblings that the place has in the shape, at most DepthMax.
//	          Its encoding is one byte with their number and then 32 bytes each; nothing may follow.
//	MERKLE-6: a proof of several places, ascending, holds level by level and from the left the siblings that do not
//	          follow from the leaves themselves, and no more.
//
// The domain bytes keep leaves, nodes and roots apart, so that an inner node never passes for a leaf.
// Callers: jobs, batches of answers, audits, pay roots, disputes. The package is pure and holds no state.
//
//	root := merkle.Root("aiwork/job/outputs", outputs)
//	proof := merkle.Prove("aiwork/job/outputs", outputs, 3)
//	err := merkle.Verify("aiwork/job/outputs", root, outputs[3], 3, uint64(len(outputs)), proof)
package merkle
