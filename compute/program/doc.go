// Package program turns an ONNX model into a list of operators that is checked once, and runs it.
//
// A Program is in single assignment. Compile gives every value a slot, finds each node's operator as of the
// model's version of the operator set, reads its attributes and infers the types of all values, also
// through the graphs within If, Loop and Scan. What can still go wrong in Run are shapes, values that are
// parameters, and limits. Rules:
//
//	PROG-1  Nodes run in the order of the file; a value is used only after the node that makes it.
//	PROG-2  A value's memory is given back after its last use. What lives at once, with what a node needs
//	        while it runs, stays under Limits.Bytes; all work together under Limits.Steps.
//	PROG-3  Equal programs with equal inputs give equal bits, on every computer (AIW-1).
//	PROG-4  A Program is not changed by running; it may run several times at once.
//
//	model, err := onnx.DecodeModel(file)
//	p, err := program.Compile(model)
//	outputs, err := p.Run(inputs, program.DefaultLimits())
//
// compute/conformance runs the tests of ONNX with it.
package program
