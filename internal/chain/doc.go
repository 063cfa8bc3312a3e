// Package chain holds the words that every other package speaks: addresses, transactions, receipts,
// headers, blocks, votes and certificates, with their one encoded form, their hashes and the checks
// that need no state.
//
// What Ethereum defines keeps Ethereum's form, so that its wallets and tools work unchanged: a [Tx] of
// type 0, 1 or 2, its hash and sender, a [Receipt], a [Bloom], the two roots, and the [Header] with
// all fields of Osaka, whose hash is the Keccak-256 hash of its RLP. What is ours stands beside it in
// the fixed-width form of internal/codec: the [Extension] whose SHA-256 hash is the header's extraData,
// [Vote], [Proposal], [Certificate], [Seal]. docs/protocol/encoding.md defines each form.
//
// Invariants:
//
//  1. A value has one encoded form. Every decoder refuses all others, and bytes after the end, so that
//     decoding and encoding again gives the same bytes.
//  2. Every decoder is bounded by a named limit, never panics, and says whose fault it was: a
//     transaction is refused with a [TxFault], anything else with a [Fault], or with the fault of the
//     encoding below it.
//  3. A decoded value shares no memory with what it was decoded from.
//  4. A Tx, and the header of a Block, do not change after their first use: their hashes, encodings
//     and senders are remembered.
//
// The package is pure. It uses sync/atomic for the memories of rule 4 alone: a transaction is shared
// by the pool, the executor and the RPC server, recovering its sender is the dearest step of its life,
// and the pointers only ever go from nil to a value that depends on nothing but the transaction.
//
// Every package above the crypto packages may call it.
package chain
