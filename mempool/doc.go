// Package mempool keeps the transactions that wait for a block.
//
// Nouns: an account is a sender with transactions here; its transactions stand in the order of their
// nonces. Those that follow its nonce in the state without a gap are pending and can be included; those
// behind a gap are queued. A transaction's worth is the least effective tip among itself and the
// pending ones before it, since none of it is earned before they are included; the worth of a queued
// one, and of one behind a fee cap below the base fee, is nothing.
//
// Rules:
//
//  1. Nothing is taken in that could not be paid: what all transactions of a sender can cost at most is
//     covered by its balance in the state, after each addition and replacement. When the balance falls,
//     transactions go from the end.
//  2. A replacement raises both caps by at least Options.PriceBumpPct, and rule 1 holds with it for the
//     whole chain behind it.
//  3. When the pool is full, a newcomer takes the place of transactions at the end of their senders'
//     chains, of the least worth first, and only where each is worth less than the newcomer; at most
//     EvictionsMax. Either it gets in or nobody leaves.
//  4. A queued transaction makes nobody leave. One sender has bounded transactions, bytes and queue.
//  5. Best depends on the order of arrival and the head only: equal tips go by arrival.
//  6. What leaves without being included leaves its reason, which is remembered for a while. The memory
//     serves answers to users only; it never refuses a transaction.
//  7. Best counts a transaction with the least gas that it uses, not with what it asks for: who asks for much
//     and uses little fills no block.
//  8. An account that runs another one's code (EIP-7702), or for which a waiting transaction carries an
//     authorization, has one transaction here, the next: the code may spend its balance and use up its nonces. A
//     transaction with an authorization of an account that has more is refused.
//
// These rules answer the known attacks: eviction by transactions that are never paid (rules 1, 3, 4),
// chains made void by one replacement (rule 2), cheap chains locked in by a dear last transaction
// (worth).
//
// The pool is safe for concurrent use. It has one mutex, under which no signature is checked and no
// state is read: Add recovers the sender and reads its account first, and starts over if the head has
// moved meanwhile. Time is the head's. To check many signatures on all cores before adding, see
// mempool/recover.
//
// The node adds what the RPC server and the peers bring, gives each new head, builds blocks from Best,
// waits on Changed, and saves the pool when it stops:
//
//	pool := mempool.New(mempool.Default(chainID))
//	err := pool.SetHead(mempool.Head{Height: 1, TimeMs: ms, BaseFee: fee, GasLimit: limit}, state, nil)
//	err = pool.Add(tx, true)
//	txs := pool.Best(limit, chain.BlockSizeMax)
package mempool
