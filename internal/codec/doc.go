// Package codec writes and reads the fixed-width binary form of everything of ours that is signed,
// hashed, stored or sent between nodes. What Ethereum defines is in RLP instead, see codec/rlp.
//
// The form is canonical, because one value has one form only:
//
//  1. Integers are big-endian and have the width of their type.
//  2. Byte strings of a known length stand as they are; others follow their length as a u32.
//  3. A list follows its number of elements as a u32.
//  4. Nothing may follow the last field.
//
// A [Writer] cannot fail. A [Reader] keeps its first error and from then on gives zeros, so that a
// decoder reads all its fields and asks once, with [Reader.End]. Every length read is held against a
// limit that the caller names before anything is allocated.
//
//	w := codec.NewWriter(10)
//	w.U64(height)
//	w.U16(signer)
//
//	r := codec.NewReader(w.Out())
//	height, signer := r.U64(), r.U16()
//	if err := r.End(); err != nil { ... }
//
// It is used by internal/chain, the vote log, the peer-to-peer messages and the stores.
package codec
