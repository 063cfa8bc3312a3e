// Package receipt says in 32 bytes what a run of a network has computed.
//
// Nouns. A Trace keeps every tensor of a run, and can show any part of it. A full receipt is the root over the
// digests of all of them (dispute.ReceiptRoot): whoever disputes or defends a result makes it, by running again. A
// Checkpoint is the root over the values that live at a few cuts through the network, which costs next to
// nothing and may be made on every run. Work is counted in steps: multiply-adds, or elements that are made.
//
//	RECEIPT-1: a receipt has an entry for the inputs and one for each operator, so its shape follows from the
//	           network's head alone.
//	RECEIPT-2: a cut lies behind an operator. It holds all values that are made before it and read behind it, or put
//	           out. Of each of the stretches of equal length into which the operators are divided, the cut is the one
//	           with the fewest bytes, of equal ones the first. What follows a cut follows from its values. While the
//	           cuts of a checkpoint hold more bytes together, each value once, than a 1024th of the network's work, the
//	           one with the most bytes is left out, of equal ones the last: what it costs is bounded by the run's cost.
//	RECEIPT-3: the work of an operator is the number of elements that it makes, times the terms that each is the sum of:
//	           elements of the kernel for an index of its first axis (Conv, ConvInteger, QLinearConv; ConvTranspose, for
//	           each element that goes in), the inner dimension (MatMul, MatMulInteger, QLinearMatMul, Gemm), gates times
//	           the sizes of input and state (RNN, GRU, LSTM); else 1. Operators within bodies do not count.
//
// An executor calls an Observer with each value that it has made. Package receipt touches no disk or network.
//
//	t := receipt.NewTrace(n, inputs)
//	outputs, err := program.RunObserved(inputs, limits, t.Operator)
//	root := t.Root()
package receipt
