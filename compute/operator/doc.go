// Package operator computes the operators of ONNX by the numeric contract AIW-1 (docs/protocol/aiw-1.md).
//
// Find gives the Operator of a name as of a version of the operator set: which inputs and outputs of which
// types it has (its signature), and how to Make a Func of a node's attributes. A Func is called with
// tensors of those types and gives the outputs; what can still be wrong then are shapes, and values where
// an input is a parameter (an axis, an index).
//
//	OP-1  The result depends on the inputs and attributes alone: not on the path of the kernels, nor on
//	      what ran before.
//	OP-2  No input makes a Func panic, run on without end or allocate without asking: memory and steps are
//	      taken from the Budget first.
//	OP-3  An attribute that nobody reads makes a node invalid: what is not understood is not run.
//	OP-4  Inputs are never written to. An output may share its elements with an input as a View.
//
// Signatures are written as in "f,f,f?>f": letters of types before and behind an arrow. One letter stands
// for one type throughout; see class for what each may be. A question mark may be left out, a star repeats.
//
// compute/program finds the operators of a graph's nodes and calls them in order; If, Loop and Scan, which
// run other graphs, are its own.
package operator
