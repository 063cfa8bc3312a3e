// Package ledger keeps the chain: it executes blocks, builds them, makes them final and answers what
// they did.
//
// Its nouns: the [Head] is the last final block; an [Outcome] is what executing a block gave, kept in
// memory until the block is final or given up; a [View] is the state as it stands after some block; a
// [BlockRow] is what a final block was executed from.
//
// Invariants:
//
//  1. What is final is on disk, in one batch with one sync, before Commit returns; what is not final is in
//     memory only. There is nothing to recover but the database itself.
//  2. A block is executed once, also one that was built here: outcomes are found by the block's hash.
//  3. Execute tells whose fault it is. A [BadBlock] is the block's, whoever executes it; every other error
//     is this machine's and says nothing about the block (rule 11).
//  4. No tokens are made: after each block the balances have sunk by exactly what was burned. It is
//     checked in production, with what the state says before and after, and a difference stops the node.
//  5. Everything that waits is bounded: OutcomesMax outcomes, RangeLogsMax logs a query (and whatever else
//     its last block has), RangeBlocksMax blocks where no address or topic leads through the index. The
//     only clock is the deadline of the caller's context.
//  6. The state after each of the last HistoryHeightsMax heights can be read, the head's among them, and no
//     other; which, every refusal says. A state once opened stays what it is. Proofs are for the head only:
//     of older states the tree's pages are not kept.
//  7. The index of logs narrows a query and never decides it: what is found is held against the receipts.
//
// Execute and Build are called by one goroutine at a time, the consensus driver's; Commit by one at a
// time, which may be another; everything else by anyone. News are not announced: whoever wants to follow
// takes Head, waits on its channel and reads what came.
//
//	head, next := l.Head()
//	for {
//		... read blocks up to head.Height ...
//		<-next
//		head, next = l.Head()
//	}
package ledger
