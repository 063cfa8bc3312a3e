// Package store keeps the chain on disk: one Pebble database, one batch and one sync a block.
//
// Its nouns: a [DB] is the open database; a [Commit] is everything that a final block brings: the block,
// its receipts and indexes, its seal, the changes of the flat state and what they replaced, the pages of
// the state tree, and the [Position] which says how far the chain has come; a [Snapshot] is the database
// as it stood after one of them; a [Past] is the state below a snapshot's head; a [Term] is what the index
// of logs knows of an address or topic.
//
// Invariants:
//
//  1. A Commit is on disk as a whole, or not at all. After it returned nil it survives power loss. So
//     recovery is opening the database, and no two parts of it can disagree.
//  2. Only final blocks are here. What is not final lies in memory and is executed again after a restart.
//  3. The first row binds the folder to a genesis hash and a format; [Open] refuses any other before it
//     reads anything else.
//  4. Every row has one encoding, bounded and strict; a row that does not decode is reported as damage,
//     never served.
//  5. A full disk stops the node, it does not hurt the data: [DB.Commit] refuses to begin when little
//     space is left, and after a failed write the DB refuses everything that follows.
//  6. A row of history says what an account or slot was before a block changed it. The state after height h
//     is, for each of them, what the first such row above h says, or the flat state where there is none.
//     Rows lie in partitions of 1,024 heights which go as a whole, so the states of the last
//     HistoryHeightsMax heights can be read and a look-up asks nine partitions at most. Codes never go away.
//  7. The index of logs has one row for each term of a block's logs and no other.
//
// A DB is safe for concurrent use; commits come one after the other. It is opened by ledger, and by the
// tools that verify or copy a database.
package store
