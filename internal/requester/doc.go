// Package requester is the client side of a job: make inputs canonical, ask the price, fund, upload, watch,
// and read the result with its money.
//
// Nouns. An Input is one file of the requester in the form that goes on chain, with the hash of the
// original. A Plan is a job before it is funded, with its price. A Result is what a job has come to: a
// line for each item, and the money, which adds up exactly or is an error.
//
// It speaks JSON-RPC only. The command line, the demo and the chaos runs use it.
package requester
