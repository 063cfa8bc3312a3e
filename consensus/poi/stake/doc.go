// Package stake is the system contract that holds the validators: their keys, stakes and service bonds.
//
// Nouns: a validator is one member of the set, known by its place (its index) and its account; its stake
// weighs votes and draws; its service bond is what a false or missing attestation of machine work costs.
//
//	STAKE-1: the set comes from genesis; stake and bonds lie in this contract's balance:
//	         balance = sum of stakes + sum of service bonds.
//	STAKE-2: a validator may be drawn to audit while its service bond is at least the parameter
//	         serviceBondMin. Whoever has less is passed over until the bond is topped up.
//	STAKE-3: only contracts of the chain slash, and never more than the bond.
//	STAKE-4: the weight of a validator is its stake in units of WeightUnit, rounded down.
//
// Callers: tasks/job draws auditors with Auditors and punishes with Slash; consensus, RPC and CLI read
// Validators. The package is pure.
package stake
