// Package quantize makes a model of bytes of a model of floats: a smaller one, whose products are exact.
//
// Weights become int8, symmetric, with a scale for each output channel; activations become uint8 with a scale and a zero point for each
// tensor, which are found by running the model on examples. The result is a model like any other, with an id of its own, in operators
// of ONNX whose sums are whole numbers (AIW-12), so that no order of adding can change a bit:
//
//	QUANT-1  A Conv becomes a QLinearConv. Zeros put around its input, and batch normalisations,
//	         products and sums by constants that follow it, are folded into it first.
//	QUANT-2  A Gemm or a MatMul by constants becomes a MatMulInteger, an Add of the bias, a Cast and a Mul by the scales of the columns.
//	QUANT-3  A Relu or Clip that alone reads what such a step makes is the saturation of its bytes.
//	QUANT-4  What only moves elements, and the largest of a window, stays in bytes. An Add of two values in bytes is an Add of floats between
//	         two DequantizeLinear and a QuantizeLinear. All else is computed in floats.
//	QUANT-5  A weight is round(w / scale), scale = largest |w| / 127; a bias is round(b / (scale of x · scale of w)). A range holds 0.
//	QUANT-6  Weights that all lie on a grid of at most 256 numbers with 0 among them, as those that were bytes before do, keep it: their zero
//	         point and scales are the grid's.
//
//	folded := quantize.Fold(m)
//	q, err := quantize.Model(ctx, m, examples, quantize.MethodMSE)
//
// PairsOf gives the same numbers in the form that other runtimes optimise: floats between QuantizeLinear and DequantizeLinear. That form's
// definition is arithmetic of floats and only near to the model's.
package quantize
