// Package onnx reads files of the Open Neural Network Exchange: models and tensors.
//
// It knows the wire format of protocol buffers and those messages that a network for inference needs; the
// rest is refused or, where it is only informative, skipped. What it gives is the file's content and no
// more: names are not resolved and operators not known. compute/program does that.
//
// The input is hostile. Rules:
//
//	ONNX-1  A file has at most ModelBytesMax bytes, NodesMax nodes in all, NestingMax graphs within
//	        graphs; the elements of its tensors take at most TensorBytesMax bytes.
//	ONNX-2  Nothing is allocated on the word of a length alone: a tensor's elements must be there.
//	ONNX-3  Functions, sparse tensors, training information and data in other files are refused as
//	        Unsupported, and so are tensors of a type that compute/tensor does not have.
//	ONNX-4  An error says what is wrong and where: "graph: node 3: attribute 0: ...".
//
// Nouns are those of the format: a Model has a Graph, a Graph has Nodes, initializers, inputs and outputs,
// a Node has Attrs.
//
//	model, err := onnx.DecodeModel(file)
//	input, err := onnx.DecodeTensor(file)
package onnx
