// Package model reads and writes model files: everything that decides a model's answers in one canonical
// file, whose tagged SHA-256 is the model's id.
//
// The file holds a name, the licence and source of the weights, the form of the input and the way it is
// prepared, the names of the classes, and the network: operators as compute/graph lists them and tensors
// as float32 or as 8-bit steps. A change to any of it, be it the order of two operators, is another
// model. Rules:
//
//	MODEL-1  id = SHA-256(u64(len(tag)) || tag || file), tag "aiwork/model/1", length big-endian.
//	MODEL-2  One meaning has one file: every field is fixed or counted, nothing is optional but what the
//	         operator allows, indexes of tensors are implied by their order, nothing trails.
//	MODEL-3  A tensor in steps means weight = fma(float32(step), scale, min), one rounding.
//	MODEL-4  Batch normalisation stays an operator of its own and is lowered by kernel.LowerBatchNorm;
//	         zero padding before a convolution is written as that convolution's padding.
//	MODEL-5  A weight that is not finite, and a graph that graph.Check refuses, make the file invalid.
//
// The layout is in docs/protocol/aiw-1.md. Decode treats its input as hostile. tools/convert-nsfwjs
// writes files, compute/engine runs them, compute/model/builtin holds the one that ships.
package model
