// Package ledger keeps the chain: it executes blocks, builds them, makes them final and answers what
// they did.
//
// Its nouns: the [Head] is the last final block; an [Outcome] is what executing a block gave, kept in
// memory until the block is final or given up; a [View] is the state as it stands after some block.
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
//  5. Everything that waits is bounded: OutcomesMax outcomes, RangeBlocksMax blocks a log query.
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
