// Package p2p connects a node with its peers: it proves who is who, carries consensus messages between
// validators with as little delay as the link has, answers requests, and spreads transactions. What
// the messages mean is its callers' affair; see docs/protocol/network.md for every byte.
//
// A [Net] is the node's place in the network. A [Peer] is another node; it may stand for a validator.
// An [Identity] is the key by which a node is known. A [Kind] is a sort of direct frame, a [Message]
// one that came in. A [Request] asks one peer for one thing, which a [Source] answers. A [TxSink]
// takes in transactions of others. A [Refusal] says why two nodes do not talk, a [Fault] what a peer
// has done wrong.
//
// Four kinds of traffic share a connection and never wait for each other:
//
//   - Direct frames: each side keeps one stream to the other and writes to it whatever is queued, at
//     once. There is one queue and one goroutine a peer, so a slow one delays nobody else.
//   - Requests: a stream each, with a deadline.
//   - Objects: large files in checked groups, at a bounded rate, also for a [Fetcher], which is no node.
//   - Gossip: batches of transactions, relayed after the sink has accepted them.
//
// What holds:
//
//	NET-1  Nothing but the handshake is exchanged with a peer before both have accepted it: version,
//	       chain id, genesis and fork table must be equal. Both sides get to know the reason.
//	NET-2  A peer stands for a validator only if it has signed with the vote key, for this chain,
//	       this connection's two identities and nothing else.
//	NET-3  Every length is held against a limit before room is taken for it, and room is taken as
//	       bytes arrive.
//	NET-4  Every queue is bounded. Frames for a peer: the oldest goes. Frames from peers: their
//	       streams wait. Forwarded transactions: the newest goes. Requests: answered "busy".
//	NET-5  Every stream has deadlines; one that is silent for ten seconds ends its connection.
//	NET-6  Each peer has its share of frames, bytes, requests and gossip; beyond it only that peer
//	       waits. Faults add up, fade, and lead to a ban with an end. A validator is banned for
//	       seconds only. What our own disk, memory or slowness causes is never a fault.
//	NET-7  All limits of the resource manager follow from the number of peers expected.
//	NET-8  Frames between two nodes keep their order on a stream; where a stream breaks, frames may be
//	       lost or come twice. Consensus is built for that.
//	NET-9  Objects are named by the hash of their bytes, so they need no trust: whoever names the chain may
//	       fetch them, a bounded number without a handshake. Nothing else is told to those.
//
// The consensus driver, sync and the blob store call it; internal/node makes it:
//
//	n, err := p2p.New(ctx, options)
//	go n.Run(ctx)
//	n.Broadcast(kindVote, vote)
//	for m := range n.Consensus() { ... }
package p2p
