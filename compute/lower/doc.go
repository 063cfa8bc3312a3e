// Package lower brings a model file into canonical form, and back. What the file calls its values, in which order it
// lists weights, which of them nobody reads and how it writes constants down makes no difference to the result: so equal networks
// have one id, and everybody who lowers a file finds the same.
//
//	LOWER-1  A Constant is a weight, wherever it stands; so is an initializer, also one that is listed as an input, and one of a
//	         block. Weights of equal type, shape and bits are one weight.
//	LOWER-2  Identity, and Dropout that drops nothing (no training mode, no mask), are left out.
//	LOWER-3  Operators and weights that no output needs are left out. All outputs of a control-flow operator need its whole body.
//	LOWER-4  What is left keeps the file's order. Weights are numbered as they are first read: by operators in order, those in
//	         bodies included, then by the outputs. Names of dimensions are numbered as they appear; one without a name has its own.
//	LOWER-5  Nothing else changes: operators are neither joined, split, reordered nor computed in advance, so the arithmetic
//	         is that of the file (AIW-12).
//
// A Model is a net.Net with the tensors of its weights. ONNX gives it back as a file that other runtimes can read; lowering that
// again gives the same id.
//
//	m, err := lower.Lower(file, lower.Outside{Form: net.FormTensors})
//	id := m.Net.ID()
//
// compute/model stores models in this form; compute/program and compute/plan run them.
package lower
