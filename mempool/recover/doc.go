// Package recover finds the senders of many transactions on all cores.
//
// Recovering a sender from its signature is by far the dearest step in a transaction's life. It needs
// nothing but the transaction, which remembers the result: whoever is about to execute a block calls
// [Senders] first, whoever has a batch for the pool calls [Add], and no later step computes it again.
//
// The node's ingress, its gossip handler and its block importer call it. The pool itself starts no
// goroutine; that is why this is a package of its own.
package recover
