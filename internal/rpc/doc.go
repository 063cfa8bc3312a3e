// Package rpc serves the node over JSON-RPC 2.0: Ethereum's methods, so that wallets, explorers and
// SDKs work unchanged, and aiwork_* for what Ethereum has no word for. HTTP and WebSocket share one
// port.
//
// Nouns. A Method is a Go function under a name, its parameters read by position. A Table holds the
// methods and describes them as OpenRPC (rpc.discover, and the page in docs/ made from it). A Server
// puts a Table on a port. A Limits value names every bound a stranger meets: body, batch, reply,
// time, rate, sockets, subscriptions. A Class groups methods by what they cost, and lanes give each class its turns.
// A Sandbox, from the ledger, is a state with the surroundings of a block; a stage is one with overrides put on it
// (a patch) and a block begun, on which calls are tried.
//
// Invariants. A request is answered or refused, never dropped in silence; an answer is never wrong for
// lack of data: what has been pruned is an error that says so. No method changes the node but by
// handing a transaction to the pool or a blob to the store. Admin calls are not on this port. Requests
// with a foreign Host or Origin are refused, so that a page in a browser cannot speak to the node. What runs code or
// searches the chain runs on threads of low priority, fewer than there are processors, so that no caller can delay
// consensus.
//
// Error codes are Ethereum's: -32700 parse, -32600 invalid request, -32601 unknown method, -32602
// parameters, -32603 our own fault, -32000 refused (the text says why), -32005 over a limit, 3 reverted
// (with data), 4 not final in time, and those of eth_simulateV1 from -38010 down.
//
// This is the one package that uses reflection (to read parameters and to describe methods) and, per
// request, recovers from panics: a bug in one answer must not stop a validator.
package rpc
