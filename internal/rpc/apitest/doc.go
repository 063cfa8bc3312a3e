// Package apitest reads Ethereum's official JSON-RPC description and its recorded requests and answers
// (execution-apis), for the tests that hold this node's answers against them. Only tests import it.
//
// A Suite holds the cases and the schemas. A Case is a file: one or more Exchanges of a request and the
// recorded answer. Check holds a result against the schema of its method; Keys lists what an answer is made of,
// so that answers of different chains can be compared.
package apitest
