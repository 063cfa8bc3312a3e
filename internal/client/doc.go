// Package client speaks JSON-RPC to a node: what the command line, the worker and the load generator
// need of it. It knows nothing of the node's inside, so that what it can do, any program can do.
//
// Nouns. A Client talks to one URL. A Sender signs and sends an account's transactions in nonce order
// and waits for their receipts. Heads is a stream of new block numbers over a WebSocket.
//
// Invariants. Every call has a time limit and a size limit; an answer is decoded strictly; an error of
// the node comes back as *Error with its code and text.
package client
