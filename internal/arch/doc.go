// Package arch holds the architecture as a file that a test reads.
//
// layers.txt gives every package one line, lowest layer first. The test asks `go list` what each
// package imports and checks three things: imports point only upwards in the file (downwards in
// the layers); packages marked pure import no clock, chance, network, file, log or lock, start no
// goroutine, use no float and do not range over a map; every package has a package comment. Sizes
// are a matter of judgement, so package outliers only prints them.
package arch
