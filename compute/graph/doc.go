// Package graph holds a network as a list of typed operators, and runs it.
//
// A Graph is in single assignment: value 0 is the input, operator i makes value i+1 from earlier ones,
// the last value is the output. Check infers every shape and bounds every size, so that what passed can
// be run without further tests. The list is canonical: each value but the last is used, each tensor of
// weights belongs to exactly one place, all weights are finite.
//
// There are two ways to run a Graph, and they give equal bits. Define applies the definitions of
// compute/kernel operator by operator. Compile makes a Plan: chains are joined with the elementwise
// operators after them, every value gets a place in one arena by liveness, weights are laid out for the
// micro-kernels. A Plan's result does not depend on the path nor on the number of threads.
//
// compute/model reads graphs from files; compute/engine runs them.
package graph
