// Package ledgertest runs a chain in memory for tests: no network, no consensus, real execution.
//
// A [Chain] holds two ledgers. Each block is built on the first, sent through its encoding and executed
// on the second, then committed on both; after it both must be at the same root and no token may be
// missing. So every test of a contract is a test of determinism and conservation too.
//
//	c := ledgertest.New(t, ledgertest.Options{Accounts: 3})
//	rec := c.Send(c.Accounts[0], to, ledgertest.Tokens(5), data)
//	c.Advance(60_000) // the next block is a minute later
//	c.Blocks(64)      // two sessions pass, so that a requested seed is there
//
// Keys and times are fixed, so a chain with equal calls has equal hashes. Import it from a test package
// of its own (package job_test): the contracts themselves are below the ledger.
package ledgertest
