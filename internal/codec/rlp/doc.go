// Package rlp writes and reads Ethereum's Recursive Length Prefix form, strictly.
//
// An item is a byte string or a list of items. With n the number of payload bytes:
//
//  1. A single byte below 0x80 stands for itself.
//  2. A string of up to 55 bytes follows 0x80+n; a longer one follows 0xb7+k and n in k bytes.
//  3. A list with a payload of up to 55 bytes follows 0xc0+n; a longer one 0xf7+k and n in k bytes.
//  4. An integer is the string of its big-endian bytes without leading zeros; zero is the empty string.
//
// A value has one form only, and the reader refuses every other: a single byte below 0x80 with a
// prefix, a length with leading zeros or one that fits the short form, an integer with leading zeros,
// an item that reaches beyond its list, bytes after the last item.
//
// Writing appends to a slice that the caller owns. A [Reader] is pulled: the caller says what the next
// item must be, so nesting needs no limit, and nothing is allocated. It keeps its first error and from
// then on gives zeros; ask each reader once, with [Reader.End].
//
// It is used by internal/chain for transactions, receipts, headers and blocks, and by the tries.
package rlp
