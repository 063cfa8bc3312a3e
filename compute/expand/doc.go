// Package expand writes a composite operator as a network of simpler ones: the body of a branch or a loop, the products and sums of a
// recurrent network's steps. A contract that settles a dispute about a run narrows it down within that network, and makes of it the one
// operator that it needs.
//
// Nouns. An Expansion stands for an operator on operands whose types and shapes are known, as those of a tile.Task are. Its values have
// numbers: first the operator's operands, then what its own operators make, in order. Outs says which of them are the operator's outputs.
//
//	EXPAND-1: an expansion computes what the operator does, to the bit. That it does is tested against compute/operator and compute/program.
//	EXPAND-2: it follows from the operator, its set's version, the operands' types and shapes, and the elements of the parameters that
//	          Params names. Each of its operators can be made without the others, in time that does not depend on what they compute.
//	EXPAND-3: If is the branch that its condition names. Scan is its body for each round, behind a Gather of what it scans, and a Concat of what it
//	          stacks. Loop is its body once; then, for each further round that its bound allows, an If of the last round's condition, whose
//	          other branch passes everything on. RNN, GRU and LSTM are Gemm, Add, Mul and functions for each step and direction.
//	EXPAND-4: what is passed through is the operand itself: no operator of the expansion makes it.
//	EXPAND-5: nothing that a stranger sends makes it panic, run on without end or allocate without bound. What is not covered, or that no
//	          honest run gets to, is a tile.Fault.
//
// The package is pure. Callers: tasks/dispute, and compute/receipt for those who want to win there.
//
//	ports, err := expand.Params(task)
//	x, err := expand.Resolve(task, parameters)
//	op, first := x.Op(7)
package expand
