// Package job is the system contract of machine work: jobs, their batches and items, commitments, audits,
// and the escrow that pays for them.
package job
