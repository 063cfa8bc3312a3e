// Package dispute is the system contract that settles which of two runs of a network is the true one.
package dispute
