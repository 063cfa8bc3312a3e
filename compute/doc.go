// Package compute does the work of the market: a Worker runs the batches it is drawn for, an Auditor
// re-executes the samples it is drawn for. Both are the same wheel: wait for the head, ask what is due
// for an address (its Agenda), run the model in the engine's process, say what came out in a
// transaction, and look again.
//
// Beside that it plays disputes: a Party challenges what differs from its own result and defends what was challenged, by an
// Advocate that has run the item and keeps every value. A runner may watch: run open results of others again by chance.
//
// Nouns. A Market is what both need of the chain; a worker reaches it over JSON-RPC, an auditor inside
// its validator. A Task is one batch in a state in which its owner must act. A Journal keeps results and
// salts on disk, each output at its place as soon as it is there. A Book remembers what the state tells of live jobs, for a node that
// answers many.
//
// Invariants. COMPUTE-1: what an address has committed to is on disk before the commitment leaves, so a
// restart opens exactly what was committed and runs nothing twice. COMPUTE-2: the chain alone says what
// is due; the journal only says what the answer was. COMPUTE-3: a fault of this machine (engine crash,
// missing blob) is never reported as a fault of the input; the batch is tried again and then given back.
// COMPUTE-4: an entry leaves the journal only when the chain has shown that its attempt is over. That the
// agenda does not list it proves nothing: the node may lag, or be another one than before. COMPUTE-5: what
// the chain has taken is never sent again by the same process; what may be on its way when a process dies
// is sent again in the same words, and the chain refuses the second one.
//
// COMPUTE-6: what a party does in a dispute follows from the chain alone, so a restart loses nothing of it. COMPUTE-7: an auditor that
// sees a false result in its sample disputes it before it reveals, and reveals in time whatever becomes of that.
//
// With the build tag faulty the engine spoils outputs on purpose; nothing in this package knows of it.
package compute
