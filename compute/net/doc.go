// Package net describes a network in canonical form: a list of operators over numbered values, as data and
// bytes. A model's id is a Merkle root over it, so that a single operator or weight of a model can be shown
// to whoever knows the id alone. compute/lower makes this form from a model file; a dispute about a result
// ends at one operator of it.
//
// Nouns. A Value is the number of a tensor: inputs first, then weights, then what operators make, in order.
// A Port is an input's type and shape. A Weight is a tensor that belongs to the model, by its root. An Op
// applies an operator of ONNX, of the version that Opset says. A Block is a list of operators with inputs of its
// own, the body of an If, Loop or Scan. A tile is TileLen elements of a tensor in row-major order.
//
//	NET-1: values are numbered without gaps. An operator reads only values with smaller numbers than its own.
//	NET-2: a block is closed. What its body reads from around stands at the end of the operator's inputs, in
//	       the order in which the bodies first read it, and at the end of each body's inputs.
//	NET-3: attributes stand in the order of their names, each name once. What the model file leaves out stays out.
//	NET-4: a model's id is the Merkle root (package merkle, tag "aiwork/model/2") of its head, its weights and its
//	       operators, each encoded by itself.
//	NET-5: a tensor's root is the Merkle root (tag "aiwork/tensor/1") of its tiles: the elements little-endian, a
//	       float's NaN 7fc00000, true as 1; the last tile may be shorter. A tensor without elements has a root too.
//	NET-6: a Digest names a tensor with its type and shape; a receipt is a list of them.
//
// The package is pure. Callers: compute/lower, receipts and the contract that settles disputes.
package net
