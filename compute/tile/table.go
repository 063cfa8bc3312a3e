package tile

import "slices"

// An entry is an operator from a version of the set on, until a later entry of its name.
type entry struct {
	name   string
	since  int
	params []int // inputs whose elements decide the shape
	make   func(c *call) (*Plan, error)
}

func table() []entry {
	return slices.Concat(unaryEntries(), binaryEntries(), moveEntries(), shapeEntries(), foldEntries(), rowEntries(), quantizeEntries(), resizeEntries(), scatterEntries(), orderEntries(), languageEntries(), []entry{
		{"Cast", 6, nil, cast},
		{"CastLike", 15, nil, castLike},
		{"MatMul", 1, nil, matMul},
		{"Gemm", 7, nil, gemm},
		{"Conv", 1, nil, conv},
		{"ConvTranspose", 1, nil, convTranspose},
		{"BatchNormalization", 7, nil, batchNorm},
	})
}

// Covers says whether an operator is covered in a version of the set, as far as its name tells.
func Covers(name string, opset uint16) bool {
	return slices.ContainsFunc(table(), func(e entry) bool { return e.name == name && e.since <= int(opset) })
}
