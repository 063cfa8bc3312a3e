// Package node is the one composition root: it makes the parts of a node, ties them together, runs them,
// and stops them in order. It decides nothing itself.
//
// Nouns. A Node is one running node, validating or following. An adapter gives a part of one package the
// shape that another package's needs.go asks for; there is one file of adapters for each consumer.
//
// Invariants. What is started is waited for. The first part that ends with an error ends the node, with
// that error. Nothing listens beyond loopback unless the configuration says so.
package node
