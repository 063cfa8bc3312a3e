package device

import "maps"

// operators lists what runs on devices, by name. Versions of the operator set differ in where parameters stand, which each looks up.
func operators() map[string]opFunc {
	all := map[string]opFunc{
		"MatMul": matMul, "Gemm": gemm,
		"Conv": conv, "ConvTranspose": convTranspose,
		"MaxPool": maxPool, "AveragePool": averagePool,
		"BatchNormalization": batchNorm, "LayerNormalization": layerNorm, "RMSNormalization": rmsNorm, "InstanceNormalization": instanceNorm,
		"GroupNormalization": groupNorm, "MeanVarianceNormalization": meanVariance, "LpNormalization": lpNorm,
		"Where": where, "Not": not, "Gather": gather, "Pad": pad, "Resize": resize,
		"Identity": identity, "Shape": shapeOf, "Size": sizeOf, "Reshape": reshape, "Flatten": flatten, "Squeeze": squeeze, "Unsqueeze": unsqueeze,
		"Transpose": transpose, "Concat": concat, "Split": split, "Slice": slice, "Expand": expand,
		"MatMulInteger": matMulInteger, "QLinearMatMul": qLinearMatMul, "ConvInteger": convInteger, "QLinearConv": qLinearConv,
		"QuantizeLinear": quantizeLinear, "DequantizeLinear": dequantizeLinear,
	}
	maps.Copy(all, unaryOperators())
	maps.Copy(all, binaryOperators())
	maps.Copy(all, rowOperators())
	return all
}
