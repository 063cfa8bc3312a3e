// Package capability measures what a worker's machine does, and writes it down so that others can check it.
//
// Nouns. A Record tells of one measurement: machine, engine, the rates of some kernels, and for each model how long an item takes and
// what came out of it. The item is drawn from a session's seed, the worker's address and the model, so its answer cannot be
// known before, nor be copied from another worker; whoever has the model computes it anew. The Answer is the hash of the output.
//
//	CAP-1: a record is signed with the worker's account key, by EIP-712, over all of its bytes before the signature, its worker's
//	       address and the genesis hash. Its SHA-256 lies in the state, its bytes in the log of the transaction that showed it.
//	CAP-2: what is claimed of speed binds nobody but the worker: the registry believes it, and leases follow it (JOB-15).
//	CAP-3: a model whose input cannot be drawn, or on which the drawn input is at fault, is left out; its speed counts as not measured.
//
// Callers: the worker program measures and shows; `worker check` draws the same inputs and compares.
package capability
